"""Faults of the street on the real runtime: nothing lost, nothing invented, noticed and over in time.

`python -m benches.faults` prints the same, with the pauses that cameras which refuse really get.
"""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from benches.faults import QUICK_S
from benches.faults_cases import cases

SHARED = ["store locked", "sink away", "stopped with"]


@pytest.fixture(scope="module")
def rows(faulty_runs: dict[str, subprocess.Popen[str]]) -> dict[str, Any]:
    out, _ = faulty_runs["locked"].communicate(timeout=110)
    return {row["fault"]: row for row in json.loads(out)}


@pytest.mark.parametrize("name", [case.name for case in cases(QUICK_S[1])])
def test_a_camera_with_a_fault(rows: dict[str, Any], name: str) -> None:
    row = rows[name]
    assert row["wrong"] == [], row
    assert row["due"] > 1, row
    assert (row["lost"], row["invented"]) == (0, 0), row


@pytest.mark.parametrize("name", SHARED)
def test_what_cameras_share(rows: dict[str, Any], name: str) -> None:
    (row,) = (row for fault, row in rows.items() if fault.startswith(name))
    assert row["wrong"] == [], row


def test_a_full_disk(faulty_runs: dict[str, subprocess.Popen[str]]) -> None:
    out, _ = faulty_runs["full"].communicate(timeout=110)
    found = json.loads(out)
    if not found:
        pytest.skip("this machine lends no file system")
    assert [row["wrong"] for row in found] == [[] for _ in found], found
    assert found[0]["due"] > 10
