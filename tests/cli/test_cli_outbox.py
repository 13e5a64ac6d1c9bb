"""`beffroi outbox`: what sinks have not taken, and another try for what they refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from beffroi.store import Change, RunFacts, Store
from commands import Beffroi, change

FACTS = RunFacts("Square", "5ce0", "gate", "day", "passing 1", "none", "0.1.0", evaluation=True)


def alert(number: int) -> Change:
    body: dict[str, Any] = {
        "id": str(number),
        "rule": "inside",
        "type": "intrusion",
        "change": "started",
        "at_ms": 1000 * number,
        "at": f"PT{number}S",
        "severity": "warning",
        "camera": "gate",
        "view": "day",
        "evaluation": True,
    }
    return Change("{}", body)


@pytest.fixture
def store(in_a_folder: Path) -> Iterator[Store]:
    change(("cameras:", "sinks: { hook: { type: jsonl, path: alerts.jsonl } }\ncameras:"))
    with Store(in_a_folder / "beffroi.db") as opened:
        yield opened


def test_what_waits_and_what_is_parked_is_listed_and_tried_again(beffroi: Beffroi, store: Store) -> None:
    assert beffroi("outbox", "site.yaml").out == "nothing waits\n"
    store.commit(store.begin(FACTS), [alert(1), alert(2)], ["hook", "gone"])
    store.park("hook", 1, "413: too large")
    store.failed("gone", 1, "no route")
    lines = beffroi("outbox", "site.yaml").out.splitlines()
    assert [line.split(", ")[0] for line in lines[:4]] == [
        "gone PT1S gate/day inside started",
        "gone PT2S gate/day inside started",
        "hook PT1S gate/day inside started",
        "hook PT2S gate/day inside started",
    ]
    assert lines[0].endswith(", tried 1 times: no route")
    assert lines[1].endswith(", not tried yet")
    assert ", parked since " in lines[2]
    assert lines[2].endswith(": 413: too large")
    assert lines[4:] == [
        "gone: 2 waiting, 0 parked; the site has no such sink: they wait until it has one of that name again",
        "hook: 1 waiting, 1 parked",
    ]
    found = beffroi("outbox", "beffroi.db", "--sink", "hook", "--json").json
    assert [(row["seq"], row["parked_at"] is None) for row in found["alerts"]] == [(1, False), (2, True)]
    answer = beffroi("outbox", "site.yaml", "--sink", "hook", "--retry")
    assert answer.out.splitlines()[-2:] == [
        "hook: 2 waiting, 0 parked",
        "1 parked alerts are tried again, by the run that is going on or by the next one",
    ]
    assert [one.seq for one in store.waiting("hook")] == [1, 2]


def test_a_store_that_is_not_there_is_named(beffroi: Beffroi, tmp_path: Path) -> None:
    answer = beffroi("outbox", str(tmp_path / "none.db"))
    assert (answer.code, answer.err) == (
        2,
        f"{tmp_path / 'none.db'}: there is no store; `beffroi run` makes it\n",
    )
