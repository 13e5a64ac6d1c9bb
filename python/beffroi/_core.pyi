"""The seam: everything that Rust gives to Python. Arrays in, arrays out, small frozen values for rare things.

Coordinates are relative to the picture: x and y in 0..1, origin top left, y downwards.
Time is media time in milliseconds, passed in. Nothing here reads a clock, a file or the network.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, Self, final

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "BeffroiError",
    "ConfigError",
    "Engine",
    "Event",
    "InputError",
    "Step",
    "Tracks",
    "__version__",
    "catalogue",
    "check",
    "rehearse",
    "scene_schema",
]
__version__: Final[str]

class BeffroiError(Exception):
    """Base of every error that beffroi raises on purpose; its text is meant for the user."""

class ConfigError(BeffroiError):
    """A scene that cannot run.

    Attributes: ``path`` names the place (``rules[2].after``, empty for the whole scene); ``message`` says what
    is wrong and what would be right.
    """

    path: str
    message: str

class InputError(BeffroiError):
    """Arrays or times that the engine refuses: wrong dtype or shape, NaN, time going backwards.

    The engine's state is as before the refused call.
    """

@final
class Tracks:
    """The tracks of one step, as columns of equal length n; empty columns are ``(0,)`` and ``(0, 4)``.

    A coasting track (its object was not detected in this step) has ``det`` -1 and a predicted box;
    it never counts as seen.
    """

    @property
    def id(self) -> NDArray[np.int64]:
        """Track ids, counters from 1 inside one engine, shape (n,)."""
    @property
    def subject(self) -> NDArray[np.int64]:
        """Subject ids: what rules time; a subject keeps its id when the tracker loses and re-finds it, shape (n,)."""
    @property
    def xyxy(self) -> NDArray[np.float32]:
        """Where each body is believed to be, relative to the picture, shape (n, 4): calmer than its detection (see `det`), predicted while the track coasts."""
    @property
    def class_id(self) -> NDArray[np.uint16]:
        """Index into the scene's ``classes``: the class that the track's detections voted for, shape (n,)."""
    @property
    def score(self) -> NDArray[np.float32]:
        """Score of the last matched detection, shape (n,)."""
    @property
    def age_ms(self) -> NDArray[np.int64]:
        """Milliseconds since the track's first detection, shape (n,)."""
    @property
    def ground_xy(self) -> NDArray[np.float32]:
        """Position on the ground plane in metres; NaN if the view is not calibrated, shape (n, 2)."""
    @property
    def speed(self) -> NDArray[np.float32]:
        """Robust speed: m/s on a calibrated view, body sizes per second otherwise; NaN until known, shape (n,)."""
    @property
    def det(self) -> NDArray[np.int32]:
        """Row of the track's detection in this step, -1 if it coasts, shape (n,)."""
    def __len__(self) -> int: ...

@final
class Event:
    """A change of one incident: it started, was updated, or ended. Frozen; equal bytes for equal input."""

    @property
    def id(self) -> str:
        """Incident id, 32 hex digits: a pure function of view, rule, subject and start; the same for all its changes."""
    @property
    def rule(self) -> str: ...
    @property
    def type(self) -> str:
        """Kind of the rule, a name of `catalogue`."""
    @property
    def change(self) -> Literal["started", "updated", "ended"]: ...
    @property
    def at_ms(self) -> int:
        """Media time of this change."""
    @property
    def since_ms(self) -> int:
        """Media time since when the condition holds (before `at_ms` by the rule's ``after``)."""
    @property
    def subjects(self) -> tuple[int, ...]: ...
    @property
    def zone(self) -> str | None:
        """Name of the zone, line or route that the rule watches."""
    @property
    def measured(self) -> dict[str, float]:
        """Measured values by name, with the unit in the name (``held_s``, ``speed_kmh``)."""
    @property
    def threshold(self) -> dict[str, float]:
        """The threshold beside each measured value that has one, under the same name."""
    @property
    def box(self) -> tuple[float, float, float, float] | None:
        """x1, y1, x2, y2 around the subjects, relative to the picture."""
    @property
    def reason(self) -> str | None:
        """Why it ended: ``cleared``, or the reason given to `Engine.finish` (``view_lost``, ``end_of_stream``)."""
    def to_json(self) -> str:
        """The event as one line of JSON, keys in fixed order; also holds view, severity, definition hash, subjects' boxes."""

@final
class Step:
    """What one call of `Engine.step` found."""

    @property
    def tracks(self) -> Tracks: ...
    @property
    def events(self) -> list[Event]: ...
    @property
    def renamed(self) -> list[tuple[int, int, int]]:
        """(subject, old track id, new track id): the subject goes on under another track."""
    @property
    def stats(self) -> dict[str, Any] | None:
        """The minute of statistics that closed with this step, or None.

        ``from_ms``, ``until_ms``, ``watched_ms``; ``lines[name][class][direction]`` counts; ``zones[name]`` (mean,
        peak); ``queues[rule]`` (vehicles, waited_s, and length_m if calibrated: mean, max);
        ``journeys[from][to][group]``; on a calibrated view ``speeds`` in km/h (n, mean, v85 and bins) by ``lines``
        (and direction) and ``zones``. With the minute that ends a quarter of an hour, ``quarter`` holds the same of
        the quarter, and ``heat``: seconds of presence by cell.
        """

