"""Live cameras of one run: what goes wrong with one is its own, and nothing of it stays open."""

from __future__ import annotations

import threading
import time
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from beffroi.config.site import Authorisation, Camera
from beffroi.config.view import View
from beffroi.runtime.live import camera as live
from beffroi.runtime.live import fleet
from parts import LIFE, RULE, VIEW, Fed, Moody, SourceError, running, site, until
from scripted import Wire


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses before something is tried again are short."""
    monkeypatch.setattr(live, "FIRST_PAUSE_S", 0.1)
    monkeypatch.setattr(live, "LONGEST_PAUSE_S", 0.2)
    monkeypatch.setattr(fleet, "RETRY_S", 0.1)


def test_each_camera_tells_its_own(tmp_path: Path) -> None:
    with running(site(tmp_path, "gate", "yard")) as run:
        for name in ("gate", "yard"):
            run.put(name, 3)
        run.put("gate", 8, there=True)
        run.put("gate", 8)
        assert run.changes("gate") == LIFE
        assert run.changes("yard") == []
        assert run.status("gate").alerts == 1
        assert run.status("gate").state == "watching"


def test_a_detector_that_raises_ends_what_was_active_and_touches_nobody_else(tmp_path: Path) -> None:
    with running(site(tmp_path, "gate", "yard")) as run:
        for name in ("gate", "yard"):
            run.put(name, 8, there=True)
        Moody.raises.add("gate")
        run.put("gate")
        assert until(lambda: run.status("gate").state == "failed")
        assert run.changes("gate") == [LIFE[0], ("intrusion", "ended", "analysis_failed")]
        run.put("yard", 3, there=True)
        assert run.status("yard").state == "watching"
        Moody.raises.clear()
        time.sleep(0.3)
        run.put("gate", 8, there=True)
        assert run.status("gate").state == "watching"
        assert run.changes("gate")[2:] == [LIFE[0]]
        assert run.status("gate").alerts == 2
        assert len(run.runs("gate")) == 2
        assert run.changes("yard") == [LIFE[0]]
        assert len(run.runs("yard")) == 1


def test_a_failure_is_over_for_a_camera_that_sees_nothing(tmp_path: Path) -> None:
    """Its state must not be 'failed' until the morning."""
    with running(site(tmp_path, "gate")) as run:
        run.put("gate", 3)
        Moody.raises.add("gate")
        run.put("gate")
        assert until(lambda: run.status("gate").state == "failed")
        Moody.raises.clear()
        time.sleep(0.3)
        run.put("gate", 25, dark=True)
        assert ("too_dark", "started", None) in run.changes("gate")
        assert run.status("gate").state == "blind"


def test_a_store_that_refuses_while_a_camera_fails_ends_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(site(tmp_path, "gate", "yard")) as run:
        for name in ("gate", "yard"):
            run.put(name, 8, there=True)
        finish = run.store.finish

        def refuse(number: int, *rest: Any) -> None:
            if number in run.runs("gate"):
                raise OSError("no")
            finish(number, *rest)

        monkeypatch.setattr(run.store, "finish", refuse)
        Moody.raises.add("gate")
        run.put("gate")
        assert until(lambda: run.status("gate").state == "failed")
        run.put("yard", 8)
        assert run.changes("yard") == LIFE


def test_numbers_stay_however_often_a_camera_begins_anew(tmp_path: Path) -> None:
    with running(site(tmp_path, "gate")) as run:
        alerts = []
        for number in range(12):
            run.put("gate", 6, there=True, size=(64 + 2 * number, 36))
            alerts.append(run.status("gate").alerts)
        assert alerts == list(range(1, 13))
        run.rest()
        report = run.fleet.stop(1.5)["gate"]
        assert report.frames == 72
        assert report.alerts == {"inside": 12}
        assert len(run.runs("gate")) == 12
        assert report.analysed_ms + report.not_analysed_ms >= 12 * 5 * 200


def test_a_source_that_breaks_is_opened_anew_and_leaves_nothing_open(tmp_path: Path) -> None:
    with running(site(tmp_path, "gate")) as run:
        run.put("gate", 8, there=True)
        Fed.feeds["gate"][-1].put(SourceError("the stream broke"))
        assert until(lambda: len(Fed.feeds["gate"]) == 2)
        assert until(lambda: run.changes("gate")[1:] == [("intrusion", "ended", "source_restarted")])
        # Another clock, years behind.
        run.at_ms["gate"] = 5000
        run.put("gate", 8, there=True)
        assert run.changes("gate")[2:] == [LIFE[0]]


def test_the_cameras_own_incidents_end_with_its_source(tmp_path: Path) -> None:
    with running(site(tmp_path, "gate")) as run:
        run.put("gate", 3)
        run.put("gate", 25, dark=True)
        assert run.changes("gate")[-1] == ("too_dark", "started", None)
        Fed.feeds["gate"][-1].put(None)
        assert until(lambda: run.changes("gate")[-1] == ("too_dark", "ended", "source_restarted"))


def test_a_source_of_others_may_raise_anything(tmp_path: Path) -> None:
    with running(site(tmp_path, "gate")) as run:
        run.put("gate", 3)
        Fed.raises["gate"] = ZeroDivisionError("a defect of the source")
        Fed.feeds["gate"][-1].put(ZeroDivisionError("a defect of the stream"))
        time.sleep(0.5)
        Fed.raises.clear()
        assert until(lambda: len(Fed.feeds["gate"]) == 2)
        run.put("gate", 8, there=True)
        assert run.changes("gate") == [LIFE[0]]


def test_one_camera_that_cannot_be_made_is_tried_again(tmp_path: Path) -> None:
    made = site(tmp_path, "gate", "yard")
    with running(made) as run:
        Fed.raises["yard"] = ZeroDivisionError("a defect of the source")
        other = made.cameras["yard"].model_copy(update={"source": Fed(note="other")})
        with run.turn:
            changed = made.model_copy(update={"cameras": {**made.cameras, "yard": other}})
            assert run.fleet.reload(changed.with_path(made.path)) == ["yard"]
        assert until(lambda: "a defect of the source" in run.fleet.errors.get("yard", ""))
        run.put("gate", 8, there=True)
        assert run.changes("gate") == [LIFE[0]]
        Fed.raises.clear()
        assert until(lambda: not run.fleet.errors)
        run.put("yard", 8, there=True)
        assert run.changes("yard") == [LIFE[0]]


def test_a_camera_that_never_comes_is_silent_until_it_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = ("signal_lost", "started", None)
    with running(_impatient(tmp_path)) as run:
        assert until(lambda: run.changes("gate") == [lost])
        assert run.status("gate").state == "silent"
        run.put("gate", 8, there=True)
        assert run.changes("gate") == [lost, ("signal_lost", "ended", "cleared"), LIFE[0]]
        assert run.changes("yard") == [lost]
        run.rest()
        reports = run.fleet.stop(1.5)
        assert run.changes("yard") == [lost, ("signal_lost", "ended", "stopped")]
        assert reports["gate"].health == {"signal_lost": 1}


def _impatient(folder: Path) -> Any:
    made = site(folder, "gate", "yard")
    quick = made.cameras["gate"].health.signal_lost.model_copy(update={"after": 1.0})
    health = made.cameras["gate"].health.model_copy(update={"signal_lost": quick})
    cameras = {name: one.model_copy(update={"health": health}) for name, one in made.cameras.items()}
    return site(folder, cameras=cameras)


def test_a_detector_that_hangs_does_not_keep_a_run_from_stopping(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with running(site(tmp_path, "gate", "yard"), analysts=2) as run:
        for name in ("gate", "yard"):
            run.put(name, 8, there=True)
        Moody.hangs["gate"] = threading.Event()
        run.put("gate", there=True)
        run.put("yard", 3, there=True)
        assert run.status("yard").state == "watching"
        run.rest()
        begun = time.monotonic()
        reports = run.fleet.stop(1.5)
        assert time.monotonic() - begun < 4.5
        assert reports["yard"].error is None
        assert run.changes("yard") == [LIFE[0], ("intrusion", "ended", "stopped")]
        assert "has not answered" in str(reports["gate"].error)
        assert "gate: its detector has not answered" in caplog.text
        Moody.hangs["gate"].set()
        assert until(lambda: run.changes("gate")[-1] == ("intrusion", "ended", "stopped"))


def test_a_detector_that_does_not_close_costs_no_report(tmp_path: Path) -> None:
    with running(site(tmp_path, "gate", "yard")) as run:
        run.put("yard", 8, there=True)
        Moody.raises.add("gate")
        run.rest()
        reports = run.fleet.stop(1.5)
        assert set(reports) == {"gate", "yard"}
        assert reports["yard"].alerts == {"inside": 1}


def test_a_reload_makes_anew_what_it_changes_and_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = site(tmp_path, "gate", "yard", "old")
    with running(made) as run:
        for name in made.cameras:
            run.put(name, 8, there=True)
        slow = VIEW.model_copy(update={"rules": ({**RULE, "after": "1s"},)})
        cameras = {
            "gate": made.cameras["gate"],
            "yard": made.cameras["yard"].model_copy(update={"views": {"day": slow}}),
            "new": made.cameras["gate"],
        }
        with run.turn:
            changed = site(tmp_path, cameras=cameras, sinks={"wire": Wire()})
            assert run.fleet.reload(changed) == ["new", "old", "yard"]
        assert "`sinks` takes effect when beffroi is started again" in caplog.text
        for name in cameras:
            run.put(name, 8, there=True)
        assert len(run.runs("gate")) == 1
        assert run.changes("gate") == [LIFE[0]]
        assert len(run.runs("yard")) == 2
        assert run.changes("yard") == [LIFE[0], ("intrusion", "ended", "reloaded"), LIFE[0]]
        assert run.changes("old") == [LIFE[0], ("intrusion", "ended", "reloaded")]
        assert run.changes("new") == [LIFE[0]]
        with run.turn:
            assert run.fleet.reload(changed) == []
        run.rest()
        reports = run.fleet.stop(1.5)
        assert {name: one.alerts["inside"] for name, one in reports.items()} == {
            "gate": 1, "yard": 2, "old": 1, "new": 1,
        }  # fmt: skip


def _act(name: str, until_: date) -> Authorisation:
    return Authorisation.model_validate(
        {
            "id": name, "act": "2026-1", "authority": "the prefect", "from": date(2026, 1, 1),
            "until": until_, "purpose": "a test", "cameras": ["gate", "yard"], "behaviours": ["intrusion"],
        }
    )  # fmt: skip


def test_rules_stop_when_their_authorisation_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(fleet, "DAY_EVERY_S", 0.1)
    today = date(2026, 6, 30)
    monkeypatch.setattr(fleet.Fleet, "_today", lambda _self: today)
    short, long = {**RULE, "authorisation": "short"}, {**RULE, "name": "also", "authorisation": "long"}

    def camera(*rules: dict[str, Any]) -> Camera:
        view = View(zones=VIEW.zones, rules=rules)
        return Camera(source=Fed(), detect=Moody(fps=5), views={"day": view})

    made = site(
        tmp_path,
        mode="live",
        cameras={"gate": camera(short, long), "yard": camera(short)},
        authorisations=(_act("short", today), _act("long", date(2026, 12, 31))),
    )
    with running(made) as run:
        for name in made.cameras:
            run.put(name, 8, there=True)
        assert {(one["camera"], one["rule"]) for one in run.told} == {
            ("gate", "inside"), ("gate", "also"), ("yard", "inside"),
        }  # fmt: skip
        today = date(2026, 7, 1)
        assert until(lambda: "yard" in run.fleet.errors)
        assert "ended on 2026-06-30" in caplog.text
        before = len(run.told)
        assert {(one["rule"], one["reason"]) for one in run.told if one["change"] == "ended"} == {
            ("inside", "reloaded"), ("also", "reloaded"),
        }  # fmt: skip
        run.put("gate", 8, there=True)
        assert [(one["camera"], one["rule"]) for one in run.told[before:]] == [("gate", "also")]
        assert "yard" not in [one.camera for one in run.fleet.statuses()]
        today = date(2026, 6, 30)
        assert until(lambda: not run.fleet.errors)
        run.put("yard", 8, there=True)
        assert run.changes("yard")[-1] == LIFE[0]
