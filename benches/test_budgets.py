"""The budgets of ``budgets.toml``: ratios of two costs measured in the same run.

Costs are medians of CPU time. A ratio above its budget is measured twice more before it counts, because a
shared machine has bad moments; a real regression stays.
"""

import json
import os
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from beffroi import Engine
from beffroi.bench import reference_us, step_us
from beffroi.crowd import crowd, unwatched, watched

from benches.peers import __main__ as runner

BUDGETS = tomllib.loads(Path(__file__).with_name("budgets.toml").read_text(encoding="utf-8"))["budget"]


def by_hand(kind: str) -> float:
    """The stack assembled by hand, in its own interpreter, at 50 objects."""
    if not runner.interpreter("by_hand").exists():
        pytest.skip("the peers are not installed: python -m benches.peers --install")
    entry = runner.compare([50], 1, 300, ["by_hand"])["peers"]["by_hand"]
    if "missing" in entry:
        pytest.skip(f"the stack assembled by hand does not run: {entry['missing']}")
    cost: float = entry[kind]["50"]
    return cost


def replay_us() -> float:
    """Replaying a recording, per picture."""
    recording = crowd(50, 300, seed=50)
    costs = []
    for _ in range(5):
        engine = Engine(json.dumps(watched()))
        begin = time.thread_time_ns()
        engine.replay(*recording)
        costs.append((time.thread_time_ns() - begin) / 1000 / len(recording.at_ms))
    return sorted(costs)[2]


def with_backtrace_us() -> float:
    """`step-50` in a process that wants backtraces of errors."""
    code = (
        "from beffroi.bench import step_us; from beffroi.crowd import watched; print(step_us(watched(), 50))"
    )
    environment = os.environ | {"RUST_BACKTRACE": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True)
    return float(done.stdout)


COSTS: dict[str, Callable[[], float]] = {
    "step-50": lambda: step_us(watched(), 50),
    "step-500": lambda: step_us(watched(), 500, pictures=120),
    "tracker-50": lambda: step_us(unwatched(), 50),
    "replay-50": replay_us,
    "step-50-backtrace": with_backtrace_us,
    "numpy-overlaps": reference_us,
    "assembled-by-hand-50": lambda: by_hand("rules"),
    "assembled-by-hand-tracker-50": lambda: by_hand("tracker"),
}


@pytest.mark.parametrize("budget", BUDGETS, ids=lambda b: f"{b['measure']} / {b['reference']}")
def test_budget(budget: dict[str, Any]) -> None:
    """The ratio keeps within its budget; `pytest -rP` shows it."""
    ratios: list[float] = []
    while len(ratios) < 3 and (not ratios or ratios[-1] > budget["at_most"]):
        ratios.append(COSTS[budget["measure"]]() / COSTS[budget["reference"]]())
    print(f"{budget['measure']} / {budget['reference']}: {min(ratios):.2f} of {budget['at_most']} allowed")
    assert min(ratios) <= budget["at_most"], f"{ratios}: {budget['why']}"


def test_a_peer_that_cannot_run_is_in_the_table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing is dropped silently."""
    monkeypatch.setattr(runner, "ENVIRONMENTS", tmp_path)
    report = runner.compare([10], 1, 60)
    text = runner.table(report, [10])
    assert all(report["peers"][name]["name"] in text for name in runner.PEERS)
    assert text.count("not installed") == 2 * (len(runner.PEERS) - 1)
    assert report["peers"]["ours"]["rules"]["10"] > 0
