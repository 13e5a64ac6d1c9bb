"""Delivery: at least once, in order, and never forgotten."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from beffroi import runtime
from beffroi.metrics import Metrics
from beffroi.runtime.delivery import TRIES, Delivery
from beffroi.store import Change, Store, queries
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted import ALERT, FACTS, LIFE, Wire, WireSink, changes, site


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
