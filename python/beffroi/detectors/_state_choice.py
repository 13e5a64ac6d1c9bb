"""From looks to states: the nearest reference, or a small classifier if that is right more often."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from beffroi.detectors._state_look import Vector, distance

# With fewer pictures of a state a classifier learns the pictures, not the state.
ENOUGH = 4
# Strength of the classifier's ridge, beside which differences of single edges count for little.
RIDGE = 0.02
STEPS = 40
# The nearest other state must be this much further than the nearest; the classifier must be this sure.
CLEARER = 1.12
SURE = 0.65
# References of a state from one minute are nearly equal; looks are never that near to any.
LEAST_SPREAD = 0.25

Method = Literal["nearest", "learnt"]
Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Share of references named rightly when each was left out in turn; None where that was not tried."""

    pictures: int
    nearest: float | None
    learnt: float | None


class Choice:
    """Names the state of a look."""

    def __init__(self, looks: NDArray[np.float32], states: NDArray[np.int64], reach: float) -> None:
        self._looks, self._states = looks, states
        self._count = int(states.max()) + 1
        self.accuracy = self._measured()
        learnt, nearest = self.accuracy.learnt, self.accuracy.nearest
        self.method: Method = "nearest"
        self._beta: Array | None = None
        if learnt is not None and nearest is not None and learnt >= nearest:
            self.method = "learnt"
            self._beta = _fit(looks, states, self._count)
        self._far = reach * max(LEAST_SPREAD, _spread(looks, states))

    def state(self, look: Vector) -> tuple[int | None, float]:
        """The state's number, or None if none is sure; and how far the nearest reference is."""
        away = distance(look, self._looks)
        nearest = float(away.min())
        if nearest > self._far:
            return None, nearest
        if self._beta is not None:
            sure = _shares(look[None], self._beta)[0]
            best = int(sure.argmax())
            return (best if sure[best] >= SURE else None), nearest
        return _nearest(away, self._states, self._count), nearest

    def _measured(self) -> Accuracy:
        counts = np.bincount(self._states, minlength=self._count)
        total = len(self._states)
        if counts.min() < 2:
            return Accuracy(total, None, None)
        nearest, learnt = 0, 0
        tried = bool(counts.min() >= ENOUGH)
        for left in range(total):
            rest = np.arange(total) != left
            away = distance(self._looks[left], self._looks[rest])
            nearest += int(self._states[rest][away.argmin()]) == int(self._states[left])
            if tried:
                beta = _fit(self._looks[rest], self._states[rest], self._count)
                learnt += int(_shares(self._looks[left][None], beta).argmax()) == int(self._states[left])
        return Accuracy(total, nearest / total, learnt / total if tried else None)


def _nearest(away: NDArray[np.float32], states: NDArray[np.int64], count: int) -> int | None:
    per_state = np.array([away[states == state].min() for state in range(count)])
    first, second = np.argsort(per_state, kind="stable")[:2]
    return int(first) if per_state[second] >= CLEARER * per_state[first] else None


def _spread(looks: NDArray[np.float32], states: NDArray[np.int64]) -> float:
    """The largest distance from a reference to the nearest other of its own state."""
    largest = 0.0
    for index, look in enumerate(looks):
        own = states == states[index]
        own[index] = False
        if own.any():
            largest = max(largest, float(distance(look, looks[own]).min()))
    return largest


def _fit(looks: NDArray[np.float32], states: NDArray[np.int64], count: int) -> Array:
    """Multinomial logistic regression with a ridge, in the span of the looks: (k + 1, count)."""
    x = np.hstack([looks, np.ones((len(looks), 1))]).astype(np.float64)
    kernel = x @ x.T
    alpha = np.zeros((len(x), count))
    target = np.eye(count)[states] / np.bincount(states, minlength=count)[states][:, None]
    weight = target.sum(axis=1, keepdims=True)
    # The step that the ridge and the largest curvature allow: gradient descent then cannot diverge.
    step = 1.0 / (0.5 * float(np.linalg.eigvalsh(kernel)[-1]) * float(weight.max()) + RIDGE)
    for _ in range(STEPS * 10):
        alpha -= step * (weight * _softmax(kernel @ alpha) - target + RIDGE * alpha)
    return np.asarray(x.T @ alpha)


def _shares(looks: NDArray[np.float32], beta: Array) -> Array:
    return _softmax(np.hstack([looks, np.ones((len(looks), 1))]) @ beta)


def _softmax(values: Array) -> Array:
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))
