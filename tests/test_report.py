"""From a simulated square to the store, the table and the page, through the public door."""

from __future__ import annotations

import csv
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from beffroi import runtime
from beffroi.config import load
from beffroi.errors import MissingDependency, StoreError
from beffroi.report import COLUMNS, rows, write_report, write_table
from beffroi.store import Store, queries

SITE = """\
site: { name: "Carrefour <Nord>", timezone: Europe/Paris, language: fr, mode: evaluation }
cameras:
  square:
    source: { type: simulated, scenario: square, seed: 0, fps: 5, duration: 130, paint: false }
    detect: { type: simulated, fps: 5 }
    views:
      market:
        ground:
          image: [[0.15019, 0.84132], [0.84981, 0.84132], [0.1827, 0.43464], [0.8173, 0.43464],
            [0.1002, 0.28558], [0.8998, 0.28558]]
          metres: [[-5, 10], [5, 10], [-8, 19.8], [8, 19.8], [-14, 28.6], [14, 28.6]]
        zones:
          eastbound: [[0.0362, 0.3669], [0.9638, 0.3669], [0.9667, 0.3144], [0.0333, 0.3144]]
          forecourt: [[0.5298, 0.9038], [0.9626, 0.9038], [0.9305, 0.6831], [0.5233, 0.6831]]
        lines:
          traffic: [[0.8945, 0.3836], [0.8349, 0.2648]]
        rules:
          - { name: crossings, type: line_crossing, line: traffic, min_score: 0 }
          - { name: file, type: queue, line: traffic, zone: eastbound, direction: left_to_right, at_least: 2 }
"""


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, int, list[dict[str, Any]]]]:
    """The site file, how many crossings a rule told of road users, and the aggregates."""
    folder = tmp_path_factory.mktemp("square")
    (folder / "site.yaml").write_text(SITE, encoding="utf-8")
    report = runtime.run(load(folder / "site.yaml"))
    (camera,) = report.cameras
    with Store(folder / "beffroi.db") as store:
        yield folder / "site.yaml", camera.alerts["crossings"], queries.aggregates(store)


def counted(periods: list[dict[str, Any]]) -> int:
    table = [row for row in rows(periods) if row["measure"] == "count"]
    return int(sum(row["value"] for row in table))


def test_minutes_hold_every_crossing_and_add_up_to_the_quarter(
    kept: tuple[Path, int, list[dict[str, Any]]],
) -> None:
    _, told, periods = kept
    minutes = [period for period in periods if period["minutes"] == 1]
    (quarter,) = (period for period in periods if period["minutes"] == 15)
    assert told > 5
    assert counted(minutes) == counted([quarter]) == told
    assert sum(period["analysed_ms"] for period in minutes) == quarter["analysed_ms"] == quarter["to_ms"]
    speeds = quarter["body"]["speeds"]["zones"]["eastbound"]
    assert sum(speeds["bins"]) == speeds["n"] >= 2
    assert 5 < speeds["mean_kmh"] < speeds["v85_kmh"] < 90
    assert quarter["body"]["queues"]["file"]["vehicles"]["max"] >= 1
    heat = quarter["body"]["heat"]
    assert all(len(cells) == heat["columns"] * heat["rows"] for cells in heat["seconds"].values())
    assert sum(heat["seconds"]["people"]) > 60


def test_the_table_is_the_same_in_csv_and_in_parquet(
    kept: tuple[Path, int, list[dict[str, Any]]], tmp_path: Path
) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    _, _, periods = kept
    number = write_table(tmp_path / "t.csv", rows(periods))
    assert write_table(tmp_path / "t.parquet", rows(periods)) == number > 30
    with (tmp_path / "t.csv").open(encoding="utf-8-sig", newline="") as file:
        text = list(csv.DictReader(file))
    columns = pq.read_table(tmp_path / "t.parquet").to_pylist()
    assert tuple(text[0]) == COLUMNS
    assert [{name: str(value) for name, value in row.items()} for row in columns] == text
    sums: dict[str, float] = defaultdict(float)
    for row in columns:
        sums[row["measure"]] += row["value"]
    assert {"count", "journeys", "occupancy_mean", "queue_vehicles_max", "speed_v85_kmh"} <= set(sums)


