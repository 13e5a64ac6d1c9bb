"""Delivery: at least once, in order, and never forgotten."""

from __future__ import annotations

import random
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from beffroi import runtime
from beffroi.components import BuildContext
from beffroi.errors import Refused
from beffroi.metrics import Metrics
from beffroi.runtime.courier import SEND_S, Courier
from beffroi.runtime.delivery import TRIES, Delivery
from beffroi.store import Change, Store, queries
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted import ALERT, FACTS, LIFE, Wire, WireSink, changes, site
from test_metrics import samples


@pytest.fixture(autouse=True)
def _nothing_sent() -> None:
    WireSink.sent.clear()


def test_a_sink_that_recovers_gets_everything_in_order(tmp_path: Path) -> None:
    report = runtime.run(site(tmp_path, sinks={"wire": Wire(refusals=2)}))
    assert report.ok
    assert changes(WireSink.sent) == LIFE


def test_what_a_sink_never_took_is_reported_and_sent_by_the_next_run(tmp_path: Path) -> None:
    report = runtime.run(site(tmp_path, sinks={"wire": Wire(refusals=99)}))
    assert report.undelivered == {"wire": 2}
    assert report.errors == ["sink wire: 2 alerts could not be delivered; they wait in the store"]
    assert runtime.run(site(tmp_path, sinks={"wire": Wire()})).ok
    assert changes(WireSink.sent) == LIFE + LIFE


def test_delivery_gives_up_for_now_after_its_tries() -> None:
    pauses: list[float] = []
    with Store() as store:
        sink = WireSink(refusals=99)
        delivery = Delivery(store, {"wire": sink}, Metrics(), sleep=pauses.append)
        assert delivery.drain()
        assert pauses == []
        store.commit(store.begin(FACTS), [Change("{}", ALERT)], delivery.names)
        assert not delivery.drain()
        assert len(pauses) == TRIES - 1
        assert sink.refusals == 99 - TRIES


def alert(number: int, **more: Any) -> Change:
    return Change("{}", {**ALERT, "id": str(number), **more})


def ids(sent: Sequence[Mapping[str, Any]]) -> list[str]:
    return [one["id"] for one in sent]


class Heard:
    """Takes everything, or does with it what it is told."""

    def __init__(self, mood: Callable[[Mapping[str, Any]], None] = lambda _alert: None) -> None:
        self.got: list[Mapping[str, Any]] = []
        self.mood = mood

    def send(self, alert: Mapping[str, Any]) -> None:
        self.mood(alert)
        self.got.append(alert)

    def close(self) -> None:
        pass


def until(holds: Callable[[], bool], seconds: float = 15.0) -> bool:
    end = time.monotonic() + seconds
    while not (met := holds()) and time.monotonic() < end:
        time.sleep(0.005)
    return met


def test_a_sink_that_hangs_delays_nobody_else(caplog: pytest.LogCaptureFixture) -> None:
    """Neither another sink, nor whoever commits, nor the end of the run for longer than it was given."""
    leave = threading.Event()
    hangs, works = Heard(lambda _alert: leave.wait(30) and None), Heard()
    with Store() as store:
        delivery = Delivery(store, {"hangs": hangs, "works": works}, Metrics())
        delivery.start()
        run = store.begin(FACTS)
        for number in range(5):
            store.commit(run, [alert(number)], delivery.names)
            began = time.monotonic()
            delivery.nudge()
            assert time.monotonic() - began < 1
        assert until(lambda: len(works.got) == 5)
        assert hangs.got == []
        began = time.monotonic()
        assert not delivery.drain(0.3)
        assert time.monotonic() - began < 5
        assert delivery.undelivered == {"hangs": 5}
        assert "sink hangs: does not come back" in caplog.text
        leave.set()
        # What it was sent last is noted when it comes back after all.
        assert until(lambda: len(hangs.got) == 1 and delivery.undelivered == {"hangs": 4})


