"""A short soak keeps the bars of the long one, and an engine that grows or slows down does not."""

import json
import sys
import time
from typing import Any

import pytest
from beffroi import Engine

from benches import soak
from benches.soak import ROUND, Walk, pictures


def test_a_round_joins_up() -> None:
    """Nothing jumps where the recording turns, and people come and go."""
    reel = pictures(48)
    assert len(reel) == ROUND
    for a, b in ((soak.REEL - 1, soak.REEL), (-1, 0)):
        assert (reel[a][1] == reel[b][1]).all()
    engine = Engine(json.dumps(soak.watched()))
    stayed: set[int] = set()
    for i, (_, *columns) in enumerate(reel[: soak.REEL]):
        subjects = set(engine.step(i * soak.STEP_MS, *columns).tracks.subject.tolist())
        stayed = subjects if i == 20 else stayed & subjects if i > 20 else stayed
    assert len(stayed) < 24, "half of those who were there went"


def test_twenty_thousand_pictures_keep_the_bars() -> None:
    """Memory at once; time in one of three turns, as a shared machine has bad moments."""
    for _ in range(3):
        report = soak.soak(20 * ROUND, 48)
        assert report["pictures"] == 20 * ROUND
        assert report["events"] > 1000
        assert report["resident_mib"]["growth"] < soak.MOST_GROWTH_MIB
        if report["ok"]:
            return
    pytest.fail(f"slower at the end: {report['against_young_engine']}")


class Ageing:
    """An engine that keeps something of every picture, or takes longer the more it has seen."""

    def __init__(self, scene: str, *, bytes_kept: int = 0, ns_more: float = 0) -> None:
        self.engine = Engine(scene)
        self.kept: list[bytes] = []
        self.bytes_kept, self.ns_more, self.seen = bytes_kept, ns_more, 0

    def step(self, *picture: Any) -> Any:
        self.seen += 1
        if self.bytes_kept:
            self.kept.append(bytes(self.bytes_kept))
        until = time.process_time_ns() + self.ns_more * self.seen
        while self.ns_more and time.process_time_ns() < until:
            pass
        return self.engine.step(*picture)


@pytest.mark.parametrize(
    ("fault", "figure"),
    [({"bytes_kept": 200}, "resident_mib"), ({"ns_more": 1.0}, "against_young_engine")],
)
def test_an_engine_that_ages_is_found_out(
    fault: dict[str, Any],
    figure: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(soak, "Engine", lambda scene: Ageing(scene, **fault))
    monkeypatch.setattr("os.sched_setaffinity", lambda *_: None)
    monkeypatch.setattr(sys, "argv", ["soak", "--pictures", str(20 * ROUND), "--json"])
    with pytest.raises(SystemExit) as caught:
        soak.main()
    assert caught.value.code == 1
    report = json.loads(capsys.readouterr().out)
    found = report[figure]
    assert found.get("growth", found.get("slower")) > found["at_most"]


def test_a_walk_goes_on_in_time() -> None:
    walk = Walk(json.dumps(soak.watched()), pictures(5))
    walk.go(0, 100)
    walk.go(0, 50)
    assert walk.at_ms == 150 * soak.STEP_MS


def test_too_short_a_soak_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["soak", "--pictures", "500"])
    with pytest.raises(SystemExit) as caught:
        soak.main()
    assert caught.value.code == 2
    assert "at least 20000 pictures" in capsys.readouterr().err
