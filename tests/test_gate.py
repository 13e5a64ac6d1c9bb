"""The gate: what it lets through and what it keeps back, on drawn pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from beffroi.errors import ModelError
from beffroi.frame import Detections, Frame
from beffroi.runtime.gate import REFRESH_MS, Gate, Gated
from hypothesis import given, settings
from hypothesis import strategies as st

WIDTH, HEIGHT = 640, 360
STEP_MS = 250
NEVER_MS = 10**9  # a refresh that does not come, where a test looks at changes alone

Picture = Callable[[int], np.ndarray]


def street() -> np.ndarray:
    """An empty street: coarse structure in three colours, no noise; float32 (360, 640, 3)."""
    coarse = np.random.default_rng(1).normal(115, 25, (HEIGHT // 12, WIDTH // 12, 3)).astype(np.float32)
    return cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)


STREET = street()
GRAIN = np.random.default_rng(2).normal(0, 1, (HEIGHT + 61, WIDTH + 67, 3)).astype(np.float32)


def noisy(image: np.ndarray, at_ms: int, sigma: float = 4.0) -> np.ndarray:
    """With a sensor's noise: grain that lies elsewhere in each picture."""
    down, right = at_ms * 7919 // 40 % 61, at_ms * 104_729 // 40 % 67
    grain = GRAIN[down : down + HEIGHT, right : right + WIDTH]
    return np.clip(image + sigma * grain, 0, 255).astype(np.uint8)


def walker(x: float, y: float, width: int = 8, height: int = 20, shade: float = -45) -> np.ndarray:
    """The street with somebody on it, who is darker than it by `shade`; the left upper corner at x, y."""
    image = STREET.copy()
    left, top = round(x), round(y)
    image[max(0, top) : top + height, max(0, left) : max(0, left + width)] += shade
    return image


def opened(picture: Picture, seconds: float, gate: Gate | None = None, from_ms: int = 0) -> list[int]:
    """The times at which the gate opens, in milliseconds."""
    gate = gate or Gate(NEVER_MS)
    times = range(from_ms, from_ms + round(seconds * 1000), STEP_MS)
    return [at_ms for at_ms in times if gate.open(at_ms, picture(at_ms))]


def settled(picture: Picture, seconds: float = 10) -> Gate:
    """A gate that has seen `picture` for a while before time 0."""
    gate = Gate(NEVER_MS)
    opened(picture, seconds, gate, -round(seconds * 1000))
    return gate


def quiet(at_ms: int) -> np.ndarray:
    return noisy(STREET, at_ms)


def test_an_empty_street_is_looked_at_every_two_seconds() -> None:
    assert opened(quiet, 20, Gate()) == list(range(0, 20_000, REFRESH_MS))


def test_noise_alone_opens_nothing() -> None:
    assert opened(quiet, 60, settled(quiet)) == []


def test_strong_noise_is_learned() -> None:
    def dark(at_ms: int) -> np.ndarray:
        return noisy(STREET, at_ms, sigma=18)

    assert len(opened(dark, 30, settled(dark, 30))) <= 2


@pytest.mark.parametrize("shade", [-45, -25, 40])
def test_a_small_walker_who_comes_in_opens_at_once_and_with_each_step(shade: float) -> None:
    """A person of a twentieth of the picture's height walks in from the left at 1.5 body heights a second."""

    def enters(at_ms: int) -> np.ndarray:
        return noisy(walker(-8 + 30 * at_ms / 1000, 200, shade=shade), at_ms)

    times = opened(enters, 10, settled(quiet))
    assert times[0] <= 2 * STEP_MS
    assert len(times) >= 0.9 * 10_000 / STEP_MS


def test_a_slow_mover_is_not_lost_between_two_pictures() -> None:
    """A change too small to see from one picture to the next adds up until it is seen."""

    def creeps(at_ms: int) -> np.ndarray:
        return noisy(walker(300 + 2 * at_ms / 1000, 150), at_ms)

    times = opened(creeps, 20, settled(lambda at_ms: noisy(walker(300, 150), at_ms)))
    moved = np.diff([0, *times]) * 2 / 1000
    assert moved.max() <= 8, "opens at least once for each width of the body"
    assert len(times) < 40


def test_somebody_who_stands_still_needs_no_second_look() -> None:
    def stands(at_ms: int) -> np.ndarray:
        return noisy(walker(300, 150), at_ms)

    assert opened(stands, 20, settled(stands)) == []


def test_a_flickering_lamp_is_learned() -> None:
    """Brightness that swings by 8 % at a rate that beats with the pictures."""

    def flickers(at_ms: int) -> np.ndarray:
        return noisy(STREET * (1 + 0.08 * np.sin(at_ms / 1000 * 9.1)), at_ms)

    assert len(opened(flickers, 20, settled(flickers))) <= 8


