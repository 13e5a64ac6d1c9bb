"""A state whose signal is no longer reported, or never was."""

from __future__ import annotations

import json

import beffroi
import numpy as np

NOBODY = (np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty(0, np.uint16))
RULE = {"name": "full", "type": "state", "signal": "bin", "is": "full", "after": "4s", "clear_after": "5s"}


def told(until_s: int, reported: dict[int, str], **settings: object) -> list[tuple[float, str]]:
    """When what was told of a signal that is reported only at some of the seconds."""
    engine = beffroi.Engine(json.dumps({"rules": [{**RULE, **settings}]}))
    found = []
    for second in range(until_s):
        state = reported.get(second)
        step = engine.step(second * 1000, *NOBODY, None if state is None else {"bin": state})
        found += [(event.at_ms / 1000, event.change) for event in step.events]
    return found


def test_a_report_is_worth_something_until_it_is_stale() -> None:
    # Reported every ten seconds, then no more: the last report is worth 15 s, and 5 s later the alert ends.
    reports = dict.fromkeys(range(0, 60, 10), "full")
    assert told(100, reports, stale="15s") == [(4.0, "started"), (70.0, "ended")]


def test_a_detector_that_has_stopped_does_not_keep_a_state_for_ever() -> None:
    assert told(100, {0: "full"}, stale="3s") == []
    assert told(100, {0: "full"}, stale="20s") == [(4.0, "started"), (25.0, "ended")]


def test_a_signal_that_was_never_reported_holds_nothing() -> None:
    assert told(100, {}) == []


def test_stale_time_is_unknown_to_votes() -> None:
    votes = {"share": 0.6, "within": "20s"}
    assert told(60, {0: "full"}, votes=votes, stale="5s") == []
    assert told(60, {0: "full", 5: "full"}, votes=votes, stale="5s")[0] == (14.0, "started")
