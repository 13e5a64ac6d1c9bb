"""`python -m beffroi.serving CLIP... --cameras N` serves until its standard input ends.

Prints one address a line, then `ready`. Whoever started it and is gone has left nothing running.
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from beffroi.serving import Clip, Serving


async def _serve(given: argparse.Namespace) -> None:
    serving = Serving([Clip.read(path) for path in given.clips])
    server, port = await serving.listen(given.port)
    for number in range(1, (given.cameras or len(given.clips)) + 1):
        _say(serving.url(port, number))
    _say("ready")
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    server.close()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m beffroi.serving", description=__doc__)
    parser.add_argument("clips", nargs="+", metavar="CLIP")
    parser.add_argument("--cameras", type=int, help="how many addresses; as many as clips if left out")
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    given = parser.parse_args()
    try:
        asyncio.run(_serve(given))
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
