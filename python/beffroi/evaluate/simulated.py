"""The engine against simulated squares: hundreds of scenes by seed, boxes only, spread over processes.

Nothing is painted and nothing is stored: boxes go straight into an engine with the scene's rules. Every scene
has its own camera, frame rate and seed; what should be said comes from the agents' paths
(`beffroi.simulate.truth`), never from the engine.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from beffroi._core import ConfigError, Engine, __version__, catalogue, check
from beffroi.errors import InputError
from beffroi.evaluate.score import Score, score, total
from beffroi.evaluate.truth import Case

if TYPE_CHECKING:
    from rich.table import Table

    from beffroi.simulate import Square

RATES: Final = (2.0, 3.0, 5.0, 8.0, 10.0, 12.5, 15.0, 25.0)
"""Pictures per second of the cameras, taken in turn by chance."""
UNWATCHED: Final = ("quiet", "square")
"""Scenarios left out: nothing is watched in one, the other repeats what the rest show one by one."""
BATCH: Final = 4
"""Scenes handed to a process at a time: few enough to share work evenly, enough to pay for the way."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One square, by what makes it."""

    scenario: str
    seed: int
    weather: str
    fps: float

    def square(self) -> Square:
        """The square itself."""
        from beffroi.simulate import Square

        return Square(self.scenario, seed=self.seed, weather=self.weather, fps=self.fps, camera="any")


