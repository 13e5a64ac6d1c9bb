"""The stage on which a scenario puts its agents and the rules that watch them; the register of scenarios."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Final

import numpy as np

from beffroi.simulate.agent import SIZES, Agent
from beffroi.simulate.camera import Camera, rounded
from beffroi.simulate.layout import LINES, ZONES, Place, Shape
from beffroi.simulate.path import Path
from beffroi.simulate.pose import Poses

Rule = dict[str, Any]


@dataclass(eq=False)
class Stage:
    """Collects what a scenario lays out.

    Attributes
    ----------
    rng
        The only source of chance: the seed decides.
    duration
        Seconds that are watched.
    camera
        Who watches; needed for settings in picture coordinates.
    agents, rules
        What has been laid out so far.
    zones, lines
        Those that the rules watch, in metres.
    signals
        Changes of named states: seconds, name, state.
    beyond
        Labels that detectors beside that of COCO give here, some of `agent.BEYOND`.
    meant
        How many alerts of each rule the episodes were laid out for, by its name: said by who wrote them, so
        that the judges, who measure paths, can be checked against it.
    """

    rng: np.random.Generator
    duration: float
    camera: Camera
    agents: list[Agent] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    zones: dict[str, Shape] = field(default_factory=dict)
    lines: dict[str, Shape] = field(default_factory=dict)
    signals: list[tuple[float, str, str]] = field(default_factory=list)
    beyond: set[str] = field(default_factory=set)
    meant: Counter[str] = field(default_factory=Counter)

    def person(self, path: Path, intent: str, poses: Poses = (), *, tall: float | None = None) -> Agent:
        """Somebody on foot, `tall` metres or as chance has it."""
        height = float(self.rng.normal(1.72, 0.08))
        scale = (min(max(height, 1.5), 1.95) if tall is None else tall) / SIZES["person"][2]
        return self._add("person", path, intent, scale, poses=poses)

    def cyclist(self, path: Path, intent: str) -> Agent:
        """Somebody on a bicycle: two agents, the bicycle is returned."""
        bicycle = self._add("bicycle", path, intent)
        self._add("person", path, intent, rides=bicycle.name)
        return bicycle

    def vehicle(self, label: str, path: Path, intent: str) -> Agent:
        """A car, truck, bus or motorcycle."""
        scale = float(self.rng.uniform(0.95, 1.06))
        return self._add(label, path, intent, scale)

    def thing(
        self,
        label: str,
        path: Path,
        intent: str,
        *,
        owner: Agent | None = None,
        scale: float = 1.0,
        clarity: float = 1.0,
        poses: Poses = (),
    ) -> Agent:
        """A thing, brought by `owner` or there by itself."""
        return self._add(
            label,
            path,
            intent,
            scale,
            owner=None if owner is None else owner.name,
            clarity=clarity,
            poses=poses,
        )

    def echo(self, of: Agent, label: str, path: Path) -> Agent:
        """What a background model reports of a thing that stands, or is gone: a box of its size."""
        self.beyond.add(label)
        number = 1 + sum(agent.label == label for agent in self.agents)
        agent = Agent(f"{label}-{number}", label, path, of.intent, of.size, of.look, echo_of=of.name)
        self.agents.append(agent)
        return agent

    def due(self, rule: str, alerts: int = 1) -> None:
        """What has just been laid out is due so many alerts of `rule`; none makes it a near miss."""
        self.meant[rule] += alerts

    def watch(self, name: str, kind: str, **settings: Any) -> None:
        """Watch with a rule of `kind` on a zone or line of the layout; a second one of the name is left out.

        `settings` are those of a site file, with places in picture coordinates (see `way`).
        """
        if any(rule["name"] == name for rule in self.rules):
            return
        if "zone" in settings:
            self.zones[settings["zone"]] = ZONES[settings["zone"]]
        for line in (*([settings["line"]] if "line" in settings else []), *settings.get("gates", ())):
            self.lines[line] = LINES[line]
        self.rules.append({"name": name, "type": kind, **settings})

    def way(self, start: Place, end: Place) -> list[list[float]]:
        """Two ground points as a direction in the picture."""
        return rounded(self.camera.project(np.array([start, end])), 4)

    def signal(self, at: float, name: str, state: str) -> None:
        """From `at` seconds on, `name` is in `state`."""
        self.signals.append((at, name, state))

    def uniform(self, low: float, high: float) -> float:
        return float(self.rng.uniform(low, high))

    def chance(self, share: float) -> bool:
        return bool(self.rng.uniform() < share)

    def _add(self, label: str, path: Path, intent: str, scale: float = 1.0, **more: Any) -> Agent:
        number = 1 + sum(agent.label == label for agent in self.agents)
        width, length, height = (v * scale for v in SIZES[label])
        look = int(self.rng.integers(1 << 16))
        agent = Agent(f"{label}-{number}", label, path, intent, (width, length, height), look, **more)
        self.agents.append(agent)
        return agent


@dataclass(frozen=True, slots=True)
class Scenario:
    """A named course of events.

    `lay_out` puts everything on the stage; `seconds` is how long it takes; `summary` says what happens.
    """

    name: str
    seconds: float
    summary: str
    lay_out: Callable[[Stage], None]


_SCENARIOS: Final[dict[str, Scenario]] = {}


def scenario(name: str, seconds: float) -> Callable[[Callable[[Stage], None]], Callable[[Stage], None]]:
    """Register a function that lays out a scenario; its docstring's first line is the summary."""

    def register(lay_out: Callable[[Stage], None]) -> Callable[[Stage], None]:
        summary = (lay_out.__doc__ or "").strip().partition("\n")[0]
        _SCENARIOS[name] = Scenario(name, seconds, summary, lay_out)
        return lay_out

    return register


def scenarios() -> Mapping[str, Scenario]:
    """Every scenario by name; files of ``beffroi/simulate/scenarios`` register theirs when imported."""
    package = import_module("beffroi.simulate.scenarios")
    for module in sorted(m.name for m in iter_modules(package.__path__)):
        import_module(f"{package.__name__}.{module}")
    return dict(sorted(_SCENARIOS.items()))
