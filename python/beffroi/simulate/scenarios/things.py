"""Things that are brought, set down, taken away; and what a background model makes of them."""

import numpy as np

from beffroi.simulate.agent import Agent
from beffroi.simulate.layout import Place
from beffroi.simulate.path import Journey, Path
from beffroi.simulate.stage import Stage

SETTLES_S = (1.5, 3.5)
"""A background model is sure after so many seconds that something stands, or is gone."""
ASIDE_M = 0.35


def carried(bearer: Path, down: float, taken: float | None, taker: Path | None, until: float) -> Path:
    """A thing goes with `bearer`, stands where it is at `down` until `taken`, then goes with `taker`."""
    parts = [_beside(bearer, bearer.begins, down)]
    place = parts[0][1][-1]
    stands = until if taken is None else taken
    parts.append((np.array([down + 0.05, stands]), np.stack([place, place])))
    if taker is not None and taken is not None:
        parts.append(_beside(taker, taken + 0.2, taker.ends))
    t = np.concatenate([part[0] for part in parts])
    return Path(t, np.concatenate([part[1] for part in parts]), np.zeros(len(t)))


def _beside(bearer: Path, begin: float, end: float) -> tuple[np.ndarray, np.ndarray]:
    t = np.linspace(begin, end, max(2, round((end - begin) / 0.1)))
    heading = np.interp(t, bearer.t, bearer.heading)
    side = ASIDE_M * np.stack([-np.sin(heading), np.cos(heading)], axis=-1)
    return t, bearer.positions(np.clip(t, bearer.begins, bearer.ends)) + side


def stands(stage: Stage, thing: Agent, place: Place, down: float, taken: float | None) -> None:
    """Have a background model report `thing` while it stands."""
    begins = down + stage.uniform(*SETTLES_S)
    ends = stage.duration if taken is None else taken + stage.uniform(0.3, 1.0)
    if begins < ends - 0.5:
        stage.echo(thing, "still_object", Journey(begins, place).stand(ends - begins).path())


def missing(stage: Stage, thing: Agent, place: Place, begins: float, seconds: float) -> None:
    """Have a background model report that what was at `place` is not to be seen."""
    stage.echo(thing, "missing_object", Journey(begins, place).stand(seconds).path())


def set_down(
    stage: Stage,
    label: str,
    owner: Agent,
    down: float,
    *,
    taken: float | None = None,
    taker: Path | None = None,
    scale: float = 1.0,
) -> Agent:
    """`owner` brings a thing, sets it down at `down` seconds; `taker` takes it at `taken`, if ever."""
    path = carried(owner.path, down, taken, taker, stage.duration)
    thing = stage.thing(label, path, "is brought", owner=owner, scale=scale)
    x, y = path.positions(np.array([down]))[0]
    stands(stage, thing, (float(x), float(y)), down, taken)
    return thing
