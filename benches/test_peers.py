"""The comparison of speed: nothing is dropped silently."""

import re
import tomllib
from pathlib import Path

import pytest

from benches.peers import __main__ as runner
from benches.peers import environments
from benches.peers.measure import FEWEST


def test_a_peer_that_cannot_run_is_in_the_table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(environments, "ENVIRONMENTS", tmp_path)
    report = runner.compare([10], 1, 60)
    text = runner.table(report, [10])
    rows = [row for name in environments.PEERS for row in runner.titles(environments.peer(name))]
    assert all(title in text for _, title in rows)
    assert text.count("not installed") == len(rows) - 2
    assert report["rules"]["beffroi"]["us"]["10"] > 0


def test_a_slow_peer_sees_fewer_pictures_and_the_table_says_so() -> None:
    report = runner.compare([10], 1, 400, ["ours"], limit_s=1e-6)
    assert report["rules"]["beffroi"]["pictures"]["10"] == FEWEST
    report["rules"]["another"] = {"us": {"10": 1.0}, "pictures": {"10": 300}}
    assert "stopped after 1e-06 s, after as few pictures as: 10 of 10 objects" in runner.table(report, [10])


def test_a_peer_that_hangs_or_fails_says_so() -> None:
    ran = environments.run("ours", "measure", "nowhere.npz", "nowhere.json", 1, 10, limit_s=60)
    assert ran.startswith("failed: FileNotFoundError")
    assert environments.run("ours", "measure", limit_s=0.001) == "not done after 0.001 s"


def test_every_peer_is_in_the_dependency_group() -> None:
    """Whoever reads pyproject.toml sees what is compared."""
    project = tomllib.loads((environments.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    group = {re.split(r"[<>=\[]", wanted)[0] for wanted in project["dependency-groups"]["peers"]}
    installed = {
        re.split(r"[<>=\[]", wanted)[0]
        for name in environments.PEERS
        for wanted in environments.peer(name).INSTALL
    }
    assert installed - {"numpy"} == group
