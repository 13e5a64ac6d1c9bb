"""The town square: a scenario seen by a camera, as true agents, noisy boxes and painted pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from beffroi.errors import InputError
from beffroi.frame import Detections
from beffroi.simulate.agent import LABELS
from beffroi.simulate.camera import Camera, rounded
from beffroi.simulate.layout import CALIBRATION, Shape
from beffroi.simulate.noise import Seen, SimulatedDetector, look, stretches
from beffroi.simulate.picture import Painter
from beffroi.simulate.stage import Stage, scenarios
from beffroi.simulate.truth import Answer, World, answer
from beffroi.simulate.weather import LEVELS, Weather

DEFAULT_SIZE: Final = (960, 540)


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """One frame of the square.

    Attributes
    ----------
    at_ms
        Media time.
    agents
        Who is truly in sight, the nearest first.
    detections
        What the detector made of it.
    """

    at_ms: int
    agents: tuple[Seen, ...]
    detections: Detections
    _square: Square

    def image(self) -> NDArray[np.uint8]:
        """The picture, painted when asked for: uint8, shape (height, width, 3), BGR."""
        return self._square.painter.paint(self.at_ms / 1000)


class Square:
    """A scenario on the town square. The same arguments give the same bytes.

    Parameters
    ----------
    scenario
        One of `beffroi.simulate.scenarios()`; ``square`` shows everything.
    seed
        Decides sizes, speeds, places and moments within what the scenario allows, and the noise.
    weather
        How badly the detector sees: ``clear``, ``default``, ``rain``..., a level of `LEVELS`, or a `Weather`.
    fps
        Frames per second of the camera, 1 to 60.
    duration
        Seconds; the scenario's own if None.
    size
        Width and height of the picture in pixels.
    camera
        ``usual``, or ``any``: one that the seed hangs higher or lower, see `Camera.somewhere`.

    Raises
    ------
    InputError
        If an argument cannot be; the text says what would be right.
    """

    def __init__(
        self,
        scenario: str = "square",
        *,
        seed: int = 0,
        weather: str | Weather = "default",
        fps: float = 10.0,
        duration: float | None = None,
        size: tuple[int, int] = DEFAULT_SIZE,
        camera: Literal["usual", "any"] = "usual",
    ) -> None:
        known = scenarios()
        if scenario not in known:
            raise InputError(f"no scenario is called {scenario!r}; there are {', '.join(known)}")
        if isinstance(weather, str) and weather not in LEVELS:
            raise InputError(f"no weather is called {weather!r}; there are {', '.join(LEVELS)}")
        if seed < 0:
            raise InputError(f"the seed is {seed}; a whole number from 0 up is needed")
        if not 1 <= fps <= 60:
            raise InputError(f"fps is {fps}; the square can be seen 1 to 60 times a second")
        if min(size) < 64 or max(size) > 8192:
            raise InputError(
                f"the size is {size[0]} x {size[1]}; pictures are 64 to 8192 pixels wide and high"
            )
        self.scenario = known[scenario]
        self.seed = seed
        self.fps = fps
        self.size = size
        self.duration = self.scenario.seconds if duration is None else duration
        if not 0 < self.duration <= 86400:
            raise InputError(f"the duration is {self.duration} s; more than 0 and at most a day is needed")
        self.weather = LEVELS[weather] if isinstance(weather, str) else weather
        self.labels = LABELS
        self.mast = camera
        aspect = size[0] / size[1]
        self.camera = (
            Camera(aspect=aspect)
            if camera == "usual"
            else Camera.somewhere(np.random.default_rng([seed, 5]), aspect)
        )

        # The whole scenario is laid out whatever the duration: a longer look does not change what happens.
        name = int.from_bytes(scenario.encode()[:8].ljust(8))
        stage = Stage(np.random.default_rng([seed, 1, name]), self.scenario.seconds, self.camera)
        self.scenario.lay_out(stage)
        self._stage = stage
        self.agents = tuple(stage.agents)
        self.rules = [dict(rule) for rule in stage.rules]
        self.painter = Painter(
            self.camera, size, self.agents, signals=tuple(stage.signals), weather=self.weather, seed=seed
        )
        states: dict[str, list[str]] = {}
        for _, signal, state in stage.signals:
            states.setdefault(signal, []).append(state)
        self._detector = SimulatedDetector(
            self.weather, seed, self.agents, self.camera, self.duration,
            beyond=stage.beyond, states={signal: sorted(set(of)) for signal, of in states.items()},
        )  # fmt: skip

    # What an installer would draw.

    @property
    def ground(self) -> dict[str, list[list[float]]]:
        """Calibration: picture points and their metres."""
        return self.camera.calibration(np.array(CALIBRATION))

    @property
    def zones(self) -> dict[str, list[list[float]]]:
        """The watched zones, relative to the picture."""
        return {name: self._shape(shape) for name, shape in self._stage.zones.items()}

    @property
    def lines(self) -> dict[str, list[list[float]]]:
        """The watched lines, relative to the picture."""
        return {name: self._shape(shape) for name, shape in self._stage.lines.items()}

    def view(self) -> dict[str, Any]:
        """The view of a site file: ground, zones, lines, rules."""
        parts = {"ground": self.ground, "zones": self.zones, "lines": self.lines, "rules": self.rules}
        return {key: value for key, value in parts.items() if value}

    def scene(self, view: str = "square") -> dict[str, Any]:
        """The scene of the view, as `Engine` takes it (as JSON)."""
        return {
            "view": view, "aspect": self.size[0] / self.size[1], "timezone": "Europe/Paris",
            "classes": list(self.labels), **self.view(),
        }  # fmt: skip

    def source(self) -> dict[str, Any]:
        """The source of a site file that shows this square; only for a weather with a name.

        Raises
        ------
        InputError
            If the weather is none of the named ones.
        """
        named = [name for name, level in LEVELS.items() if level == self.weather]
        if not named:
            raise InputError("a weather of one's own has no name to write into a site file")
        return {
            "type": "simulated", "scenario": self.scenario.name, "seed": self.seed, "weather": named[0],
            "fps": self.fps, "duration": self.duration, "size": list(self.size), "camera": self.mast,
        }  # fmt: skip

    # What truly happens.

    def world(self) -> World:
        """The agents, zones and lines in metres, for the judges of `beffroi.simulate.truth`."""
        return World(
            self.agents, self._stage.zones, self._stage.lines, self.duration, self.camera,
            signals=tuple(self._stage.signals), rules=tuple(self.rules),
        )  # fmt: skip

    @property
    def meant(self) -> dict[str, int]:
        """How many alerts whoever wrote the scenario meant each rule to give, where it was said."""
        return dict(self._stage.meant)

    def answers(self) -> dict[str, Answer]:
        """What each rule should say, by its name."""
        world = self.world()
        return {rule["name"]: answer(world, rule) for rule in self.rules}

    def truth(self) -> dict[str, Any]:
        """This square as a clip of a truth file: source, ground, zones, lines and cases."""
        cases = [
            {"name": rule["name"], "rule": {k: v for k, v in rule.items() if k != "name"}, **wanted}
            for rule, wanted in zip(self.rules, self.answers().values(), strict=True)
        ]
        parts = {"ground": self.ground, "zones": self.zones, "lines": self.lines}
        return {
            "title": f"{self.scenario.name}, seed {self.seed}",
            "note": self.scenario.summary,
            "source": self.source() | {"paint": False},
            "detect": {"type": "simulated", "fps": self.fps},
            **{key: value for key, value in parts.items() if value},
            "case": cases,
        }

    # What is seen.

    def times(self) -> list[int]:
        """Media times of the frames that arrive, in milliseconds."""
        rng = np.random.default_rng([self.seed, 3])
        number = int(self.duration * self.fps)
        lost = rng.uniform(size=number) < self.weather.drop
        gaps = stretches(rng, self.duration, self.weather.gaps, self.weather.gap_s)
        # Half an interval at most either way: the order of frames never changes.
        late = self.weather.uneven * np.random.default_rng([self.seed, 7]).uniform(-1.0, 1.0, number)
        at = [max(0, round((i + float(late[i])) * 1000 / self.fps)) for i in range(number)]
        return [
            ms for ms, gone in zip(at, lost, strict=True)
            if not gone and not any(begin <= ms / 1000 <= end for begin, end in gaps)
        ]  # fmt: skip

    def signals(self, t: float) -> dict[str, str]:
        """The named states at `t` seconds."""
        return {name: state for at, name, state in self._stage.signals if at <= t}

    def look(self, at_ms: int) -> Moment:
        """The square at any one time, whether or not a frame arrives then."""
        t = at_ms / 1000
        seen = look(self.agents, self.camera, t)
        return Moment(at_ms, seen, self._detector.detect(at_ms, seen, self.signals(t)), self)

    def __iter__(self) -> Iterator[Moment]:
        return map(self.look, self.times())

    def _shape(self, shape: Shape) -> list[list[float]]:
        return rounded(np.clip(self.camera.project(np.array(shape)), 0.0, 1.0), 4)
