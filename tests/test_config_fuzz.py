"""Whatever stands in a site file, the answer is a site or named mistakes: never a traceback, never both."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from beffroi.config import examine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

SITE: dict[str, Any] = {
    "site": {"name": "x", "timezone": "Europe/Paris", "mode": "evaluation"},
    "authorisations": [
        {
            "id": "a",
            "act": "b",
            "authority": "c",
            "from": "2026-01-01",
            "until": "2026-02-01",
            "purpose": "d",
            "cameras": ["gate"],
            "behaviours": ["intrusion"],
        }
    ],
    "schedules": {"nights": {"days": ["fri"], "hours": ["22:00-06:00"], "holidays": ["2026-12-25"]}},
    "cameras": {
        "gate": {
            "source": {"type": "simulated", "duration": 5},
            "detect": {"type": "simulated"},
            "views": {
                "day": {
                    "ground": {
                        "image": [[0.1, 0.9], [0.9, 0.9], [0.7, 0.3], [0.3, 0.3]],
                        "metres": [[0, 0], [12, 0], [12, 30], [0, 30]],
                    },
                    "zones": {"lawn": [[0.1, 0.5], [0.9, 0.5], [0.9, 0.9]]},
                    "lines": {"kerb": [[0.2, 0.6], [0.8, 0.6]]},
                    "masks": {"window": [[0.1, 0.1], [0.2, 0.1], [0.2, 0.2]]},
                    "rules": [
                        {
                            "name": "a",
                            "type": "intrusion",
                            "zone": "lawn",
                            "after": "2s",
                            "classes": ["person"],
                        },
                        {"name": "b", "type": "line_crossing", "line": "kerb", "authorisation": "a"},
                    ],
                }
            },
        }
    },
    "sinks": {"log": {"type": "jsonl", "path": "a.jsonl"}},
    "evidence": {"blur": True},
}

words = st.text(max_size=6) | st.sampled_from(["lawn", "intrusion", "2s", "${X", "$${", "a.b[0]", "type"])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)


def places(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [here, *(place for key in keys for place in places(value[key], (*here, key)))]


PLACES = places(SITE)[1:]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.sampled_from(PLACES), values, st.sampled_from(["put", "add", "drop"])), max_size=3)
)
def test_any_change_gives_a_site_or_mistakes(tmp_path: Path, changes: list[tuple[Any, Any, str]]) -> None:
    site = json.loads(json.dumps(SITE))
    for place, value, how in changes:
        change(site, place, value, how)
    path = tmp_path / "site.yaml"
    path.write_text(json.dumps(site), encoding="utf-8")
    found = examine(path)
    assert (found.site is None) == bool(found.problems)
    assert all(problem.message for problem in found.problems)


def change(site: Any, place: tuple[Any, ...], value: Any, how: str) -> None:
    *outer, last = place
    for key in outer:
        try:
            site = site[key]
        except (KeyError, IndexError, TypeError):
            return
    if isinstance(site, dict) and how == "add":
        site[str(value)[:5]] = value
    elif isinstance(site, dict) and (how == "put" or last in site):
        site[last] = value
        if how == "drop":
            del site[last]
    elif isinstance(site, list) and isinstance(last, int) and last < len(site):
        site[last] = value


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_text_gives_a_site_or_mistakes(tmp_path: Path, data: st.DataObject) -> None:
    text = (Path(__file__).parent / "sites" / "small.yaml").read_text(encoding="utf-8")
    start = data.draw(st.integers(0, len(text)))
    length = data.draw(st.integers(0, 12))
    broken = (
        text[:start]
        + data.draw(st.text("[]{}:,-&*!|>'\"%@`#?\t\n ${}<~0a\x00é", max_size=5))
        + text[start + length :]
    )
    path = tmp_path / "site.yaml"
    path.write_text(broken, encoding="utf-8")
    found = examine(path)
    assert (found.site is None) == bool(found.problems)
