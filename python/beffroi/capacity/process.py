"""What the system says of a running process: memory, files, threads, and processor time of each thread."""

from __future__ import annotations

import os
import threading
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


def spent_s(process: int) -> float:
    """Processor time of a process so far, as Linux counts it."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def rss_bytes() -> int:
    """Memory of this process that is in use."""
    return int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1]) * _PAGE


def open_files() -> int:
    """File descriptors of this process."""
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - entries vanish while they are listed


def threads() -> dict[str, float]:
    """Processor time of each kind of thread of this process, in seconds; kinds are those of `kind`.

    Threads that are not Python's are libraries' own: a model's, an encoder's.
    """
    names = {thread.native_id: thread.name for thread in threading.enumerate()}
    found: dict[str, float] = {}
    for task in Path("/proc/self/task").iterdir():
        try:
            spent = _thread_s(task)
        except OSError:
            # It ended meanwhile.
            continue
        which = kind(names.get(int(task.name)))
        found[which] = found.get(which, 0.0) + spent
    return found


def kind(name: str | None) -> str:
    """What a thread of the runtime does, by its name."""
    if name is None:
        return "libraries"
    if name.startswith("camera "):
        return "decoding"
    if name.endswith((": rtsp", "for evidence")):
        return "reading"
    for start, what in (("analyst", "analysts"), ("evidence", "clips"), ("MainThread", "looking after")):
        if name.startswith(start):
            return what
    return "store and sinks"


def _thread_s(task: Path) -> float:
    try:
        # Nanoseconds on a processor; ticks, which are hundredths of a second, where that is not counted.
        return int((task / "schedstat").read_text(encoding="utf-8").split()[0]) / 1e9
    except (FileNotFoundError, IndexError):
        fields = (task / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS
