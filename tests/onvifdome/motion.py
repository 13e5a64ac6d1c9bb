"""Where a dome is while it moves: presets, moves that take their time, and what it tells of them."""

from __future__ import annotations

from dataclasses import dataclass, field

Vector = tuple[float, float, float]
"""Pan, tilt, zoom."""


@dataclass
class Motion:
    """Moves from preset to preset; times are seconds of any clock, passed in.

    Attributes
    ----------
    told
        What happened: time, what, token. May hold what is yet to come, such as an arrival.
    """

    presets: dict[str, tuple[str, Vector]]
    at: str
    told: list[tuple[float, str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._from = self._to = self.presets[self.at][1]
        self._begun = self._ends = 0.0
        self._target: str | None = None
        self._speed: Vector | None = None

    def goto(self, now: float, token: str, seconds: float) -> None:
        """Set off for a preset."""
        self._leave(now, ("Invoked", token))
        self._from, self._to = self.position(now), self.presets[token][1]
        self._begun, self._ends, self._target, self._speed = now, now + seconds, token, None
        self.told.append((self._ends, "Reached", token))

    def drive(self, now: float, speed: Vector) -> None:
        """Move on and on, by so much a second, as a joystick does."""
        self._leave(now)
        self._from, self._begun, self._speed, self._target = self.position(now), now, speed, None

    def stop(self, now: float) -> None:
        """Stay where it is."""
        if self._target is not None and now < self._ends:
            self.told = [each for each in self.told if each[0] <= now]
            self.told.append((now, "Aborted", self._target))
        self._from = self._to = self.position(now)
        self._begun = self._ends = now
        self._target = self._speed = None

    def moving(self, now: float) -> bool:
        """Whether it is on its way."""
        return self._speed is not None or now < self._ends

    def position(self, now: float) -> Vector:
        """Where it is."""
        if self._speed is not None:
            pan, tilt, zoom = (
                a + v * (now - self._begun) for a, v in zip(self._from, self._speed, strict=True)
            )
            return ((pan + 1) % 2 - 1, tilt, min(1.0, max(0.0, zoom)))
        if now >= self._ends or self._ends <= self._begun:
            return self._to
        done = (now - self._begun) / (self._ends - self._begun)
        return tuple(a + done * (b - a) for a, b in zip(self._from, self._to, strict=True))  # type: ignore[return-value]

    def standing(self, now: float) -> str | None:
        """The preset at which it stands."""
        if self.moving(now):
            return None
        there = self.position(now)
        return next((token for token, (_, place) in self.presets.items() if place == there), None)

    def _leave(self, now: float, *then: tuple[str, str]) -> None:
        standing = self.standing(now)
        self.told = [each for each in self.told if each[0] <= now]
        if standing is not None:
            self.told.append((now, "Left", standing))
        self.told += [(now, what, token) for what, token in then]
