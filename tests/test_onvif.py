"""A dome is asked over ONVIF: what becomes of answers that come well, late, odd, or not at all.

The fake device in `onvifdome` speaks SOAP over HTTP on this machine; its messages are held against ONVIF's
own definitions in the last test.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from beffroi.components import BuildContext, Ptz, PtzConfig

onvif = pytest.importorskip("onvif", reason="needs the extra: pip install 'beffroi[onvif]'")
from onvifdome import FakeDome, Fault  # noqa: E402 - needs nothing of the extra, and is of no use without


@contextmanager
def asked(dome: FakeDome, *presets: str, **changes: Any) -> Iterator[Ptz]:
    written = {"type": "onvif", "host": "127.0.0.1", "port": dome.port, "poll": 0.1, "timeout": 1}
    written |= {"user": dome.user, "password": dome.password} | changes
    ptz = PtzConfig.parse(written).build(
        BuildContext("square", Path(), presets=presets or ("1", "yard", "3"))
    )
    try:
        yield ptz
    finally:
        began = time.monotonic()
        ptz.close()
        assert time.monotonic() - began < 2.0
        assert not ptz.where().told
        assert not any(thread.name == "ptz square" for thread in threading.enumerate())


def until(true: Callable[[], bool], seconds: float = 6.0) -> None:
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends, "it never came"
        time.sleep(0.01)


def at(ptz: Ptz, preset: str | None, *, moving: bool = False, source: str | None = None) -> None:
    def there() -> bool:
        where = ptz.where()
        right = (where.preset, where.moving) == (preset, moving) and where.told
        return right and source in (None, where.source)

    until(there)


def test_a_dome_is_followed_through_its_presets_and_by_hand() -> None:
    with FakeDome() as dome, asked(dome) as ptz:
        at(ptz, "1")
        until(lambda: dome.subscriptions == 1)
        dome.goto("2", 0.4)
        at(ptz, None, moving=True)
        at(ptz, "yard", source="poll")
        dome.drive((0.2, 0.0, 0.0))
        at(ptz, None, moving=True)
        dome.stop()
        at(ptz, None)
        assert ptz.where().detail.startswith("at no preset; the nearest is yard")
        dome.goto("3", 0.3)
        at(ptz, "3")
    assert dome.subscriptions == 0, "subscriptions are given back: devices have few"


@pytest.mark.parametrize(
    "faults",
    [
        {Fault.NO_SERVICES},
        {Fault.NO_EVENTS},
        {Fault.NO_MOVE_STATUS, Fault.NO_EVENTS},
        {Fault.NO_POSITION},
        {Fault.NO_PRESET_POSITION},
        {Fault.ZERO_PRESETS, Fault.LEGACY_EVENTS},
        {Fault.NO_STATUS},
        {Fault.GARBAGE},
        {Fault.SLOW},
    ],
    ids=lambda faults: " ".join(sorted(fault.name for fault in faults)),
)
def test_half_a_device_is_enough(faults: set[Fault]) -> None:
    """Without events, without a word of moving, without positions: what is left of it still tells."""
    with FakeDome(*faults, slow_s=0.05) as dome, asked(dome) as ptz:
        until(lambda: dome.asked("GetStatus") > 1 and (dome.subscriptions == 1 or Fault.NO_EVENTS in faults))
        dome.goto("2", 0.3)
        at(ptz, None, moving=True)
        at(ptz, "yard", source="event" if Fault.NO_STATUS in faults else None)


@pytest.mark.parametrize("clock_s", [86400.0 * 3650, -3600.0])
def test_a_dome_whose_clock_is_wrong_is_asked_by_its_own_time(clock_s: float) -> None:
    with FakeDome(Fault.NO_EVENTS, clock_s=clock_s) as dome, asked(dome) as ptz:
        at(ptz, "1")


def test_a_dome_is_reached_where_the_site_says_and_nowhere_else() -> None:
    """The fake names an address in every answer at which nobody is; see `answers.services`."""
    with FakeDome() as dome, asked(dome) as ptz:
        at(ptz, "1")
        until(lambda: dome.subscriptions == 1)
        dome.goto("2", 0.1)
        until(lambda: dome.asked("PullMessages") > 0)
        assert any(b"192.168.99.99" in exchange.answer for exchange in dome.exchanges)
        assert not any(b"192.168.99.99" in exchange.question for exchange in dome.exchanges)


def test_subscriptions_are_renewed() -> None:
    with FakeDome(life_s=2.0) as dome, asked(dome) as ptz:
        until(lambda: dome.asked("Renew") >= 2)
        at(ptz, "1")
        assert dome.asked("CreatePullPointSubscription") == 1


def test_a_renewal_that_fails_leaves_the_position(caplog: pytest.LogCaptureFixture) -> None:
    with FakeDome(Fault.NO_RENEWAL, life_s=0.6) as dome, asked(dome) as ptz:
        at(ptz, "1")
        until(lambda: any("no events from the dome" in line for line in caplog.messages))
        dome.goto("2", 0.3)
        at(ptz, "yard", source="poll")


def test_silence_is_told_once_and_so_is_its_end(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr("beffroi.ptz._poller.AGAIN_S", (0.1,))
    with FakeDome() as dome, asked(dome, timeout=0.5) as ptz:
        at(ptz, "1")
        dome.faults.add(Fault.NO_ANSWER)
        until(lambda: not ptz.where().told)
        until(lambda: len(caplog.messages) == 2)
        dome.faults.clear()
        at(ptz, "1")
        until(lambda: len(caplog.messages) == 3)
    events, silent, again = caplog.messages
    assert events.startswith("square: no events from the dome, its position counts")
    assert silent.startswith(
        "square: the dome does not tell where it stands, the picture alone decides: no answer"
    )
    assert again == "square: the dome tells again where it stands"


def test_a_dome_that_was_never_there_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    with FakeDome() as dome:
        port = dome.port
    dome.port = port
    with asked(dome, timeout=0.5) as ptz:
        until(lambda: bool(caplog.messages))
        assert not ptz.where().told
    assert len(caplog.messages) == 1


def test_a_refused_password_is_told_without_it_and_not_tried_again_soon(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    for changes in ({"password": "wr0ng-password"}, {}):
        caplog.clear()
        with FakeDome(*([] if changes else [Fault.REFUSES])) as dome, asked(dome, **changes) as ptz:
            until(lambda: "refuses the user or the password" in ptz.where().detail)
            count = len(dome.exchanges)
            time.sleep(0.4)
            assert len(dome.exchanges) == count
        assert "wr0ng" not in caplog.text
        assert "s3cret" not in caplog.text
        assert "viewer" not in caplog.text


def test_a_preset_that_the_dome_has_not_is_told(caplog: pytest.LogCaptureFixture) -> None:
    with FakeDome(Fault.NO_EVENTS) as dome, asked(dome, "1", "7") as ptz:
        at(ptz, "1")
    assert caplog.messages == ["square: the dome has no preset 7; it has: 1 (gate), 2 (yard), 3 (ramp)"]


def test_presets_that_are_stored_anew_are_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("beffroi.ptz._poller.REREAD_S", 0.2)
    with FakeDome(Fault.NO_EVENTS) as dome, asked(dome) as ptz:
        at(ptz, "1")
        # Somebody stores what preset 1 shows as preset 3, and another place as preset 1.
        there = dome.motion.presets["1"][1]
        dome.motion.presets |= {"1": ("gate", (0.7, 0.0, 0.0)), "3": ("ramp", there)}
        at(ptz, "3")


def test_who_is_closed_at_once_is_closed() -> None:
    with FakeDome() as dome:
        for pause_s in (0.0, 0.001, 0.02, 0.1):
            with asked(dome):
                time.sleep(pause_s)


def test_a_profile_that_is_named_is_not_looked_for() -> None:
    with FakeDome(Fault.NO_EVENTS) as dome, asked(dome, profile="main") as ptz:
        at(ptz, "1")
        assert dome.asked("GetProfiles") == 0


def test_nothing_of_the_process_is_changed_by_asking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://10.9.9.9:3128")
    root = logging.getLogger()
    before = root.level, list(root.handlers)
    with FakeDome(Fault.NO_EVENTS) as dome, asked(dome) as ptz:
        at(ptz, "1")
        assert os.environ["http_proxy"] == "http://10.9.9.9:3128"
        assert (root.level, list(root.handlers)) == before


def test_questions_and_answers_are_as_onvif_defines_them(tmp_path: Path) -> None:
    """Against ONVIF's own definitions: PTZ and events as published, the others as the library has them."""
    from lxml.etree import DocumentInvalid
    from onvifdome.definitions import Definitions

    with FakeDome(life_s=2.0) as dome, asked(dome) as ptz:
        at(ptz, "1")
        until(lambda: dome.subscriptions == 1)
        dome.goto("2", 0.2)
        at(ptz, "yard")
        until(lambda: dome.asked("Renew") >= 1)
    definitions = Definitions(tmp_path)
    status = next(each.answer for each in dome.exchanges if each.action == "GetStatus")
    with pytest.raises(DocumentInvalid):
        definitions.check(status.replace(b"tt:UtcTime>", b"tt:Time>"))
    with FakeDome(Fault.NO_SERVICES, Fault.NO_EVENTS) as old, asked(old) as ptz:
        at(ptz, "1")
    bodies = [*dome.bodies(), *old.bodies()]
    checked = {action for action, body in bodies if definitions.check(body)}
    assert checked >= {
        "GetCapabilities",
        "GetSystemDateAndTime",
        "GetServices",
        "GetProfiles",
        "GetPresets",
        "GetStatus",
        "CreatePullPointSubscription",
        "PullMessages",
        "Renew",
        "Unsubscribe",
    }
