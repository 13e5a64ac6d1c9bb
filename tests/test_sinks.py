"""Sinks: an alert is one line, whole, in order."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

import pytest
from beffroi.components import BuildContext
from beffroi.errors import Refused, StoreError
from beffroi.sinks.jsonl import JsonlConfig, JsonlFile

ALERT = {"id": "a", "zone": "forêt", "measured": {"held_s": 0.5}, "box": None}
LINE = '{"id":"a","zone":"forêt","measured":{"held_s":0.5},"box":null}\n'


def test_lines_go_to_a_file_beside_the_site(tmp_path: Path) -> None:
    sink = JsonlConfig(type="jsonl", path="alerts.jsonl").build(BuildContext("gate", tmp_path))
    sink.send(ALERT)
    sink.send({**ALERT, "id": "b"})
    sink.close()
    sink.close()
    lines = (tmp_path / "alerts.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    assert lines[0] == LINE
    assert json.loads(lines[1])["id"] == "b"


def test_a_file_is_continued(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    path.write_text('{"id":"before"}\n', encoding="utf-8")
    sink = JsonlFile(path)
    sink.send(ALERT)
    sink.close()
    assert path.read_text(encoding="utf-8") == '{"id":"before"}\n' + LINE


def test_lines_go_to_standard_output(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    sink = JsonlConfig(type="jsonl").build(BuildContext("gate", tmp_path))
    sink.send(ALERT)
    sink.close()
    assert capsys.readouterr().out == LINE


def test_a_line_that_was_cut_off_is_closed_and_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "alerts.jsonl"
    path.write_text('{"id":"whole"}\n{"id":"ha', encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        sink = JsonlFile(path)
    sink.send(ALERT)
    sink.close()
    assert "its last line was cut off" in caplog.text
    assert path.read_text(encoding="utf-8") == '{"id":"whole"}\n{"id":"ha\n' + LINE


def test_a_disk_that_fills_up_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "alerts.jsonl"
    sink = JsonlFile(path)
    sink.send(ALERT)
    write = os.write
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda file, data: write(file, data[:10]))
        with pytest.raises(OSError, match="is the disk full"):
            sink.send(ALERT)
    assert path.read_text(encoding="utf-8") == LINE
    sink.send(ALERT)
    sink.close()
    assert path.read_text(encoding="utf-8") == LINE * 2


def test_a_path_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"none/alerts\.jsonl: cannot be written: No such file"):
        JsonlConfig(type="jsonl", path="none/alerts.jsonl").build(BuildContext("gate", tmp_path))


def test_a_value_that_json_has_not_is_refused(tmp_path: Path) -> None:
    sink = JsonlFile(tmp_path / "alerts.jsonl")
    with pytest.raises(Refused, match="JSON compliant"):
        sink.send({"measured": {"speed": float("nan")}})
    sink.close()
    assert (tmp_path / "alerts.jsonl").read_bytes() == b""
