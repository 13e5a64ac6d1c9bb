"""How badly the detector sees: misses, tremble, false boxes, lost frames; in levels from perfect to bad."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Weather:
    """What stands between the truth and the detector's boxes.

    Rates are per second or minute of media time where the cause is physical (a burst, a lost stream), per
    frame where it is the detector's own (a miss, a tremble): halving the frame rate must not halve the rain.

    Attributes
    ----------
    miss
        Probability that an agent in plain sight has no box in a frame.
    bursts, burst_s
        Stretches in which one agent has no box at all: how many per agent and minute, and their mean length.
    hides
        How much of an agent must be hidden by others before it has no box, 0..1; half of that doubles `miss`.
    small
        Height of a box, relative to the picture, at which its smallness has doubled `miss`.
    churn
        Probability that who passes behind another has no box until they are clear of each other: the moment
        at which a tracker must tell who is who.
    jitter
        Standard deviation of each edge of a box, in body sizes, independent from frame to frame.
    score, score_spread
        Mean and standard deviation of the scores of true boxes.
    false
        False boxes per frame on average that last one frame.
    ghosts, ghost_s
        False boxes that stay: how many per minute, and their mean length.
    stains
        False boxes of a background model or a flame detector, where there is one: how many per minute. They
        last `stain_s` on average, longer than other ghosts: a shadow or a puddle stays.
    flip
        Probability that something is called by its neighbour's name in a frame: a car a truck, a bag another
        bag.
    wrong
        Probability that a named state is read wrongly in a frame.
    drop
        Share of the frames that never arrive, single ones.
    gaps, gap_s
        Breaks of the stream: how many per minute, and their mean length.
    uneven
        How far a frame's time is from the even one at most, in intervals.
    rain
        How the picture looks, 0 (dry) to 1 (pouring).
    dusk
        How dark the picture is, 0 (noon) to 1 (night).
    """

    miss: float = 0.0
    bursts: float = 0.0
    burst_s: float = 0.6
    hides: float = 0.85
    small: float = 0.0
    churn: float = 0.0
    jitter: float = 0.0
    score: float = 0.9
    score_spread: float = 0.0
    false: float = 0.0
    ghosts: float = 0.0
    ghost_s: float = 0.6
    stains: float = 0.0
    stain_s: float = 1.2
    flip: float = 0.0
    wrong: float = 0.0
    drop: float = 0.0
    gaps: float = 0.0
    gap_s: float = 0.5
    uneven: float = 0.0
    rain: float = 0.0
    dusk: float = 0.0

    @classmethod
    def named(cls, name: str) -> Weather:
        """One of the levels of `LEVELS`.

        Raises
        ------
        KeyError
            With the levels that there are.
        """
        try:
            return LEVELS[name]
        except KeyError:
            raise KeyError(f"no weather is called {name!r}; there are {', '.join(LEVELS)}") from None


LEVELS: Final[dict[str, Weather]] = {
    "clear": Weather(),
    "fair": Weather(
        miss=0.02, bursts=0.25, small=0.02, churn=0.1, jitter=0.01, score=0.85, score_spread=0.06, false=0.02,
        ghosts=0.2, stains=0.1, flip=0.01, wrong=0.005, drop=0.005, uneven=0.1, hides=0.75,
    ),
    "default": Weather(
        miss=0.05, bursts=0.6, small=0.03, churn=0.25, jitter=0.02, score=0.78, score_spread=0.1, false=0.05,
        ghosts=0.5, stains=0.3, flip=0.03, wrong=0.01, drop=0.01, uneven=0.2, hides=0.65,
    ),
    "rain": Weather(
        miss=0.12, bursts=1.5, burst_s=0.8, small=0.04, churn=0.4, jitter=0.035, score=0.66,
        score_spread=0.13, false=0.15, ghosts=2.0, stains=1.0, flip=0.06, wrong=0.03, drop=0.03, gaps=0.5,
        uneven=0.3, hides=0.55, rain=0.7, dusk=0.25,
    ),
    "bad": Weather(
        miss=0.22, bursts=3.0, burst_s=1.0, small=0.05, churn=0.6, jitter=0.055, score=0.55,
        score_spread=0.15, false=0.35, ghosts=5.0, ghost_s=0.8, stains=2.0, stain_s=3.0, flip=0.12,
        wrong=0.08, drop=0.08, gaps=1.5, gap_s=0.8, uneven=0.4, hides=0.5, rain=1.0, dusk=0.65,
    ),
    "storm": Weather(
        miss=0.35, bursts=5.0, burst_s=1.5, small=0.06, churn=0.8, jitter=0.08, score=0.48, score_spread=0.16,
        false=0.7, ghosts=10.0, ghost_s=1.0, stains=4.0, stain_s=4.0, flip=0.2, wrong=0.15, drop=0.15,
        gaps=4.0, gap_s=1.2, uneven=0.45, hides=0.4, rain=1.0, dusk=0.9,
    ),
}  # fmt: skip
