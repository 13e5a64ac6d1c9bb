"""Films of what the engine sees: whole or not at all, at the right times, blurred before drawn upon."""

from __future__ import annotations

import json
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from beffroi import Engine
from beffroi.errors import RecordingError
from beffroi.render import Board, Film, Overlay, Renderer
from beffroi.render import text as texts
from beffroi.render.board import Shown, clock, milliseconds, said, who
from beffroi.render.overlay import totals
from beffroi.render.panel import Panel
from beffroi.simulate import Square

LABELS = ("person", "car")
SCENE = {
    "view": "door",
    "aspect": 16 / 9,
    "classes": list(LABELS),
    "zones": {"step": [[0.3, 0.3], [0.7, 0.3], [0.7, 0.95], [0.3, 0.95]]},
    "lines": {"gate": [[0.5, 0.2], [0.5, 0.9]]},
    "rules": [
        {
            "name": "Présence prolongée",
            "type": "loitering",
            "zone": "step",
            "after": "3s",
            "clear_after": "2s",
        },
        {"name": "Passages", "type": "line_count", "line": "gate", "classes": ["person"], "every": "1s"},
        {"name": "Sortie", "type": "line_crossing", "line": "gate", "classes": ["car"], "severity": "info"},
    ],
}


def boxes(*places: tuple[float, float]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Arguments of `Engine.step`: people of a fifth of the picture's height, standing at the places."""
    xyxy = np.array([(x - 0.03, y - 0.2, x + 0.03, y) for x, y in places], np.float32).reshape(-1, 4)
    return xyxy, np.full(len(xyxy), 0.9, np.float32), np.zeros(len(xyxy), np.uint16)


def watch(
    board: Board, seconds: float, place: tuple[float, float] | None, engine: Engine, start: float = 0.0
):
    """Somebody stands at `place` for some seconds, five pictures each; gives the last step."""
    for i in range(round(seconds * 5)):
        at_ms = round((start + i / 5) * 1000)
        step = engine.step(at_ms, *boxes(*([place] if place else [])))
        board.see(at_ms, step, engine.timers(), engine.stats()["lines"])
    return step


def frames(path: Path) -> list[tuple[float, np.ndarray]]:
    with av.open(str(path)) as container:
        return [(float(f.time), f.to_ndarray(format="bgr24")) for f in container.decode(video=0)]


def plain(value: int, size: tuple[int, int] = (160, 120)) -> np.ndarray:
    return np.full((size[1], size[0], 3), value, np.uint8)


# The film.


def test_a_film_has_every_picture_at_its_time(tmp_path: Path) -> None:
    path, times = tmp_path / "deep" / "film.mp4", [5000, 5200, 5400, 6400, 6500, 6777]
    with Film(path, (160, 120), 5.0) as film:
        for i, at_ms in enumerate(times):
            film.write(at_ms, plain(40 * i))
    found = frames(path)
    assert [at for at, _ in found] == pytest.approx([(t - 5000) / 1000 for t in times], abs=0.002)
    assert [float(image.mean()) for _, image in found] == pytest.approx([40 * i for i in range(6)], abs=6)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert stream.codec_context.pix_fmt == "yuv420p"
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat"), "the index is not at the front"
    assert [p.name for p in path.parent.iterdir()] == ["film.mp4"]


def test_odd_sizes_lose_their_last_row_and_column(tmp_path: Path) -> None:
    with Film(tmp_path / "f.mp4", (161, 121), 5.0) as film:
        film.write(0, plain(90, (161, 121)))
    assert frames(tmp_path / "f.mp4")[0][1].shape == (120, 160, 3)


def test_a_film_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "f.mp4"
    path.write_bytes(b"the film before")
    film = Film(path, (160, 120), 5.0)
    film.write(0, plain(0))
    assert path.read_bytes() == b"the film before"
    film.close()
    film.close()
    assert len(frames(path)) == 1


def test_nothing_is_left_of_a_film_that_failed(tmp_path: Path) -> None:
    def fails() -> None:
        with Film(tmp_path / "f.mp4", (160, 120), 5.0) as film:
            film.write(0, plain(0))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    Film(tmp_path / "empty.mp4", (160, 120), 5.0).close()
    assert list(tmp_path.iterdir()) == []


def test_time_must_go_on(tmp_path: Path) -> None:
    film = Film(tmp_path / "f.mp4", (160, 120), 5.0)
    film.write(100, plain(0))
    with pytest.raises(RecordingError, match="100 ms"):
        film.write(100, plain(0))
    film.discard()


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordingError, match=r"f\.mp4"):
        Film(tmp_path / "file" / "f.mp4", (160, 120), 5.0)


