"""What the test server of cameras costs, which shares the machine with what is measured against it.

``python -m benches.serving`` starts ``python -m tests.rtsp``, plays ten cameras of 1280 x 720 at 25 pictures
a second over TCP without decoding, prints the server's processor time in percent of a core; fails beyond 8.
"""

from __future__ import annotations

import argparse
import os
import selectors
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.rtsp import shapes
from tests.rtsp.listener import Listener

MOST_PERCENT = 8.0
_TICKS = os.sysconf("SC_CLK_TCK")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benches.serving", description=__doc__)
    parser.add_argument("clips", nargs="*", metavar="CLIP", help="serve these; else one that is made for it")
    parser.add_argument("--cameras", type=int, default=10)
    parser.add_argument("--kbit", type=int, default=4000, help="bit rate of the clip that is made")
    parser.add_argument("--seconds", type=float, default=20)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "clip.mp4"
        clips = given.clips or [str(shapes(made, 4, size=(1280, 720), key_every_s=2, kbit_s=given.kbit))]
        percent, mbit_s = measure(clips, given.cameras, given.seconds)
    print(
        f"{given.cameras} cameras of {mbit_s:.1f} Mbit/s: {percent:.1f} % of a core (at most {MOST_PERCENT})"
    )
    return int(percent > MOST_PERCENT)


def measure(clips: list[str], cameras: int, seconds: float) -> tuple[float, float]:
    """The server's share of a core in percent, and what each client was sent in Mbit/s."""
    command = [sys.executable, "-m", "tests.rtsp", "0", *clips, "--cameras", str(cameras)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        urls = [line.strip() for line in iter(server.stdout.readline, "ready\n") if line]
        listeners = [Listener(url) for url in urls]
        ready = selectors.DefaultSelector()
        for listener in listeners:
            ready.register(listener.connection, selectors.EVENT_READ)
        took, got = spent_s(server.pid), 0
        begun = time.monotonic()
        while (passed := time.monotonic() - begun) < seconds:
            # Seldom: the reader is not what is measured.
            time.sleep(0.1)
            got += sum(len(os.read(key.fd, 1 << 20)) for key, _ in ready.select(0))
        took = spent_s(server.pid) - took
        for listener in listeners:
            listener.connection.close()
    finally:
        server.kill()
        server.communicate()
    return 100 * took / passed, got * 8 / passed / cameras / 1e6


def spent_s(process: int) -> float:
    """Processor time of a process so far, as Linux counts it."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


if __name__ == "__main__":
    sys.exit(main())
