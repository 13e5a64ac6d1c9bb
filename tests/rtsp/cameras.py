"""The cameras behind a server: what each shows, and its state, which a test may change while it runs."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from beffroi.serving.media import Clip
from beffroi.serving.packets import Packed, pack

from .faults import Faults


@dataclass
class Camera:
    """One camera.

    Attributes
    ----------
    other
        With the clip that takes over in a `switch`: the next one of the same codec; None if there is none.
    began
        When its stream began, on the monotonic clock.
    stalled, leap, ntp_leap
        What the server's methods change while clients play: see `RtspServer`.
    """

    path: str
    clip: Clip
    began: float
    began_wall: float
    other: Camera | None = None
    stalled: bool = False
    leap: float = 0.0
    ntp_leap: float = 0.0
    _units: dict[bool, list[Packed]] = field(default_factory=dict)

    def wall(self, monotonic_s: float) -> float:
        """Seconds since 1970 at a moment of the monotonic clock: the camera's own clock while it is right."""
        return self.began_wall + monotonic_s - self.began

    def reel(self, origin_s: float, *, in_band: bool) -> Iterator[tuple[float, float, Packed]]:
        """The clip in a loop since `origin_s`: when due, when shown, and the unit; none due before 0."""
        if in_band not in self._units:
            self._units[in_band] = pack(self.clip, parameters=in_band)
        units, length = self._units[in_band], self.clip.length_s
        zero = origin_s + max(int(-origin_s // length) - 1, 0) * length
        while True:
            for unit in units:
                if zero + unit.due_s >= 0:
                    yield zero + unit.due_s, zero + unit.shown_s, unit
            zero += length


class Cameras:
    """`/cam1` shows the first clip, `/cam2` the second; after the last clip it begins with the first again.

    Cameras with the same clip share its packets.
    """

    def __init__(self, clips: Sequence[Clip], user: str, password: str) -> None:
        self.credentials = (user, password)
        self.began, self.began_wall = time.monotonic(), time.time()
        self._clips = list(clips)
        self._units: list[dict[bool, list[Packed]]] = [{} for _ in clips]
        self._known: dict[str, Camera] = {}

    def at(self, path: str) -> Camera | None:
        """The camera of a path like `/cam1`, None if there is none."""
        if path not in self._known:
            number = re.fullmatch(r"/cam([1-9]\d{0,3})", path)
            if number is None:
                return None
            self._known[path] = self._make(path, (int(number[1]) - 1) % len(self._clips))
        return self._known[path]

    def every(self, path: str | None) -> list[Camera]:
        """The camera of a path, or all that were asked for so far.

        Raises
        ------
        ValueError
            If the path is no camera's.
        """
        if path is None:
            return list(self._known.values())
        camera = self.at(path)
        if camera is None:
            raise ValueError(f"{path}: no such camera; they are /cam1, /cam2 and so on")
        return [camera]

    def find(self, path: str) -> tuple[Camera | None, Faults]:
        """The camera and the faults that a request's path asks for, whichever track it means.

        Raises
        ------
        ValueError
            If a fault is unknown or has a wrong value.
        """
        name, *words = [part for part in path.split("/") if part and not re.fullmatch(r"track\d", part)] or [
            ""
        ]
        return self.at(f"/{name}"), Faults.parse(words)

    def _make(self, path: str, index: int) -> Camera:
        def showing(which: int) -> Camera:
            return Camera(path, self._clips[which], self.began, self.began_wall, _units=self._units[which])

        camera, count = showing(index), len(self._clips)
        following = ((index + step) % count for step in range(1, count))
        same = (which for which in following if self._clips[which].codec == camera.clip.codec)
        camera.other = next(map(showing, same), None)
        return camera
