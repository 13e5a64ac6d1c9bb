"""What the rules should say: read off the paths, in metres and seconds, with no detector in between.

One judge per kind of rule, registered by `judge`. A judge sees every agent of the scenario, also passers-by
that only happen to be there, and answers in the form of a truth file's case: windows ``alerts`` or a
``count``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from itertools import pairwise
from pkgutil import iter_modules
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from beffroi.simulate.agent import VEHICLES, Agent
from beffroi.simulate.camera import Camera
from beffroi.simulate.layout import Shape
from beffroi.simulate.stage import Rule

Spell = tuple[float, float]
Bools = NDArray[np.bool_]
Answer = dict[str, Any]

TICK: Final = 0.05
EARLY: Final = 1.0
"""An alert may come this much before the truth: a box's reference point is not quite where the feet are."""
WINDOW: Final = 10.0
"""i-LIDS: an alert counts within ten seconds."""
STANDS: Final = 0.25
"""Slower than this (m/s, over a second) stands."""
SPAN: Final = 0.8
"""Seconds over which speed is measured."""
CLEAR: Final = 0.6
"""Metres beyond a line at which somebody has crossed it and is not dithering."""
DOUBT: Final = 1.0
"""A stay within this many seconds of the threshold is nobody's to judge; scenarios avoid it."""


@dataclass(frozen=True, slots=True)
class World:
    """What a judge may know.

    Attributes
    ----------
    agents
        Everybody.
    zones, lines
        In metres, by name.
    duration
        Seconds that are watched.
    camera
        To read directions that rules give in picture coordinates.
    doubts
        Filled by judges: agents whose stay is too close to a threshold.
    signals
        Changes of named states: seconds, name, state.
    rules
        All rules of the view, for those that look at others.
    """

    agents: Sequence[Agent]
    zones: dict[str, Shape]
    lines: dict[str, Shape]
    duration: float
    camera: Camera
    doubts: list[str] = field(default_factory=list)
    signals: Sequence[tuple[float, str, str]] = ()
    rules: Sequence[Rule] = ()

    @property
    def times(self) -> NDArray[np.float64]:
        return np.arange(0.0, self.duration + TICK / 2, TICK)

    def of(self, rule: Rule, labels: tuple[str, ...]) -> Iterable[Agent]:
        """The agents that the rule looks at: its ``classes``, else those of its kind."""
        wanted = rule.get("classes", labels)
        return (agent for agent in self.agents if agent.label in wanted)


Judge = Callable[[World, Rule], Answer]
_JUDGES: Final[dict[str, Judge]] = {}
PEOPLE: Final = ("person",)
ROAD_USERS: Final = ("person", "bicycle", *VEHICLES)


def judge(kind: str) -> Callable[[Judge], Judge]:
    """Register the judge of a kind of rule."""

    def register(function: Judge) -> Judge:
        _JUDGES[kind] = function
        return function

    return register


def answer(world: World, rule: Rule) -> Answer:
    """What `rule` should say: ``{"alerts": [[opens, closes], ...]}`` or ``{"count": n, "tolerance": m}``.

    Raises
    ------
    KeyError
        If the kind has no judge.
    """
    package = import_module("beffroi.simulate.judges")
    for module in sorted(m.name for m in iter_modules(package.__path__)):
        import_module(f"{package.__name__}.{module}")
    return _JUDGES[rule["type"]](world, rule)


def seconds(span: str | float) -> float:
    """``"500ms"``, ``"12s"``, ``"2min"`` or a number of seconds."""
    if not isinstance(span, str):
        return float(span)
    for unit, factor in (("ms", 0.001), ("min", 60.0), ("s", 1.0)):
        if span.endswith(unit):
            return float(span.removesuffix(unit)) * factor
    raise ValueError(f"{span!r} is not a time; write 500ms, 12s or 2min")


def number(text: str | float) -> float:
    """The number of a quantity as rules write it: ``"3 m/s"``, ``"0.5 /m2"``, ``"30 km/h"``, ``"1s"``."""
    if not isinstance(text, str):
        return float(text)
    found = re.match(r"[-+]?[\d.]+", text)
    if found is None:
        raise ValueError(f"{text!r} does not begin with a number")
    return float(found[0])


def state_at(signals: Sequence[tuple[float, str, str]], name: str, t: float) -> tuple[str | None, float]:
    """The value of a named state at `t`, and since when it has it; None before the first."""
    state, since = None, 0.0
    for at, other, value in signals:
        if other == name and at <= t:
            since = since if value == state else at
            state = value
    return state, since


