"""The budgets of ``budgets.toml``: ratios of two costs measured in the same run."""

import tomllib
from pathlib import Path

import pytest

from benches import budgets
from benches.budgets import COSTS, Budget, NotMeasuredError, Ratios


@pytest.mark.parametrize("budget", budgets.budgets(), ids=lambda budget: budget.name)
def test_budget(budget: Budget) -> None:
    """The ratio keeps within its budget; `pytest -rP` shows it."""
    ratios = Ratios(budget)
    try:
        ratios.take()
    except NotMeasuredError as reason:
        pytest.skip(str(reason))
    print(ratios)
    assert ratios.kept, f"{ratios.taken}: {budget.why}"


def test_every_cost_is_compared() -> None:
    """A cost that no budget names is forgotten, a budget without a cost is a mistake."""
    named = {name for budget in budgets.budgets() for name in (budget.measure, budget.reference)}
    assert named == set(COSTS)


def test_a_bad_moment_is_measured_again_and_a_regression_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = iter([9.0, 1.0])
    monkeypatch.setitem(COSTS, "slow", lambda: next(taken))
    monkeypatch.setitem(COSTS, "fixed", lambda: 1.0)
    ratios = Ratios(Budget("slow", "fixed", at_most=2, why="it was noise"))
    ratios.take()
    assert (ratios.kept, ratios.taken) == (True, [9.0, 1.0])
    monkeypatch.setitem(COSTS, "slow", lambda: 9.0)
    ratios = Ratios(Budget("slow", "fixed", at_most=2, why="it is slower"))
    ratios.take()
    assert (ratios.kept, len(ratios.taken)) == (False, budgets.TURNS)
    assert str(ratios).endswith("9.000 of 2  BEYOND: it is slower")


def test_writing_renews_what_was_measured_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = budgets.FILE.read_text(encoding="utf-8")
    monkeypatch.setattr(budgets, "FILE", tmp_path / "budgets.toml")
    budgets.FILE.write_text(before, encoding="utf-8")
    budgets.record({"step-50 / tracker-50": 1.23456})
    old, new = tomllib.loads(before)["budget"], tomllib.loads(budgets.FILE.read_text("utf-8"))["budget"]
    changed = [(a, b) for a, b in zip(old, new, strict=True) if a != b]
    assert [(b["measure"], b["reference"], b["measured"]) for _, b in changed] == [
        ("step-50", "tracker-50", 1.23)
    ]
    assert all(a["at_most"] == b["at_most"] for a, b in changed)
