"""The comparison of trackers: what it asks, what it judges, and what perfect association reaches."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from beffroi.evaluate.sequence import Sequence, read_sequence
from beffroi.evaluate.tracking import evaluate, judge, pictures
from numpy.typing import NDArray

from benches.peers import environments, quality
from benches.peers.follow import rows
from benches.peers.oracle import OVERLAP, associate, overlaps
from benches.peers.ours import Tracker

pytest.importorskip("trackeval", reason="TrackEval is not installed: pip install 'beffroi[evaluate]'")

SEQINFO = "[Sequence]\nname=walk\nframeRate=10\nseqLength=40\nimWidth=1000\nimHeight=500\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two people whose ways cross; one is missed twice, and a lamp post is seen as a third."""
    truth, found = [], []
    for frame in range(1, 41):
        for person, left in ((1, 100 + 15 * frame), (2, 740 - 15 * frame)):
            box = f"{left},{100 + 30 * person},40,120"
            truth.append(f"{frame},{person},{box},1,1,1")
            if person == 2 or frame not in (5, 30):
                found.append(f"{frame},-1,{box},0.9")
        found.append(f"{frame},-1,900,50,30,90,0.7")
    sequence = tmp_path / "made" / "walk"
    for name, lines in (("gt", truth), ("det", found)):
        (sequence / name).mkdir(parents=True)
        (sequence / name / f"{name}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (sequence / "seqinfo.ini").write_text(SEQINFO, encoding="utf-8")
    return tmp_path / "made"


def test_the_oracle_lacks_only_what_the_detector_missed(folder: Path) -> None:
    sequence = read_sequence(folder / "walk")
    figures = judge([(sequence, associate(sequence))]).combined
    assert figures["IDSW"] == 0
    assert figures["MOTA"] == pytest.approx(100 * 78 / 80)
    # 2 IDTP / (2 IDTP + IDFP + IDFN): two boxes missed, none false.
    assert figures["IDF1"] == pytest.approx(100 * 156 / 158)


def test_the_oracle_takes_as_many_pairs_as_there_are() -> None:
    """A box that shows one person best goes to the other, whom no other box shows."""
    people = np.array([[1, 1, 200, 0, 100, 100, 1], [1, 2, 250, 0, 100, 100, 1]], np.float64)
    boxes = np.array([[1, -1, 220, 0, 100, 100, 0.9], [1, -1, 170, 0, 100, 100, 0.3]], np.float64)
    sequence = Sequence("one", 10, 1, (1000, 500), people, boxes)
    (near_both, near_one) = overlaps(corners(boxes), corners(people)).tolist()
    assert near_both[0] > near_both[1] > OVERLAP
    assert near_one[0] > OVERLAP > near_one[1]
    assert associate(sequence)[:, 1].tolist() == [2, 1]


def corners(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate([rows[:, 2:4], rows[:, 2:4] + rows[:, 4:6]], axis=1)


def test_ours_and_the_oracle_are_in_the_table_and_missing_peers_with_the_reason(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(environments, "ENVIRONMENTS", tmp_path / "none")
    report = quality.compare(folder)
    ours = evaluate(folder)
    assert report["trackers"]["beffroi"]["combined"] == ours.combined
    assert set(report["trackers"]["oracle"]["sequences"]) == {"walk"}
    peers = [environments.peer(name) for name in environments.PEERS]
    assert set(report["trackers"]) == {"oracle", *(title for peer in peers for title in peer.TRACKERS)}
    text = quality.table(report, per_sequence=True)
    assert text.count("not installed") == 2 * (len(report["trackers"]) - 2)
    assert text.index("walk ") < text.index("all sequences")


def test_what_a_peers_interpreter_follows_is_what_the_command_follows(folder: Path) -> None:
    """The way through arrays gives the rows of `track`, but for tracks that it coasts."""
    sequence = read_sequence(folder / "walk")
    arrays = quality.columns([sequence])
    columns = (arrays[f"walk/{name}"] for name in ("xyxy", "score", "offsets"))
    found = rows(Tracker(sequence.rate, sequence.size), *columns)
    assert len(list(pictures(sequence))) == sequence.length == found[:, 0].max()
    assert judge([(sequence, found)]).combined["IDSW"] == evaluate(folder).combined["IDSW"]


def test_mistakes_are_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["quality", str(folder / "nowhere")])
    with pytest.raises(SystemExit) as caught:
        quality.main()
    assert caught.value.code == 2
    assert "no such folder" in capsys.readouterr().err


def test_json_is_all_that_standard_output_gets(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["quality", str(folder), "--fps", "5", "--peers", "ours", "--json"])
    quality.main()
    report = json.loads(capsys.readouterr().out)
    assert (report["folder"], report["fps"], list(report["trackers"])) == ("made", 5.0, ["beffroi", "oracle"])
