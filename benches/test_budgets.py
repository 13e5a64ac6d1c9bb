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
from benches.peers import environments
from benches.peers.measure import FEWEST

BUDGETS = tomllib.loads(Path(__file__).with_name("budgets.toml").read_text(encoding="utf-8"))["budget"]


def by_hand(kind: str) -> float:
    """The stack assembled by hand, in its own interpreter, at 50 objects."""
    if not environments.interpreter("by_hand").exists():
        pytest.skip("the peers are not installed: python -m benches.peers --install")
    entry = runner.compare([50], 1, 300, ["by_hand"])[kind][runner.BAR[kind]]
    if "missing" in entry:
        pytest.skip(f"the stack assembled by hand does not run: {entry['missing']}")
    cost: float = entry["us"]["50"]
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
    monkeypatch.setattr(environments, "ENVIRONMENTS", tmp_path)
    report = runner.compare([10], 1, 60)
    text = runner.table(report, [10])
    rows = [row for name in environments.PEERS for row in runner.titles(environments.peer(name))]
    assert all(title in text for _, title in rows)
    assert text.count("not installed") == len(rows) - 2
    assert report["rules"]["beffroi"]["us"]["10"] > 0


def test_a_slow_peer_sees_fewer_pictures_and_the_table_says_so() -> None:
    """The time limit of a figure ends it, with no fewer pictures than tell something."""
    report = runner.compare([10], 1, 400, ["ours"], limit_s=1e-6)
    assert report["rules"]["beffroi"]["pictures"]["10"] == FEWEST
    report["rules"]["another"] = {"us": {"10": 1.0}, "pictures": {"10": 300}}
    assert "stopped after 1e-06 s, after as few pictures as: 10 of 10 objects" in runner.table(report, [10])
