"""Changed rules on recorded boxes: what stays, what vanishes, what is new; value by value; and by verdict."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from beffroi.backtest import Incident, Setting, Verdicts, chosen_recordings, compare, play, sweep, told
from beffroi.backtest.match import NEAR_MS
from beffroi.backtest.plot import draw, svg
from beffroi.backtest.report import lines, sweep_table, table
from beffroi.backtest.verdicts import KINDS, Said, read_verdicts
from beffroi.config.site import Site
from beffroi.crowd import ASPECT, crowd, watched
from beffroi.errors import BeffroiError, StoreError
from beffroi.frame import Detections
from beffroi.recording import Header, RecordingWriter
from beffroi.store import Change, RunFacts, Store, queries
from beffroi.store.verdicts import history, judge, latest
from hypothesis import given
from hypothesis import strategies as st
from scripted import Script
from scripted import site as scripted_site

LABELS = ("person", "bicycle", "car")
TWO = ("gate", "yard")


def site(folder: Path, rules: list[dict[str, Any]], *cameras: str) -> Site:
    """Cameras with the drawing of the crowd, and these rules."""
    drawn = {name: watched()[name] for name in ("zones", "lines")}
    camera = {
        "source": {"type": "simulated"},
        "detect": {"type": "simulated"},
        "views": {"day": {**drawn, "rules": rules}},
    }
    settings = {
        "site": {"name": "town", "timezone": "Europe/Paris", "mode": "evaluation"},
        "cameras": dict.fromkeys(cameras or ("gate",), camera),
    }
    return Site.model_validate(settings).with_path(folder / "site.yaml")


def record(path: Path, seed: int = 1, camera: str = "gate", pictures: int = 1500) -> Path:
    """Five minutes of a dozen people who come and go."""
    header = Header(labels=LABELS, camera=camera, view="day", width=1600, height=900, fps=5)
    assert ASPECT == 16 / 9
    with RecordingWriter(path, header) as writer:
        for at_ms, *columns in crowd(12, pictures, seed=seed, fps=5, stay=20).pictures():
            writer.write(at_ms, Detections(*columns))
    return path


def rule(name: str, zone: str = "zone-7", **more: Any) -> dict[str, Any]:
    return {"name": name, "type": "loitering", "zone": zone, "after": "5s", "classes": list(LABELS), **more}


def incident(name: str, since: int, until: int, *, id: str = "", camera: str = "gate") -> Incident:
    return Incident(camera, name, id or f"{name}{since}", since, since, until)


incident_lists = st.lists(
    st.builds(
        lambda name, since, length, number: incident(name, since, since + length, id=str(number)),
        st.sampled_from(["a", "b"]),
        st.integers(0, 60_000),
        st.integers(0, 20_000),
        st.integers(0, 10**9),
    ),
    max_size=12,
    unique_by=lambda each: each.id,
)


@given(before=incident_lists, now=incident_lists)
def test_every_incident_is_counted_once(before: list[Incident], now: list[Incident]) -> None:
    found = compare(before, now)
    assert sorted([*(pair[0] for pair in found.stays), *found.vanished], key=str) == sorted(before, key=str)
    assert sorted([*(pair[1] for pair in found.stays), *found.raised], key=str) == sorted(now, key=str)
    for old, new in found.stays:
        assert (old.camera, old.rule) == (new.camera, new.rule)
        assert max(old.since_ms, new.since_ms) <= min(old.until_ms, new.until_ms) + NEAR_MS
    for old in found.vanished:
        for new in found.raised:
            apart = max(old.since_ms, new.since_ms) - min(old.until_ms, new.until_ms)
            assert old.rule != new.rule or apart > NEAR_MS, "these two would have gone together"


@given(told=incident_lists)
def test_the_same_incidents_all_stay(told: list[Incident]) -> None:
    found = compare(told, reversed(told))
    assert all(old == new for old, new in found.stays)
    assert (len(found.stays), found.vanished, found.raised) == (len(told), (), ())


def test_the_most_time_in_common_goes_together() -> None:
    long, late = incident("a", 0, 60_000), incident("a", 50_000, 100_000)
    found = compare([long, late], [incident("a", 55_000, 95_000, id="new")])
    assert found.vanished == (long,)
    assert [pair[0] for pair in found.stays] == [late]
    assert compare([long], [incident("b", 0, 60_000)]).stays == ()
    assert len(compare([long], [incident("b", 0, 60_000)], {"a": "b"}).stays) == 1
    assert compare([long], [incident("a", 0, 60_000, camera="yard")]).stays == ()


def test_changed_rules_are_compared(tmp_path: Path) -> None:
    recordings = [record(tmp_path / f"{name}.boxes", seed, name) for seed, name in enumerate(TWO)]
    before = play(recordings, site(tmp_path, [rule("dwell"), rule("gone", "zone-6")], *TWO))
    now = play(recordings, site(tmp_path, [rule("dwell", after="9s"), rule("new", "zone-8")], *TWO))
    assert [each.report.camera for each in now] == ["gate", "yard"]
    found = compare(all_of(before), all_of(now))
    by_rule = {name: found.of_rule("gate", name) for name in ("dwell", "gone", "new")}
    assert by_rule["dwell"].stays
    assert by_rule["dwell"].vanished
    assert not by_rule["dwell"].raised, "who stays nine seconds stays five"
    assert by_rule["gone"].vanished
    assert by_rule["new"].raised
    assert not by_rule["gone"].stays + by_rule["new"].stays


def all_of(played: Iterable[Any]) -> list[Incident]:
    return [one for each in played for one in each.incidents]


@pytest.mark.parametrize("text", ["after=1s..23s", "min_score=0.6..0.9", "radius=0.5 body,1 body,3 body"])
def test_a_sweep_gives_for_each_value_what_a_replay_of_it_gives(tmp_path: Path, text: str) -> None:
    recordings = [record(tmp_path / f"{name}.boxes", seed, name) for seed, name in enumerate(TWO)]
    rules = [rule("one"), rule("two", "zone-6"), rule("three", "zone-8", after="8s")]
    setting = Setting.parse(text)
    swept = sweep(recordings, site(tmp_path, rules, *TWO), setting)
    assert swept.rules == tuple(
        (camera, name) for camera in ("gate", "yard") for name in ("one", "three", "two")
    )
    counts = set()
    for row in swept.rows:
        changed = [{**each, setting.key: row.trial.value} for each in rules]
        told = all_of(play(recordings, site(tmp_path, changed, *TWO)))
        found = [*(now for _, now in row.comparison.stays), *row.comparison.raised]
        assert sorted(map(plain, found)) == sorted(map(plain, told))
        assert row.alerts == len(told)
        counts.add(row.alerts)
    assert len(counts) > 1, "a setting that changes nothing proves nothing"


def plain(each: Incident) -> tuple[Any, ...]:
    return each.camera, each.rule, each.since_ms, each.started_ms, each.ended_ms


def test_a_value_that_the_rule_refuses_says_why(tmp_path: Path) -> None:
    scene = site(tmp_path, [rule("dwell", gap="3s"), rule("off", enabled=False)])
    swept = sweep([record(tmp_path / "a.boxes")], scene, Setting.parse("dwell.after=2s,4s,6s"))
    assert swept.rows[0].refused is not None
    assert swept.rows[0].refused.startswith("dwell.gap: 3s is not below")
    assert [row.refused for row in swept.rows[1:]] == [None, None]
    assert swept.present == "5s"
    image = svg(swept)
    ElementTree.fromstring(image)
    assert image.count(">refused<") == 1
    assert "now: 5s" in image
    assert "refused: dwell.gap: " in printed(sweep_table(swept))
    assert swept.as_json()["values"][0]["refused"].startswith("dwell.gap: ")


def test_what_a_sweep_cannot_try(tmp_path: Path) -> None:
    recordings = [record(tmp_path / "a.boxes", pictures=10)]
    scene = site(tmp_path, [rule("dwell")])
    for text, message in {
        "off.after=1s..2s": "there is no rule 'off'; there are dwell",
        "colour=1..2": "no rule has the setting 'colour'; the rules are dwell",
    }.items():
        with pytest.raises(BeffroiError, match=message):
            sweep(recordings, scene, Setting.parse(text))
    everything = sweep(recordings, scene, Setting.parse("dwell.colour=1..2"))
    assert all(row.refused for row in everything.rows)
    ElementTree.fromstring(svg(everything))


def printed(shown: Any) -> str:
    import io

    from rich.console import Console

    console = Console(width=250, file=io.StringIO())
    with console.capture() as captured:
        console.print(shown)
    return captured.get()


def test_verdicts_stand_beside_both(tmp_path: Path) -> None:
    scene = site(tmp_path, [rule("dwell", after="3s")])
    recordings = [record(tmp_path / "a.boxes")]
    before = all_of(play(recordings, scene))
    assert len(before) >= 4
    said = Verdicts(
        [
            Said("confirmed", incident=before[0].id),
            Said("false", "a shadow", incident=before[1].id),
            Said("cannot_tell", rule="dwell", time_ms=before[2].started_ms, camera="gate"),
            Said("false", rule="dwell", time_ms=before[3].started_ms, camera="yard"),
        ]
    )
    swept = sweep(recordings, scene, Setting.parse("after=3s..60s"), verdicts=said)
    first, last = swept.rows[0], swept.rows[-1]
    assert first.kept == {"confirmed": 1, "false": 1, "cannot_tell": 1, "unreviewed": len(before) - 3}
    assert (first.comparison.vanished, first.comparison.raised) == ((), ())
    for row in swept.rows:
        assert {kind: row.kept[kind] + row.lost[kind] for kind in KINDS} == first.kept
    assert sum(last.kept.values()) < sum(first.kept.values())
    found = compare(before, ())
    said = said.about(before)
    text = "\n".join(lines(found, said))
    assert f"- PT{before[1].started_ms / 1000:g}S gate dwell {before[1].id} [false: a shadow]" in text
    assert f"1 / 1 / 1 / {len(before) - 3}" in printed(table(found, said))
    for name in ("a.svg", "a.html"):
        draw(tmp_path / name, swept)
        assert "confirmed, kept" in (tmp_path / name).read_text("utf-8")
    with pytest.raises(BeffroiError, match=r"written as \.svg or \.html"):
        draw(tmp_path / "a.png", swept)


def facts(camera: str = "gate") -> RunFacts:
    return RunFacts("town", "0", camera, "day", "m", "cpu", "1", evaluation=True)


def change(id: str, change: str, at_ms: int, camera: str = "gate") -> Change:
    alert = {"id": id, "rule": "dwell", "type": "loitering", "change": change, "at_ms": at_ms, "since_ms": 0}
    more = {"camera": camera, "view": "day", "evaluation": True, "severity": "info", "measured": {}}
    return Change("{}", {**alert, **more})


def test_the_store_keeps_verdicts(tmp_path: Path) -> None:
    with Store(tmp_path / "a.db") as store:
        for _ in range(2):
            run = store.begin(facts())
            store.commit(run, [change("abc1", "started", 5000), change("abd2", "started", 6000)], ())
            store.commit(run, [change("abc1", "ended", 9000)], ())
        judge(store, "abc1", "false", by="Ada", cause="a shadow")
        judge(store, "abc", "confirmed", by="Bob")
        judge(store, "abd2", "cannot_tell", by="Ada")
        for incident, verdict, by, message in [
            ("ab", "false", "Ada", "several incidents begin with 'ab'"),
            ("x", "false", "Ada", "there is no incident 'x'"),
            ("", "false", "Ada", "there is no incident ''"),
            ("%", "false", "Ada", "there is no incident '%'"),
            ("abc1", "maybe", "Ada", "'maybe' is no verdict; there are confirmed, false, cannot_tell"),
            ("abc1", "false", " ", "needs the name"),
        ]:
            with pytest.raises(StoreError, match=message):
                judge(store, incident, verdict, by=by)
        assert [(row["incident"], row["verdict"], row["cause"]) for row in latest(store)] == [
            ("abc1", "confirmed", None),
            ("abd2", "cannot_tell", None),
        ]
        assert [row["by"] for row in history(store, "abc1")] == ["Ada", "Bob"]
        last = queries.alerts(store)[-2:]
        assert {row["alert"] for row in latest(store)} == {row["id"] for row in last}
    # Both runs saw the same media time: the later one counts.
    then = told(tmp_path / "a.db")
    times = [(each.id, each.started_ms, each.ended_ms) for each in then]
    assert times == [("abc1", 5000, 9000), ("abd2", 6000, None)]
    said = read_verdicts(tmp_path / "a.db")
    assert [getattr(said.of(each), "verdict", None) for each in then] == ["confirmed", "cannot_tell"]


def test_a_store_from_before_verdicts_gets_them(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    Store(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE verdicts")
    connection.close()
    with Store(path) as store:
        assert latest(store) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rule,time\n", "a.csv:1: expected the columns verdict"),
        ("verdict,colour\n", "a.csv:1: does not know colour; expected"),
        ("verdict,incident\nmaybe,a\n", "a.csv:2: verdict 'maybe': expected confirmed, false, cannot_tell"),
        ("verdict,incident\nfalse,a\nfalse,\n", "a.csv:3: expected an incident, or a rule and a time"),
        ("verdict,rule,time\nfalse,a,noon\n", "a.csv:2: time 'noon': expected PT12.4S"),
        ("verdict,rule,time\nfalse,a,2026-05-28T20:26:40\n", "does not say its zone"),
    ],
)
def test_mistakes_in_a_table_of_verdicts(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(BeffroiError) as caught:
        read_verdicts(tmp_path / "a.csv")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("time", "at_ms"),
    [
        ("PT12.4S", 12_400),
        ("PT1H2M3S", 3_723_000),
        ("2:03", 123_000),
        ("1:02:03.5", 3_723_500),
        ("700", 700),
        ("1970-01-01T00:02:00Z", 120_000),
        ("1970-01-01T01:00:07+01:00", 7000),
    ],
)
def test_times_in_a_table_of_verdicts(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, time: str, at_ms: int
) -> None:
    (tmp_path / "a.csv").write_text(f"verdict,rule,time\nCannot tell,dwell,{time}\n")
    said = read_verdicts(tmp_path / "a.csv")
    here, later = incident("dwell", at_ms, at_ms), incident("dwell", at_ms + 1500, at_ms + 9000)
    other = incident("other", at_ms, at_ms)
    found = said.about([later, here, other])
    assert [getattr(found.of(each), "verdict", None) for each in (here, later, other)] == [
        "cannot_tell",
        None,
        None,
    ]
    with caplog.at_level("WARNING"):
        assert said.about([incident("dwell", at_ms + NEAR_MS + 1, at_ms + 9000)]).of(here) is None
    assert "a.csv:2: no alert of dwell lies at that time" in caplog.text


def test_what_was_told_then_from_lines(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    path.write_text(
        "".join(
            json.dumps(dict(each.alert)) + "\n"
            for each in [
                change("a", "started", 5000),
                change("a", "updated", 6000),
                change("a", "ended", 7000),
                change("a", "started", 90_000),
            ]
        )
    )
    assert [(each.started_ms, each.ended_ms) for each in told(path)] == [(5000, 7000), (90_000, None)]
    path.write_text('{"camera":"a"}\n')
    with pytest.raises(BeffroiError, match=r"alerts\.jsonl:1: is no alert: expected"):
        told(path)
    path.write_text("nonsense\n")
    with pytest.raises(BeffroiError, match=r"alerts\.jsonl:1: is not JSON"):
        told(path)
    with pytest.raises(BeffroiError, match="there is no such file"):
        told(tmp_path / "none.db")


def test_folders_hold_recordings(tmp_path: Path) -> None:
    with pytest.raises(BeffroiError, match="holds no finished recording"):
        chosen_recordings([tmp_path])
    for name in ("b.boxes", "a.jsonl.gz", "c.part.boxes", "notes.txt"):
        (tmp_path / name).touch()
    found = chosen_recordings([tmp_path, tmp_path / "b.boxes", tmp_path / "c.part.boxes"])
    assert [path.name for path in found] == ["a.jsonl.gz", "b.boxes", "c.part.boxes"]


def test_an_alert_of_the_runtime_is_an_incident(tmp_path: Path) -> None:
    from beffroi import runtime

    scene = scripted_site(tmp_path, gate=Script())
    with Store(tmp_path / "a.db") as store:
        runtime.run(scene, record=tmp_path / "a.boxes", store=store)
    played = play([tmp_path / "a.boxes"], scene)
    then = told(tmp_path / "a.db")
    assert len(then) == 1
    assert played[0].covers(then[0])
    found = compare(then, all_of(played))
    assert [pair[0].id for pair in found.stays] == [pair[1].id for pair in found.stays]
    assert (len(found.stays), found.vanished, found.raised) == (1, (), ())


@pytest.mark.parametrize(
    ("text", "values", "unit"),
    [
        ("after=10s..120s", [f"{n}s" for n in range(10, 121, 10)], "s"),
        ("after=10s..1min/20s", ["10s", "30s", "50s"], "s"),
        ("a b.c.after=10s,1min30s", ["10s", "90s"], "s"),
        ("min_speed=1 m/s..3 m/s/1 m/s", ["1 m/s", "2 m/s", "3 m/s"], "m/s"),
        ("within=0.5 body..1.5 body/0.5 body", ["0.5 body", "1 body", "1.5 body"], "body"),
        ("at_least=3..6", [3, 4, 5, 6], ""),
        ("min_score=0.3..0.5/0.1", [0.3, 0.4, 0.5], ""),
    ],
)
def test_values_of_a_sweep(text: str, values: list[Any], unit: str) -> None:
    setting = Setting.parse(text)
    assert [trial.value for trial in setting.trials] == values
    assert setting.unit == unit
    assert setting.rule == ("a b.c" if text.startswith("a b.c") else None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("after", "expected SETTING=VALUES"),
        ("=3", "expected SETTING=VALUES"),
        ("after=", "'' is no number with a unit"),
        ("after=10s..5s", "the first end must be below the second"),
        ("after=10s..5 body", "both ends need the same unit, not 's' and 'body'"),
        ("after=10s,5 body", "all values need the same unit"),
        ("after=1s..9s/0s", "the step must be above 0"),
        ("after=1s..9s/2", "the step must be above 0, and have the unit 's'"),
        ("after=1..1000/1", "these are 1000 values; 100 are the limit"),
        ("after=1s..2s..3s", "expected FIRST..LAST"),
    ],
)
def test_mistakes_in_a_sweep(text: str, message: str) -> None:
    with pytest.raises(BeffroiError) as caught:
        Setting.parse(text)
    assert message in str(caught.value)


def test_twelve_values_where_nobody_says_how_many() -> None:
    numbers = [trial.number for trial in Setting.parse("within=1 body..3 body").trials]
    assert len(numbers) == 12
    assert np.allclose(np.diff(numbers), 2 / 11, atol=0.002)
