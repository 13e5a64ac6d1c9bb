"""Tracking measured on made-up sequences whose figures can be worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from beffroi.evaluate.sequence import SequenceError, read_sequence
from beffroi.evaluate.tracking import evaluate, judge

pytest.importorskip("trackeval", reason="TrackEval is not installed: pip install 'beffroi[evaluate]'")

SEQINFO = "[Sequence]\nname=walk\nframeRate=10\nseqLength=30\nimWidth=1000\nimHeight=500\n"
FIGURES = {"HOTA", "DetA", "AssA", "MOTA", "IDF1", "IDSW"}


def sequence(folder: Path, *, missing: int = 0) -> Path:
    """Two people walking apart for 30 pictures; the detector sees both but for the first `missing`."""
    truth, found = [], []
    for frame in range(1, 31):
        for person, left in ((1, 100 + 3 * frame), (2, 700 - 3 * frame)):
            box = f"{left},100,40,120"
            truth.append(f"{frame},{person},{box},1,1,1")
            if frame > missing:
                found.append(f"{frame},-1,{box},0.9")
    for name, rows in (("gt", truth), ("det", found)):
        (folder / name).mkdir(parents=True)
        (folder / name / f"{name}.txt").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (folder / "seqinfo.ini").write_text(SEQINFO, encoding="utf-8")
    return folder


def test_perfect_detections_are_followed_from_their_second_picture(tmp_path: Path) -> None:
    sequence(tmp_path / "walk")
    report = evaluate(tmp_path)
    assert set(report.as_json()) == {"combined", "sequences"}
    assert set(report.combined) == FIGURES
    # A track is published once a second detection confirms it: 29 of 30 boxes each.
    assert report.combined["MOTA"] == pytest.approx(100 * 29 / 30)
    assert report.combined["IDSW"] == 0
    assert report.sequences["walk"] == report.combined


def test_missed_pictures_cost_what_they_must(tmp_path: Path) -> None:
    sequence(tmp_path / "walk", missing=10)
    figures = evaluate(tmp_path).combined
    assert figures["MOTA"] == pytest.approx(100 * 19 / 30)
    # IDF1 = 2 IDTP / (2 IDTP + IDFP + IDFN) = 2 * 38 / (2 * 38 + 22).
    assert figures["IDF1"] == pytest.approx(100 * 76 / 98)


def test_every_second_picture_halves_the_sequence(tmp_path: Path) -> None:
    folder = sequence(tmp_path / "walk")
    thinned = read_sequence(folder).thinned(5)
    assert (thinned.length, thinned.rate, len(thinned.truth)) == (15, 5.0, 30)
    assert evaluate(folder, fps=5).combined["MOTA"] == pytest.approx(100 * 14 / 15)


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("gt/gt.txt", None, "gt.txt: missing"),
        ("seqinfo.ini", None, "seqinfo.ini: missing; it says [Sequence] with frameRate"),
        ("det/det.txt", "", "det.txt: empty"),
        ("det/det.txt", "1,-1,a,100,40,120,0.9\n", "det.txt:1: `1,-1,a,100,40,120,0.9` is not numbers"),
        ("det/det.txt", "1,-1,100,100\n", "det.txt:1: 4 columns; frame, id, left, top"),
        ("det/det.txt", "0,-1,100,100,40,120,0.9\n", "det.txt:1: frames count from 1"),
        ("seqinfo.ini", "[Sequence]\nframeRate=0\nseqLength=3\nimWidth=2\nimHeight=2\n", "must be above 0"),
    ],
)
def test_what_cannot_be_measured_says_which_file_and_line(
    tmp_path: Path, file: str, text: str | None, message: str
) -> None:
    folder = sequence(tmp_path / "walk")
    if text is None:
        (folder / file).unlink()
    else:
        (folder / file).write_text(text, encoding="utf-8")
    with pytest.raises(SequenceError) as caught:
        evaluate(tmp_path)
    assert message in str(caught.value)


def test_a_folder_without_sequences_is_told(tmp_path: Path) -> None:
    with pytest.raises(SequenceError, match="no sequence here; each is a folder with"):
        evaluate(tmp_path)
    with pytest.raises(SequenceError, match="no such folder"):
        evaluate(tmp_path / "nowhere")


def test_scores_beyond_one_keep_their_order(tmp_path: Path) -> None:
    folder = sequence(tmp_path / "walk")
    rows = (folder / "det" / "det.txt").read_text(encoding="utf-8").splitlines()
    stretched = [row.rsplit(",", 1)[0] + f",{-5 + i}" for i, row in enumerate(rows)]
    (folder / "det" / "det.txt").write_text("\n".join(stretched), encoding="utf-8")
    score = read_sequence(folder).detections[:, 6]
    assert score[0] == 0
    assert score[-1] == 1
    assert (score[1:] > score[:-1]).all()


def cityflow(folder: Path, *, reach: int = 1500) -> Path:
    """A camera as CityFlow has them: no seqinfo.ini, ten columns without classes, a calibration."""
    sequence(folder)
    (folder / "seqinfo.ini").unlink()
    (folder / "calibration.txt").write_text("1 0 0;0 1 0;0 0 1", encoding="utf-8")
    rows = (folder / "gt" / "gt.txt").read_text(encoding="utf-8").splitlines()
    plain = [row.rsplit(",", 2)[0] + ",-1,-1,-1" for row in rows]
    (folder / "gt" / "gt.txt").write_text("\n".join(plain) + "\n", encoding="utf-8")
    with (folder / "det" / "det.txt").open("a", encoding="utf-8") as file:
        file.write(f"30,-1,{reach - 40},100,40,120,0.2\n")
    return folder


@pytest.mark.parametrize(
    ("name", "reach", "rate", "size"),
    [
        ("S03-c010", 1500, 10, (1920, 1080)),
        ("c015", 1200, 8, (1280, 960)),
        ("S05-c021", 2100, 10, (2560, 1920)),
    ],
)
def test_cityflow_is_recognised_and_what_is_assumed_is_said(
    tmp_path: Path, name: str, reach: int, rate: float, size: tuple[int, int]
) -> None:
    read = read_sequence(cityflow(tmp_path / name, reach=reach))
    assert (read.rate, read.size, read.length, read.classed) == (rate, size, 30, False)
    said = f"{name}: no seqinfo.ini; CityFlow's form, so assumed {rate} pictures a second and "
    assert read.assumed == f"{said}{size[0]}x{size[1]} pixels"
    report = evaluate(tmp_path)
    assert report.notes == (read.assumed,)
    assert report.table().caption == read.assumed
    assert report.combined["IDSW"] == 0


def test_what_is_given_is_not_assumed(tmp_path: Path) -> None:
    folder = cityflow(tmp_path / "c010")
    given = read_sequence(folder, rate=5, size=(2000, 1000))
    assert (given.rate, given.size, given.assumed) == (5, (2000, 1000), "")
    half = read_sequence(folder, rate=5)
    assert half.size == (1920, 1080)
    assert "pictures a second" not in half.assumed
    with pytest.raises(SequenceError, match="beyond every picture of CityFlow; give the size"):
        read_sequence(cityflow(tmp_path / "wide", reach=4000))
    with pytest.raises(SequenceError, match="must be above 0"):
        read_sequence(folder, rate=0)


def test_any_folder_is_measured_with_rate_and_size(tmp_path: Path) -> None:
    folder = sequence(tmp_path / "walk")
    (folder / "seqinfo.ini").unlink()
    figures = evaluate(folder, rate=10, size=(1000, 500)).combined
    (folder / "seqinfo.ini").write_text(SEQINFO, encoding="utf-8")
    assert evaluate(folder).combined == figures
    with pytest.raises(SequenceError, match=r"seqinfo\.ini says the rate and the size"):
        evaluate(folder, rate=10)


def test_world_coordinates_are_no_classes(tmp_path: Path) -> None:
    """MOT15 has x, y, z where later sets have class and visibility."""
    folder = sequence(tmp_path / "walk")
    rows = (folder / "gt" / "gt.txt").read_text(encoding="utf-8").splitlines()
    world = [row.rsplit(",", 2)[0] + f",{-3 + i % 9}.5,16.3,0.4" for i, row in enumerate(rows)]
    (folder / "gt" / "gt.txt").write_text("\n".join(world) + "\n", encoding="utf-8")
    assert not read_sequence(folder).classed
    assert evaluate(folder).combined["MOTA"] == pytest.approx(100 * 29 / 30)


def test_a_class_that_there_is_not_is_told(tmp_path: Path) -> None:
    folder = sequence(tmp_path / "walk")
    path = folder / "gt" / "gt.txt"
    path.write_text(path.read_text(encoding="utf-8") + "31,7,1,2,3,4,1,0,1\n", encoding="utf-8")
    with pytest.raises(
        SequenceError, match=r"gt\.txt: the box of 7 in frame 31 has the class 0; classes are 1"
    ):
        read_sequence(folder)


def test_rows_of_any_tracker_are_judged(tmp_path: Path) -> None:
    read = read_sequence(sequence(tmp_path / "walk"))
    perfect = read.truth[:, :7].copy()
    # Larger than a float of six digits.
    perfect[:, 1] += 123_456_789
    assert judge([(read, perfect)]).combined["IDF1"] == pytest.approx(100)
    perfect[perfect[:, 0] > 20, 1] = 3 - perfect[perfect[:, 0] > 20, 1]
    assert judge([(read, perfect)]).combined["IDSW"] == 2
    perfect[:, 1] = 1
    with pytest.raises(SequenceError, match="walk: Tracker predicts the same ID more than once"):
        judge([(read, perfect)])