def test_a_dead_sink_is_tried_ever_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(random, "uniform", lambda low, high: high)

    def dead(_alert: Mapping[str, Any]) -> None:
        raise ConnectionError("no route")

    with Store() as store:
        store.commit(store.begin(FACTS), [alert(0)], ["dead"])
        courier = Courier("dead", Heard(dead), store, Metrics(), lambda _seconds: None)

        def wait(seconds: float) -> bool:
            pauses.append(seconds)
            if len(pauses) == 12:
                courier.finish(None)
            # News does not shorten a pause.
            courier.nudge()
            return False

        monkeypatch.setattr(courier._finishing, "wait", wait)
        courier.run()
        assert pauses == [0.25, 0.5, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60]
        assert not courier.emptied
        assert store.waiting("dead")[0].attempts == 12 + TRIES


def test_each_alert_carries_an_id_that_attempts_and_restarts_do_not_change(tmp_path: Path) -> None:
    moods = iter([True, False, True, False])

    def forgets(_alert: Mapping[str, Any]) -> None:
        if next(moods, False):
            raise TimeoutError("no answer")

    heard: list[Mapping[str, Any]] = []
    with Store(tmp_path / "store.db") as store:
        store.commit(store.begin(FACTS), [alert(0), alert(1)], ["hook"])
    for _ in range(4):
        with Store(tmp_path / "store.db") as store:
            sink = Heard(lambda each: heard.append(each) or forgets(each))  # type: ignore[func-returns-value]
            Delivery(store, {"hook": sink}, Metrics()).flush()
    assert ids(heard) == ["0", "0", "1", "1"]
    keys = [one["delivery_id"] for one in heard]
    assert keys[0] == keys[1] != keys[2] == keys[3]
    assert str(uuid.UUID(keys[0])) == keys[0]


def test_an_alert_that_a_sink_refuses_is_parked_and_the_others_arrive(
    caplog: pytest.LogCaptureFixture,
) -> None:
    tried: list[str] = []

    def picky(one: Mapping[str, Any]) -> None:
        tried.append(one["id"])
        if one["id"] in {"1", "2"}:
            raise Refused("413: too large")

    sink, metrics = Heard(picky), Metrics()
    with Store() as store:
        store.commit(store.begin(FACTS), [alert(number) for number in range(4)], ["hook"])
        delivery = Delivery(store, {"hook": sink}, metrics, sleep=lambda _seconds: None)
        assert delivery.drain()
        assert ids(sink.got) == ["0", "3"]
        assert tried == ["0", "1", "1", "1", "2", "2", "2", "3"]
        assert (delivery.parked, delivery.undelivered) == ({"hook": 2}, {})
        assert [row["last_error"] for row in queries.outbox(store, parked=True)] == ["413: too large"] * 2
        assert "refused an alert 3 times (413: too large); it is parked" in caplog.text
        found = samples(metrics)
        assert found["beffroi_sink_alerts", ("hook", "parked")] == 2
        assert found["beffroi_sink_alerts", ("hook", "waiting")] == 0
        tried.clear()
        assert delivery.drain()
        assert tried == []
        sink.mood = lambda _alert: None
        assert store.unpark("hook") == 2
        assert delivery.drain()
        assert ids(sink.got) == ["0", "3", "1", "2"]


def test_what_was_refused_for_good_is_in_the_report(tmp_path: Path) -> None:
    class Picky(Wire):
        type: str = "picky"

        def build(self, context: BuildContext) -> WireSink:
            def send(_alert: Mapping[str, Any]) -> None:
                raise Refused("400: what is this")

            sink = WireSink()
            sink.send = send  # type: ignore[method-assign]
            return sink

    report = runtime.run(site(tmp_path, sinks={"wire": Wire(), "picky": Picky()}))
    assert not report.ok
    assert (report.parked, report.undelivered) == ({"picky": 2}, {})
    assert report.errors == [
        "sink picky: refused 2 alerts for good; `beffroi outbox` lists them and tries again"
    ]
    assert report.as_json()["parked"] == {"picky": 2}
    assert changes(WireSink.sent) == LIFE
    # They were this run's, not the next one's.
    assert runtime.run(site(tmp_path, sinks={"picky": Wire()})).ok