def inside(points: NDArray[np.float64], polygon: Shape) -> Bools:
    """Which points (n, 2) lie in the polygon; NaN lies nowhere."""
    x, y = points[:, 0], points[:, 1]
    found = np.zeros(len(points), np.bool_)
    for (ax, ay), (bx, by) in pairwise([*polygon, polygon[0]]):
        between = (ay > y) != (by > y)
        with np.errstate(divide="ignore", invalid="ignore"):
            found ^= between & (x < (bx - ax) * (y - ay) / (by - ay) + ax)
    return found & ~np.isnan(x)


def spells(holds: Bools, times: NDArray[np.float64], forgive: float = 0.0) -> list[Spell]:
    """Stretches in which `holds` is true, as seconds; breaks of up to `forgive` are bridged."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], holds, [False]]).astype(np.int8)))
    found: list[Spell] = []
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        spell = (float(times[begin]), float(times[end - 1]))
        if found and spell[0] - found[-1][1] <= forgive:
            found[-1] = (found[-1][0], spell[1])
        else:
            found.append(spell)
    return found


def standing(agent: Agent, times: NDArray[np.float64]) -> Bools:
    """When the agent moves less than `STANDS` over the second around."""
    before, after = agent.path.positions(times - 0.5), agent.path.positions(times + 0.5)
    stands: Bools = np.hypot(*(after - before).T) < STANDS
    return stands


def speeds(agent: Agent, times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Speed over the `SPAN` around each time, m/s, shape (n,); NaN where the agent is not there for it."""
    before, after = agent.path.positions(times - SPAN / 2), agent.path.positions(times + SPAN / 2)
    speed: NDArray[np.float64] = np.hypot(*(after - before).T) / SPAN
    return speed


def crossings(agent: Agent, line: Shape) -> list[tuple[float, bool]]:
    """When the agent went over the line and was then clear of it, and whether from its left to its right.

    Times on the line without getting clear (dithering, turning back) are none.
    """
    (ax, ay), (bx, by) = line
    length = float(np.hypot(bx - ax, by - ay))
    t = np.arange(agent.path.begins, agent.path.ends, TICK)
    x, y = agent.path.positions(t).T
    # Distance to the right of the line (y points away from the camera: right of +x is -y), and along it.
    right = ((y - ay) * -(bx - ax) + (x - ax) * (by - ay)) / length
    along = ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length
    found: list[tuple[float, bool]] = []
    net, when = 0, 0.0
    for i in range(1, len(t)):
        share = right[i - 1] / (right[i - 1] - right[i]) if right[i - 1] != right[i] else 0.0
        over = (right[i - 1] > 0) != (right[i] > 0)
        if over and 0 <= along[i - 1] + share * (along[i] - along[i - 1]) <= length:
            net, when = net + (1 if right[i] > 0 else -1), float(t[i])
        away = abs(right[i]) > CLEAR or not -CLEAR <= along[i] <= length + CLEAR
        if net and away:
            found.append((when, net > 0))
            net = 0
    return found


def windows(begins: Iterable[tuple[float, float]], early: float = EARLY) -> Answer:
    """Alerts that are due at ``begin`` seconds and stop making sense at ``end``."""
    pairs = sorted(
        [round(max(0.0, due - early), 2), round(min(due + WINDOW, max(end, due) + 1.0), 2)]
        for due, end in begins
    )
    return {"alerts": pairs}


def stays(world: World, rule: Rule, labels: tuple[str, ...], still: bool, forgive: float) -> Answer:
    """Alerts for everybody who stays in the rule's zone for its ``after``; standing still if `still`."""
    after = seconds(rule.get("after", 0.0))
    due = []
    for agent in world.of(rule, labels):
        times = world.times
        holds = inside(agent.path.positions(times), world.zones[rule["zone"]])
        if still:
            holds &= standing(agent, times)
        for begin, end in spells(holds, times, forgive):
            if after and abs(end - begin - after) < DOUBT and end < world.duration - TICK:
                world.doubts.append(f"{rule['name']}: {agent.name} stays {end - begin:.1f} s")
            if end - begin >= after and begin + after <= world.duration:
                due.append((begin + after, end))
    return windows(due, 2 * EARLY if still else EARLY)


@judge("intrusion")
def _intrusion(world: World, rule: Rule) -> Answer:
    return stays(world, rule, PEOPLE, still=False, forgive=2.0)


@judge("loitering")
def _loitering(world: World, rule: Rule) -> Answer:
    return stays(world, rule, PEOPLE, still=False, forgive=2.0)


