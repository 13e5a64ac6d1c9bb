"""Counting instructions: what is more, what is fewer, and what is not judged."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from benches import instructions
from benches.instructions import Count, CountError, judge, recorded, write

BEFORE = Count("rules", 50, 1000, 4.0)


@pytest.mark.parametrize(
    ("found", "said", "kept"),
    [
        (Count("rules", 50, 1019, 4.05), "+1.90%", True),
        (Count("rules", 50, 1021, 4.0), "MORE", False),
        (Count("rules", 50, 1000, 4.2), "MORE", False),
        (Count("rules", 50, 900, 4.0), "fewer: record it", True),
        (Count("rules", 50, 1000, 3.0), "fewer: record it", True),
    ],
)
def test_more_than_the_tolerance_is_found_and_fewer_is_said(found: Count, said: str, kept: bool) -> None:
    line, ok = judge(found, BEFORE, 0.02)
    assert said in line
    assert ok is kept


def test_a_crowd_that_was_never_recorded_is_not_passed_over() -> None:
    line, ok = judge(BEFORE, None, 0.02)
    assert "not recorded yet: --write" in line
    assert not ok


def test_what_is_written_is_read_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(instructions, "FILE", tmp_path / "instructions.toml")
    write([BEFORE], 0.02)
    assert recorded().counts == {"rules, 50 objects": BEFORE}
    assert recorded().compiler == instructions.compiler()
    assert recorded().tolerance == 0.02


def test_every_crowd_that_is_counted_is_recorded() -> None:
    assert {(entry.scene, entry.objects) for entry in recorded().counts.values()} == set(instructions.CROWDS)


def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, counted: float, compiler: str) -> int:
    """The command on one crowd with made-up counts; its exit code."""
    monkeypatch.setattr(instructions, "FILE", tmp_path / "instructions.toml")
    monkeypatch.setattr(instructions, "compiler", lambda: "1.0.0 here")
    write([BEFORE], 0.02)
    monkeypatch.setattr(instructions, "compiler", lambda: compiler)
    monkeypatch.setattr(instructions, "CROWDS", [("rules", 50)])
    monkeypatch.setattr(instructions, "build", lambda: tmp_path)
    monkeypatch.setattr(instructions, "count", lambda *_: Count("rules", 50, counted, 4.0))
    monkeypatch.setattr(sys, "argv", ["instructions", "--json"])
    with pytest.raises(SystemExit) as caught:
        instructions.main()
    return int(caught.value.code or 0)


def test_the_command_judges_the_same_compiler_only(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, tmp_path, counted=1000, compiler="1.0.0 here") == 0
    capsys.readouterr()
    assert run(monkeypatch, tmp_path, counted=1100, compiler="1.0.0 here") == 1
    assert json.loads(capsys.readouterr().out)["ok"] is False
    assert run(monkeypatch, tmp_path, counted=1100, compiler="2.0.0 here") == 0
    assert "not judged: recorded with 1.0.0 here, counted with 2.0.0 here" in capsys.readouterr().err


def test_without_valgrind_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    with pytest.raises(CountError, match="apt-get install valgrind"):
        instructions.build()
