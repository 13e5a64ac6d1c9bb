"""Every test of the command line has a folder with a site, and the command in it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from beffroi.cli import app
from beffroi.components import DetectorConfig
from blindness import register
from commands import SITE, Answer, Beffroi
from typer.testing import CliRunner


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working directory with a site; the log is put back as it was."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    monkeypatch.chdir(tmp_path)
    Path("site.yaml").write_text(SITE, encoding="utf-8")
    yield tmp_path
    root.handlers[:] = before
    root.setLevel(level)


@pytest.fixture
def beffroi() -> Beffroi:
    def run(*arguments: str) -> Answer:
        answer = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
        return Answer(answer.exit_code, answer.stdout, answer.stderr)

    return run


@pytest.fixture
def blind() -> Iterator[None]:
    """A detector that finds nothing, so that videos can be run without a model."""

    register()
    yield
    del DetectorConfig.types["blind"]
