"""Recordings on changed rules, from the command line."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from commands import SITE, Beffroi, change, files


def changed(path: str, *changes: tuple[str, str]) -> None:
    text = SITE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    Path(path).write_text(text, encoding="utf-8")


@pytest.fixture
def ran(beffroi: Beffroi) -> list[dict[str, Any]]:
    """A minute was run and recorded; what was told then."""
    change(("duration: 6", "duration: 30"), ("after: 1s }", "after: 3s }"))
    text = Path("site.yaml").read_text()
    sink = "sinks: { kept: { type: jsonl, path: alerts.jsonl } }\n"
    Path("site.yaml").write_text(text + sink)
    Path("kept").mkdir()
    answer = beffroi("run", "site.yaml", "--json", "--record", "kept/square.boxes")
    assert answer.code == 0, answer.err
    return [event for event in answer.json["events"] if event["change"] == "started"]


@pytest.mark.parametrize("against", ["beffroi.db", "alerts.jsonl", "site.yaml"])
def test_the_same_rules_tell_the_same(beffroi: Beffroi, ran: list[dict[str, Any]], against: str) -> None:
    answer = beffroi("replay", "kept", "--site", "site.yaml", "--against", against, "--json")
    assert answer.code == 0, answer.err
    found = answer.json
    assert {each["now"]["id"] for each in found["incidents"]["stays"]} == {each["id"] for each in ran}
    assert found["before"] == found["now"] == len(ran) > 0
    assert found["incidents"]["vanished"] == found["incidents"]["raised"] == []
    assert found["recordings"][0]["file"] == "kept/square.boxes"
    answer = beffroi("replay", "kept", "--site", "site.yaml", "--against", against)
    assert answer.out.count("= PT") == len(ran)
    assert "before" in answer.err


def test_what_changed_rules_would_have_told(beffroi: Beffroi, ran: list[dict[str, Any]]) -> None:
    changed("slow.yaml", ("duration: 6", "duration: 30"), ("after: 1s }", "after: 15s }"))
    assert beffroi("verdict", ran[0]["id"][:12], "false", "--store", "beffroi.db", "--by", "Ada").code == 0
    said = beffroi("verdict", ran[0]["id"], "confirmed", "--store", "beffroi.db", "--by", "Bob", "--json")
    assert said.json["verdict"] == "confirmed"
    arguments = ("replay", "kept/square.boxes", "--site", "slow.yaml", "--against", "beffroi.db")
    found = beffroi(*arguments, "--json").json
    assert found["before"] == len(ran)
    assert found["now"] < len(ran)
    both = {kind: found["stays"][kind] + found["vanished"][kind] for kind in found["stays"]}
    assert both == {"confirmed": 1, "false": 0, "cannot_tell": 0, "unreviewed": len(ran) - 1}
    with Path("said.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerows([("incident", "verdict", "cause"), *((each["id"], "false", "a dog") for each in ran)])
    answer = beffroi(*arguments, "--verdicts", "said.csv")
    assert answer.out.count("[false: a dog]") == len(ran)
    renamed = beffroi(*arguments, "--map", "somebody=anybody", "--json").json
    assert {each["rule"] for each in renamed["rules"]} == {"somebody", "anybody"}
    assert renamed["incidents"]["stays"] == []


def test_values_of_a_setting_are_tried_and_drawn(beffroi: Beffroi, ran: list[dict[str, Any]]) -> None:
    arguments = ("replay", "kept", "--site", "site.yaml", "--sweep", "somebody.after=3s..25s")
    answer = beffroi(*arguments, "--against", "alerts.jsonl", "--plot", "curve.svg", "--json")
    assert answer.code == 0, answer.err
    found = answer.json
    assert len(found["values"]) == 12
    assert found["before"] == found["values"][0]["alerts"] == len(ran)
    assert found["present"] == "3s"
    counts = [each["alerts"] for each in found["values"]]
    assert counts[-1] < counts[0]
    assert ElementTree.parse("curve.svg").getroot().tag.endswith("svg")
    assert "per camera-day" in beffroi(*arguments).err


def test_a_recording_changes_its_form(beffroi: Beffroi, ran: list[dict[str, Any]]) -> None:
    told = beffroi("replay", "kept/square.boxes", "--site", "site.yaml").out
    assert told
    for source, target in [
        ("kept/square.boxes", "a.jsonl"),
        ("a.jsonl", "b.jsonl.gz"),
        ("b.jsonl.gz", "c.boxes"),
    ]:
        answer = beffroi("convert", source, target)
        assert (answer.code, answer.err) == (0, "")
        assert beffroi("replay", target, "--site", "site.yaml").out == told
    assert Path("c.boxes").read_bytes() == Path("kept/square.boxes").read_bytes()
    answer = beffroi("convert", "a.jsonl", "a.jsonl")
    assert (answer.code, answer.err) == (2, "a.jsonl: is the recording itself; name another file\n")
    assert beffroi("convert", "a.jsonl", "a.avi").code == 2
    assert "a.avi" not in files()


def test_several_recordings_are_told_one_after_another(beffroi: Beffroi, ran: list[dict[str, Any]]) -> None:
    beffroi("convert", "kept/square.boxes", "kept/again.jsonl")
    answer = beffroi("replay", "kept", "--site", "site.yaml", "--json")
    assert [each["camera"] for each in answer.json] == ["square", "square"]
    assert answer.json[0] == answer.json[1]
    lines = beffroi("replay", "kept", "--site", "site.yaml").out.splitlines()
    assert len(lines) == 2 * len(answer.json[0]["events"])
    assert json.loads(lines[0])["rule"] == "somebody"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--plot", "a.svg"), "--plot draws the curve of --sweep; there is none"),
        (("--verdicts", "a.csv"), "--verdicts and --map are about what was told then: give --against"),
        (("--against", "a.txt"), "a.txt: expected a site file (.yaml), a store (.db) or alerts (.jsonl)"),
        (("--against", "none.db"), "none.db: there is no such file"),
        (("--against", "alerts.jsonl", "--map", "a"), "--map a: expected the old and the new name"),
        (("--sweep", "after=9s..1s"), "--sweep after=9s..1s: the first end must be below the second"),
        (("--sweep", "colour=1,2"), "no rule has the setting 'colour'"),
        (("--sweep", "after=1s,2s", "--plot", "a.png"), "a.png: a plot is written as .svg or .html"),
        (("--against", "alerts.jsonl", "--verdicts", "a.csv"), "a.csv: there is no such file"),
    ],
)
def test_mistakes(
    beffroi: Beffroi, ran: list[dict[str, Any]], arguments: tuple[str, ...], message: str
) -> None:
    answer = beffroi("replay", "kept", "--site", "site.yaml", *arguments)
    assert (answer.code, answer.out) == (2, "")
    assert message in answer.err
    assert "Traceback" not in answer.err


def test_mistakes_of_a_verdict(beffroi: Beffroi, ran: list[dict[str, Any]]) -> None:
    for arguments, message in [
        (("nobody", "false", "--store", "beffroi.db", "--by", "Ada"), "there is no incident 'nobody'"),
        ((ran[0]["id"], "maybe", "--store", "beffroi.db", "--by", "Ada"), "'maybe' is no verdict"),
        ((ran[0]["id"], "false", "--store", "other.db", "--by", "Ada"), "other.db: there is no such store"),
    ]:
        answer = beffroi("verdict", *arguments)
        assert (answer.code, answer.out) == (2, "")
        assert message in answer.err
    assert "other.db" not in files()
