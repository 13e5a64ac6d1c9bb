"""Named states of a place, from reference pictures of bins and gates."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from beffroi.components import BuildContext, DetectorConfig
from beffroi.errors import ConfigError
from beffroi.frame import Detections, Frame
from pydantic import ValidationError

ZONE = ((0.30, 0.25), (0.70, 0.25), (0.70, 0.85), (0.30, 0.85))
SIZE = (320, 180)
LIGHTS = {"day": (1.0, 0), "dusk": (0.45, 10), "night": (0.22, 6), "glare": (1.15, 45)}


def street(kind: str, state: str, light: str = "day", seed: int = 0) -> np.ndarray:
    """A wall with a bin or a gate in front of it, in some light, never twice the same."""
    rng = np.random.default_rng(seed)
    image = np.full((SIZE[1], SIZE[0], 3), (110, 130, 140), np.uint8)
    for y in range(0, 180, 18):
        cv2.line(image, (0, y), (320, y), (90, 105, 115), 1)
    dx, dy = (int(value) for value in rng.integers(-1, 2, 2))
    if kind == "bin":
        cv2.rectangle(image, (125 + dx, 85 + dy), (195 + dx, 148 + dy), (60, 90, 50), -1)
        cv2.rectangle(image, (120 + dx, 80 + dy), (200 + dx, 88 + dy), (40, 60, 35), -1)
        if state == "overflowing":
            for _ in range(9):
                x, y = int(rng.integers(122, 198)), int(rng.integers(52, 82))
                shade = tuple(int(v) for v in rng.integers(130, 245, 3))
                cv2.ellipse(image, (x, y), (13, 10), int(rng.integers(0, 180)), 0, 360, shade, -1)
    else:
        step, slope = (10, 0) if state == "closed" else (10, 35)
        end = 200 if state == "closed" else 140
        for x in range(115, end, step):
            cv2.line(image, (x + dx, 60 + dy), (x + dx, 148 + dy - slope // 3), (30, 30, 35), 3)
        cv2.line(image, (115 + dx, 70 + dy), (end + dx, 70 + dy + slope // 2), (30, 30, 35), 3)
    gain, offset = LIGHTS[light]
    lit = image * gain + offset + rng.normal(0, 4, image.shape)
    if light == "night":
        lit *= np.linspace(0.8, 1.3, SIZE[0])[None, :, None] * np.array([0.7, 1.0, 1.25])
    return np.clip(lit, 0, 255).astype(np.uint8)


def cut(image: np.ndarray) -> np.ndarray:
    return image[45:153, 96:224]


def references(
    folder: Path, kind: str, states: tuple[str, str], each: int, *, full: bool = False
) -> dict[str, Any]:
    told: dict[str, list[str]] = {}
    for state in states:
        for index in range(each):
            light = list(LIGHTS)[index % 3]
            picture = street(kind, state, light, 100 + index)
            name = f"{kind}-{state}-{index}.png"
            cv2.imwrite(str(folder / name), picture if full else cut(picture))
            told.setdefault(state, []).append(name)
    return told


def teller(folder: Path, told: dict[str, Any], **settings: Any) -> Any:
    context = BuildContext("gate", folder, labels=("person", "car"), zones={"bin": ZONE})
    settings = {"type": "state", "name": "bin-3", "zone": "bin", "references": told, **settings}
    return DetectorConfig.parse(settings).build(context)


def told_of(looks: Any, pictures: list[np.ndarray], begins: int = 0, found: Any = None) -> str:
    state = ""
    for index, picture in enumerate(pictures):
        frame = Frame(begins + index * 2000, picture, found)
        state = looks.detect([frame])[0].signals["bin-3"]
    return state


@pytest.mark.parametrize("light", list(LIGHTS))
@pytest.mark.parametrize(
    ("kind", "states"), [("bin", ("empty", "overflowing")), ("gate", ("open", "closed"))], ids=["bin", "gate"]
)
@pytest.mark.parametrize("full", [False, True], ids=["cut", "full"])
def test_each_state_in_each_light(tmp_path: Path, kind: str, states: Any, light: str, full: bool) -> None:
    looks = teller(tmp_path, references(tmp_path, kind, states, 4, full=full))
    for turn, state in enumerate(states):
        pictures = [street(kind, state, light, seed) for seed in range(5)]
        assert told_of(looks, pictures, turn * 10_000) == state


def test_something_else_is_unknown(tmp_path: Path) -> None:
    looks = teller(tmp_path, references(tmp_path, "bin", ("empty", "overflowing"), 4))
    rng = np.random.default_rng(7)
    other = [cv2.resize(rng.integers(0, 255, (12, 20, 3), dtype=np.uint8), SIZE) for _ in range(6)]
    assert told_of(looks, other) == "unknown"


def test_votes_that_disagree(tmp_path: Path) -> None:
    looks = teller(tmp_path, references(tmp_path, "gate", ("open", "closed"), 3))
    mixed = [street("gate", ("open", "closed")[index % 2], seed=index) for index in range(8)]
    assert told_of(looks, mixed) == "unknown"


def test_a_look_with_somebody_in_front_does_not_vote(tmp_path: Path) -> None:
    looks = teller(tmp_path, references(tmp_path, "gate", ("open", "closed"), 3))
    open_ = [street("gate", "open", seed=seed) for seed in range(5)]
    closed = [street("gate", "closed", seed=seed) for seed in range(5)]
    assert told_of(looks, open_) == "open"
    person = Detections(
        np.array([[0.4, 0.2, 0.6, 0.9]], np.float32), np.array([0.9], np.float32), np.array([0], np.uint16)
    )
    assert told_of(looks, closed, 10_000, person) == "open"
    assert told_of(looks, closed, 20_000) == "closed"


def test_it_looks_only_so_often(tmp_path: Path) -> None:
    looks = teller(tmp_path, references(tmp_path, "bin", ("empty", "overflowing"), 3))
    picture = street("bin", "empty", seed=1)
    states = [looks.detect([Frame(at, picture)])[0].signals["bin-3"] for at in range(0, 8000, 200)]
    # The fourth look is at 6 s.
    assert states.index("empty") == 30


def test_what_it_uses_is_measured_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    teller(tmp_path, references(tmp_path, "bin", ("empty", "overflowing"), 5), full=False)
    (line,) = [record.getMessage() for record in caplog.records if "left out" in record.getMessage()]
    assert "10 references" in line
    assert "the classifier for" in line


def test_mistakes_are_named(tmp_path: Path) -> None:
    told = references(tmp_path, "bin", ("empty", "overflowing"), 1)
    context = BuildContext("gate", tmp_path, zones={"bin": ZONE})
    base = {"type": "state", "name": "bin-3", "zone": "bin", "references": told}

    settings = DetectorConfig.parse({**base, "references": {**told, "empty": ["none.png"]}})
    assert [place for place, _ in settings.findings(context)] == [("references", "empty", 0)]
    with pytest.raises(ConfigError, match=r"references.empty: .*none.png: cannot be read"):
        settings.build(context)

    (tmp_path / "text.png").write_text("no picture", "utf-8")
    with pytest.raises(ConfigError, match="is no picture"):
        DetectorConfig.parse({**base, "references": {**told, "empty": ["text.png"]}}).build(context)

    cv2.imwrite(str(tmp_path / "tiny.png"), np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(ConfigError, match="at least 16 x 16"):
        DetectorConfig.parse({**base, "references": {**told, "empty": ["tiny.png"]}, "full": False}).build(
            context
        )

    with pytest.raises(ConfigError, match="no zone `bni`"):
        DetectorConfig.parse({**base, "zone": "bni"}).build(context)
    for wrong, words in [
        ({"references": {"empty": ["a.png"]}}, "at least two states"),
        ({"references": {"empty": ["a.png"], "full": []}}, "at least one picture"),
        ({"references": {"empty": ["a.png"], "unknown": ["b.png"]}}, "no state may be named"),
        ({"votes": {"of": 3, "at_least": 4}}, "nothing could be told"),
        ({"votes": {"of": 5, "at_least": 2}}, "two states could win"),
        ({"every": "soon"}, "no length of time"),
    ]:
        with pytest.raises(ValidationError, match=words):
            DetectorConfig.parse({**base, **wrong})
