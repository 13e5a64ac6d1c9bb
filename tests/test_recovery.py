"""After a crash: runs are closed, incidents have ended, and what goes on says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from beffroi import runtime
from beffroi.errors import StoreError
from beffroi.runtime.recovery import recover
from beffroi.store import Aggregate, Change, Claim, RunFacts, RunOutcome, Store, queries
from beffroi.store.resumed import WITHIN_MS
from scripted import WireSink, site
from test_store import FACTS, change

NOW = 1_790_000_000_000
LIVE = ["gate"]


def live(incident: str, what: str, at_ms: int, **more: Any) -> Change:
    """An alert of a live camera; times count from `NOW`."""
    return change(incident, what, NOW + at_ms, at="2026-09-21T14:13:20.000Z", **more)


def test_a_run_that_was_cut_off_is_closed_with_what_is_known_of_it() -> None:
    with Store() as store:
        run = store.begin(FACTS)
        store.commit(run, [live("a", "started", 10_000), live("b", "started", 20_000)], ["hook"])
        store.commit(run, [live("b", "ended", 30_000)], ["hook"])
        for minute in (1, 2):
            ends = NOW + minute * 60_000
            body = {"from_ms": ends - 60_000, "until_ms": ends}
            store.aggregate(run, "lawn", 1, Aggregate(body, 59_000, 1_000))
        whole = store.begin(FACTS)
        store.finish(whole, RunOutcome(0, 1, 1, 0, 1, 0, "end_of_stream"))
        assert recover(store, ["hook"], LIVE) == [run]
        closed, other = queries.runs(store)
        assert (closed["outcome"], other["outcome"]) == ("interrupted", "end_of_stream")
        assert (closed["from_ms"], closed["to_ms"]) == (NOW, NOW + 120_000)
        assert (closed["analysed_ms"], closed["not_analysed_ms"]) == (118_000, 2_000)
        assert closed["ended_at"] == max(
            [row["committed_at"] for row in queries.aggregates(store)]
            + [row["committed_at"] for row in queries.events(store, run=run)][:3]
        )
        a, b = queries.alerts(store)
        assert (a["change"], a["reason"], a["ended_ms"]) == ("ended", "interrupted", NOW + 120_000)
        assert (b["reason"], b["ended_ms"]) == ("cleared", NOW + 30_000)
        assert recover(store, ["hook"], LIVE) == []


def test_an_interrupted_incident_ends_as_the_engine_would_say_it() -> None:
    with Store() as store:
        run = store.begin(FACTS)
        text = '{"id":"a","zone":"forêt","change":"started","at_ms":1000,"held_s":0.5,"reason":null}'
        store.commit(run, [Change(text, live("a", "started", 1000).alert)], ["hook"])
        recover(store, ["hook"], LIVE)
        started, ended = queries.events(store)
        assert started["event"] == text
        assert ended["event"] == text.replace("started", "ended").replace("1000", str(NOW + 1000)).replace(
            '"reason":null', '"reason":"interrupted"'
        )
        sent = store.waiting("hook")[1].alert
        assert (sent["change"], sent["reason"], sent["at_ms"]) == ("ended", "interrupted", NOW + 1000)
        assert sent["at"] == "2026-09-21T14:13:21.000Z"
        assert list(sent) == list(started["alert"])


def test_rules_in_the_shadow_and_totals_tell_nobody() -> None:
    with Store() as store:
        run = store.begin(FACTS)
        total = live("n", "updated", 0)
        store.commit(run, [Change(total.event, total.alert, measurement=True)], [])
        store.commit(run, [live("s", "started", 0, shadow=True)], ["hook"])
        recover(store, ["hook"], LIVE)
        assert queries.waiting(store) == {}
        (shadowed,) = queries.alerts(store)
        assert shadowed["reason"] == "interrupted"


def test_a_run_that_saw_nothing_is_closed_too() -> None:
    with Store() as store:
        store.begin(FACTS)
        recover(store, [], [])
        (run,) = queries.runs(store)
        assert (run["outcome"], run["from_ms"], run["ended_at"]) == ("interrupted", None, run["began_at"])


def restarted(store: Store, *starts: Change, after: Change | None = None) -> list[str | None]:
    """Recover, begin anew, commit; what the new alerts say they continue."""
    recover(store, ["hook"], LIVE)
    run = store.begin(FACTS)
    for start in starts:
        store.commit(run, [start], ["hook"])
    return [row["body"].get("continues") for row in queries.alerts(store) if row["run"] == run]


def test_what_goes_on_after_a_restart_names_what_it_continues() -> None:
    with Store() as store:
        run = store.begin(FACTS)
        store.commit(run, [live("a", "started", 0)], ["hook"])
        assert restarted(store, live("b", "started", 60_000), live("c", "started", 61_000)) == ["a", None]
        # All alerts of the incident say it, also after the next crash, which the next one continues in turn.
        assert restarted(store, live("d", "started", 90_000), live("d", "ended", 95_000)) == ["b"]
        told = [
            (row["incident"], row["change"], row["alert"].get("continues")) for row in queries.events(store)
        ]
    assert told == [
        ("a", "started", None),
        ("a", "ended", None),
        ("b", "started", "a"),
        ("c", "started", None),
        ("b", "ended", "a"),
        ("c", "ended", None),
        ("d", "started", "b"),
        ("d", "ended", "b"),
    ]


def test_a_second_crash_before_it_begins_again_does_not_forget_it() -> None:
    with Store() as store:
        store.commit(store.begin(FACTS), [live("a", "started", 0)], [])
        assert restarted(store) == []
        assert restarted(store, live("b", "started", 60_000)) == ["a"]
        assert restarted(store, live("c", "started", 70_000), live("d", "started", 80_000)) == ["b", None]


@pytest.mark.parametrize(
    "other",
    [
        live("b", "started", WITHIN_MS + 1),
        live("b", "started", -1),
        live("b", "started", 60_000, rule="another"),
        live("b", "started", 60_000, zone="elsewhere"),
        live("b", "started", 60_000, camera="yard"),
    ],
)
def test_something_else_continues_nothing(other: Change) -> None:
    with Store() as store:
        store.commit(store.begin(FACTS), [live("a", "started", 0)], [])
        assert restarted(store, other) == [None]


def test_each_continues_one_the_longest_first() -> None:
    with Store() as store:
        run = store.begin(FACTS)
        store.commit(run, [live("young", "started", 5_000), live("old", "started", 0)], [])
        starts = [live(name, "started", 60_000) for name in ("x", "y", "z")]
        assert restarted(store, *starts) == ["old", "young", None]


def test_a_recording_continues_nothing(tmp_path: Path) -> None:
    with Store(tmp_path / "beffroi.db") as store:
        facts = RunFacts("square", "5ce0", "gate", "day", "passing 1", "none", "0.1.0", evaluation=True)
        store.commit(store.begin(facts), [change("a", "started", 500, rule="inside", zone="all")], [])
    assert runtime.run(site(tmp_path)).ok
    with Store(tmp_path / "beffroi.db") as store:
        assert [row["outcome"] for row in queries.runs(store)] == ["interrupted", "end_of_stream"]
        assert not any("continues" in row["body"] for row in queries.alerts(store))


def test_a_run_refuses_a_store_that_another_process_runs_on(tmp_path: Path) -> None:
    WireSink.sent.clear()
    with Store(tmp_path / "beffroi.db") as store, Claim(tmp_path / "beffroi.db"):
        store.begin(FACTS)
        with pytest.raises(StoreError, match="another process"):
            runtime.run(site(tmp_path))
        assert queries.runs(store)[0]["outcome"] is None
    assert json.dumps(WireSink.sent) == "[]"
