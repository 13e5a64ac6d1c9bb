"""The largest number that fits, with as few measurements as can be: each one takes minutes."""

from __future__ import annotations

from collections.abc import Callable

MOST = 1000
"""Nobody has so many cameras on one machine."""


def largest(fits: Callable[[int], bool], guess: int, most: int = MOST) -> int:
    """The largest number from 1 to `most` that fits, 0 if none does.

    What fits is taken to fit with less as well. From the guess the steps double until one side is found and
    are halved then: a good guess needs two measurements.

    Parameters
    ----------
    fits
        Measures.
    guess
        Where to begin.
    """
    at = min(max(guess, 1), most)
    step = 1
    if fits(at):
        good, bad = at, most + 1
        while good < most:
            at = min(good + step, most)
            if not fits(at):
                bad = at
                break
            good, step = at, 2 * step
    else:
        good, bad = 0, at
        while bad > 1:
            at = max(bad - step, 1)
            if fits(at):
                good = at
                break
            bad, step = at, 2 * step
    while bad - good > 1:
        middle = (good + bad) // 2
        if fits(middle):
            good = middle
        else:
            bad = middle
    return good
