"""What do faults of the street cost? Which alerts are lost, which invented, and how soon is all well again?

``python -m benches.faults`` lets the real runtime watch one camera for each fault, all in one run: the server
of `tests.rtsp` plays them, and while the run lasts the store is locked by another process and the sink is
away. Somebody comes into each picture at known times, so that the alerts that must be are known. It prints
what the operator sees, how soon a fault is noticed and over, and

- *due* and *lost*: events that took place wholly while the camera delivered pictures, and of those the ones
  that were not told. A camera counts as delivering again when it is watched again;
- *invented*: alerts without an event, and second ones of an event that nothing interrupted.

Then a few cameras with the store's disk full, where this machine allows it; `benches.trouble` has other
disks. The exit code is 1 where anything was lost or invented, or not noticed or not over within its bound.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benches.faults_cases import Case, cases
from benches.faults_judge import Row, judged, of_all
from benches.faults_run import LENGTH_S, Played, play
from benches.trouble import Impossible

REFUSED_S = 60.0
"""How long a camera that refuses is left alone at most."""
QUICK_S = (3.0, 6.0)
"""With ``--quick``, instead: tests cannot wait for a minute."""


def rows_of(
    chosen: Sequence[Case], disk: str, refused: tuple[float, float] | None, seconds: float
) -> list[Row]:
    """One row for each camera, and those for what all of them share."""
    with tempfile.TemporaryDirectory() as scratch:
        played: Played = play(chosen, Path(scratch), disk, refused, seconds)
    return [*(judged(case, played) for case in chosen), *of_all(played)]


def printed(row: Row) -> str:
    """One line, and what the operator reads below."""

    def seconds(value: float | None) -> str:
        return "-" if value is None else f"{value:.1f}"

    line = f"{row.fault:<36}{seconds(row.notice_s):>8}{seconds(row.recover_s):>9}"
    line += f"{row.due:>6}{row.lost:>6}{row.invented:>10}  {' '.join(row.seen) or '-'}"
    bad = "".join(f"\n    NOT AS IT SHOULD BE: {each}" for each in row.wrong)
    return line + "".join(f"\n    {said}" for said in row.said) + bad


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benches.faults", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="ask cameras that refuse sooner; 45 s instead of 100"
    )
    parser.add_argument("--only", help="only cameras whose fault has this in its name")
    parser.add_argument("--disk", choices=["locked", "full", "both"], default="both")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    given = parser.parse_args()
    refused = QUICK_S if given.quick else None
    longest = QUICK_S[1] if given.quick else REFUSED_S
    every = [case for case in cases(longest) if given.only is None or given.only in case.name]
    rows: list[Row] = []
    if given.disk != "full":
        rows += rows_of(every, "locked", refused, LENGTH_S + (0 if given.quick else REFUSED_S - QUICK_S[1]))
    if given.disk != "locked":
        try:
            rows += rows_of(cases(longest)[:3], "full", refused, 24.0)[3:]
        except Impossible as error:
            print(f"full: not possible here: {error}", file=sys.stderr)
    if given.json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
    else:
        names = f"{'notice':>8}{'recover':>9}{'due':>6}{'lost':>6}{'invented':>10}  the operator sees"
        print(f"{'fault (times in seconds)':<36}{names}")
        for row in rows:
            print(printed(row))
    sys.exit(1 if any(row.wrong for row in rows) else 0)


if __name__ == "__main__":
    main()
