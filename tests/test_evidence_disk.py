"""The evidence folder stays within its bounds, and nothing of anybody else is touched."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from beffroi.evidence.disk import DAY_S, GB, Disk, Purged
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

NOW = 1_790_000_000.0
Put = Callable[..., Path]


def put(folder: Path, name: str, *, age_s: float = 0, size: int = 100) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))
    os.utime(path, (NOW - age_s, NOW - age_s))
    return path


def bounded(folder: Path, **changes: object) -> Disk:
    bounds = {"keep_days": 30, "most_gb": 1, "least_free_gb": 0, "free": lambda _: 10**12} | changes
    return Disk(folder, **bounds)  # type: ignore[arg-type]


def evidence(number: int, kind: str = ".jpg", camera: str = "gate", run: str = "run-1") -> str:
    return f"{camera}/{run}/{number:032x}{kind}"


def left(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


def test_what_is_too_old_goes(tmp_path: Path) -> None:
    kinds = [".jpg", ".mp4", ".blurred.mp4"]
    for kind in kinds:
        put(tmp_path, evidence(1, kind), age_s=31 * DAY_S)
        put(tmp_path, evidence(2, kind), age_s=29 * DAY_S)
    put(tmp_path, f"gate/run-3-2/originals/{1:032x}.mp4", age_s=31 * DAY_S)
    disk = bounded(tmp_path)
    assert disk.purge(NOW) == Purged(old=4, size=400)
    assert left(tmp_path) == sorted(evidence(2, kind) for kind in kinds)
    assert disk.purge(NOW) == Purged()
    assert disk.purged == 4


def test_the_oldest_goes_first_whatever_camera_it_is_of(tmp_path: Path) -> None:
    ages = {"gate": (50, 10, 30), "quay": (20, 60, 40)}
    for camera, each in ages.items():
        for age in each:
            put(tmp_path, evidence(age, camera=camera), age_s=age)
    assert bounded(tmp_path, most_gb=300 / GB).purge(NOW) == Purged(too_many=3, size=300)
    assert left(tmp_path) == [
        evidence(10, camera="gate"), evidence(30, camera="gate"), evidence(20, camera="quay"),
    ]  # fmt: skip


def test_others_files_are_neither_removed_nor_counted(tmp_path: Path) -> None:
    strange = [
        "notes.txt",
        f"{1:032x}.jpg",
        f"gate/{1:032x}.jpg",
        "gate/run-1/holiday.jpg",
        f"gate/run-1/{1:032x}.jpg.bak",
        f"gate/run-1/{1:031x}.jpg",
        f"gate/run-1/kept/{1:032x}.jpg",
        f"gate/running/{1:032x}.jpg",
        f"gate/run-1/originals/deeper/{1:032x}.mp4",
        "gate/run-1/.hidden.draft",
    ]
    for name in strange:
        put(tmp_path, name, age_s=100 * DAY_S, size=10**6)
    put(tmp_path, evidence(1), age_s=DAY_S)
    outside = put(tmp_path.parent, "outside/run-1/" + f"{1:032x}.jpg", age_s=100 * DAY_S)
    (tmp_path / "linked").symlink_to(outside.parent.parent)
    (tmp_path / "gate" / "run-1" / f"{5:032x}.jpg").symlink_to(outside)
    assert bounded(tmp_path, most_gb=150 / GB).purge(NOW) == Purged()
    assert outside.exists()
    assert set(strange) < set(left(tmp_path))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(
    ages=st.lists(st.integers(0, 40 * 24).map(lambda hours: hours * 3600), max_size=12, unique=True),
    most=st.integers(0, 1200),
)
def test_what_stays_is_young_and_fits(
    tmp_path_factory: pytest.TempPathFactory, ages: list[int], most: int
) -> None:
    folder = tmp_path_factory.mktemp("evidence")
    for age in ages:
        put(folder, evidence(age, camera=f"camera {age % 3}"), age_s=age)
    bounded(folder, most_gb=max(most, 1) / GB).purge(NOW)
    young = sorted(age for age in ages if age <= 30 * DAY_S)
    stay = young[: max(most, 1) // 100]
    assert left(folder) == sorted(evidence(age, camera=f"camera {age % 3}") for age in stay)


def test_too_little_free_makes_room_and_no_more(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    for age in range(10):
        put(tmp_path, evidence(age), age_s=age)
    # A disk of 1800 bytes, 1000 of them evidence: 800 are free.
    disk = bounded(tmp_path, least_free_gb=1000 / GB, free=lambda _: 1800 - 100 * len(left(tmp_path)))
    assert not disk.may_write()
    assert disk.full
    assert disk.purge(NOW) == Purged(no_room=3, size=300)
    assert not disk.full
    assert disk.may_write()
    assert left(tmp_path) == sorted(evidence(age) for age in range(7))
    told = [record.message for record in caplog.records]
    assert [text.split(":")[1].split(" GB")[0] for text in told[:2]] == [" only 0.00", " 0.00"]
    assert told[2] == (
        "evidence: removed 0 files too old, 0 beyond 1.0 GB, 3 to make room, 0 drafts left by a crash "
        "(0.000 GB); 7 files (0.000 GB) stay"
    )
    assert len(told) == 3


def test_somebody_else_fills_the_disk(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    put(tmp_path, evidence(1))
    disk = bounded(tmp_path, least_free_gb=1, free=lambda _: 0)
    for _ in range(3):
        assert not disk.may_write()
        disk.purge(NOW)
    assert disk.full
    assert [record.levelname for record in caplog.records] == ["ERROR"], "said once"


def test_drafts_of_a_crash_go_and_those_under_way_stay(tmp_path: Path) -> None:
    names = [f".{1:032x}.blurred.mp4.ab12_x.draft", f".{1:032x}.mp4.ab12_x.draft"]
    for name in names:
        put(tmp_path, f"gate/run-1/{name}", age_s=2 * 3600)
        put(tmp_path, f"gate/run-2/{name}", age_s=60)
    assert bounded(tmp_path).purge(NOW) == Purged(drafts=2, size=200)
    assert left(tmp_path) == sorted(f"gate/run-2/{name}" for name in names)


def test_empty_folders_of_old_runs_go(tmp_path: Path) -> None:
    for name in ("gate/run-1", "gate/run-2/originals", "gate/run-3", "gate/other"):
        (tmp_path / name).mkdir(parents=True)
    for path in [*tmp_path.rglob("*")]:
        os.utime(path, (NOW - 2 * DAY_S,) * 2)
    os.utime(tmp_path / "gate/run-3", (NOW,) * 2)
    bounded(tmp_path).purge(NOW)
    assert sorted(path.name for path in (tmp_path / "gate").iterdir()) == ["other", "run-3"]


def test_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "a" / "b", keep_days=1, most_gb=1, least_free_gb=0)
    assert disk.may_write()
    assert disk.purge(NOW) == Purged()


def test_a_file_that_cannot_be_removed_is_said_and_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for number in (1, 2):
        put(tmp_path, evidence(number), age_s=31 * DAY_S)
    real = Path.unlink

    def refuse(path: Path, missing_ok: bool = False) -> None:
        if path.name == f"{1:032x}.jpg":
            raise PermissionError(13, "Permission denied")
        real(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", refuse)
    assert bounded(tmp_path).purge(NOW) == Purged(old=1, size=100)
    assert left(tmp_path) == [evidence(1)]
    assert "cannot be removed: Permission denied" in caplog.text
