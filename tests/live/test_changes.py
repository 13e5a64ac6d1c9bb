"""When the files of a site count as changed: once, after they were left alone, and never missed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from beffroi.config.site import Site
from beffroi.runtime.live.changes import Changes
from scripted import site as scripted


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def site(tmp_path: Path) -> Site:
    (tmp_path / "cameras").mkdir()
    for name in ("site.yaml", "cameras/gate.yaml", "secrets", "others"):
        (tmp_path / name).write_text("a")
    return scripted(tmp_path).model_copy(update={"secrets": "secrets"}).with_path(tmp_path / "site.yaml")


class Watched:
    """Changes that are looked at every second."""

    def __init__(self, site: Site) -> None:
        self.clock, self.written = Clock(), 0
        self.changes = Changes(site, self.clock)
        self.folder = site.folder

    def write(self, name: str) -> None:
        self.written += 1
        path = self.folder / name
        path.write_text("a" * (self.written + 1))
        os.utime(path, ns=(0, self.written * 10**9))

    def after(self, seconds: int) -> list[bool]:
        found = []
        for _ in range(seconds):
            self.clock.now_s += 1
            found.append(self.changes.look())
        return found


def test_nothing_changes_by_itself(site: Site) -> None:
    assert not any(Watched(site).after(10))


@pytest.mark.parametrize("name", ["site.yaml", "cameras/gate.yaml", "cameras/new.yaml", "secrets"])
def test_a_change_is_told_once_after_it_has_settled(site: Site, name: str) -> None:
    watched = Watched(site)
    watched.write(name)
    assert watched.after(5) == [False, True, False, False, False]


def test_an_editor_that_writes_on_and_on_is_waited_for(site: Site) -> None:
    watched = Watched(site)
    for _ in range(5):
        watched.write("site.yaml")
        assert watched.after(1) == [False]
    assert watched.after(3) == [True, False, False]


def test_a_camera_that_is_removed_is_a_change(site: Site) -> None:
    watched = Watched(site)
    (site.folder / "cameras" / "gate.yaml").unlink()
    assert watched.after(3) == [False, True, False]


def test_whoever_asks_is_answered_at_once_and_not_again(site: Site) -> None:
    watched = Watched(site)
    watched.write("site.yaml")
    watched.changes.ask()
    assert watched.changes.look()
    watched.changes.follow(site)
    assert not any(watched.after(5))


@pytest.mark.parametrize("name", ["site.yaml", "cameras/gate.yaml", "cameras/new.yaml", "secrets"])
def test_what_changes_while_cameras_are_made_anew_is_not_missed(site: Site, name: str) -> None:
    """Closing cameras takes seconds; what was loaded before that is no longer what the file says."""
    watched = Watched(site)
    watched.write("site.yaml")
    assert watched.after(2) == [False, True]
    watched.write(name)
    watched.changes.follow(site)
    assert watched.after(4).count(True) == 1


def test_other_secrets_are_followed_from_then_on(site: Site) -> None:
    watched = Watched(site)
    watched.changes.follow(site.model_copy(update={"secrets": "others"}).with_path(site.path))
    assert not any(watched.after(4))
    watched.write("secrets")
    assert not any(watched.after(4))
    watched.write("others")
    assert watched.after(3) == [False, True, False]