# Text.


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Rôdeur près du beffroi", "Rodeur pres du beffroi"),
        ("« œuf » → 3 m²", '" oeuf " -> 3 m2'),
        ("漢", "?"),
    ],
)
def test_text_for_a_font_without_accents(text: str, expected: str) -> None:
    assert texts.plain(text) == expected


def written(text: str) -> np.ndarray:
    image = np.zeros((40, 260, 3), np.uint8)
    texts.put(image, text, (5, 28), 24, (255, 255, 255))
    return image


def test_accents_are_written() -> None:
    if not hasattr(cv2, "FontFace"):
        pytest.skip("OpenCV before 5 has no font with accents")
    assert (written("Évaluée") != written("Evaluee")).any()
    assert (written("é") != written("?")).any()


def test_text_is_written_with_the_older_font_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "_MODERN", False)
    assert written("Évaluée").max() > 200
    wide = texts.width("Évaluée", 24)
    assert 40 < wide < 200
    columns = np.flatnonzero(written("Évaluée").any(axis=(0, 2)))
    assert abs(int(columns[-1] - columns[0]) - wide) < 12


@pytest.mark.parametrize("px", [12, 18, 30])
def test_width_is_what_is_written(px: int) -> None:
    image = np.zeros((60, 700, 3), np.uint8)
    texts.put(image, "Stationnement gênant", (10, 40), px, (255, 255, 255))
    columns, rows = np.flatnonzero(image.any(axis=(0, 2))), np.flatnonzero(image.any(axis=(1, 2)))
    assert columns[-1] - columns[0] == pytest.approx(texts.width("Stationnement gênant", px), abs=px / 3)
    assert rows[-1] - rows[0] <= px + 1


def test_long_text_is_shortened_to_fit() -> None:
    name = "Rassemblement devant la porte de l'hôtel de ville"
    short = texts.shorten(name, 18, 150)
    assert short.endswith("…")
    assert texts.width(short, 18) <= 150 < texts.width(name, 18)
    assert texts.shorten("Rue", 18, 150) == "Rue"


def test_dimming_stays_in_the_picture() -> None:
    image = plain(100)
    texts.dim(image, (-50, -50, 20, 10), (0, 0, 0), 0.5)
    texts.dim(image, (150, 110, 900, 900), (0, 0, 0), 1.0)
    texts.dim(image, (500, 500, 600, 600), (0, 0, 0), 1.0)
    assert image[5, 5, 0] == 50
    assert image[115, 155, 0] == 0
    assert image[60, 60, 0] == 100


# The board.


def test_somebody_waits_is_reported_and_leaves() -> None:
    engine, board = Engine(json.dumps(SCENE)), Board(SCENE)
    watch(board, 2.0, (0.45, 0.8), engine)
    [waiting] = board.waiting
    assert (waiting.rule, waiting.zone, waiting.after_ms) == ("Présence prolongée", "step", 3000)
    assert 1000 <= waiting.held_ms <= 2000
    assert board.alerts == []
    watch(board, 4.0, (0.45, 0.8), engine, 2.0)
    [alert] = board.alerts
    assert alert.active
    assert alert.subjects == {waiting.subject: "person"}
    assert board.active_zones() == {"step": "warning"}
    assert board.active_subjects() == {waiting.subject: alert}
    assert 5000 <= board.held[waiting.subject] <= 6000
    assert len(board.trails[waiting.subject]) > 10
    watch(board, 30.0, None, engine, 6.0)
    assert not alert.active
    assert board.active_zones() == {}
    assert board.trails == {}
    assert board.waiting == []


def test_crossings_are_counted_by_direction_and_class() -> None:
    engine, board = Engine(json.dumps(SCENE)), Board(SCENE)
    for i in range(30):
        step = engine.step(i * 200, *boxes((0.2 + 0.02 * i, 0.25)))
        board.see(i * 200, step, engine.timers(), engine.stats()["lines"])
    # Down the picture along the line: the left hand is on the picture's right.
    assert board.counts == {"gate": {"left_to_right": 0, "right_to_left": 1}}
    assert board.alerts == []
    counted = Board(SCENE)
    engine = Engine(json.dumps(SCENE))
    for i in range(30):
        counted.see(i * 200, engine.step(i * 200, *boxes((0.2 + 0.02 * i, 0.25))))
    assert counted.counts["gate"]["right_to_left"] == 1, "without totals, what the rule publishes"


