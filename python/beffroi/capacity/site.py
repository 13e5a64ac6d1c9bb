"""The site that is run: a camera for each address, with the rules of its clip."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from beffroi.capacity.clips import Shown

WHOLE = "whole picture"
ANYBODY = {"name": "anybody", "type": "intrusion", "zone": WHOLE, "after": "1s"}
"""The rule of clips of which nobody wrote down what happens."""


def written(folder: Path, clips: Sequence[Shown], addresses: Sequence[str], detect: dict[str, Any]) -> Path:
    """Write the site file; clips come in turn, as the server shows them."""
    cameras = {}
    for index, address in enumerate(addresses):
        clip = clips[index % len(clips)]
        corners = [[0, 0], [1, 0], [1, 1], [0, 1]]
        view = {
            "zones": {**clip.zones, WHOLE: corners},
            "lines": clip.lines,
            "rules": clip.rules or [ANYBODY],
        }
        cameras[f"{index + 1}-{clip.name}"] = {
            "source": {"type": "rtsp", "url": address},
            "detect": detect,
            "views": {"street": view},
        }
    site = {
        "site": {"name": "capacity", "timezone": "UTC", "mode": "evaluation"},
        "cameras": cameras,
        "sinks": {"file": {"type": "jsonl", "path": "alerts.jsonl"}},
    }
    path = folder / "site.yaml"
    # JSON is YAML.
    path.write_text(json.dumps(site, indent=1), encoding="utf-8")
    return path
