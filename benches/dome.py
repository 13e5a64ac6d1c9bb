"""Whether a dome over real places keeps them apart, and what that costs.

``python -m benches.dome`` makes a dome of the sample clips: each view is a place, the dome visits them in
turn, and between two the picture smears from one into the other. Its words come up to a second late or
early. Printed for each way of telling: pictures that went to the wrong view (there must be none), the share
of those in place that were judged, incidents (there should be none), and milliseconds per picture of 640 x
360. Clips of a place that another shows already, and those that a moving hand took, are left out. Exit code
1 if a picture went to the wrong view, 2 without clips.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import cv2
import numpy as np
from beffroi import assets
from beffroi.components import BuildContext
from beffroi.config.health import Health
from beffroi.config.site import Camera
from beffroi.errors import AssetError
from beffroi.frame import Frame
from beffroi.video import VideoFile
from beffroi.views.dome import NOBODY, dome
from beffroi.views.presets import Where

SIZE = (640, 360)
FPS = 4
STAY_S, MOVE_S = 6.0, 1.5
TOLERANCE = Health().view_moved.tolerance
SAME_PLACE = ("fall-2", "no-fall")
"""Clips of a place that another clip shows already."""
MOVING = ("shaking-camera", "tilting-camera", "candle", "fire-start", "red-light-night")
"""Clips whose camera itself is moved: what they show is not one view."""


@dataclass(frozen=True)
class Shown:
    """A picture, when it is, and which place it shows, None for none."""

    second: float
    image: np.ndarray
    place: str | None


def pictures(path: Path, seconds: float) -> list[np.ndarray]:
    """The beginning of a clip, `FPS` a second; the last picture lasts."""
    taken: list[np.ndarray] = []
    video = VideoFile(path)
    for at_ms, raw in video.pictures():
        if at_ms * FPS >= 1000 * len(taken):
            taken.append(cv2.resize(video.image(raw), SIZE, interpolation=cv2.INTER_AREA))
        if len(taken) >= seconds * FPS:
            break
    video.close()
    return taken


def smeared(one: np.ndarray, other: np.ndarray, done: float) -> np.ndarray:
    """On the way from one place to another: what lies between slides by, blurred by the speed."""
    width = SIZE[0]
    left = int(done * width)
    both = np.concatenate([one[:, left:], other[:, :left]], axis=1)
    return np.asarray(cv2.blur(both, (max(1, int(4 * done * (1 - done) * 60)), 1)), np.uint8)


def tour(places: dict[str, list[np.ndarray]], order: Sequence[str], stay_s: float) -> Iterator[Shown]:
    """The dome's pictures."""
    number, seen = 0, dict.fromkeys(places, 0)

    def current(name: str) -> np.ndarray:
        clip = places[name]
        seen[name] += 1
        return clip[seen[name] % len(clip)]

    for step, name in enumerate(order):
        for _ in range(round(stay_s * FPS)):
            noise = np.random.default_rng(number).normal(0, 1.5, (SIZE[1], SIZE[0], 1))
            image = np.clip(current(name) + noise, 0, 255).astype(np.uint8)
            yield Shown(number / FPS, image, name)
            number += 1
        if step + 1 < len(order):
            for part in range(round(MOVE_S * FPS)):
                done, after = (part + 0.5) / (MOVE_S * FPS), order[step + 1]
                # Within the tolerance the zones still lie where they were drawn.
                place = name if done <= TOLERANCE else after if done >= 1 - TOLERANCE else None
                yield Shown(number / FPS, smeared(current(name), current(after), done), place)
                number += 1


def words(order: Sequence[str], stay_s: float, late: random.Random) -> list[tuple[float, str | None]]:
    """From when on the dome says where it is: each word up to a second late or early."""
    said, last = [], -2.0
    for step, name in enumerate(order):
        for begins, preset in ((step * (stay_s + MOVE_S), name), (step * (stay_s + MOVE_S) + stay_s, None)):
            last = max(last, begins + late.uniform(-1, 1))
            said.append((last, preset))
    return said


def where(said: Sequence[tuple[float, str | None]], second: float) -> Where:
    """What it says at a second."""
    heard = [word for word in said if word[0] <= second]
    if not heard:
        return Where(None, True, 0.0, "poll")
    return Where(heard[-1][1], heard[-1][1] is None, second - heard[-1][0], "poll")


def played(
    places: dict[str, list[np.ndarray]], *, told: bool, known: bool, seed: int, folder: Path
) -> dict[str, float]:
    """One tour over all places, twice; the figures."""
    views: dict[str, dict[str, str]] = {}
    for name, clip in places.items():
        views[name] = {"preset": name} if told else {}
        if known:
            middle = np.median(np.stack(clip[:: max(1, len(clip) // 15)]), axis=0).astype(np.uint8)
            cv2.imwrite(str(folder / f"{name}.png"), middle)
            views[name]["reference"] = f"{name}.png"
    settings = Camera.model_validate(
        {"source": {"type": "file", "path": "-"}, "detect": {}, "views": views}
        | {"health": {"frozen": {"enabled": False}, "view_moved": {"settle": 1}}}
    )
    order, stay_s = [*places, *places], STAY_S if known else 3 * STAY_S
    said, now = words(order, stay_s, random.Random(seed)), [0.0]
    made = dome(settings, SIZE, BuildContext("dome", folder), (lambda: where(said, now[0])) if told else None)
    wrong = judged = standing = incidents = 0
    costs = []
    for shown in tour(places, order, stay_s):
        now[0] = shown.second
        begun = time.thread_time()
        view, verdict = made.look(Frame(round(shown.second * 1000), shown.image))
        costs.append((time.thread_time() - begun) * 1000)
        wrong += view is not None and view != shown.place
        judged += view is not None and view == shown.place
        standing += shown.place is not None
        incidents += sum(one.change == "started" for one in verdict.incidents)
    assert made.said is not NOBODY or not told
    return {"wrong": wrong, "judged": judged / standing, "incidents": incidents, "ms": median(costs)}


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=7, help="of how late each word is")
    parser.add_argument("--clips", type=Path, help="folder of clips; those of the assets if left out")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    try:
        clips = sorted((options.clips or assets.locate("clips")).glob("*.mp4"))
    except AssetError as error:
        print(error, file=sys.stderr)
        return 2
    places = {path.stem: pictures(path, 12) for path in clips if path.stem not in SAME_PLACE + MOVING}
    print(f"{len(places)} places: {', '.join(places)}")
    print(f"{'':34}{'wrong':>7}{'judged':>9}{'incidents':>11}{'ms':>7}")
    failed = False
    for label, told, known in (
        ("told, with reference pictures", True, True),
        ("told, learnt", True, False),
        ("not told, with reference pictures", False, True),
    ):
        with tempfile.TemporaryDirectory() as folder:
            figures = played(places, told=told, known=known, seed=options.seed, folder=Path(folder))
        failed = failed or figures["wrong"] > 0
        print(
            f"{label:34}{figures['wrong']:>7.0f}{figures['judged']:>9.0%}{figures['incidents']:>11.0f}"
            f"{figures['ms']:>7.2f}"
        )
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