def test_what_happens_in_a_moment_is_not_active_for_long() -> None:
    engine, board = Engine(json.dumps(SCENE)), Board(SCENE)
    for i in range(30):
        xyxy, score, _ = boxes((0.2 + 0.02 * i, 0.25))
        board.see(i * 200, engine.step(i * 200, xyxy, score, np.ones(1, np.uint16)), engine.timers())
    [alert] = board.alerts
    assert (alert.rule, alert.active, board.fresh(alert)) == ("Sortie", False, True)
    board.at_ms += 10_000
    assert not board.fresh(alert)


@pytest.mark.parametrize(
    ("span", "ms"), [("500ms", 500), ("12s", 12000), ("1h 30min", 5_400_000), ("0.5 s", 500), (None, 0)]
)
def test_spans(span: str | None, ms: int) -> None:
    assert milliseconds(span) == ms


def test_words() -> None:
    assert clock(62_400) == "01:02"
    assert clock(3_725_000) == "1:02:05"
    assert said({"held_s": 12.44, "people": 5.0, "speed_kmh": 31.2}, {"held_s": 12.0, "people": 4.0}) == [
        "held 12.4 s, threshold 12 s",
        "people 5, threshold 4",
        "speed 31.2 km/h",
    ]
    assert who({3: "person", 4: "car"}) == "person 3, car 4"
    assert who(dict.fromkeys(range(5), "person")) == "5 people"
    assert who(dict.fromkeys(range(5), "car")) == "5 cars"
    assert who({**dict.fromkeys(range(4), "car"), 9: "person"}) == "5 subjects"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ([[0.5, 0.1], [0.5, 0.9]], "← 2  → 1"),  # downwards: the right hand is on the left
        ([[0.1, 0.5], [0.9, 0.5]], "↓ 2  ↑ 1"),
        ([[0.5, 0.9], [0.5, 0.1]], "→ 2  ← 1"),
    ],
)
def test_arrows_beside_totals_are_those_of_the_picture(line: list, expected: str) -> None:
    assert totals(np.array(line), {"left_to_right": 2, "right_to_left": 1}) == expected


# The drawing.


@pytest.mark.parametrize("size", [(1920, 1080), (960, 540), (320, 180), (480, 854)])
def test_drawing_scales_and_stays_in_the_picture(size: tuple[int, int]) -> None:
    engine, board = Engine(json.dumps(SCENE)), Board(SCENE)
    step = watch(board, 5.0, (0.45, 0.8), engine)
    image = plain(120, size)
    Overlay(size, LABELS, evaluation=True).draw(image, board, step.tracks)
    changed = np.abs(image.astype(int) - 120).max(axis=2) > 8
    # The zone is painted, the far corner is not.
    assert changed[int(0.6 * size[1]), int(0.62 * size[0])]
    assert not changed[int(0.97 * size[1]) :, int(0.9 * size[0]) :].any()
    assert 0.1 < changed.mean() < 0.6


def test_boxes_and_zones_beyond_the_edge_do_not_break_it() -> None:
    scene = SCENE | {"zones": {"step": [[0, 0], [1, 0], [1, 1], [0, 1]]}}
    engine, board = Engine(json.dumps(scene)), Board(scene)
    step = watch(board, 4.0, (0.0, 0.05), engine)
    step = watch(board, 4.0, (1.0, 1.02), engine, 4.0)
    image = plain(120, (400, 300))
    Overlay((400, 300), LABELS, evaluation=True).draw(image, board, step.tracks)


def test_an_alert_is_seen_on_the_picture_and_beside_it() -> None:
    engine, board = Engine(json.dumps(SCENE)), Board(SCENE)
    overlay, panel = Overlay((960, 540), LABELS, evaluation=False), Panel((960, 540), "Place")
    calm = watch(board, 2.0, (0.45, 0.8), engine)
    before, beside_before = plain(120, (960, 540)), panel.paint(board)
    overlay.draw(before, board, calm.tracks)
    alarmed = watch(board, 3.0, (0.45, 0.8), engine, 2.0)
    after, beside_after = plain(120, (960, 540)), panel.paint(board)
    overlay.draw(after, board, alarmed.tracks)

    def amber(image: np.ndarray) -> int:
        return int(((image[..., 2] > 220) & (image[..., 1] > 140) & (image[..., 0] < 90)).sum())

    assert amber(before) == 0
    assert amber(after) > 1500
    assert amber(beside_before) == 0
    assert amber(beside_after) > 300


