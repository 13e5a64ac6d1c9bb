"""Where a dome stands: what its words mean, and what becomes of answers that are late, odd or missing."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from beffroi.components import BuildContext, Ptz, PtzConfig
from beffroi.views.presets import Bearings, Position, Preset, Where
from hypothesis import given, settings
from hypothesis import strategies as st

GATE = Preset("1", "gate", Position(-0.6, 0.1, 0.0))
YARD = Preset("2", "yard", Position(0.2, -0.2, 0.3))
RAMP = Preset("3", "ramp", Position(0.998, 0.4, 0.1))


def bearings(*presets: Preset, wanted: tuple[str, ...] = ("1", "yard", "ramp")) -> Bearings:
    made = Bearings(wanted, tolerance=0.01)
    made.presets(presets or (GATE, YARD, RAMP))
    return made


def said(where: Where) -> tuple[str | None, bool, str]:
    return where.preset, where.moving, where.source


def test_pan_is_taken_the_shorter_way_round() -> None:
    assert Position(0.998, 0, 0).distance(Position(-0.998, 0, 0)) == pytest.approx(0.004)
    assert Position(-1.0, 0, 0).distance(Position(1.0, 0, 0)) == pytest.approx(0.0)
    assert Position(0.5, 0.2, 0).distance(Position(-0.4, 0.1, 0)) == pytest.approx(0.9)
    assert Position(0.5, 0.2, 0.1).distance(Position(0.5, 0.2, 0.4)) == pytest.approx(0.3), "zoom counts too"
    assert Position(zoom=0.3).distance(Position(zoom=0.2)) == pytest.approx(0.1)
    assert Position(0.5, 0.2).distance(Position(zoom=0.2)) is None


def test_a_dome_at_rest_at_a_preset_is_there() -> None:
    dome = bearings()
    assert said(dome.where(0.0)) == (None, False, "none")
    dome.status(1.0, Position(-0.605, 0.1, 0.0), moving=False)
    assert said(dome.where(3.5)) == ("1", False, "poll")
    assert dome.where(3.5).since_s == 2.5
    dome.status(2.0, Position(-0.605, 0.1, 0.0), moving=False)
    assert dome.where(3.5).since_s == 2.5, "the same again is nothing new"


def test_presets_are_named_as_the_site_names_them() -> None:
    """By token or by name; a token goes first, and a preset that nobody wants has its token."""
    dome = Bearings(("gate", "2"), 0.01)
    assert dome.presets([GATE, YARD, Preset("9", "2", None), RAMP]) == []
    dome.status(0, GATE.position, moving=False)
    assert dome.where(0).preset == "gate"
    dome.status(1, YARD.position, moving=False)
    dome.status(1.5, YARD.position, moving=False)
    assert dome.where(2).preset == "2"
    dome.status(3, RAMP.position, moving=False)
    dome.status(3.5, RAMP.position, moving=False)
    assert dome.where(4).preset == "3"
    assert Bearings(("gate", "4", "lane"), 0.01).presets([GATE]) == ["4", "lane"]


def test_who_stands_beside_a_preset_is_not_there() -> None:
    dome = bearings()
    for near, at in ((0.0099, "1"), (0.0111, None)):
        for axis in range(3):
            place = [-0.6, 0.1, 0.0]
            place[axis] += near
            dome.status(0, Position(*place), moving=False)
            dome.status(1, Position(*place), moving=False)
            assert dome.where(1).preset == at, (near, axis)
            assert dome.where(1).told, "to stand nowhere in particular is an answer"


def test_the_end_of_the_circle_is_its_beginning() -> None:
    dome = bearings()
    dome.status(0, Position(-0.996, 0.4, 0.1), moving=False)
    assert dome.where(0).preset == "ramp"


def test_without_a_move_status_a_dome_moves_if_its_position_does() -> None:
    dome = bearings()
    dome.status(0, GATE.position, moving=None)
    assert said(dome.where(0)) == (None, False, "none"), "one look may be of a dome in full turn"
    dome.status(0.5, GATE.position, moving=None)
    assert said(dome.where(0.5)) == ("1", False, "poll")
    dome.status(1.0, Position(-0.5, 0.1, 0.0), moving=None)
    assert said(dome.where(1.0)) == (None, True, "poll")
    dome.status(1.5, Position(-0.5, 0.1, 0.0), moving=None)
    assert said(dome.where(1.5)) == (None, False, "poll")


def test_a_dome_that_says_idle_and_turns_moves() -> None:
    dome = bearings()
    dome.status(0, Position(-0.7, 0.1, 0.0), moving=False)
    dome.status(0.5, GATE.position, moving=False)
    assert dome.where(0.5).moving


def test_presets_that_have_all_the_same_position_tell_nothing() -> None:
    """Many devices give zeros for every preset: then only events tell."""
    nowhere = [Preset(token, "", Position(0.0, 0.0, 0.0)) for token in "123"]
    dome = bearings(*nowhere, wanted=("1", "2"))
    dome.status(0, Position(0.0, 0.0, 0.0), moving=False)
    assert not dome.where(0).told
    dome.event(1, "reached", "2")
    dome.status(2, Position(0.0, 0.0, 0.0), moving=False)
    assert said(dome.where(2)) == ("2", False, "event")


def test_events_are_quicker_than_polls_and_the_later_word_counts() -> None:
    dome = bearings()
    dome.status(0, GATE.position, moving=False)
    dome.event(1.0, "invoked", "2")
    assert said(dome.where(1.0)) == (None, True, "event")
    dome.status(0.9, GATE.position, moving=False)
    assert dome.where(1.1).moving, "asked before, answered after: an old answer"
    dome.status(1.2, GATE.position, moving=False)
    assert dome.where(1.2).moving, "it has not begun yet"
    dome.status(1.7, Position(-0.2, 0, 0.1), moving=True)
    dome.event(2.4, "reached", "2")
    assert said(dome.where(2.4)) == ("yard", False, "event")
    dome.status(2.5, YARD.position, moving=False)
    assert said(dome.where(3.0)) == ("yard", False, "poll")
    assert dome.where(3.0).since_s == pytest.approx(0.6), "since it was reached"


def test_an_invoked_preset_that_is_never_reached_is_found_by_its_position() -> None:
    dome = bearings()
    dome.event(0, "invoked", "2")
    dome.status(3.0, YARD.position, moving=False)
    dome.status(3.5, YARD.position, moving=False)
    assert dome.where(3.5).preset == "yard"


def test_without_positions_nobody_knows_where_a_dome_ends_that_never_arrives() -> None:
    dome = bearings(Preset("1"), Preset("2"), wanted=("1", "2"))
    dome.event(0, "invoked", "2")
    dome.status(50, None, moving=False)
    assert dome.where(50).moving
    dome.status(61, None, moving=False)
    assert not dome.where(61).told


@pytest.mark.parametrize("kind", ["left", "aborted"])
def test_who_left_or_was_stopped_is_at_no_preset(kind: Any) -> None:
    dome = bearings()
    dome.event(0, "reached", "1")
    dome.event(5, kind, "1")
    where = dome.where(5)
    assert (where.preset, where.moving, where.told) == (None, kind == "left", True)


def test_when_events_stop_coming_what_only_they_told_is_forgotten() -> None:
    dome = bearings()
    dome.event(0, "reached", "1")
    dome.deaf(1)
    assert not dome.where(1).told
    dome.event(2, "reached", "1")
    dome.status(3, GATE.position, moving=False)
    dome.deaf(4)
    assert dome.where(4).preset == "1", "the position says so too"


WORDS = st.one_of(
    st.tuples(
        st.just("event"), st.sampled_from(["invoked", "reached", "aborted", "left"]), st.sampled_from("1239")
    ),
    st.tuples(
        st.just("status"),
        st.sampled_from([GATE.position, YARD.position, RAMP.position, Position(0, 0, 0), None]),
        st.sampled_from([True, False, None]),
    ),
    st.tuples(st.just("silent"), st.just(""), st.just("")),
    st.tuples(st.just("deaf"), st.just(""), st.just("")),
)


@given(st.lists(st.tuples(st.floats(0.1, 3), WORDS), max_size=30))
@settings(max_examples=200, deadline=None)
def test_whatever_is_said_a_preset_is_only_told_at_rest_and_by_somebody(
    words: list[tuple[float, tuple[Any, Any, Any]]],
) -> None:
    dome, now, before = bearings(), 0.0, None
    for passed, (kind, first, second) in words:
        now += passed
        if kind == "event":
            dome.event(now, first, second)
        elif kind == "status":
            dome.status(now, first, second)
        elif kind == "silent":
            dome.silent(now, "away")
        else:
            dome.deaf(now)
        where = dome.where(now)
        assert where.preset is None or (not where.moving and where.told)
        assert 0 <= where.since_s <= now
        assert not (where.moving and not where.told)
        same = before is not None and said(where)[:2] == said(before)[:2] and where.told == before.told
        assert where.since_s == pytest.approx(
            before.since_s + passed if same and before.since_s else where.since_s
        )
        if before is not None and not same:
            assert where.since_s == 0
        if kind == "status" and second is True:
            assert where.moving
        before = where


# The device.

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


def test_events_tell_between_two_polls() -> None:
    with FakeDome() as dome, asked(dome, poll="5s") as ptz:
        at(ptz, "1")
        until(lambda: dome.subscriptions == 1)
        dome.goto("2", 0.3)
        at(ptz, None, moving=True, source="event")
        at(ptz, "yard", source="event")
        assert dome.asked("GetStatus") == 1


@pytest.mark.parametrize(
    "faults",
    [
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
    with FakeDome(*faults, slow_s=0.15) as dome, asked(dome) as ptz:
        until(lambda: dome.asked("GetStatus") > 1 and (dome.subscriptions == 1 or Fault.NO_EVENTS in faults))
        dome.goto("2", 0.3)
        at(ptz, None, moving=True)
        at(ptz, "yard")


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


def test_silence_is_told_once_and_so_is_its_end(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
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
    with FakeDome(Fault.NO_EVENTS) as dome, asked(dome, "1", "7", "lane") as ptz:
        at(ptz, "1")
    assert caplog.messages == ["square: the dome has no preset 7, lane; it has: 1 (gate), 2 (yard), 3 (ramp)"]


def test_a_profile_that_is_named_is_not_looked_for() -> None:
    with FakeDome(Fault.NO_EVENTS) as dome, asked(dome, profile="main") as ptz:
        at(ptz, "1")
        assert dome.asked("GetProfiles") == 0


def test_nothing_of_the_process_is_changed_by_asking(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

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
    checked = {action for action, body in dome.bodies() if definitions.check(body)}
    assert checked >= {
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
