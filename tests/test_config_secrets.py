"""Secrets come from the environment or a file, and are shown nowhere."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from beffroi.components import BuildContext, Finding, Source, SourceConfig
from beffroi.conceal import conceal, forget, remember
from beffroi.config import examine, load
from beffroi.errors import SiteError

SECRET = "Tr0ub4dor'&\\3 é"


@pytest.fixture(autouse=True)
def camera_with_a_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A source whose settings hold a password, and whose mistakes would show it."""

    class Camera(SourceConfig):
        type: Literal["with-password"]
        url: str
        port: int = 554

        def findings(self, context: BuildContext) -> list[Finding]:
            return [(("url",), f"cannot reach {self.url}")] if "unreachable" in self.url else []

        def build(self, context: BuildContext, fps: float | None) -> Source:
            raise NotImplementedError

    monkeypatch.chdir(tmp_path)
    forget()
    yield
    forget()
    del SourceConfig.types["with-password"]


def site(url: str, more: str = "") -> Path:
    path = Path("site.yaml")
    path.write_text(
        "site: { name: x, timezone: UTC, mode: evaluation }\n"
        f"{more}cameras:\n  gate:\n    source: {{ type: with-password, url: {url} }}\n"
        "    detect: { model: deimv2-femto }\n    views: { day: {} }\n",
        encoding="utf-8",
    )
    return path


def url(path: Path) -> str:
    source = load(path).cameras["gate"].source
    return source.model_dump()["url"]


def test_a_name_is_replaced_by_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAM1", SECRET)
    assert (
        url(site('"rtsp://viewer:${CAM1}@10.0.0.1/${CAM1}"')) == f"rtsp://viewer:{SECRET}@10.0.0.1/{SECRET}"
    )


def test_two_dollars_stand_for_the_characters() -> None:
    assert url(site('"a$${CAM1}b$c"')) == "a${CAM1}b$c"


def test_a_missing_name_is_named_with_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CAM1", raising=False)
    with pytest.raises(SiteError) as error:
        load(site('"rtsp://viewer:${CAM1}@10.0.0.1"'))
    assert str(error.value) == (
        "site.yaml:4:41: cameras.gate.source.url: the environment variable CAM1 is not set"
    )


def test_an_empty_one_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAM1", "")
    with pytest.raises(SiteError, match="the environment variable CAM1 is empty"):
        load(site('"${CAM1}"'))


def test_a_name_that_is_not_closed() -> None:
    with pytest.raises(SiteError) as error:
        load(site('"${CAM1"'))
    assert str(error.value).endswith(
        "`${` opens the name of an environment variable: `${NAME}`; for the characters write `$${`"
    )


def test_numbers_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "8554")
    source = load(site('x, port: "${PORT}"')).cameras["gate"].source
    assert source.model_dump()["port"] == 8554


def test_a_secrets_file_stands_beside_the_site(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CAM1", raising=False)
    Path("s.env").write_text(f'# cameras\n\nexport CAM1 = "{SECRET}"\nCAM2=b\n')
    assert url(site("'${CAM1}-${CAM2}'", "secrets: s.env\n")) == f"{SECRET}-b"
    monkeypatch.setenv("CAM1", "from outside")
    assert url(site("'${CAM1}'", "secrets: s.env\n")) == "from outside"
    with pytest.raises(SiteError, match=r"the environment variable CAM3 is not set, nor does s\.env hold it"):
        load(site("'${CAM3}'", "secrets: s.env\n"))


def test_mistakes_in_a_secrets_file_show_no_value() -> None:
    Path("s.env").write_text("CAM1=hidden-1\nCAM1=hidden-2\nhidden-3\n")
    with pytest.raises(SiteError) as error:
        load(site("'${CAM1}'", "secrets: s.env\n"))
    assert str(error.value).splitlines() == [
        "s.env:2:1: CAM1 is given twice",
        "s.env:3:1: should be NAME=value, with a name of letters, digits and _",
    ]


def test_a_secrets_file_that_is_not_there() -> None:
    with pytest.raises(SiteError, match=r"^nowhere\.env: cannot be read: No such file or directory"):
        load(site("x", "secrets: nowhere.env\n"))


def test_no_error_and_no_repr_shows_a_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAM1", SECRET)
    loaded = load(site('"rtsp://viewer:${CAM1}@10.0.0.1"'))
    for text in (repr(loaded), str(loaded), repr(loaded.cameras), f"{loaded.cameras['gate'].source}"):
        assert "Tr0ub4dor" not in text
        assert "viewer:${CAM1}@10.0.0.1" in text
    problems = [str(p) for p in examine(site('"unreachable-${CAM1}", port: "${CAM1}"')).problems]
    assert problems == [
        'site.yaml:4:70: cameras.gate.source.port: should be a whole number, got "${CAM1}"',
    ]
    problems = [str(p) for p in examine(site('"unreachable-${CAM1}"')).problems]
    assert problems == ["site.yaml:4:41: cameras.gate.source.url: cannot reach unreachable-${CAM1}"]


def test_no_log_line_shows_a_value(capsys: pytest.CaptureFixture[str]) -> None:
    from beffroi.cli.logs import set_up

    remember("correct horse", "STAPLE")
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    try:
        for form in ("text", "json"):
            set_up(form, 0)
            try:
                raise ValueError("cannot open rtsp://a:correct%20horse@b")
            except ValueError:
                logging.getLogger("x").exception("broke: %s", "correct horse")
    finally:
        root.handlers[:] = before
        root.setLevel(level)
    said = capsys.readouterr().err
    assert "horse" not in said
    assert said.count("${STAPLE}") >= 4


def test_a_short_value_is_replaced_only_where_it_stands_alone() -> None:
    remember("7q", "SHORT")
    assert conceal("a:7q@b 17q 7q2 7q") == "a:${SHORT}@b 17q 7q2 ${SHORT}"
    remember("", "EMPTY")
    assert conceal("nothing") == "nothing"
