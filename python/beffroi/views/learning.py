"""How a view becomes known, and how it is kept up to date."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from beffroi.views.look import Eye, Look, flattened
from beffroi.views.reference import Affine, Fit, Reference, displacement, warped

SAMPLES = 15
"""Looks of which a reference is the median: who stands in fewer than half of them is not in it."""
FIRST_LOOKS = 5
"""Looks after which the first picture gives way to their median: a crowd that walks is gone from it."""
RENEW_MS = 60_000
"""Media time over which looks are gathered before a reference is renewed: longer than a red light."""
SHARE = 0.2
"""Weight of the new looks in a renewed reference: it follows shadows, not a lorry that parks for a minute."""
ADD_BELOW = 0.4
"""Usual agreement below which the light is another one, and gets a reference of its own."""
MOST = 4
"""References of one view: day, night, dusk, snow. Each that does not fit costs a registration in doubt."""


class Learning:
    """Waits until the picture has stood still for long enough, and makes the reference of it.

    Parameters
    ----------
    eye
        What reduces the pictures.
    seconds
        For how long.
    within
        Farthest distance, as a share of the width, between the middles of the thirds of that time: a swinging
        mast stands still, a creeping one does not.
    """

    def __init__(self, eye: Eye, seconds: float, within: float) -> None:
        self._eye, self._long_ms, self._within = eye, round(seconds * 1000), within
        self._reference: Reference | None = None
        self._poses: list[tuple[int, Affine]] = []
        self._looks: list[tuple[int, Look, Affine]] = []

    def begin(self, reference: Reference | None) -> None:
        """Start anew, around `reference`."""
        self._reference = reference
        self._poses.clear()
        self._looks.clear()

    def reset(self) -> None:
        """Something came between: the time begins anew."""
        self.begin(self._reference)

    def cleared(self, first: Reference, at_ms: int) -> Reference | None:
        """What the `first` picture shows without who walks through it; once, when enough was seen."""
        enough = len(self._looks) == FIRST_LOOKS and self._looks[-1][0] == at_ms
        if not enough or self._reference is not first:
            return None
        looks = [(kept, pose) for _, kept, pose in self._looks]
        cleared = Reference(_stack(looks, np.eye(3)), self._eye.kept, mono=first.mono)
        if not cleared.usable:
            return None
        self._reference = cleared
        return cleared

    def learn(
        self, look: Look, flat: NDArray[np.uint8] | None, fit: Fit | None, first: Reference
    ) -> Reference | None:
        """Add a picture with its fit to the `first` reference; returns the view's own once it is known.

        Where the first reference is out of sight, the place that is seen now is learnt instead: a camera that
        is still being put up ends where it is left.
        """
        if fit is not None and self._reference is not first:
            self.begin(first)
        elif fit is None and self._reference is not None and self._reference is not first:
            fit = self._reference.register(look, flattened(look.grey) if flat is None else flat)
            fit = fit if fit is not None and fit.agreement >= ADD_BELOW else None
        if fit is None:
            fresh = Reference(look.grey, self._eye.kept, mono=look.mono)
            self.begin(fresh if fresh.usable else None)
            if self._reference is None:
                return None
            fit = Fit(np.eye(3), 1.0, 1.0)
        self._poses.append((look.at_ms, fit.pose))
        if not self._looks or look.at_ms - self._looks[-1][0] >= self._long_ms / SAMPLES:
            self._looks.append((look.at_ms, look, fit.pose))
        begins = look.at_ms - self._long_ms
        if self._poses[0][0] > begins:
            return None
        self._poses = [entry for entry in self._poses if entry[0] > begins]
        self._looks = [entry for entry in self._looks if entry[0] > begins]
        if not self._stood(look.at_ms):
            # One picture stays from before the period: it shows that all of the period was watched.
            self._poses.insert(0, (begins, self._poses[0][1]))
            return None
        home = _median([pose for _, pose in self._poses])
        looks = [(kept, pose) for _, kept, pose in self._looks]
        return Reference(_stack(looks, home), self._eye.kept, mono=look.mono)

    def _stood(self, at_ms: int) -> bool:
        third = self._long_ms / 3
        middles = []
        for number in range(3):
            ends = at_ms - (2 - number) * third
            poses = [pose for at, pose in self._poses if ends - third < at <= ends]
            if not poses:
                return False
            middles.append(_median(poses))
        pairs = [*pairwise(middles), (middles[0], middles[2])]
        return all(
            displacement(b @ np.linalg.inv(a), self._eye.width, self._eye.height) <= self._within
            for a, b in pairs
        )


class Renewal:
    """Lets a reference follow light and season."""

    def __init__(self, eye: Eye) -> None:
        self._eye = eye
        self._looks: list[tuple[Look, Affine]] = []
        self._agreements: list[float] = []
        self._begun_ms = 0

    def reset(self) -> None:
        """Something came between: gather anew."""
        self._looks.clear()
        self._agreements.clear()

    def renew(
        self, look: Look, fit: Fit, references: list[Reference], current: Reference | None
    ) -> tuple[list[Reference], Reference] | None:
        """Add a picture that lies in its place; returns the new references and the current one of them."""
        if not self._looks:
            self._begun_ms = look.at_ms
        elif look.at_ms - self._begun_ms < len(self._looks) * RENEW_MS / SAMPLES:
            return None
        self._looks.append((look, fit.pose))
        of_reference = current in references
        self._agreements.append(fit.agreement if of_reference else 0.0)
        if look.at_ms - self._begun_ms < RENEW_MS:
            return None
        stacked = _stack(self._looks, np.eye(3))
        usual = float(np.median(self._agreements))
        self.reset()
        if usual < ADD_BELOW or current is None or not of_reference:
            added = Reference(stacked, self._eye.kept, mono=look.mono)
            if not added.usable:
                return None
            # The first one is what the operator gave or the camera was put up with: it stays.
            kept = references if len(references) < MOST else [references[0], *references[2:]]
            return [*kept, added], added
        blended = (1 - SHARE) * current.grey + SHARE * stacked
        renewed = Reference(np.asarray(blended, np.float32), self._eye.kept, mono=current.mono)
        return [renewed if reference is current else reference for reference in references], renewed


def _median(poses: list[Affine]) -> Affine:
    return np.asarray(np.median(np.stack(poses), axis=0), np.float64)


def _stack(looks: list[tuple[Look, Affine]], home: Affine) -> NDArray[np.float32]:
    """The median of looks laid over each other at `home`: what moves through them is not in it."""
    laid = [warped(look.grey, pose @ np.linalg.inv(home)) for look, pose in looks]
    return np.asarray(np.median(np.stack(laid), axis=0), np.float32)
