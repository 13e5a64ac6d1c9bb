"""Two lists of incidents, one against the other: what stays, what vanishes, what is new."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from beffroi.backtest.told import Incident

NEAR_MS = 2000
"""How far apart two incidents of a rule may lie and still be the same.

A crossing that another band tells a second later is the same crossing. Two people who cross within it may be
taken for each other, which changes no number.
"""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Incidents before and now: `stays` are pairs of both, `vanished` only before, `raised` only now."""

    stays: tuple[tuple[Incident, Incident], ...]
    vanished: tuple[Incident, ...]
    raised: tuple[Incident, ...]

    def of_rule(self, camera: str, rule: str) -> Comparison:
        """Only the incidents of one rule, under its present name."""

        def mine(incident: Incident) -> bool:
            return (incident.camera, incident.rule) == (camera, rule)

        return Comparison(
            tuple(pair for pair in self.stays if mine(pair[1])),
            tuple(filter(mine, self.vanished)),
            tuple(filter(mine, self.raised)),
        )

    @property
    def rules(self) -> list[tuple[str, str]]:
        """Camera and rule of everything in it, sorted."""
        all_of_them = [*self.vanished, *self.raised, *(now for _, now in self.stays)]
        return sorted({(incident.camera, incident.rule) for incident in all_of_them})


def compare(
    before: Iterable[Incident], now: Iterable[Incident], renamed: Mapping[str, str] | None = None
) -> Comparison:
    """Match incidents one to one: of the same camera and rule, and at the same time.

    The same id is the same incident. Of the others, those that have the most time in common go together
    first, so that no incident stands for two.

    Parameters
    ----------
    renamed
        Present name of each rule that was called otherwise before.
    """
    renamed = renamed or {}
    old: dict[tuple[str, str], list[Incident]] = defaultdict(list)
    new: dict[tuple[str, str], list[Incident]] = defaultdict(list)
    for incident in before:
        called = replace(incident, rule=renamed.get(incident.rule, incident.rule))
        old[called.camera, called.rule].append(called)
    for incident in now:
        new[incident.camera, incident.rule].append(incident)
    stays: list[tuple[Incident, Incident]] = []
    vanished: list[Incident] = []
    raised: list[Incident] = []
    for key in sorted({*old, *new}):
        pairs = _paired(old[key], new[key])
        stays += [(old[key][i], new[key][j]) for i, j in sorted(pairs)]
        gone, come = {i for i, _ in pairs}, {j for _, j in pairs}
        vanished += [each for i, each in enumerate(old[key]) if i not in gone]
        raised += [each for j, each in enumerate(new[key]) if j not in come]
    return Comparison(
        tuple(sorted(stays, key=lambda pair: _place(pair[1]))),
        tuple(sorted(vanished, key=_place)),
        tuple(sorted(raised, key=_place)),
    )


def _place(incident: Incident) -> tuple[int, str, str, str]:
    return incident.started_ms, incident.camera, incident.rule, incident.id


def _paired(old: Sequence[Incident], new: Sequence[Incident]) -> list[tuple[int, int]]:
    """Indices of those that go together."""
    candidates: list[tuple[bool, int, int, int, int]] = []
    by_begin = sorted(range(len(new)), key=lambda j: new[j].since_ms)
    first, longest = 0, max((each.until_ms - each.since_ms for each in new), default=0)
    for i in sorted(range(len(old)), key=lambda i: old[i].since_ms):
        # What began so long before that even the longest is over by now is over for all later ones.
        while first < len(by_begin) and new[by_begin[first]].since_ms + longest + NEAR_MS < old[i].since_ms:
            first += 1
        for j in by_begin[first:]:
            if new[j].since_ms > old[i].until_ms + NEAR_MS:
                break
            common = min(old[i].until_ms, new[j].until_ms) - max(old[i].since_ms, new[j].since_ms)
            if common >= -NEAR_MS:
                apart = abs(old[i].since_ms - new[j].since_ms)
                candidates.append((old[i].id != new[j].id, -common, apart, i, j))
    gone: set[int] = set()
    come: set[int] = set()
    pairs: list[tuple[int, int]] = []
    for *_, i, j in sorted(candidates):
        if i not in gone and j not in come:
            gone.add(i)
            come.add(j)
            pairs.append((i, j))
    return pairs