@final
class Engine:
    """All analytics of one view. Deterministic; used by one thread at a time.

    Parameters
    ----------
    scene_json
        The scene as JSON text: ``classes``, ``aspect``, ``ground``, ``zones``, ``lines``, ``routes``, ``rules``.

    Raises
    ------
    ConfigError
        With the path of the first mistake.
    """

    def __new__(cls, scene_json: str) -> Self: ...
    def step(
        self,
        at_ms: int,
        xyxy: NDArray[np.float32],
        score: NDArray[np.float32],
        class_id: NDArray[np.uint16],
        signals: Mapping[str, str] | None = None,
        motion: Sequence[float] | None = None,
    ) -> Step:
        """Advance to `at_ms` with the boxes that a detector found in the picture of that time.

        Parameters
        ----------
        at_ms
            Media time in milliseconds, later than that of the previous step.
        xyxy
            C-contiguous float32, shape (n, 4): x1, y1, x2, y2 relative to the picture (divide pixels by width and
            height); x1 < x2, y1 < y2; may reach a little outside 0..1.
        score
            float32, shape (n,), 0..1.
        class_id
            uint16, shape (n,), index into the scene's ``classes``.
        signals
            Named states that are not boxes, such as ``{"light-3": "red"}``; a name left out keeps its last state.
        motion
            Camera motion since the previous step as an affine ``(a, b, tx, c, d, ty)`` on relative coordinates:
            x' = a x + b y + tx, y' = c x + d y + ty. None means that nobody knows of any: a shift that most of the
            boxes share is found from the boxes themselves, and so is what such a motion leaves.

        Raises
        ------
        InputError
            Wrong dtype, shape, NaN, empty box, unknown class, time not after the previous; nothing has changed.
        """
    def finish(self, at_ms: int, reason: str = "end_of_stream") -> list[Event]:
        """End what is active, forget all tracks; returns the ``ended`` events. The engine can go on afterwards."""
    def replay(
        self,
        at_ms: NDArray[np.int64],
        offsets: NDArray[np.int64],
        xyxy: NDArray[np.float32],
        score: NDArray[np.float32],
        class_id: NDArray[np.uint16],
        signals: Sequence[Mapping[str, str] | None] | None = None,
        motion: NDArray[np.float64] | None = None,
        pauses: Sequence[tuple[int, str]] | None = None,
    ) -> list[Event]:
        """Step through a recording with the GIL released; gives exactly the events that `step` and `finish` would give.

        Several calls, each with the next part of a recording, give what one call with all of it gives.

        Parameters
        ----------
        at_ms
            int64, shape (f,): media time of each picture, increasing.
        offsets
            int64, shape (f + 1,): picture i has the boxes ``offsets[i]:offsets[i + 1]``; starts with 0, ends with n.
        xyxy, score, class_id
            Boxes of all pictures one after another, as in `step`, n rows.
        signals
            One mapping (or None) per picture.
        motion
            float64, shape (f, 6), rows as in `step`; NaN rows mean none.
        pauses
            When `finish` was called between two pictures, and with which reason, in order of time; one at the time of
            a picture comes after it. They need not end with one.

        Raises
        ------
        InputError
            As `step` and `finish`, with the number of the picture or pause; checked before anything runs, so nothing has changed.
        """
    def stats(self) -> dict[str, Any]:
        """Counts since the engine began: ``lines[name][class][direction]`` and ``zones[name]`` (now, peak), by name."""
    def running(self, at_ms: int) -> dict[str, Any] | None:
        """The minute of statistics that runs and its ``quarter``, as if they ended at `at_ms`; None if there is none.

        For the end of a stream: nothing closes. The shape is that of `Step.stats`.
        """
    def timers(self) -> list[tuple[str, int, int, bool]]:
        """Pending and active incidents: rule, subject id (0 for a group or place), since_ms, whether it has started."""
    @property
    def labels(self) -> tuple[str, ...]:
        """The scene's ``classes``: what a class_id means."""

def catalogue() -> list[dict[str, Any]]:
    """Every rule kind: ``kind``, ``manual`` (Markdown), ``schema`` (JSON Schema), ``onvif_topic``, ``measurement``."""

def check(scene_json: str) -> list[dict[str, Any]]:
    """Validate a scene without running it.

    Returns one entry per rule: ``name``, ``type``, ``definition`` (``fr``, ``en``), ``definition_hash``, ``warnings``.

    Raises
    ------
    ConfigError
    """

def scene_schema() -> dict[str, Any]:
    """JSON Schema of a scene (what `Engine` takes)."""

def rehearse(cases_toml: str, scene_json: str | None = None) -> list[dict[str, Any]]:
    """Run literate scenarios (see ``tests/rules``) on their own scene, or on `scene_json`.

    Returns one entry per case: ``name``, ``passed``, ``expected``, ``got`` (lists of lines), ``message``.

    Raises
    ------
    ConfigError
        If the text is not a scenario file or its scene cannot run.
    """