@judge("parking")
def _parking(world: World, rule: Rule) -> Answer:
    return stays(world, rule, VEHICLES, still=True, forgive=1.0)


@judge("stopped_vehicle")
def _stopped(world: World, rule: Rule) -> Answer:
    # Who waits at the light says so: telling a queue from a breakdown is the rule's business, not the
    # truth's.
    agents = [agent for agent in world.agents if agent.intent != "waits at the light"]
    return stays(
        World(agents, world.zones, world.lines, world.duration, world.camera, world.doubts),
        rule, VEHICLES, still=True, forgive=1.0,
    )  # fmt: skip


@judge("line_crossing")
def _line_crossing(world: World, rule: Rule) -> Answer:
    wanted = {"left_to_right": (True,), "right_to_left": (False,)}.get(
        rule.get("direction", ""), (True, False)
    )
    due = [
        (at, at + 3.0)
        for agent in world.of(rule, ROAD_USERS)
        for at, rightwards in crossings(agent, world.lines[rule["line"]])
        if rightwards in wanted and at <= world.duration
    ]
    return windows(due)


@judge("line_count")
def _line_count(world: World, rule: Rule) -> Answer:
    line = world.lines[rule["line"]]
    times = [at for agent in world.of(rule, ROAD_USERS) for at, _ in crossings(agent, line)]
    count = sum(at <= world.duration - 1.0 for at in times)
    # Who is on the line when the picture ends may count or not; beyond that, within five percent.
    late = sum(world.duration - 1.0 < at <= world.duration + 1.0 for at in times)
    return {"count": count, "tolerance": late + round(0.05 * count)}


@judge("wrong_way")
def _wrong_way(world: World, rule: Rule) -> Answer:
    start, end = world.camera.ground(np.array(rule["direction"]))
    way = (end - start) / np.hypot(*(end - start))
    distance = float(str(rule["distance"]).removesuffix("m"))
    times, due = world.times, []
    for agent in world.of(rule, VEHICLES):
        points = agent.path.positions(times)
        for begin, finish in spells(inside(points, world.zones[rule["zone"]]), times):
            part = (times >= begin) & (times <= finish)
            along = points[part] @ way
            back = np.maximum.accumulate(along) - along
            if abs(back.max() - distance) < 2.0:
                world.doubts.append(f"{rule['name']}: {agent.name} goes back {back.max():.1f} m")
            if back.max() >= distance:
                due.append((float(times[part][np.argmax(back >= distance)]), finish))
    return windows(due)


@judge("occupancy")
def _occupancy(world: World, rule: Rule) -> Answer:
    times, after = world.times, seconds(rule.get("after", 0.0))
    zone = world.zones[rule["zone"]]
    number = np.sum([inside(a.path.positions(times), zone) for a in world.of(rule, PEOPLE)], axis=0)
    full = spells(number >= rule["at_least"], times, forgive=1.0)
    for begin, end in full:
        if after and abs(end - begin - after) < DOUBT and end < world.duration - TICK:
            world.doubts.append(f"{rule['name']}: full for {end - begin:.1f} s")
    return windows((begin + after, end) for begin, end in full if end - begin >= after)


@judge("gathering")
def _gathering(world: World, rule: Rule) -> Answer:
    times, after, least = world.times, seconds(rule["after"]), int(rule["at_least"])
    within = float(str(rule["within"]).removesuffix("m"))
    agents = list(world.of(rule, PEOPLE))
    points = np.stack([agent.path.positions(times) for agent in agents])
    present = np.stack([inside(p, world.zones[rule["zone"]]) for p in points])
    if rule.get("still", False):
        present &= np.stack([standing(agent, times) for agent in agents])
    groups = [_largest_group(points[:, i], present[:, i], within) for i in range(len(times))]
    members = np.array([[n in group for n in range(len(agents))] for group in groups])
    steps = round(after / TICK)
    together = np.array(
        [members[max(0, i - steps) : i + 1].all(axis=0).sum() >= least for i in range(len(times))]
    )
    together[:steps] = False
    return windows((begin, end) for begin, end in spells(together, times, forgive=3.0))


def _largest_group(points: NDArray[np.float64], present: Bools, within: float) -> set[int]:
    """The largest set of the present (rows of points) that is linked by steps of at most `within`."""
    left, best = set(np.flatnonzero(present).tolist()), set[int]()
    while left:
        group, edge = set[int](), {left.pop()}
        while edge:
            n = edge.pop()
            group.add(n)
            near = {m for m in left if np.hypot(*(points[m] - points[n])) <= within}
            left -= near
            edge |= near
        if len(group) > len(best):
            best = group
    return best