def test_a_name_that_looks_like_a_formula_is_text_in_a_spreadsheet(tmp_path: Path) -> None:
    body = {"lines": {"=1+1": {"car": {"left_to_right": 1}}}}
    period = {"camera": "@c", "view": "v", "minutes": 1, "from_ms": 0, "to_ms": 60_000, "body": body}
    period |= {"analysed_ms": 60_000, "not_analysed_ms": 0, "evaluation": False}
    write_table(tmp_path / "t.csv", rows([period]))
    (row,) = csv.DictReader((tmp_path / "t.csv").read_text("utf-8-sig").splitlines())
    assert (row["place"], row["camera"]) == ("'=1+1", "'@c")


def test_what_cannot_be_written_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StoreError, match=re.escape("written with one of the suffixes .csv, .parquet")):
        write_table(tmp_path / "t.xlsx", [])
    with pytest.raises(StoreError, match="cannot be written: No such file"):
        write_table(tmp_path / "nowhere" / "t.csv", [])
    with pytest.raises(StoreError, match="holds no statistics; run the site for a minute at least"):
        write_report(tmp_path / "r.html", [], name="s")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingDependency, match=re.escape("pip install 'beffroi[parquet]'")):
        write_table(tmp_path / "t.parquet", [])


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("fr", ["Débit à la ligne traffic, de gauche à droite", "V85", "Lieux de présence", "Évaluation"]),
        ("en", ["Flow over the line traffic, left to right", "85th", "Where they were", "Evaluation"]),
    ],
)
def test_the_page_shows_every_kind_of_number_and_loads_nothing(
    kept: tuple[Path, int, list[dict[str, Any]]], tmp_path: Path, language: str, words: list[str]
) -> None:
    _, _, periods = kept
    shapes = {("square", "market"): {"<zone>": [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9]]}}
    page = tmp_path / "r.html"
    minutes = [period for period in periods if period["minutes"] == 15]
    write_report(page, minutes, name="Nord <b>", language=language, timezone="Europe/Paris", shapes=shapes)
    text = page.read_text(encoding="utf-8")
    for word in words:
        assert word in text
    assert "<b>" not in text
    assert "<zone>" not in text
    assert "&lt;zone&gt;" in text
    assert not re.search(r"<script|<link|src=|https?:", text)
    plots = re.findall(r"<svg.*?</svg>", text)
    assert len(plots) > 8
    for plot in plots:
        width, height = map(float, re.findall(r'viewBox="0 0 (\d+) (\d+)"', plot)[0])
        for shape in ElementTree.fromstring(plot).iter("rect"):
            x, y, w, h = (float(shape.get(key, "nan")) for key in ("x", "y", "width", "height"))
            assert 0 <= x <= x + w <= width + 1
            assert 0 <= y <= y + h <= height + 1


def test_a_recording_without_a_date_has_no_time_of_day(
    kept: tuple[Path, int, list[dict[str, Any]]], tmp_path: Path
) -> None:
    _, _, periods = kept
    page = tmp_path / "report.html"
    write_report(page, periods, name="s", timezone="Europe/Paris")
    assert ">+00:00<" in page.read_text(encoding="utf-8")
    assert {row["from_utc"] for row in rows(periods)} == {""}
    day_ms = 1_790_000_000_000
    moved = [
        {**each, "from_ms": each["from_ms"] + day_ms, "to_ms": each["to_ms"] + day_ms} for each in periods
    ]
    write_report(page, moved, name="s", timezone="Europe/Paris")
    assert ">16:13<" in page.read_text(encoding="utf-8")
    assert next(iter(rows(moved)))["from_utc"].startswith("2026-09-21T14:13")
