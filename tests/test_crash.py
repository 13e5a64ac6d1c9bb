"""Killed at random moments: nothing committed is lost, nothing is told twice as new.

`python -m benches.crash --kills 100` does the same for longer.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benches.crash import arrived, crash, table


@pytest.mark.timeout(300)
def test_nothing_is_lost_or_repeated_by_kills(tmp_path: Path) -> None:
    report = crash(tmp_path, kills=6, cameras=3)
    said = "\n".join(table(report))
    assert report["ok"], said
    # A load under which nothing happens proves nothing.
    assert report["committed"] >= 6, said
    assert report["interrupted"], said
    assert report["runs"]["stopped"] == 3, said


def test_the_judge_sees_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "got.jsonl"
    lines = [
        {"delivery_id": key, "at_ms": at} for key, at in (("a", 1), ("c", 3), ("b", 2), ("a", 9), ("x", 0))
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"delivery', encoding="utf-8")
    assert arrived(path, ["a", "b", "c", "d"]) == {
        "arrived": 4,
        "repeated_with_the_same_id": 1,
        "lines_cut_off": 1,
        "lost": 1,
        "invented": 1,
        "changed": 1,
        "out_of_order": 1,
    }
