"""`python -m tests.rtsp PORT CLIP...` serves clips to any number of clients until it is interrupted.

Prints one address a line, then `ready`; at the end, what it cost in processor time. Port 0 takes a free one.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import time

from .server import RtspServer


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.rtsp", description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("clips", nargs="+", metavar="CLIP")
    parser.add_argument(
        "--cameras", type=int, help="how many addresses to print; as many as clips if left out"
    )
    parser.add_argument("--live", action="store_true", help="streams run on their own, each out of step")
    parser.add_argument("--host", default="127.0.0.1")
    given = parser.parse_args()
    over = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: over.set())
    try:
        server = RtspServer(*given.clips, host=given.host, port=given.port)
        with server:
            for number in range(1, (given.cameras or len(given.clips)) + 1):
                # Real cameras' key pictures do not coincide; no two multiples of the golden ratio are close.
                join, phase = ("key", round(number * 0.618 % 1 * 10, 3)) if given.live else ("start", 0.0)
                _say(server.url(f"/cam{number}", join=join, phase=phase))
            _say("ready")
            began, used = time.monotonic(), time.process_time()
            over.wait()
            spent, passed = time.process_time() - used, time.monotonic() - began
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    _say(f"{spent:.2f} s of processor time in {passed:.1f} s: {100 * spent / passed:.1f} % of a core")
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