def test_somebody_is_seen_in_flickering_light() -> None:
    def flickers(at_ms: int) -> np.ndarray:
        return noisy(STREET * (1 + 0.04 * np.sin(at_ms / 1000 * 9.1)), at_ms)

    def enters(at_ms: int) -> np.ndarray:
        light = 1 + 0.04 * np.sin(at_ms / 1000 * 9.1)
        return noisy(walker(-8 + 30 * at_ms / 1000, 200) * light, at_ms)

    assert len(opened(enters, 10, settled(flickers))) >= 0.8 * 10_000 / STEP_MS


def test_a_clock_in_the_picture_opens_every_second_unless_masked() -> None:
    def clock(at_ms: int) -> np.ndarray:
        image, second = noisy(STREET, at_ms), f"{at_ms // 1000 % 60:02}"
        return cv2.putText(image, second, (20, 50), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (255, 255, 255), 3)

    def masked(at_ms: int) -> np.ndarray:
        image = clock(at_ms)
        image[15:60, 10:90] = 0
        return image

    times = opened(clock, 20, settled(clock))
    assert set(times) <= {1000 * second for second in range(20)}
    assert len(times) >= 15
    assert opened(masked, 20, settled(masked)) == []


def test_an_exposure_step_opens_once() -> None:
    def brighter(at_ms: int) -> np.ndarray:
        return noisy(STREET * (1.25 if at_ms >= 2000 else 1), at_ms)

    assert opened(brighter, 20, settled(quiet)) == [2000]