def test_what_was_sent_is_not_sent_again_because_the_disk_cannot_note_it(
    tmp_path: Path,
) -> None:
    sink = Heard()
    with Store(tmp_path / "store.db", busy_s=0.05) as store:
        run = store.begin(FACTS)
        store.commit(run, [alert(0), alert(1)], ["hook"])
        delivery = Delivery(store, {"hook": sink}, Metrics(), sleep=lambda _seconds: None)
        holder = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
        holder.execute("BEGIN EXCLUSIVE")
        assert not delivery.drain()
        assert ids(sink.got) == ["0", "1"]
        assert delivery.undelivered == {"hook": 2}
        holder.execute("ROLLBACK")
        holder.close()
        store.commit(run, [alert(2)], ["hook"])
        assert delivery.drain()
        assert ids(sink.got) == ["0", "1", "2"]
        assert delivery.undelivered == {}


def test_a_store_that_cannot_be_read_any_more_costs_no_report(tmp_path: Path) -> None:
    def away(_alert: Mapping[str, Any]) -> None:
        raise ConnectionError("no route")

    with Store(tmp_path / "store.db") as store:
        store.commit(store.begin(FACTS), [alert(0), alert(1)], ["hook"])
        delivery = Delivery(store, {"hook": Heard(away)}, Metrics(), sleep=lambda _seconds: None)
        assert not delivery.flush()
        store.reopen()
        (tmp_path / "store.db").rename(tmp_path / "away.db")
        assert not delivery.drain()
        assert delivery.undelivered == {"hook": 2}


def test_a_sink_that_can_give_up_is_told_when() -> None:
    given: list[float] = []

    class Patient(Heard):
        def send_within(self, alert: Mapping[str, Any], seconds: float) -> None:
            given.append(seconds)
            self.send(alert)

    with Store() as store:
        run = store.begin(FACTS)
        delivery = Delivery(store, {"hook": Patient()}, Metrics())
        store.commit(run, [alert(0)], ["hook"])
        assert delivery.flush()
        store.commit(run, [alert(1)], ["hook"])
        assert delivery.drain(2.0)
        store.commit(run, [alert(2)], ["hook"])
        assert delivery.flush()
    assert given[0] == given[2] == SEND_S
    assert 0 < given[1] <= 2.0


class Flaky:
    """Refuses, or takes and then loses the confirmation, as it is told."""

    def __init__(self, moods: Iterator[str]) -> None:
        self.moods = moods
        self.got: list[str] = []

    def send(self, alert: Mapping[str, Any]) -> None:
        mood = next(self.moods, "take")
        if mood != "refuse":
            self.got.append(alert["id"])
        if mood != "take":
            raise ConnectionError(mood)

    def close(self) -> None:
        pass


@settings(deadline=None)
@given(st.lists(st.sampled_from(["take", "refuse", "lose"]), max_size=20), st.integers(1, 6))
def test_every_alert_arrives_at_least_once_and_in_order(moods: list[str], alerts: int) -> None:
    sink = Flaky(iter(moods))
    with Store() as store:
        run = store.begin(FACTS)
        delivery = Delivery(store, {"flaky": sink}, Metrics(), sleep=lambda _seconds: None)
        for number in range(alerts):
            alert = {**ALERT, "id": str(number)}
            store.commit(run, [Change("{}", alert)], delivery.names)
            delivery.flush()
        while not delivery.drain():
            pass
        assert queries.waiting(store) == {}
    assert sorted(set(sink.got), key=sink.got.index) == [str(number) for number in range(alerts)]
    assert sink.got == sorted(sink.got, key=int)
