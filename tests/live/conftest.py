"""Tests of the live runtime use the parts of the tests above them; the run through faults begins at once."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
if str(TESTS) not in sys.path:
    sys.path.insert(0, str(TESTS))

RUNS = ("locked", "full")
"""Disks with which `benches.faults` is run."""


@pytest.fixture(scope="session", autouse=True)
def faulty_runs(request: pytest.FixtureRequest) -> Iterator[dict[str, subprocess.Popen[str]]]:
    """`benches.faults` by disk, in processes of their own: they take most of a minute, beside other tests."""
    if not any(item.path.name == "test_faults.py" for item in request.session.items):
        yield {}
        return
    with tempfile.TemporaryFile("w+") as errors:
        running = {
            disk: subprocess.Popen(
                [sys.executable, "-m", "benches.faults", "--quick", "--json", "--disk", disk],
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=TESTS.parent,
                text=True,
            )
            for disk in RUNS
        }
        yield running
        for process in running.values():
            if process.poll() is None:
                process.kill()
            process.communicate()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The run through faults is judged last: it goes on beside everything else."""
    items.sort(key=lambda item: item.path.name == "test_faults.py")
