"""Totals at a line through the public door; `python -m benches.counting` plays more of the same."""

import numpy as np
import pytest

from benches.counting import BAR, compare, table
from benches.counting_walkers import CROSSINGS, crossings, paths


@pytest.fixture(scope="module")
def report() -> dict:
    return compare(seeds=(0, 1), rates=(5, 10), noises=(0.0, 0.01, 0.02, 0.03), peers=False)


def test_totals_stay_within_the_bar_at_every_noise_and_rate(report: dict) -> None:
    off = {
        (row["fps"], row["noise"], total)
        for row in report["rows"]
        for total in row["ours"]
        if abs(total - CROSSINGS) > BAR * CROSSINGS
    }
    assert len(report["rows"]) == 8
    assert off == set()


def test_without_much_noise_no_more_than_one_pair_is_mixed_up(report: dict) -> None:
    # Two who meet right on the line, where one of them stops, are one box twice: who then walks on is
    # anybody's guess.
    assert {t for row in report["rows"] if row["noise"] <= 0.01 for t in row["ours"]} <= {
        CROSSINGS,
        CROSSINGS - 2,
    }


def test_the_report_is_for_people_too(report: dict) -> None:
    lines = table(report).splitlines()
    assert lines[0] == "104 true crossings of 50 walkers, 2 crowds; lowest and highest total"
    assert lines[3].split()[:2] == ["5", "0.0%"]


def walk(*corners: tuple[float, float]) -> np.ndarray:
    """One corner a second, relative coordinates."""
    return np.array([(at, x * 16 / 9, y) for at, (x, y) in enumerate(corners)])


def test_the_oracle_counts_orientations() -> None:
    assert crossings(walk((0.5, 0.4), (0.5, 0.8))) == 1
    assert crossings(walk((0.5, 0.4), (0.5, 0.8), (0.5, 0.4))) == 2
    assert crossings(walk((0.1, 0.4), (0.1, 0.8))) == 0, "beside its first end"
    assert crossings(walk((0.9, 0.8), (0.9, 0.4))) == 0, "beside its last end"
    assert crossings(walk((0.3, 0.57), (0.7, 0.59))) == 0, "along it"


@pytest.mark.parametrize("seed", range(20))
def test_every_crowd_crosses_as_often(seed: int) -> None:
    assert sum(crossings(path) for path in paths(seed)) == CROSSINGS
