"""``python -m beffroi.simulate 20 > truth.toml``: a truth file of every scenario with the seeds 0 to 19."""

import argparse
import sys

from beffroi.errors import BeffroiError
from beffroi.simulate import LEVELS, Square, scenarios, truth_file


def main() -> int:
    known = scenarios()
    parser = argparse.ArgumentParser(prog="python -m beffroi.simulate", description=__doc__)
    parser.add_argument("seeds", type=int, nargs="?", default=10, help="how many seeds of each scenario")
    parser.add_argument("--scenario", action="append", choices=known, help="only this one; may be repeated")
    parser.add_argument("--weather", default="default", choices=LEVELS, help="how badly the detector sees")
    parser.add_argument("--fps", type=float, default=5.0, help="pictures per second")
    given = parser.parse_args()
    watched = [name for name in known if name != "quiet"]
    try:
        squares = [
            Square(name, seed=seed, weather=given.weather, fps=given.fps)
            for name in given.scenario or watched
            for seed in range(given.seeds)
        ]
        sys.stdout.write(truth_file(squares))
    except BeffroiError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
