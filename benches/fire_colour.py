"""Learns what colour a flame has, and says how well the colour alone tells fire from no fire.

    python benches/fire_colour.py FIRE NOT_FIRE [MORE_NOT_FIRE ...]

Each argument is a folder of pictures. Nobody has painted the flames in them, so the fit is of the
multiple-instance kind (Andrews, Tsochantaridis & Hofmann 2003, mi-SVM, here with a logistic model): it begins
with the pixels that Celik & Demirel (2009) call flame in the pictures of fire, fits against all pixels of the
other pictures, takes the pixels that the fit itself finds as the next positives, and so on. Pictures with an
even number in their folder's order are fitted, those with an odd number are measured. Prints the coefficients
that stand in `beffroi/detectors/_fire_colour.py`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
from beffroi.detectors._fire_colour import features, likelihood
from numpy.typing import NDArray

SIDE = 96  # pictures are looked at this small: neighbouring pixels tell the same
PER_PICTURE = 400
ROUNDS = 4
STEPS = 30
RIDGE = 1e-5
SUFFIXES = {".jpg", ".jpeg", ".png"}

Array = NDArray[np.float64]


def pictures(folder: Path) -> list[NDArray[np.uint8]]:
    """All pictures below `folder`, made small, in the order of their paths."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    read = (cv2.imread(str(path)) for path in paths)
    return [
        cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for image in read if image is not None
    ]


def celik(image: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Flame pixels by the first rules of Celik & Demirel (2009), in YCbCr; shape (pixels,)."""
    y, cr, cb = (plane.ravel().astype(float) for plane in cv2.split(cv2.cvtColor(image, cv2.COLOR_BGR2YCrCb)))
    return (y > cb) & (cr > cb) & (y > y.mean()) & (cb < cb.mean()) & (cr > cr.mean()) & (cr - cb >= 40)


def fit(x: Array, y: Array, weight: Array) -> Array:
    """Logistic regression by Newton's method, with a little ridge."""
    beta = np.zeros(x.shape[1])
    for _ in range(STEPS):
        p = 1 / (1 + np.exp(-np.clip(x @ beta, -30, 30)))
        gradient = x.T @ (weight * (y - p)) - RIDGE * len(x) * beta
        hessian = (x * (weight * p * (1 - p))[:, None]).T @ x + RIDGE * len(x) * np.eye(len(beta))
        beta += np.linalg.solve(hessian, gradient)
    return beta


def learn(fire: list[NDArray[np.uint8]], other: list[NDArray[np.uint8]]) -> Array:
    """The coefficients of `features`."""
    rng = np.random.default_rng(1)
    negative = np.concatenate(
        [features(rng.permutation(image.reshape(-1, 3))[:PER_PICTURE]) for image in other]
    )
    chosen = [celik(image) for image in fire]
    beta = np.zeros(negative.shape[1])
    for _ in range(ROUNDS):
        flames = (image.reshape(-1, 3)[mask] for image, mask in zip(fire, chosen, strict=True))
        positive = np.concatenate([features(rng.permutation(pixels)[:PER_PICTURE]) for pixels in flames])
        x = np.concatenate([positive, negative])
        y = np.concatenate([np.ones(len(positive)), np.zeros(len(negative))])
        beta = fit(x, y, np.where(y > 0, len(x) / (2 * len(positive)), len(x) / (2 * len(negative))))
        chosen = [likelihood(image.reshape(-1, 3), beta) > 0.5 for image in fire]
    return beta


def measure(fire: list[NDArray[np.uint8]], other: list[NDArray[np.uint8]], beta: Array) -> None:
    """Print how well the share of flame-coloured pixels tells the pictures apart."""
    shares = [
        np.array([(likelihood(image.reshape(-1, 3), beta) > 0.5).mean() for image in group])
        for group in (fire, other)
    ]
    above = (shares[0][:, None] > shares[1][None]).mean() + (shares[0][:, None] == shares[1][None]).mean() / 2
    print(f"area under the curve {above:.3f} over {len(fire)} pictures of fire and {len(other)} others")
    for least in (0.0005, 0.002, 0.005, 0.01, 0.02, 0.05):
        hit, false = ((share >= least).mean() for share in shares)
        print(f"  at least {least:6.2%} flame-coloured: {hit:4.0%} of the fires, {false:4.0%} of the others")


def main(folders: list[str]) -> None:
    fire, *others = (pictures(Path(folder)) for folder in folders)
    other = [image for group in others for image in group]
    beta = learn(fire[::2], other[::2])
    print("COEFFICIENTS = (" + ", ".join(f"{value:.3f}" for value in beta) + ")")
    print("on the half that was fitted:")
    measure(fire[::2], other[::2], beta)
    print("on the half that was not:")
    measure(fire[1::2], other[1::2], beta)
    for name, group in zip(folders[1:], others, strict=True):
        shares = np.array([(likelihood(image.reshape(-1, 3), beta) > 0.5).mean() for image in group[1::2]])
        print(f"  {name}: {(shares >= 0.005).mean():.0%} of {len(shares)} have 0.5 % or more")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(sys.argv[1:])
