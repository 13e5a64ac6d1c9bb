"""A fire that grows. Near misses: a lamp taken for one now and then, a flame that is put out at once."""

import numpy as np

from beffroi.simulate.layout import Place
from beffroi.simulate.path import Journey
from beffroi.simulate.pose import Pose, Poses
from beffroi.simulate.scenarios import passing
from beffroi.simulate.stage import Stage, scenario

RULE = "Fire on the square"
AFTER = 5.0
LAMP = 0.3
"""How clearly a lamp looks like a flame."""
FLICKER_S = 0.13
"""Flames change their outline some eight times a second (cameras show flicker of 5 to 10 Hz)."""


def _watch(stage: Stage) -> Place:
    stage.watch(RULE, "fire", zone="plaza", after=f"{AFTER:g}s", kinds=["fire", "smoke"], severity="critical")
    stage.beyond.update(("fire", "smoke"))
    return stage.uniform(2.5, 5.0), stage.uniform(12.0, 17.0)


def _flames(stage: Stage, begin: float, end: float, *, least: float, most: float) -> Poses:
    """Sizes that flicker, and grow from `least` to `most` times the usual."""
    t = np.arange(begin, end + FLICKER_S, FLICKER_S)
    grown = least + (most - least) * np.clip((t - begin) / max(end - begin, 1.0), 0.0, 1.0)
    tall = grown * np.exp(stage.rng.normal(0.0, 0.22, len(t)))
    wide = grown * np.exp(stage.rng.normal(0.0, 0.14, len(t)))
    return tuple(
        (float(at), Pose(wide=float(w), long=float(w), tall=float(h)))
        for at, w, h in zip(t, wide, tall, strict=True)
    )


def burn(stage: Stage, at: float) -> None:
    """Something burns, more and more, and often smokes."""
    spot = _watch(stage)
    path = Journey(at, spot).stand(stage.duration - at).path()
    flames = _flames(stage, at, stage.duration, least=0.6, most=stage.uniform(1.2, 2.0))
    fire = stage.thing("fire", path, "burns", clarity=0.8, poses=flames)
    if stage.chance(0.5):
        begins = at + stage.uniform(0.5, 2.0)
        smoke = Journey(begins, (spot[0] + 0.3, spot[1] + 0.2)).stand(stage.duration - begins).path()
        growing = _flames(stage, begins, stage.duration, least=0.5, most=1.6)
        # Its own fire: smoke is no second one.
        stage.thing("smoke", smoke, f"smokes with {fire.name}", clarity=0.6, poses=growing)
    stage.due(RULE)


def flare_up(stage: Stage, at: float) -> None:
    """A flame that is put out after a second or two."""
    spot = _watch(stage)
    end = at + stage.uniform(0.2, 0.4) * AFTER
    flames = _flames(stage, at, end, least=0.5, most=0.9)
    stage.thing("fire", Journey(at, spot).stand(end - at).path(), "is put out", clarity=0.8, poses=flames)


def shine(stage: Stage) -> None:
    """A lamp that a detector takes for a flame, weakly, for a moment every ten seconds or so."""
    x, y = _watch(stage)
    spot = (-x, y)  # on the other side: what burns beside a lamp would be one with it
    at = stage.uniform(0.0, 8.0)
    while at < stage.duration:
        taken = Journey(at, spot).stand(stage.uniform(0.2, 0.8)).path()
        stage.thing("fire", taken, "shines", scale=0.5, clarity=LAMP)
        at = taken.ends + stage.uniform(7.0, 14.0)


@scenario("fire", 44)
def burning(stage: Stage) -> None:
    """Something burns, or a lamp shines, or a flame is put out."""
    shine(stage)
    if stage.chance(0.4):
        flare_up(stage, stage.uniform(2.0, 4.0))
    if stage.chance(0.6):
        burn(stage, stage.uniform(14.0, 18.0))
    passing.strollers(stage, 0, 40, 3)
