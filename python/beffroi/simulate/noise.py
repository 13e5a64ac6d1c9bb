"""The simulated detector: what remains of the truth after weather, occlusion and the detector's own errors.

Chance is drawn anew for every frame from the seed and the frame's time, so that a frame looks the same
whichever frames were looked at before it. What lasts (bursts of misses, false boxes that stay) is drawn once
for the whole time.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import pi
from typing import Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from beffroi.frame import Detections
from beffroi.simulate.agent import BAGS, BEYOND, COCO, LABELS, SIZES, Agent, cuboid
from beffroi.simulate.camera import Camera
from beffroi.simulate.pose import pose_at
from beffroi.simulate.weather import Weather

Boxes = NDArray[np.float64]

LEAST_SHARE: Final = 0.3
"""An agent has a box when at least this share of it is inside the picture."""
FLIPS: Final = {
    COCO.index(a): COCO.index(b)
    for a, b in (("car", "truck"), ("truck", "car"), *zip(BAGS, (*BAGS[1:], BAGS[0]), strict=True))
}
PERSON: Final = COCO.index("person")
LYING: Final = pi / 4
"""Tilted by more than this (radians), a body is missed twice as often: detectors have learnt upright ones."""
ENCOUNTER_S: Final = 4.0
"""Who passes others has one throw of `Weather.churn` in so many seconds, longer than a passage takes."""
OVERLAP: Final = 0.15
"""Share of a box that others must cover before they pass each other."""


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """An agent in one picture, as it truly is.

    Attributes
    ----------
    agent
        Who.
    ground
        Metres, x and y.
    box
        x1, y1, x2, y2 relative to the picture and clipped to it, shape (4,).
    visible
        Share of its box that no nearer agent covers, 0..1.
    lies
        Whether it lies on the ground.
    """

    agent: Agent
    ground: tuple[float, float]
    box: Boxes
    visible: float
    lies: bool = False


def look(agents: Sequence[Agent], camera: Camera, t: float) -> tuple[Seen, ...]:
    """Everybody who is in sight at `t` seconds, the nearest first."""
    found: list[tuple[float, Agent, tuple[float, float], Boxes]] = []
    for agent in agents:
        place = agent.path.at(t)
        if place is None:
            continue
        corners = agent.corners(t)
        if corners is None:
            continue
        if agent.rides:
            corners[:, 2] += 0.12  # feet on the pedals
        if camera.depth(corners).min() < 1.0:
            continue
        whole = camera.box(corners)
        box = np.clip(whole, 0.0, 1.0)
        area = (whole[2] - whole[0]) * (whole[3] - whole[1])
        if (box[2] - box[0]) * (box[3] - box[1]) < LEAST_SHARE * area:
            continue
        found.append((float(np.hypot(*place[:2])), agent, place[:2], box))
    found.sort(key=lambda item: (item[0], item[1].name))
    boxes = np.array([box for *_, box in found]).reshape(-1, 4)
    # A rider does not hide the cycle, nor a thing its own echo; what is not solid hides nothing.
    pairs = [item[1].rides or item[1].echo_of or item[1].name for item in found]
    solid = [item[1].label not in BEYOND for item in found]
    hidden = [
        _hidden(boxes[i], boxes[[j for j in range(i) if solid[j] and pairs[j] != pairs[i]]])
        for i in range(len(found))
    ]
    return tuple(
        Seen(agent, ground, box, 1.0 - h, bool(agent.poses) and pose_at(agent.poses, t).tilt > LYING)
        for (_, agent, ground, box), h in zip(found, hidden, strict=True)
    )


def _hidden(box: Boxes, nearer: Boxes) -> float:
    """Share of `box` that `nearer` boxes cover, by a grid of points; figures fill 80 % of a box's width."""
    if not len(nearer):
        return 0.0
    x = box[0] + (box[2] - box[0]) * (np.arange(7) + 0.5) / 7
    y = box[1] + (box[3] - box[1]) * (np.arange(9) + 0.5) / 9
    inset = 0.1 * (nearer[:, 2] - nearer[:, 0])
    in_x = (x[:, None] > nearer[:, 0] + inset) & (x[:, None] < nearer[:, 2] - inset)
    in_y = (y[:, None] > nearer[:, 1]) & (y[:, None] < nearer[:, 3])
    return float((in_x[:, None] & in_y[None]).any(axis=-1).mean())


@dataclass(frozen=True, slots=True, eq=False)
class _Ghost:
    begins: float
    ends: float
    box: Boxes
    class_id: int
    score: float


