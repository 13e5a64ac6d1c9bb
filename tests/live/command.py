"""`python tests/live/command.py ARGUMENT...` is beffroi with a detector of what is bright; and runs of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1]
START_S = 20.0
"""How long a loaded machine may take to start Python and connect."""


class Command:
    """A command that runs, with all that it says."""

    def __init__(self, folder: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        paths = [str(TESTS.parent), str(TESTS), os.environ.get("PYTHONPATH", "")]
        self._out, self._err = (folder / name for name in ("stdout.txt", "stderr.txt"))
        with self._out.open("w") as out, self._err.open("w") as err:
            self.process = subprocess.Popen(
                [sys.executable, __file__, *arguments],
                cwd=folder,
                stdout=out,
                stderr=err,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), **(environment or {})},
            )

    @property
    def out(self) -> str:
        return self._out.read_text()

    @property
    def err(self) -> str:
        return self._err.read_text()

    def says(self, text: str, times: int = 1, within_s: float = START_S) -> bool:
        """Wait until it has said something so many times, on either stream."""
        return self.waits(lambda: (self.out + self.err).count(text) >= times, within_s)

    def waits(self, holds: Callable[[], Any], within_s: float = START_S) -> bool:
        end = time.monotonic() + within_s
        while time.monotonic() < end and self.process.poll() is None:
            if holds():
                return True
            time.sleep(0.05)
        return bool(holds())

    def stop(self, number: int = signal.SIGTERM, within_s: float = 20) -> float:
        """Ask it to stop; how long that took, in seconds."""
        begun = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(within_s)
        return time.monotonic() - begun


@contextmanager
def command(folder: Path, *arguments: str, **how: Any) -> Iterator[Command]:
    """A command that is ended with the test, whatever becomes of that."""
    running = Command(folder, *arguments, **how)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
        running.process.wait()


def main() -> None:
    from typing import Literal

    from beffroi.__main__ import main as beffroi

    from benches import faults_street

    class Seen(faults_street.Bright):
        type: Literal["bright"] = "bright"  # type: ignore[assignment]

    beffroi()


if __name__ == "__main__":
    main()
