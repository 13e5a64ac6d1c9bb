"""For tests of the command line: a site, what a command answered, and changes to the site."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

SITE = """\
site: { name: Square, timezone: Europe/Paris, mode: evaluation }
cameras:
  square:
    source: { type: simulated, duration: 6, paint: false }
    detect: { type: simulated }
    views:
      day:
        zones: { all: [[0, 0], [1, 0], [1, 1], [0, 1]] }
        rules:
          - { name: somebody, type: intrusion, zone: all, after: 1s }
"""


class Answer:
    """How a command ended."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Beffroi = Callable[..., Answer]


def change(*changes: tuple[str, str]) -> None:
    text = SITE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    Path("site.yaml").write_text(text, encoding="utf-8")


def files() -> list[str]:
    return sorted(str(path) for path in Path().rglob("*") if path.is_file())


def process(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """The command as it is installed."""
    command = [sys.executable, "-m", "beffroi", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


CASES = """
[[case]]
name = "somebody stands there"
person-1 = "0s 0.5,0.5 -> 10s 0.5,0.5"
expect = ["1s somebody started person-1", "{end} somebody ended person-1"]
"""


def cases(path: str, end: str = "13s") -> None:
    Path(path).parent.mkdir(exist_ok=True)
    Path(path).write_text(CASES.replace("{end}", end))
