"""The costs that ``budgets.toml`` compares, and a command that measures them all.

``python -m benches.budgets`` prints every ratio beside what it may be, ``--write`` records it as `measured`;
the exit code is 1 where one is beyond its budget. Costs are medians of CPU time in microseconds. A ratio
above its budget is measured twice more before it counts, because a shared machine has bad moments; a real
regression stays.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from beffroi import Engine
from beffroi.bench import reference_us, step_us
from beffroi.crowd import crowd, unwatched, watched

from benches.peers import __main__ as runner
from benches.peers import environments
from benches.soak import ROUND, Walk, pictures

FILE = Path(__file__).with_name("budgets.toml")
TURNS = 3


class NotMeasuredError(Exception):
    """A cost that cannot be measured here, and why."""


@dataclass(frozen=True, slots=True)
class Budget:
    """One entry of the file."""

    measure: str
    reference: str
    at_most: float
    why: str
    measured: float | None = None

    @property
    def name(self) -> str:
        """As it is printed."""
        return f"{self.measure} / {self.reference}"


@dataclass(slots=True)
class Ratios:
    """What was measured for a budget, turn by turn; the least counts."""

    budget: Budget
    taken: list[float] = field(default_factory=list)

    def take(self) -> None:
        """Measure until the budget is kept, or often enough to believe that it is not.

        Raises
        ------
        NotMeasuredError
            If a peer is not installed.
        """
        while len(self.taken) < TURNS and not self.kept:
            self.taken.append(COSTS[self.budget.measure]() / COSTS[self.budget.reference]())

    @property
    def kept(self) -> bool:
        """Whether one turn kept the budget."""
        return any(ratio <= self.budget.at_most for ratio in self.taken)

    def __str__(self) -> str:
        text = f"{self.budget.name:58}{min(self.taken):8.3f} of {self.budget.at_most:g}"
        return text if self.kept else f"{text}  BEYOND: {self.budget.why}"


def budgets() -> list[Budget]:
    """Every entry of the file."""
    return [Budget(**entry) for entry in tomllib.loads(FILE.read_text(encoding="utf-8"))["budget"]]


def by_hand(kind: str, objects: int) -> float:
    """The stack assembled by hand, in its own interpreter."""
    if not environments.interpreter("by_hand").exists():
        raise NotMeasuredError("the peers are not installed: python -m benches.peers --install")
    entry = runner.compare([objects], 1, 300, ["by_hand"])[kind][runner.BAR[kind]]
    if "missing" in entry:
        raise NotMeasuredError(f"the stack assembled by hand does not run: {entry['missing']}")
    cost: float = entry["us"][str(objects)]
    return cost


def replay_us(objects: int) -> float:
    """Replaying a recording, per picture: the core with one call for all of it."""
    recording = crowd(objects, 300, seed=objects)
    costs = []
    for _ in range(5):
        engine = Engine(json.dumps(watched()))
        begin = time.thread_time_ns()
        engine.replay(*recording)
        costs.append((time.thread_time_ns() - begin) / 1000 / len(recording.at_ms))
    return median(costs)


def with_backtrace_us() -> float:
    """`step-50` in a process that wants backtraces of errors."""
    code = (
        "from beffroi.bench import step_us; from beffroi.crowd import watched; print(step_us(watched(), 50))"
    )
    environment = os.environ | {"RUST_BACKTRACE": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True)
    return float(done.stdout)


def after_us(rounds: int) -> float:
    """A picture of 48 people who come and go, for an engine that has seen so many rounds of them."""
    walk = Walk(json.dumps(watched()), pictures(48))
    for _ in range(rounds):
        walk.go(0, ROUND)
    return median(walk.go(0, ROUND) for _ in range(5))


COSTS: dict[str, Callable[[], float]] = {
    "numpy-overlaps": reference_us,
    "tracker-10": lambda: step_us(unwatched(), 10),
    "tracker-50": lambda: step_us(unwatched(), 50),
    "tracker-100": lambda: step_us(unwatched(), 100),
    "tracker-500": lambda: step_us(unwatched(), 500, pictures=120),
    "tracker-1000": lambda: step_us(unwatched(), 1000, pictures=60),
    "step-10": lambda: step_us(watched(), 10),
    "step-50": lambda: step_us(watched(), 50),
    "step-100": lambda: step_us(watched(), 100),
    "step-500": lambda: step_us(watched(), 500, pictures=120),
    "step-1000": lambda: step_us(watched(), 1000, pictures=60),
    "step-50-backtrace": with_backtrace_us,
    "step-48-after-20000": lambda: after_us(20),
    "step-48-after-1000": lambda: after_us(1),
    "replay-10": lambda: replay_us(10),
    "replay-50": lambda: replay_us(50),
    "assembled-by-hand-50": lambda: by_hand("rules", 50),
    "assembled-by-hand-tracker-50": lambda: by_hand("tracker", 50),
    "assembled-by-hand-tracker-500": lambda: by_hand("tracker", 500),
}


def record(figures: dict[str, float]) -> None:
    """Write what was measured into the file, budget by budget; what was decided stays."""
    parts = re.split(r"(?m)^(?=\[\[budget\]\])", FILE.read_text(encoding="utf-8"))
    for i, budget in enumerate(budgets(), 1):
        if budget.name in figures:
            parts[i] = re.sub(r"(?m)^measured = .*$", f"measured = {figures[budget.name]:.3g}", parts[i])
    FILE.write_text("".join(parts), encoding="utf-8")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benches.budgets", description=__doc__)
    parser.add_argument("--write", action="store_true", help="record what was measured in budgets.toml")
    chosen = parser.parse_args()
    figures, ok = {}, True
    for budget in budgets():
        ratios = Ratios(budget)
        try:
            ratios.take()
        except NotMeasuredError as reason:
            print(f"{budget.name:58}not measured: {reason}")
            continue
        print(ratios, flush=True)
        figures[budget.name], ok = min(ratios.taken), ok and ratios.kept
    if chosen.write:
        record(figures)
    sys.exit(0 if ok else 1)


if __name__ == "__main__":
    main()
