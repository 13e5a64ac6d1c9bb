"""`beffroi view accept`: a camera that was moved on purpose."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from beffroi.sources.file import FileConfig
from beffroi.views.reference import Reference
from beffroi.views.shelf import Shelf
from commands import Beffroi, change


def kept() -> Shelf:
    shelf = Shelf(Path("learnt/square/views/day"))
    grey = np.full((90, 160), 90, np.float32)
    shelf.save(
        [Reference(grey, np.ones((9, 16), np.bool_)), Reference(grey, np.ones((9, 16), np.bool_), mono=True)]
    )
    return shelf


def test_what_was_known_is_forgotten(beffroi: Beffroi, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("clip.mp4").write_bytes(b"")
    change(("type: simulated, duration: 6, paint: false", "type: file, path: clip.mp4"))
    monkeypatch.setattr(FileConfig, "live", True)
    answer = beffroi("view", "accept", "site.yaml", "square")
    assert answer.code == 2
    assert answer.err == "nothing is known of the view square/day yet; there is nothing to accept\n"
    shelf = kept()
    answer = beffroi("view", "accept", "site.yaml", "square", "--view", "day")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out == "square/day: 2 references forgotten; the view is learnt anew at the next start\n"
    assert list(shelf.folder.iterdir()) == []


def test_a_view_that_is_not_learnt_says_what_to_do(beffroi: Beffroi) -> None:
    answer = beffroi("view", "accept", "site.yaml", "square")
    assert (answer.code, answer.err) == (
        2,
        "the camera square is a recording: its view is learnt anew in each run\n",
    )
    Path("day.jpg").write_bytes(b"")
    change(("      day:\n", "      day:\n        reference: day.jpg\n"))
    answer = beffroi("view", "accept", "site.yaml", "square")
    assert answer.code == 2
    assert "is compared with day.jpg: put a new picture there" in answer.err
    answer = beffroi("view", "accept", "site.yaml", "round")
    assert (answer.code, "there is no camera 'round'; there are square" in answer.err) == (2, True)


def test_a_reference_that_is_not_there_is_a_mistake_of_the_site(beffroi: Beffroi) -> None:
    change(("      day:\n", "      day:\n        reference: nowhere.jpg\n"))
    answer = beffroi("check", "site.yaml")
    assert answer.code == 2
    assert "cameras.square.views.day.reference: there is no file" in answer.err
