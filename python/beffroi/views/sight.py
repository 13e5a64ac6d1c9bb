"""What a picture alone says about its camera: dark, bright, covered, blurred, frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from beffroi.config.health import Health
from beffroi.views.look import CONTRAST, Eye, Grey, Look

ADAPT_MS = 60_000
"""Time constant of a block's usual structure: fog that creeps in is usual by then, a hand is not."""
LOST = 0.35
"""Share of its usual spread below which a block has lost its structure..."""
FLAT = 4.0
"""...if it is also this flat, in grey levels: a lamp switched off takes contrast and leaves structure."""
NOTHING = 1.5
"""Grey levels of spread below which a block shows nothing at all, whatever it usually shows: more than noise
leaves, less than asphalt has in dull light."""
LEAST_BLOCKS = 12
"""Structured blocks without which there is no structure to lose."""
LOOK_MS = 1000
"""How often sharpness is measured: it needs more pixels than the rest, and does not change faster."""
FIRST_LOOKS = 5
"""Measurements of sharpness in one light before the usual one is known."""
SHARPNESS_MS = 1_800_000
"""Time constant of the usual sharpness: dirt takes days, fog an hour."""
DETAILED = 1.0
"""Grey levels of fine detail from which a block says something about sharpness."""
SAME_LEVEL = 3
"""Grey levels by which two pixels may differ and be the same: what encoding one picture twice makes."""
SAME_SHARE = 0.005
"""Share of the pixels that may differ more in a frozen picture. In ten seconds of the stillest real scenes at
hand, noise and its encoding change 0.07. A freeze encoded anew at low quality changes as much, and is missed:
told too often, this would end what rules have timed in quiet places."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether a check holds in one picture, with what was measured; None says nothing either way."""

    holds: bool | None
    measured: Mapping[str, float] = field(default_factory=dict)
    threshold: Mapping[str, float] = field(default_factory=dict)


class Exposure:
    """Darkness and glare: where there is light or structure, there is something to see."""

    def __init__(self, eye: Eye, health: Health) -> None:
        self._kept, self._health = eye.kept, health

    def judge(self, look: Look) -> dict[str, Finding]:
        """Shares of the picture that are flat and dark, and flat and bright."""
        mean, flat = look.mean[self._kept], look.spread[self._kept] < CONTRAST
        dark, bright = self._health.too_dark, self._health.too_bright
        return {
            "too_dark": _share("dark_share", flat & (mean < dark.level), dark.share),
            "too_bright": _share("bright_share", flat & (mean > bright.level), bright.share),
        }


class Cover:
    """Structure that was there a minute ago and is gone."""

    def __init__(self, eye: Eye, health: Health) -> None:
        self._kept, self._share = eye.kept, health.covered.share
        self._glare = health.too_bright.level
        self._usual: Grey | None = None
        self._at_ms = 0

    def judge(self, look: Look) -> Finding:
        """Share of the usual structure that is lost; of a picture without any, the share that is flat.

        A cut to another place loses structure and finds other: less than all of what is lost counts. What
        glare takes is not covered.
        """
        spread, glare = look.spread[self._kept], look.mean[self._kept] > self._glare
        flat = float(np.mean((spread < NOTHING) & ~glare)) if len(spread) else 0.0
        usual = spread if self._usual is None else self._usual
        structured = usual > CONTRAST
        count = int(np.count_nonzero(structured))
        lost = 0.0
        if count >= LEAST_BLOCKS:
            gone = np.count_nonzero(structured & (spread < LOST * usual) & (spread < FLAT) & ~glare)
            come = np.count_nonzero(~structured & (spread > CONTRAST))
            lost = max(0, int(gone) - int(come)) / count
        holds = lost >= self._share or flat >= min(1.0, 2 * self._share)
        if lost < self._share / 2:
            self.adapt(look)
        measured = {"lost_share": lost, "flat_share": flat}
        return Finding(holds, measured, {"lost_share": self._share, "flat_share": min(1.0, 2 * self._share)})

    def adapt(self, look: Look) -> None:
        """What this picture shows is usual."""
        spread = look.spread[self._kept]
        usual = spread if self._usual is None else self._usual
        weight = min(1.0, (look.at_ms - self._at_ms) / ADAPT_MS)
        self._usual, self._at_ms = usual + np.float32(weight) * (spread - usual), look.at_ms


class Sharpness:
    """Fine detail against what this view usually shows in such light."""

    def __init__(self, eye: Eye, health: Health) -> None:
        self._eye, self._least = eye, health.blurred.sharpness
        self._usual: dict[int, tuple[int, Grey]] = {}
        self._at_ms: int | None = None
        self._last = Finding(None)

    def judge(self, look: Look, *, learn: bool) -> Finding:
        """The median over blocks of their detail relative to the usual; `learn`: this may become usual."""
        if self._at_ms is not None and look.at_ms - self._at_ms < LOOK_MS:
            return self._last
        passed = 0 if self._at_ms is None else look.at_ms - self._at_ms
        self._at_ms = look.at_ms
        kept = self._eye.kept
        if not kept.any():
            return self._last
        # Detail grows with light. The offset keeps noise in the dark from counting as much as edges by day.
        detail = self._eye.detail(look)[kept] / (look.mean[kept] + 20.0)
        light = round(float(np.log2(look.mean[kept].mean() + 8.0)))
        looks, usual = self._usual.get(light, (0, detail))
        if looks < FIRST_LOOKS:
            if learn:
                first = usual + (detail - usual) / (looks + 1)
                self._usual[light] = (looks + 1, np.asarray(first, np.float32))
            self._last = Finding(None)
            return self._last
        telling = usual * (look.mean[kept] + 20.0) > DETAILED
        if np.count_nonzero(telling) < LEAST_BLOCKS:
            self._last = Finding(None)
            return self._last
        sharpness = float(np.median(detail[telling] / usual[telling]))
        holds = sharpness < self._least
        if learn and not holds:
            weight = np.float32(min(1.0, passed / SHARPNESS_MS))
            self._usual[light] = (looks, np.asarray(usual + weight * (detail - usual), np.float32))
        self._last = Finding(holds, {"sharpness": sharpness}, {"sharpness": self._least})
        return self._last

    def pause(self) -> None:
        """The next picture says nothing of the last one's sharpness."""
        self._last = Finding(None)


class Stillness:
    """A picture that does not change, not even by its noise."""

    def __init__(self) -> None:
        self._first: NDArray[np.uint8] | None = None

    def judge(self, look: Look) -> Finding:
        """Whether this is the picture with which the present stillness began."""
        first, samples = self._first, look.samples
        if first is not None and first.shape == samples.shape and samples.size:
            other = np.abs(samples.astype(np.int16) - first) > SAME_LEVEL
            changed = float(np.count_nonzero(other)) / samples.size
            if changed <= SAME_SHARE:
                return Finding(True, {"changed_share": changed}, {"changed_share": SAME_SHARE})
        self._first = samples
        return Finding(False)

    def reset(self) -> None:
        """Time was lost: what was before says nothing."""
        self._first = None


def _share(name: str, which: NDArray[np.bool_], least: float) -> Finding:
    share = float(np.mean(which)) if which.size else 0.0
    return Finding(bool(which.size) and share >= least, {name: share}, {name: least})
