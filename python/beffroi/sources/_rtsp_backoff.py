"""How long to wait before a camera is asked again."""

from __future__ import annotations

import random

FIRST_S = 0.5
MOST_S = 30.0
# A camera that refuses is asked seldom: many lock an account after a few wrong passwords, and what was
# refused is mostly mended by a person.
REFUSED_S = (30.0, 60.0)
# Having played for this long, the next loss is a new one: the first attempt comes soon again.
PLAYED_S = 10.0


class Backoff:
    """Doubling waits with chance in them, so that cameras lost at one moment do not come back at one moment.

    Parameters
    ----------
    seed
        Decides the chance; the camera's name, so that a run can be repeated.
    """

    def __init__(self, seed: str) -> None:
        self._chance = random.Random(seed)
        self._next_s = FIRST_S

    def wait_s(self, *, refused: bool = False) -> float:
        """Seconds to wait now, between half of the present step and all of it."""
        if refused:
            return self._chance.uniform(*REFUSED_S)
        step, self._next_s = self._next_s, min(MOST_S, 2 * self._next_s)
        return step * self._chance.uniform(0.5, 1.0)

    def played(self, seconds: float) -> None:
        """It was connected for so long before it was lost."""
        if seconds >= PLAYED_S:
            self._next_s = FIRST_S
