"""What happens to alerts when the disk of the store is full, read-only, broken or locked?

``python -m benches.trouble`` lets ten cameras commit twenty changes a second each, takes the disk away for
some seconds and gives it back: really, as root, with a small file system of its own. It prints what the
operator reads, how soon, how long a camera waited at most, how soon everything was on the disk again, how
soon a second later everything was sent, and what was lost or invented in the store and at a sink. The exit
code is 1 where that is not nothing.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from beffroi.metrics import Metrics
from beffroi.runtime.delivery import Delivery
from beffroi.store import Backlog, Store, queries
from beffroi.store.backlog import BUSY_S

from benches.committing import FACTS, changes

CAMERAS, PAUSE_S = 10, 0.05
BEFORE_S, WITHOUT_S, AFTER_S = 0.5, 3.0, 1.0
PATIENT_S = 30.0


class Impossible(Exception):  # noqa: N818 - says what is the matter without the suffix
    """This machine does not let that happen."""


def order(*words: str | Path) -> str:
    """Run a command; `Impossible` if it fails."""
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Impossible(f"{' '.join(str(word) for word in words)}: {done.stderr.strip()}")
    return done.stdout


class Disk(ABC):
    """A disk that can be taken away; the store is in `folder`."""

    def __init__(self, scratch: Path) -> None:
        self.scratch, self.folder = scratch, scratch / "disk"
        self.folder.mkdir()

    @abstractmethod
    def breaks(self) -> None:
        """From now on nothing can be written."""

    @abstractmethod
    def comes_back(self) -> None:
        """From now on it can be written again, with everything that was on it."""

    @abstractmethod
    def remove(self) -> None:
        """Leave nothing behind."""


class Full(Disk):
    """A file system of 32 MiB in memory, which somebody else fills up."""

    def __init__(self, scratch: Path) -> None:
        super().__init__(scratch)
        order("mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", self.folder)

    def breaks(self) -> None:
        with (self.folder / "junk").open("wb", buffering=0) as junk, suppress(OSError):
            while junk.write(bytes(2**12)):
                pass

    def comes_back(self) -> None:
        (self.folder / "junk").unlink()

    def remove(self) -> None:
        order("umount", self.folder)


class _Ext4(Disk):
    """A file system in a file, as on a card."""

    def __init__(self, scratch: Path) -> None:
        super().__init__(scratch)
        self.image = scratch / "disk.img"
        with self.image.open("wb") as file:
            file.truncate(32 * 2**20)
        order("mkfs.ext4", "-q", self.image)
        self._mount()

    def _mount(self) -> None:
        order("mount", "-o", "loop,errors=remount-ro", self.image, self.folder)
        self.device = Path(order("findmnt", "-n", "-o", "SOURCE", self.folder).strip()).name

    def comes_back(self) -> None:
        """Unplugged, repaired, and plugged in again: what was open stays open on the old one."""
        order("umount", "-l", self.folder)
        end = time.monotonic() + PATIENT_S
        while order("losetup", "-j", self.image) and time.monotonic() < end:
            time.sleep(0.05)
        # Its exit code says that there was something to repair.
        subprocess.run(["e2fsck", "-fy", str(self.image)], capture_output=True, check=False)
        self._mount()

    def remove(self) -> None:
        order("umount", "-l", self.folder)


class ReadOnly(_Ext4):
    """The kernel finds an error in the file system and makes it read-only, as with a card that wears out."""

    def breaks(self) -> None:
        try:
            Path(f"/sys/fs/ext4/{self.device}/trigger_fs_error").write_text("1", encoding="ascii")
        except OSError as error:
            raise Impossible(str(error)) from error


class Broken(_Ext4):
    """Every access is an I/O error, as with a disk whose cable was pulled."""

    SHUTDOWN = 0x8004587D
    """EXT4_IOC_SHUTDOWN of linux/ext4.h; 2 is to throw away what is not on the disk yet."""

    def breaks(self) -> None:
        place = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.ioctl(place, self.SHUTDOWN, (2).to_bytes(4, sys.byteorder))
        except OSError as error:
            raise Impossible(str(error)) from error
        finally:
            os.close(place)


class Locked(Disk):
    """Another process holds the file."""

    HOLD = "import sqlite3,sys; c=sqlite3.connect(sys.argv[1],isolation_level=None); " + (
        "c.execute('BEGIN EXCLUSIVE'); print('held',flush=True); sys.stdin.read(); c.execute('ROLLBACK')"
    )

    def breaks(self) -> None:
        self._holder = subprocess.Popen(
            [sys.executable, "-c", self.HOLD, str(self.folder / "store.db")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._holder.stdout is not None
        if self._holder.stdout.readline() != "held\n":
            raise Impossible("the file cannot be held")

    def comes_back(self) -> None:
        self._holder.communicate()

    def remove(self) -> None:
        """It is an ordinary folder."""


KINDS: Mapping[str, type[Disk]] = {"full": Full, "read-only": ReadOnly, "broken": Broken, "locked": Locked}


class Wire:
    """Takes everything."""

    def __init__(self) -> None:
        self.got: list[str] = []

    def send(self, alert: Mapping[str, Any]) -> None:
        self.got.append(alert["delivery_id"])

    def close(self) -> None:
        pass


class Cameras:
    """Threads that commit one change after the other."""

    def __init__(self, backlog: Backlog, sinks: tuple[str, ...]) -> None:
        self.handed: list[list[str]] = [[] for _ in range(CAMERAS)]
        self.longest_s = 0.0
        self._backlog, self._sinks, self._stop = backlog, sinks, threading.Event()
        self.runs = [backlog.begin(FACTS) for _ in range(CAMERAS)]
        self._threads = [threading.Thread(target=self._work, args=(number,)) for number in range(CAMERAS)]
        for thread in self._threads:
            thread.start()

    def _work(self, camera: int) -> None:
        while not self._stop.wait(PAUSE_S):
            news = changes(camera, len(self.handed[camera]))
            began = time.monotonic()
            self._backlog.commit(self.runs[camera], news, self._sinks)
            self.longest_s = max(self.longest_s, time.monotonic() - began)
            self.handed[camera].append(news[0].alert["id"])

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def play(kind: str, scratch: Path, without_s: float = WITHOUT_S) -> dict[str, Any]:
    """One kind of trouble from beginning to end; raises `Impossible` where this machine does not allow it."""
    disk = KINDS[kind](scratch)
    try:
        return {"kind": kind, **_played(disk, without_s)}
    finally:
        disk.remove()


def _played(disk: Disk, without_s: float) -> dict[str, Any]:
    wire = Wire()
    with Store(disk.folder / "store.db", busy_s=BUSY_S) as store:
        delivery = Delivery(store, {"wire": wire}, Metrics())
        delivery.start()
        backlog = Backlog(store, written=delivery.nudge)
        cameras = Cameras(backlog, delivery.names)
        try:
            time.sleep(BEFORE_S)
            disk.breaks()
            noticed_s = _wait(lambda: backlog.trouble is not None)
            time.sleep(without_s)
            said, waited = backlog.trouble, backlog.waiting
            disk.comes_back()
            recovered_s = _wait(lambda: backlog.trouble is None)
            time.sleep(AFTER_S)
            cameras.stop()
            sent_s = _wait(lambda: len(set(wire.got)) == sum(map(len, cameras.handed)))
        finally:
            cameras.stop()
            unwritten = backlog.close(PATIENT_S)
            delivery.drain(PATIENT_S)
        kept = [[row["incident"] for row in queries.events(store, run=run)] for run in cameras.runs]
        total, left = sum(map(len, cameras.handed)), delivery.undelivered
    lost = sum(len(set(handed) - set(held)) for handed, held in zip(cameras.handed, kept, strict=True))
    extra = sum(
        len(held) - len(set(held) & set(handed)) for handed, held in zip(cameras.handed, kept, strict=True)
    )
    return {
        "said": said,
        "noticed_s": noticed_s,
        "longest_wait_s": cameras.longest_s,
        "in_memory": waited,
        "recovered_s": recovered_s,
        "sent_s": sent_s,
        "changes": total,
        "lost": lost + unwritten,
        "invented": extra,
        "in_order": kept == cameras.handed,
        "delivered": len(set(wire.got)),
        "repeated": len(wire.got) - len(set(wire.got)),
        "ok": kept == cameras.handed and len(set(wire.got)) == total and not left and not unwritten,
    }


def _wait(holds: Any) -> float:
    """Seconds until it holds; raises `TimeoutError` if it never does."""
    began = time.monotonic()
    while not holds():
        if time.monotonic() - began > PATIENT_S:
            raise TimeoutError("it never comes about")
        time.sleep(0.002)
    return time.monotonic() - began


def row(found: Mapping[str, Any]) -> str:
    """One line for people, and what the operator reads."""
    return (
        f"{found['kind']:<10}{found['noticed_s'] * 1000:>12.0f}{found['longest_wait_s'] * 1000:>12.0f}"
        f"{found['in_memory']:>11}{found['recovered_s']:>13.2f}{found['sent_s']:>8.2f}{found['changes']:>9}{found['lost']:>6}"
        f"{found['invented']:>10}{found['delivered']:>11}{found['repeated']:>10}\n  {found['said']}"
    )


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benches.trouble", description=__doc__)
    parser.add_argument("kinds", nargs="*", default=list(KINDS), help=f"of {', '.join(KINDS)}")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    chosen = parser.parse_args()
    if unknown := set(chosen.kinds) - set(KINDS):
        parser.error(f"there is no {unknown.pop()}; there are {', '.join(KINDS)}")
    rows = []
    if not chosen.json:
        print(
            f"{'disk':<10}{'noticed ms':>12}{'longest ms':>12}{'in memory':>11}{'recovered s':>13}"
            f"{'sent s':>8}{'changes':>9}{'lost':>6}{'invented':>10}{'delivered':>11}{'repeated':>10}"
        )
    for kind in chosen.kinds:
        with tempfile.TemporaryDirectory() as scratch:
            try:
                rows.append(play(kind, Path(scratch)))
            except Impossible as error:
                print(f"{kind}: not possible here: {error}", file=sys.stderr)
                continue
        if not chosen.json:
            print(row(rows[-1]), flush=True)
    if chosen.json:
        print(json.dumps(rows, indent=2))
    sys.exit(0 if rows and all(each["ok"] for each in rows) else 1)


if __name__ == "__main__":
    main()