def test_the_mark_says_evaluation_only_where_it_is_one() -> None:
    engine, board = Engine(json.dumps(SCENE)), Board(SCENE)
    step = watch(board, 1.0, None, engine)
    marked, unmarked = plain(120, (960, 540)), plain(120, (960, 540))
    Overlay((960, 540), LABELS, evaluation=True).draw(marked, board, step.tracks)
    Overlay((960, 540), LABELS, evaluation=False).draw(unmarked, board, step.tracks)
    assert (marked[:16, :90] != unmarked[:16, :90]).any()
    assert (unmarked[:16, :90] == 120).all()


def test_more_alerts_than_there_is_room_for() -> None:
    board = Board(SCENE)
    for i in range(60):
        board.alerts.append(
            Shown(f"{i}", f"Alarme n° {i}", "loitering", "critical", "step", {i: "person"}, {"held_s": 3.0},
                  {"held_s": 3.0}, 0, i * 1000, None if i % 2 else i * 1000)
        )  # fmt: skip
    image = Panel((320, 180), "").paint(board)
    assert image.shape[0] == 180


# The renderer.


def noise(size: tuple[int, int] = (640, 480)) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3)).astype(np.uint8)


@pytest.mark.parametrize("blur", [True, False])
def test_people_are_blurred_before_anything_is_drawn(tmp_path: Path, *, blur: bool) -> None:
    engine, image = Engine(json.dumps(SCENE)), noise()
    renderer = Renderer(tmp_path / "f.mp4", (640, 480), 5.0, LABELS, scene=SCENE, blur=blur)
    kept = image.copy()
    for i in range(4):
        step = engine.step(i * 200, *boxes((0.15, 0.6)))
        renderer.write(i * 200, image, step, timers=engine.timers())
    picture = renderer.picture(image, step)
    renderer.close()
    assert (image == kept).all(), "the picture that was given has changed"
    # Inside the box of somebody at (0.15, 0.6), a fifth of the picture high: x 77 to 115, y 192 to 288.
    inside = picture[215:275, 82:110].astype(float)
    assert (inside.std() < 25) == blur
    assert picture[350:450, 20:150].astype(float).std() > 60, "what is nobody is not blurred"


def test_who_is_not_tracked_yet_is_blurred_as_well(tmp_path: Path) -> None:
    from beffroi.frame import Detections

    engine, image = Engine(json.dumps(SCENE)), noise()
    renderer = Renderer(tmp_path / "f.mp4", (640, 480), 5.0, LABELS, scene=SCENE)
    step = engine.step(0, *boxes())
    found = Detections(*boxes((0.15, 0.6)))
    assert len(step.tracks) == 0
    assert renderer.picture(image, step, found)[215:275, 82:110].astype(float).std() < 25
    renderer.discard()


def test_small_pictures_are_enlarged(tmp_path: Path) -> None:
    engine = Engine(json.dumps(SCENE))
    renderer = Renderer(tmp_path / "f.mp4", (320, 180), 5.0, LABELS, scene=SCENE)
    renderer.write(0, noise((320, 180)), engine.step(0, *boxes((0.5, 0.5))))
    renderer.close()
    [(_, image)] = frames(tmp_path / "f.mp4")
    assert image.shape[0] == 540
    assert image.shape[1] > 960


def test_a_film_of_the_square(tmp_path: Path) -> None:
    square = Square("intrusion", seed=1, fps=5, duration=6, size=(480, 270))
    engine, path = Engine(json.dumps(square.scene())), tmp_path / "square.mp4"
    renderer = Renderer(path, square.size, 5.0, square.labels, scene=square.scene(), title="Grand-Place")
    times = []
    for moment in square:
        d = moment.detections
        step = engine.step(moment.at_ms, d.xyxy, d.score, d.class_id)
        renderer.write(moment.at_ms, moment.image(), step, detections=d, timers=engine.timers())
        times.append((moment.at_ms - square.times()[0]) / 1000)
    renderer.close()
    found = frames(path)
    assert [at for at, _ in found] == pytest.approx(times, abs=0.002)
    assert all(image.std() > 20 for _, image in found)