class SimulatedDetector:
    """Boxes as a detector would find them.

    Parameters
    ----------
    weather
        How badly it sees.
    seed
        Decides everything that is left to chance.
    agents, camera, duration
        Who is to be seen, by whom, for how many seconds.
    beyond
        Which labels of `BEYOND` it gives: a background model and a flame detector err in their own ways.
    states
        Named states and the values that they can have, for wrong readings.
    """

    def __init__(
        self,
        weather: Weather,
        seed: int,
        agents: Sequence[Agent],
        camera: Camera,
        duration: float,
        *,
        beyond: Collection[str] = (),
        states: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self._weather = weather
        self._seed = seed
        self._camera = camera
        self._bursts = {
            agent.name: stretches(
                np.random.default_rng([seed, 11, i]), duration, weather.bursts, weather.burst_s
            )
            for i, agent in enumerate(agents)
        }
        rng = np.random.default_rng([seed, 13])
        self._ghosts = []
        for begins, ends in stretches(rng, duration, weather.ghosts, weather.ghost_s):
            box, class_id = self._false_box(rng)
            self._ghosts.append(_Ghost(begins, ends, box, class_id, float(rng.uniform(0.3, 0.65))))
        self._states = dict(states or {})
        rng = np.random.default_rng([seed, 29])
        stains = stretches(rng, duration, weather.stains, weather.stain_s) if beyond else []
        for begins, ends in stains:
            box, class_id = self._false_box(rng, str(rng.choice(sorted(beyond))))
            self._ghosts.append(_Ghost(begins, ends, box, class_id, float(rng.uniform(0.3, 0.65))))

    def detect(self, at_ms: int, seen: Sequence[Seen], signals: Mapping[str, str]) -> Detections:
        """The boxes that are found of `seen` at `at_ms`, false ones among them, in no meaningful order."""
        rng = np.random.default_rng([self._seed, 17, at_ms])
        weather, t = self._weather, at_ms / 1000
        boxes: list[Boxes] = []
        scores: list[float] = []
        classes: list[int] = []
        for who in seen:
            # Always the same number of draws per agent, so that one agent's luck does not depend on
            # another's.
            chance, flip, shade = rng.uniform(), rng.uniform(), rng.normal()
            tremble = rng.normal(size=4)
            hidden = 1.0 - who.visible
            if who.agent.label not in LABELS or hidden > weather.hides:
                continue
            small = (weather.small / float(who.box[3] - who.box[1])) ** 2
            miss = weather.miss * (1.0 + 2.0 * hidden / weather.hides + small) * (2.0 if who.lies else 1.0)
            if chance < 1.0 - (1.0 - min(miss, 1.0)) * who.agent.clarity:
                continue
            if _within(t, self._bursts[who.agent.name]) or (hidden > OVERLAP and self._lost(who, t)):
                continue
            boxes.append(self._trembling(who.box, tremble, who.agent.class_id))
            score = (
                weather.score + weather.score_spread * shade - 0.3 * hidden - 0.35 * (1.0 - who.agent.clarity)
            )
            scores.append(min(max(score, 0.05), 0.99))
            flipped = FLIPS.get(who.agent.class_id, who.agent.class_id) if flip < weather.flip else None
            classes.append(who.agent.class_id if flipped is None else flipped)
        for ghost in self._ghosts:
            if ghost.begins <= t <= ghost.ends:
                boxes.append(self._trembling(ghost.box, rng.normal(size=4), ghost.class_id))
                scores.append(ghost.score)
                classes.append(ghost.class_id)
        for _ in range(int(rng.poisson(weather.false))):
            box, class_id = self._false_box(rng)
            boxes.append(box)
            scores.append(float(rng.uniform(0.25, 0.6)))
            classes.append(class_id)
        order = rng.permutation(len(boxes))
        return Detections(
            np.ascontiguousarray(np.array(boxes, np.float32).reshape(-1, 4)[order]),
            np.array(scores, np.float32)[order],
            np.array(classes, np.uint16)[order],
            {name: self._read(name, state, rng) for name, state in signals.items()},
        )

    def _lost(self, who: Seen, t: float) -> bool:
        """Whether this passage behind somebody costs `who` its box: one throw for the whole of it."""
        if not self._weather.churn:
            return False
        name = crc32(who.agent.name.encode())
        rng = np.random.default_rng([self._seed, 19, name, int(t / ENCOUNTER_S)])
        return bool(rng.uniform() < self._weather.churn)

    def _read(self, name: str, state: str, rng: np.random.Generator) -> str:
        """A named state as it is read: now and then as one of its other values."""
        chance, which = rng.uniform(), rng.uniform()
        others = [value for value in self._states.get(name, ()) if value != state]
        return others[int(which * len(others))] if others and chance < self._weather.wrong else state

    def _trembling(self, box: Boxes, draws: Boxes, class_id: int) -> Boxes:
        """`box` with each edge moved by the weather's share of a body size."""
        width, height = (box[2] - box[0]) * self._camera.aspect, box[3] - box[1]
        body = height if class_id == PERSON else float(np.sqrt(width * height))
        x, y = self._weather.jitter * body / self._camera.aspect, self._weather.jitter * body
        moved = box + draws * np.array([x, y, x, y])
        if moved[2] - moved[0] < 0.2 * (box[2] - box[0]) or moved[3] - moved[1] < 0.2 * (box[3] - box[1]):
            return box
        clipped: Boxes = np.clip(moved, -0.02, 1.02)
        return clipped

    def _false_box(self, rng: np.random.Generator, label: str | None = None) -> tuple[Boxes, int]:
        """A box of a plausible size where nothing is."""
        if label is None:
            label = "person" if rng.uniform() < 0.7 else "car"
        uv = np.array([rng.uniform(0.06, 0.94), rng.uniform(max(0.3, self._camera.horizon + 0.1), 0.9)])
        x, y = self._camera.ground(uv)
        size = SIZES.get(label, SIZES["rubbish"])
        corners = cuboid(float(x), float(y), float(rng.uniform(0, np.pi)), size)
        return np.clip(self._camera.box(corners), 0.0, 1.0), LABELS.index(label)


def stretches(
    rng: np.random.Generator, duration: float, per_minute: float, mean_s: float
) -> list[tuple[float, float]]:
    """Random stretches of time: a Poisson process of beginnings, exponential lengths."""
    number = int(rng.poisson(per_minute * duration / 60))
    begins = np.sort(rng.uniform(0.0, duration, number))
    return [(float(b), float(b + rng.exponential(mean_s))) for b in begins]


def _within(t: float, spans: Sequence[tuple[float, float]]) -> bool:
    return any(begin <= t <= end for begin, end in spans)
