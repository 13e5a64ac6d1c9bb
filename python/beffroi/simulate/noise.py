"""The simulated detector: what remains of the truth after weather, occlusion and the detector's own errors.

Chance is drawn anew for every frame from the seed and the frame's time, so that a frame looks the same
whichever frames were looked at before it. What lasts (bursts of misses, false boxes that stay) is drawn once
for the whole time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from beffroi.frame import Detections
from beffroi.simulate.agent import COCO, SIZES, Agent, cuboid
from beffroi.simulate.camera import Camera
from beffroi.simulate.weather import Weather

Boxes = NDArray[np.float64]

LEAST_SHARE: Final = 0.3
"""An agent has a box when at least this share of it is inside the picture."""
FLIPS: Final = {COCO.index("car"): COCO.index("truck"), COCO.index("truck"): COCO.index("car")}
PERSON: Final = COCO.index("person")


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
    """

    agent: Agent
    ground: tuple[float, float]
    box: Boxes
    visible: float


def look(agents: Sequence[Agent], camera: Camera, t: float) -> tuple[Seen, ...]:
    """Everybody who is in sight at `t` seconds, the nearest first."""
    found: list[tuple[float, Agent, tuple[float, float], Boxes]] = []
    for agent in agents:
        place = agent.path.at(t)
        if place is None:
            continue
        corners = cuboid(*place, agent.size)
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
    pairs = [item[1].rides or item[1].name for item in found]
    hidden = [
        _hidden(boxes[i], boxes[[j for j in range(i) if pairs[j] != pairs[i]]]) for i in range(len(found))
    ]
    return tuple(
        Seen(agent, ground, box, 1.0 - h) for (_, agent, ground, box), h in zip(found, hidden, strict=True)
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
    """

    def __init__(
        self, weather: Weather, seed: int, agents: Sequence[Agent], camera: Camera, duration: float
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
            miss = weather.miss * (1.0 + 2.0 * hidden / weather.hides)
            if hidden > weather.hides or chance < miss or _within(t, self._bursts[who.agent.name]):
                continue
            boxes.append(self._trembling(who.box, tremble, who.agent.class_id))
            score = weather.score + weather.score_spread * shade - 0.3 * hidden
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
            dict(signals),
        )

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

    def _false_box(self, rng: np.random.Generator) -> tuple[Boxes, int]:
        """A box of a plausible size where nothing is."""
        label = "person" if rng.uniform() < 0.7 else "car"
        uv = np.array([rng.uniform(0.06, 0.94), rng.uniform(max(0.3, self._camera.horizon + 0.1), 0.9)])
        x, y = self._camera.ground(uv)
        size = SIZES[label]
        corners = cuboid(float(x), float(y), float(rng.uniform(0, np.pi)), size)
        return np.clip(self._camera.box(corners), 0.0, 1.0), COCO.index(label)


def stretches(
    rng: np.random.Generator, duration: float, per_minute: float, mean_s: float
) -> list[tuple[float, float]]:
    """Random stretches of time: a Poisson process of beginnings, exponential lengths."""
    number = int(rng.poisson(per_minute * duration / 60))
    begins = np.sort(rng.uniform(0.0, duration, number))
    return [(float(b), float(b + rng.exponential(mean_s))) for b in begins]


def _within(t: float, spans: Sequence[tuple[float, float]]) -> bool:
    return any(begin <= t <= end for begin, end in spans)
