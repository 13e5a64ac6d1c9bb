"""What each kind of rule adds to a picture.

``python -m benches.ruling`` prints for each kind the microseconds a picture that one rule of it adds, with
the facts that it asks for: 50 objects and the whole picture as its zone; CPU time of one thread, the median
of several runs, against the same view without the rule in the same run.
"""

import argparse
import json
import time
from collections.abc import Mapping
from statistics import median
from typing import Any

import numpy as np
from beffroi import Engine, catalogue
from beffroi.crowd import LABELS, crowd

OBJECTS, PICTURES = 50, 600
MORE = ("still_object", "missing_object", "fire", "smoke")
GROUND = {
    "image": [[0.16, 0.9], [0.84, 0.9], [0.58, 0.3], [0.42, 0.3]],
    "metres": [[-6, 10], [6, 10], [6, 40], [-6, 40]],
}
VIEW: dict[str, Any] = {
    "view": "bench",
    "aspect": 16 / 9,
    "timezone": "Europe/Paris",
    "classes": [*LABELS, *MORE],
    "ground": GROUND,
    "zones": {"all": [[0, 0.3], [1, 0.3], [1, 1], [0, 1]]},
    "lines": {"middle": [[0.5, 0.3], [0.49, 1.0]], "far": [[0.0, 0.5], [1.0, 0.52]]},
}
# What a kind needs beside its zone or line.
OWN: dict[str, dict[str, Any]] = {
    "crowd_motion": {"at_least": 5},
    "density": {"above": "0.1 /m2"},
    "forbidden_turn": {"gates": ["middle", "far"]},
    "gathering": {"at_least": 4, "within": "1.5 m"},
    "occupancy": {"at_least": 10},
    "queue": {"direction": "left_to_right"},
    "red_light": {"signal": "head"},
    "sequence": {"steps": ["first", "first"], "within": "5s", "same_subject": False},
    "speed": {"above": "30 km/h"},
    "state": {"signal": "head", "is": "red"},
    "wrong_way": {"direction": [[0.2, 0.6], [0.8, 0.6]]},
}
FIRST = {"name": "first", "type": "intrusion", "zone": "all", "on": "enter"}


def rules_of(kind: str, schema: Mapping[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rules with the kind, and those without it that it is compared with."""
    rule: dict[str, Any] = {"name": kind, "type": kind, **OWN.get(kind, {})}
    if "zone" in schema["properties"]:
        rule["zone"] = "all"
    elif "line" in schema["properties"]:
        rule["line"] = "middle"
    if "line" in schema["required"]:
        rule["line"] = "middle"
    before = [FIRST] if kind == "sequence" else []
    return [*before, rule], before


def cost_us(rules: list[dict[str, Any]], pictures: list[Any], signals: list[dict[str, str]]) -> float:
    """Microseconds a picture."""
    engine = Engine(json.dumps({**VIEW, "rules": rules}))
    begin = time.thread_time_ns()
    for picture, signal in zip(pictures, signals, strict=True):
        engine.step(*picture, signals=signal)
    return (time.thread_time_ns() - begin) / 1000 / len(pictures)


def seen() -> list[Any]:
    """A crowd of people and vehicles; one in twenty boxes is a thing or a flame."""
    random = np.random.default_rng(3)
    pictures = []
    for at, xyxy, score, class_id in crowd(OBJECTS, PICTURES, seed=OBJECTS, fps=5).pictures():
        odd = random.random(len(class_id)) < 0.05
        class_id[odd] = len(LABELS) + random.integers(0, len(MORE), int(odd.sum()))
        pictures.append((at, xyxy, score, class_id))
    return pictures


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    runs = parser.parse_args().runs
    pictures = seen()
    signals = [{"head": ("green", "amber", "red")[index // 50 % 3]} for index in range(PICTURES)]
    bare = median(cost_us([], pictures, signals) for _ in range(runs))
    print(f"{'kind of rule':20}{'adds us a picture, 50 objects':>32}")
    print(f"{'(no rule)':20}{bare:>32.1f}")
    for entry in catalogue():
        rules, before = rules_of(entry["kind"], entry["schema"])
        pairs = [cost_us(rules, pictures, signals) - cost_us(before, pictures, signals) for _ in range(runs)]
        print(f"{entry['kind']:20}{median(pairs):>32.1f}")


if __name__ == "__main__":
    main()
