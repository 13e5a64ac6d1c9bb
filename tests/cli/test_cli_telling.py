"""Alerts on standard output: kept for a recording, a line each of live cameras, and nobody has to listen."""

from __future__ import annotations

import json
import logging
import os
import signal
from types import SimpleNamespace
from typing import Any

import pytest
from beffroi.cli.telling import Telling

ALERT: dict[str, Any] = {
    "at": "PT1S", "camera": "gate", "view": "day", "rule": "inside", "type": "intrusion", "change": "started",
    "zone": "lawn", "measured": {"held_s": 1.5}, "evaluation": True,
}  # fmt: skip


def test_a_recording_keeps_its_alerts_for_the_result(capsys: pytest.CaptureFixture[str]) -> None:
    telling = Telling(live=False, as_json=True, quiet=False)
    telling(ALERT)
    assert telling.events == [ALERT]
    assert capsys.readouterr().out == ""


def test_live_cameras_give_lines_and_keep_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    telling = Telling(live=True, as_json=True, quiet=False)
    for _ in range(3):
        telling(ALERT)
    assert telling.events == []
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [ALERT] * 3


def test_a_sink_with_standard_output_has_it_to_itself(capsys: pytest.CaptureFixture[str]) -> None:
    Telling(live=True, as_json=False, quiet=True)(ALERT)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("live", [True, False])
def test_a_reader_that_leaves_ends_a_recording_and_no_live_run(
    live: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[int] = []

    def leave(_text: str) -> None:
        raise BrokenPipeError

    monkeypatch.setattr("beffroi.cli.telling.result", leave)
    system = SimpleNamespace(
        kill=lambda _process, number: asked.append(number), getpid=os.getpid, devnull=os.devnull,
        O_WRONLY=os.O_WRONLY, open=lambda *_what: 0, dup2=lambda _one, _other: None,
    )  # fmt: skip
    monkeypatch.setattr("beffroi.cli.telling.os", system)
    monkeypatch.setattr("beffroi.cli.telling.sys", SimpleNamespace(stdout=SimpleNamespace(fileno=lambda: 1)))
    telling = Telling(live=live, as_json=False, quiet=False)
    with caplog.at_level(logging.WARNING):
        telling(ALERT)
        telling(ALERT)
    assert telling.unread is not None
    assert asked == ([] if live else [signal.SIGINT])
    assert ("nobody reads" in caplog.text) is live
    assert len(caplog.records) == int(live)