def test_key_pictures_that_look_different_open_for_them_alone() -> None:
    """Every two seconds a sharp key picture, after it pictures that grow blurred: two looks at most."""

    def pumps(at_ms: int) -> np.ndarray:
        since_key = at_ms % 2000 / 2000
        soft = cv2.GaussianBlur(STREET, (0, 0), 4)
        strong = noisy(STREET + (STREET - soft) * 0.8 * (1 - since_key), at_ms, 2)
        return np.clip(strong.astype(np.int16) // 6 * 6, 0, 255).astype(np.uint8)

    assert len(opened(pumps, 20, settled(pumps))) <= 20


def rain(at_ms: int, streaks: int, brightness: int) -> np.ndarray:
    """The street behind thin streaks, which fall elsewhere in each picture."""
    random = np.random.default_rng(at_ms + NEVER_MS)
    image = STREET.copy()
    for x, y in zip(
        random.integers(0, WIDTH, streaks), random.integers(0, HEIGHT - 14, streaks), strict=True
    ):
        image[y : y + 14, x] += brightness
    return noisy(image, at_ms)


def test_thin_rain_opens_little_and_hides_nobody() -> None:
    def rains(at_ms: int) -> np.ndarray:
        return rain(at_ms, 150, 18)

    def walks(at_ms: int) -> np.ndarray:
        return np.minimum(rains(at_ms), noisy(walker(-8 + 30 * at_ms / 1000, 200), at_ms))

    assert len(opened(rains, 20, settled(rains))) <= 0.2 * 20_000 / STEP_MS
    assert len(opened(walks, 10, settled(rains))) >= 0.8 * 10_000 / STEP_MS


def encoded(path: Path, picture: Picture, seconds: float, bits_per_s: int) -> list[tuple[int, np.ndarray]]:
    """Every sixth of `picture` at 25 a second, through H.264 with a key picture every two seconds."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.bit_rate, stream.gop_size = bits_per_s, 50
        stream.options = {"preset": "ultrafast", "sc_threshold": "0"}
        for index in range(round(25 * seconds)):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture(index * 40), format="bgr24")))
        container.mux(stream.encode())
    with av.open(str(path)) as container:
        return [
            (index * 40, frame.to_ndarray(format="bgr24"))
            for index, frame in enumerate(container.decode(video=0))
            if index % 6 == 0
        ]


@pytest.mark.parametrize("bits_per_s", [150_000, 600_000])
def test_a_real_codec_is_learned_and_hides_nobody(tmp_path: Path, bits_per_s: int) -> None:
    """Eight seconds of an empty street, through a camera's encoder, then somebody small walks through it."""

    def shows(at_ms: int) -> np.ndarray:
        if at_ms < 8000:
            return quiet(at_ms)
        return noisy(walker(-8 + 30 * (at_ms - 8000) / 1000, 200), at_ms)

    gate = Gate(NEVER_MS)
    opens = {
        at_ms: gate.open(at_ms, image) for at_ms, image in encoded(tmp_path / "a.mp4", shows, 12, bits_per_s)
    }
    empty = [opened for at_ms, opened in opens.items() if 4000 <= at_ms < 8000]
    walks = [opened for at_ms, opened in opens.items() if at_ms >= 8500]
    assert np.mean(empty) <= 0.1
    assert np.mean(walks) >= 0.9


def test_a_tree_in_the_wind_hides_nobody() -> None:
    """Its leaves change by up to 60 grey levels with every picture: somebody before them still opens."""
    random = np.random.default_rng(3)
    leaves = random.normal(0, 30, (8, 120, 160, 1)).astype(np.float32)
    leaves = np.stack([cv2.GaussianBlur(each, (0, 0), 4)[..., None] * 6 for each in leaves])

    def tree(image: np.ndarray, at_ms: int) -> np.ndarray:
        image = image.copy()
        image[100:220, 250:410] += leaves[at_ms // STEP_MS % 8]
        return noisy(image, at_ms)

    def passes(at_ms: int) -> np.ndarray:
        return tree(walker(250 + 20 * at_ms / 1000, 130, 24, 60, shade=-60), at_ms)

    gate = settled(lambda at_ms: tree(STREET, at_ms))
    assert len(opened(passes, 6, gate)) >= 0.8 * 6000 / STEP_MS


def test_another_size_or_a_clock_that_goes_back_opens() -> None:
    gate = settled(quiet)
    assert not gate.open(0, quiet(0))
    assert gate.open(250, quiet(250)[::2, ::2])
    assert gate.open(500, quiet(500))
    assert not gate.open(750, quiet(750))
    assert gate.open(100, quiet(100))


class Counting:
    """A detector whose boxes say in which picture they were found; fails on the pictures in `fails`."""

    labels, name, version, provider = ("person",), "counting", "1", "nowhere"

    def __init__(self, fails: tuple[int, ...] = ()) -> None:
        self.asked: list[int] = []
        self.fails = fails
        self.closed = False

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        (frame,) = frames
        self.asked.append(frame.at_ms)
        if frame.at_ms in self.fails:
            raise ModelError("out of memory")
        box = np.array([[0, 0, 1, 1]], np.float32)
        return [Detections(box, np.array([frame.at_ms / 1e6], np.float32), np.zeros(1, np.uint16))]

    def close(self) -> None:
        self.closed = True


def test_still_pictures_get_the_last_boxes_again() -> None:
    inner = Counting()
    detector = Gated(inner, Gate(2000))
    found = [detector.detect([Frame(at_ms, quiet(at_ms))])[0] for at_ms in range(0, 5000, STEP_MS)]
    assert inner.asked == [0, 2000, 4000]
    looked_at = [round(float(each.score[0]) * 1e6) for each in found]
    assert looked_at == [at_ms // 2000 * 2000 for at_ms in range(0, 5000, STEP_MS)]
    assert (detector.looked, detector.handed) == (3, 17)
    assert (detector.labels, detector.name, detector.version) == (("person",), "counting", "1")
    detector.close()
    assert inner.closed


def test_a_picture_that_could_not_be_analysed_leaves_nothing_to_hand_out() -> None:
    inner = Counting(fails=(2000,))
    detector = Gated(inner, Gate(2000))
    for at_ms in range(0, 2000, STEP_MS):
        detector.detect([Frame(at_ms, quiet(at_ms))])
    with pytest.raises(ModelError):
        detector.detect([Frame(2000, quiet(2000))])
    [found] = detector.detect([Frame(2250, quiet(2250))])
    assert inner.asked[-1] == 2250
    assert found.score[0] == np.float32(2250 / 1e6)


@pytest.mark.parametrize("fps", [2, 5, 25])
def test_the_rate_of_pictures_does_not_matter(fps: int) -> None:
    """Noise is learned by time, not by pictures."""
    gate = Gate(NEVER_MS)
    times = [round(index * 1000 / fps) for index in range(30 * fps)]
    opens = [at_ms for at_ms in times if gate.open(at_ms, noisy(STREET, at_ms, 12))]
    assert [at_ms for at_ms in opens if at_ms > 10_000] == []


@settings(max_examples=40, deadline=None)
@given(
    gaps=st.lists(st.integers(1, 3000), min_size=1, max_size=40),
    refresh_ms=st.integers(100, 5000),
    kinds=st.lists(st.sampled_from(["still", "noise", "black", "other"]), min_size=1, max_size=8),
)
def test_it_never_stays_shut_longer_than_its_refresh(
    gaps: list[int], refresh_ms: int, kinds: list[str]
) -> None:
    small = np.full((36, 64, 3), 90, np.uint8)
    pictures = {
        "still": small,
        "noise": np.random.default_rng(0).integers(60, 120, small.shape, dtype=np.uint8),
        "black": np.zeros_like(small),
        "other": small[:, ::2],
    }
    gate, twin = Gate(refresh_ms), Gate(refresh_ms)
    at_ms, analysed_ms = 0, None
    for index, gap in enumerate(gaps):
        at_ms += gap
        picture = pictures[kinds[index % len(kinds)]]
        answer = gate.open(at_ms, picture)
        assert twin.open(at_ms, picture) == answer, "the same pictures give the same answers"
        if answer:
            analysed_ms = at_ms
        assert analysed_ms is not None
        assert at_ms - analysed_ms < refresh_ms
