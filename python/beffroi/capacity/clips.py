"""The clips that cameras show, as cameras send them: one size, one rate, key pictures at even distances."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from beffroi.assets import cache
from beffroi.errors import BeffroiError, SourceError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from beffroi.evaluate.truth import Case

FPS = 25
KEY_EVERY_S = 2
KBIT_S = 3000
"""What a town's camera sends: 25 pictures a second, a key picture every other second, 2 to 4 Mbit/s."""
LONGEST_S = 90
"""What of a clip is shown; the server holds all of it in memory."""
SYNTHETIC_S = 12
MOST_ALERTS = 1.5
"""Alerts a minute above which a rule runs in the shadow: a clip of nine seconds shows its incident four
hundred times an hour, which no street does, and writing clips of evidence would be all that is measured. In
the shadow it is judged and stored, with its picture."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A clip to be served, and what is watched on it."""

    path: Path
    name: str
    seconds: float
    zones: dict[str, Any] = field(default_factory=dict)
    lines: dict[str, Any] = field(default_factory=dict)
    rules: list[dict[str, Any]] = field(default_factory=list)


def shown(
    folder: Path | None,
    size: tuple[int, int],
    say: Callable[[str], None],
    kept: Path | None = None,
    most: int | None = None,
) -> list[Shown]:
    """The clips of a folder, encoded anew once and kept.

    Those of the truth file beside them come with its zones and rules, and only they if there are any: cameras
    that stand still, and have something to say. Without a folder and without assets they are drawn.

    Parameters
    ----------
    folder
        Where clips are; by default those of the assets.
    size
        Width and height of the pictures in pixels.
    kept
        Where what was encoded is kept; by default in the cache.
    most
        No more than so many.

    Raises
    ------
    BeffroiError
        If the folder has no clips, or one cannot be read.
    """
    kept = kept or cache() / "capacity"
    kept.mkdir(parents=True, exist_ok=True)
    if folder is None:
        folder = _assets()
        if folder is None:
            return [drawn(size, kept)]
    found = _with_rules(folder) or [(path, {}, {}, []) for path in sorted(folder.glob("*.mp4"))]
    if not found:
        raise BeffroiError(f"{folder}: holds no .mp4 file")
    clips = []
    for path, zones, lines, rules in found[:most]:
        target = kept / f"{path.stem}-{_key(path, size)}.mp4"
        if not target.is_file():
            say(f"{path.name}: encoded anew, once")
            draft = target.with_suffix(".draft.mp4")
            encode(pictures(path, size), draft, size)
            draft.replace(target)
        clips.append(Shown(target, path.stem, _seconds(target), zones, lines, rules))
    return clips


def drawn(size: tuple[int, int], kept: Path) -> Shown:
    """A clip of shapes that cross a textured ground, for where there are no others."""
    target = kept / f"shapes-{size[0]}x{size[1]}.mp4"
    if not target.is_file():
        draft = target.with_suffix(".draft.mp4")
        encode(_shapes(size), draft, size)
        draft.replace(target)
    return Shown(target, "shapes", SYNTHETIC_S)


def encode(images: Iterator[Any], target: Path, size: tuple[int, int], fps: int = FPS) -> None:
    """Write `av.VideoFrame`s of `size`, in order, as a camera would send them."""
    import av

    with av.open(str(target), "w") as container:
        stream: Any = container.add_stream("libx264", rate=fps)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        # Key pictures at cuts would come at uneven distances, as no camera sends them.
        stream.options = {
            "preset": "veryfast",
            "bf": "0",
            "maxrate": f"{KBIT_S * 3 // 2}k",
            "bufsize": f"{KBIT_S * 2}k",
            "sc_threshold": "0",
        }
        stream.codec_context.gop_size = KEY_EVERY_S * fps
        stream.codec_context.bit_rate = KBIT_S * 1000
        for index, image in enumerate(images):
            image.pts, image.time_base = index, Fraction(1, fps)
            container.mux(stream.encode(image))
        container.mux(stream.encode())


def pictures(path: Path, size: tuple[int, int], fps: int = FPS) -> Iterator[Any]:
    """The pictures of a file at an even rate, each the latest of its time, scaled to `size`."""
    import av

    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            number, zero = 0, None
            for picture in container.decode(stream):
                zero = picture.time if zero is None else zero
                at_s = (picture.time or 0.0) - (zero or 0.0)
                if at_s >= LONGEST_S:
                    return
                while number / fps <= at_s:
                    yield picture.reformat(width=size[0], height=size[1], format="yuv420p")
                    number += 1
    except (av.FFmpegError, IndexError, OSError) as error:
        raise SourceError(f"{path}: cannot be read as a video") from error


def _shapes(size: tuple[int, int]) -> Iterator[Any]:
    """They are where they began when the clip ends, so that it goes on with its beginning."""
    import av

    width, height = size
    rng = np.random.default_rng(7)
    patches = rng.normal(0, 25, (40, 40)).astype(np.float32)
    ground = cv2.resize(patches, size, interpolation=cv2.INTER_CUBIC) + 110
    ground = cv2.cvtColor(np.clip(ground, 30, 200).astype(np.uint8), cv2.COLOR_GRAY2BGR)
    for index in range(SYNTHETIC_S * FPS):
        image: NDArray[np.uint8] = np.array(ground, np.uint8)
        share = index / (SYNTHETIC_S * FPS)
        walker = (int(share * width), int(0.7 * height))
        cv2.ellipse(image, walker, (width // 50, height // 8), 0, 0, 360, (40, 60, 170), -1)
        left = int((1 - share) * width)
        cv2.rectangle(image, (left, height // 3), (left + width // 8, height // 2), (180, 90, 30), -1)
        yield av.VideoFrame.from_ndarray(image, format="bgr24").reformat(format="yuv420p")


def _assets() -> Path | None:
    from beffroi.assets import roots

    return next((root / "clips" for root in roots() if (root / "clips").is_dir()), None)


def _with_rules(folder: Path) -> list[tuple[Path, dict[str, Any], dict[str, Any], list[dict[str, Any]]]]:
    """Clips whose truth has a rule of the object detector's alone, and of a camera that stands still."""
    from beffroi.config.beside import needs
    from beffroi.evaluate.truth import load
    from beffroi.views.incident import KINDS

    truth = folder / "truth.toml"
    if not truth.is_file():
        return []
    found = []
    for clip in load(truth):
        path = folder / (clip.file or "")
        kinds = {case.kind for case in clip.case}
        if clip.file is None or not path.is_file() or kinds & set(KINDS):
            continue
        rules = [
            {"name": case.name, **case.rule, "shadow": not _seldom(case, _seconds(path))}
            for case in clip.case
            if not needs().get(case.kind, ("unknown",))
        ]
        if rules:
            found.append((path, dict(clip.zones), dict(clip.lines), rules))
    return found


def _seldom(case: Case, seconds: float) -> bool:
    """Whether a clip in a loop shows what the rule is about as seldom as a street might."""
    shown_s = min(seconds, LONGEST_S)
    alerts = sum(opens < shown_s for opens, _ in case.alerts or ())
    return case.at_least is None and alerts * 60 / shown_s <= MOST_ALERTS


def _key(path: Path, size: Sequence[int]) -> str:
    about = path.stat()
    text = f"{path.absolute()} {about.st_size} {about.st_mtime_ns} {size} {FPS} {KBIT_S} {KEY_EVERY_S} 1"
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _seconds(path: Path) -> float:
    import av

    with av.open(str(path)) as container:
        return float((container.duration or 0) / 1_000_000)
