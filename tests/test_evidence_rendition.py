"""What is shown of a clip: the place, and nobody who may not be shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from beffroi.evidence.ring import Ring
from beffroi.evidence.sightings import Sightings
from evidence_desk import MASK, PERSON, TIMES, Desk, boxes, detail, seen
from streams import BEGINS_MS, decoded, encoded, number, play


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "evidence")


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return encoded(tmp_path_factory.mktemp("films") / "plain.ts", TIMES)


@pytest.fixture
def ring(film: Path) -> Ring:
    ring = Ring(60, 10**7)
    play(ring, film)
    return ring


def test_the_rendition_shows_the_span_in_fewer_pictures(ring: Ring, desk: Desk) -> None:
    written = desk.clip(ring, 1500, 4000)
    assert written.original is None
    assert desk.files() == [f"{1:032x}.blurred.mp4"]
    shown = decoded(written.shown)
    times = [TIMES[number(image)] for _, image in shown]
    assert [at_ms for at_ms, _ in shown] == [at_ms - times[0] for at_ms in times]
    assert 1500 <= times[0] < 1600
    assert 3900 < times[-1] <= 4000
    assert 24 <= len(times) <= 26, "ten a second"
    assert written.rendered is not None
    assert written.rendered.begins_ms == BEGINS_MS + times[0]
    assert (written.rendered.pictures, written.rendered.hidden) == (len(times), 0)


def test_large_pictures_become_smaller(tmp_path: Path, desk: Desk) -> None:
    ring = Ring(60, 10**7)
    play(ring, encoded(tmp_path / "large.ts", range(0, 800, 40), size=(1280, 718)))
    _, image = decoded(desk.clip(ring, 0, 700).shown)[0]
    assert image.shape == (538, 960, 3)


def test_people_lose_their_detail_and_the_place_keeps_it(ring: Ring, desk: Desk) -> None:
    bare = decoded(desk.clip(ring, 1500, 4000, seen(range(0, 6000, 200))).shown)
    hidden = decoded(desk.clip(ring, 1500, 4000, seen(range(0, 6000, 200), PERSON)).shown)
    aside = (0.0, 0.3, 0.2, 0.9)
    for (_, before), (_, after) in zip(bare, hidden, strict=True):
        assert detail(after, PERSON) < 0.15 * detail(before, PERSON)
        assert detail(after, aside) > 0.8 * detail(before, aside)


def test_somebody_who_is_missed_for_a_second_stays_hidden(ring: Ring, desk: Desk) -> None:
    sightings = Sightings(60)
    for at_ms in range(0, 6000, 200):
        found = boxes() if 2000 <= at_ms < 3000 else boxes(PERSON)
        sightings.add(BEGINS_MS + at_ms, found, ("person",))
    for _, image in decoded(desk.clip(ring, 1500, 4000, sightings).shown):
        assert detail(image, PERSON) < 5


def test_between_two_looks_all_of_the_way_is_hidden(ring: Ring, desk: Desk) -> None:
    sightings = Sightings(60)
    for at_ms in range(0, 6000, 400):
        left = at_ms / 6000 * 0.8
        sightings.add(BEGINS_MS + at_ms, boxes((left, 0.3, left + 0.1, 0.9)), ("person",))
    for _, image in decoded(desk.clip(ring, 1500, 4000, sightings).shown):
        left = TIMES[number(image)] / 6000 * 0.8
        assert detail(image, (left, 0.3, left + 0.1, 0.9)) < 5


def test_pictures_that_nobody_looked_at_are_hidden_whole(ring: Ring, desk: Desk) -> None:
    written = desk.clip(ring, 0, 5900, seen([0, 500, 1000, 5000, 5900]))
    everywhere = (0.0, 0.2, 1.0, 1.0)
    for _, image in decoded(written.shown):
        if detail(image, everywhere) > 10:
            at_ms = TIMES[number(image)]
            assert at_ms <= 2500 or at_ms >= 3500
    assert written.rendered is not None
    assert 9 <= written.rendered.hidden <= 11
    blind = desk.clip(ring, 0, 5900, Sightings(60))
    assert blind.rendered is not None
    assert blind.rendered.hidden == blind.rendered.pictures


@pytest.mark.parametrize("where", ["view", "sighting"])
@pytest.mark.parametrize("blur", [True, False])
def test_masks_are_black_and_no_original_is_kept(ring: Ring, desk: Desk, blur: bool, where: str) -> None:
    masks, own = ([MASK], ()) if where == "view" else ((), [MASK])
    sightings = seen(range(0, 6000, 200), PERSON, masks=own)
    written = desk.clip(ring, 1500, 4000, sightings, masks=masks, blur=blur, originals=True)
    assert written.original is None
    assert desk.files() == [written.shown.name]
    for _, image in decoded(written.shown):
        height, width = image.shape[:2]
        assert image[height * 6 // 10 :, : width * 17 // 100].max() < 30
        assert (detail(image, PERSON) < 5) == blur


def test_no_original_of_a_dome_that_has_masks_elsewhere(ring: Ring, desk: Desk) -> None:
    clips = desk.clips(originals=True)
    clips.want(ring, desk.path(), BEGINS_MS, BEGINS_MS + 1000, seen([0]), original=False)
    assert clips.close(60)
    assert desk.files() == [f"{1:032x}.blurred.mp4"]


def test_a_mask_stays_black_where_nobody_looked(ring: Ring, desk: Desk) -> None:
    for _, image in decoded(desk.clip(ring, 1500, 4000, Sightings(60), masks=[MASK]).shown):
        height, width = image.shape[:2]
        assert image[height * 6 // 10 :, : width * 17 // 100].max() < 30