@dataclass(frozen=True, slots=True)
class Judged:
    """One rule on one scene; times in seconds. `counted` is the total of a rule that counts."""

    scene: Scene
    rule: str
    kind: str
    alerts: tuple[float, ...]
    wanted: tuple[tuple[float, float], ...]
    counted: int | None
    score: Score

    def as_json(self) -> dict[str, Any]:
        """As an entry of ``scenes``."""
        plain = {
            "scenario": self.scene.scenario, "seed": self.scene.seed, "fps": self.scene.fps,
            "rule": self.rule, "type": self.kind, "alerts": list(self.alerts),
            "wanted": [list(one) for one in self.wanted],
            "tp": self.score.tp, "fp": self.score.fp, "fn": self.score.fn,
        }  # fmt: skip
        return plain if self.counted is None else {**plain, "total": self.counted}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one scene gave: rules that were judged, and kinds that were not, with the reason."""

    judged: tuple[Judged, ...]
    skipped: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class SimulatedReport:
    """What an evaluation at one weather found; `alpha` weighs recall against precision in F1."""

    weather: str
    seed: int
    scenes: int
    alpha: float
    judged: tuple[Judged, ...]
    skipped: dict[str, str] = field(default_factory=dict)

    @property
    def behaviours(self) -> dict[str, Score]:
        """Scores by kind of rule, in alphabetical order."""
        kinds = sorted({one.kind for one in self.judged})
        return {kind: total(one.score for one in self.judged if one.kind == kind) for kind in kinds}

    @property
    def failed(self) -> tuple[Judged, ...]:
        """The rules that said too much or too little, scene by scene."""
        return tuple(one for one in self.judged if not one.score.passed)

    def as_json(self) -> dict[str, Any]:
        """What ``--json`` prints for one weather; ``scenes`` lists those that failed."""
        return {
            "weather": self.weather,
            "seed": self.seed,
            "count": self.scenes,
            "alpha": self.alpha,
            "overall": total(one.score for one in self.judged).as_json(self.alpha),
            "behaviours": {kind: one.as_json(self.alpha) for kind, one in self.behaviours.items()},
            "scenes": [one.as_json() for one in self.failed],
            "skipped": self.skipped,
            "engine": __version__,
        }

    def tables(self) -> list[Table]:
        """Behaviours and what was skipped, for a terminal."""
        from rich.table import Table

        columns = ("behaviour", "scenes", "tp", "fp", "fn", "precision", "recall", f"F1 (α = {self.alpha:g})")
        title = f"{self.scenes} scenes, weather {self.weather}, seed {self.seed}"
        table = Table(*columns, "delay (s)", title=title, title_justify="left")
        for kind, one in [*self.behaviours.items(), ("all", total(one.score for one in self.judged))]:
            plain = one.as_json(self.alpha)
            scenes = {j.scene for j in self.judged if kind in ("all", j.kind)}
            table.add_row(
                kind,
                str(len(scenes)),
                *(str(plain[name]) for name in ("tp", "fp", "fn")),
                *(_figure(plain[name], 3) for name in ("precision", "recall", "f1")),
                _figure(plain["delay_s"], 1),
            )
        if not self.skipped:
            return [table]
        skipped = Table("behaviour", "not judged, because", title_justify="left")
        for kind, why in self.skipped.items():
            skipped.add_row(kind, why)
        return [table, skipped]


def scenes(
    number: int, seed: int, weather: str = "default", kinds: Sequence[str] | None = None
) -> list[Scene]:
    """So many scenes: the scenarios in turn, each with a seed and a frame rate of its own.

    Raises
    ------
    InputError
        If a number or a name cannot be.
    """
    from beffroi.simulate import LEVELS, scenarios

    if number < 1:
        raise InputError(f"{number} scenes; at least one is needed")
    if seed < 0:
        raise InputError(f"the seed is {seed}; a whole number from 0 up is needed")
    if weather not in LEVELS:
        raise InputError(f"no weather is called {weather!r}; there are {', '.join(LEVELS)}")
    known = [name for name in scenarios() if name not in UNWATCHED]
    for kind in kinds or ():
        if kind not in known:
            raise InputError(f"no scenario is called {kind!r}; there are {', '.join(known)}")
    chosen = [name for name in known if kinds is None or name in kinds]
    rates = np.random.default_rng([seed, 31]).integers(len(RATES), size=number)
    return [
        Scene(chosen[i % len(chosen)], seed * 1_000_003 + i, weather, RATES[int(rate)])
        for i, rate in enumerate(rates)
    ]


def evaluate(
    number: int = 500,
    *,
    seed: int = 1,
    weather: str = "default",
    kinds: Sequence[str] | None = None,
    alpha: float = 1.0,
    jobs: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> SimulatedReport:
    """Play `number` scenes and judge what the engine says of them. The same arguments, the same report.

    Parameters
    ----------
    number, seed, weather, kinds
        Which scenes, see `scenes`.
    alpha
        Weight of recall in F1 = (α+1)·R·P / (R + α·P).
    jobs
        Processes; as many as there are cores by default, 1 for none beside this one.
    progress
        Called after each scene with the number of scenes so far.

    Raises
    ------
    InputError
        If a number or a name cannot be.
    """
    todo = scenes(number, seed, weather, kinds)
    judged: list[Judged] = []
    skipped: dict[str, str] = {}
    for done, outcome in enumerate(_outcomes(todo, jobs or os.cpu_count() or 1), start=1):
        judged += outcome.judged
        skipped |= dict(outcome.skipped)
        if progress is not None:
            progress(done)
    return SimulatedReport(weather, seed, number, alpha, tuple(judged), dict(sorted(skipped.items())))


def _outcomes(todo: Sequence[Scene], jobs: int) -> Iterator[Outcome]:
    if jobs == 1 or len(todo) == 1:
        yield from map(play, todo)
        return
    # A fresh interpreter for each: a fork would copy whatever threads the caller has in whatever state.
    with ProcessPoolExecutor(min(jobs, len(todo)), mp_context=get_context("spawn")) as pool:
        yield from pool.map(play, todo, chunksize=BATCH)


def play(scene: Scene) -> Outcome:
    """One scene from its beginning to its end."""
    square = scene.square()
    watched, skipped = _fit(square)
    if not watched["rules"]:
        return Outcome((), tuple(skipped.items()))
    engine = Engine(json.dumps(watched))
    starts: dict[str, list[float]] = {}
    totals: dict[str, float] = {}
    to_ms = 0
    for moment in square:
        d, to_ms = moment.detections, moment.at_ms
        step = engine.step(to_ms, d.xyxy, d.score, d.class_id, d.signals or None)
        _note(step.events, starts, totals)
    _note(engine.finish(to_ms), starts, totals)
    answers = square.answers()
    judged = []
    for rule in watched["rules"]:
        name, wanted = rule["name"], answers[rule["name"]]
        case = Case.model_validate({"name": name, "rule": rule, **wanted})
        said = tuple(starts.get(name, ()))
        counted = None if case.count is None else round(totals.get(name, 0))
        judged.append(
            Judged(scene, name, case.kind, said, case.alerts or (), counted, score(case, said, counted or 0))
        )
    return Outcome(tuple(judged), tuple(skipped.items()))


def _note(events: Sequence[Any], starts: dict[str, list[float]], totals: dict[str, float]) -> None:
    for event in events:
        if event.change == "started":
            starts.setdefault(event.rule, []).append(event.at_ms / 1000)
        if "total" in event.measured:
            totals[event.rule] = event.measured["total"]


def _fit(square: Square) -> tuple[dict[str, Any], dict[str, str]]:
    """The scene with the rules that this engine takes, and by kind why it does not take the others."""
    scene, skipped = square.scene(), dict[str, str]()
    known = {entry["kind"] for entry in catalogue()}
    for rule in scene["rules"]:
        if rule["type"] not in known:
            skipped[rule["type"]] = "there is no such kind of rule yet"
    scene["rules"] = [rule for rule in scene["rules"] if rule["type"] in known]
    while scene["rules"]:
        try:
            check(json.dumps(scene))
        except ConfigError as error:
            place = re.match(r"rules\[(\d+)\]", error.path)
            if place is None:
                raise
            refused = scene["rules"].pop(int(place[1]))
            skipped[refused["type"]] = f"the rule is refused: {error}"
        else:
            break
    return scene, skipped


def _figure(value: float | None, digits: int) -> str:
    return "not measured" if value is None else f"{value:.{digits}f}"
