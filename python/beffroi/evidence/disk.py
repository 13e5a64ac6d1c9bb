"""Keeps the evidence folder within its bounds: age, size, and what must stay free for everything else.

Only files that evidence wrote are counted and removed: CAMERA/run-N/ID.jpg, .mp4 and .blurred.mp4, where ID
are the 32 hex digits of an incident, originals below, and drafts that nobody writes any more.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger(__name__)

DAY_S = 86_400
GB = 1e9
# How much more than the least must be free before writing goes on: without it, every clip would be the last.
EASE = 1.1
# A draft is written in seconds; one of this age is what a crash left.
DRAFT_S = 3600

_RUN = re.compile(r"run-\d+(-\d+)?")
_OURS = re.compile(r"[0-9a-f]{32}(\.jpg|(\.blurred)?\.mp4)")
_DRAFT = re.compile(r"\.[0-9a-f]{32}(\.blurred)?\.mp4\.\w+\.draft")
ORIGINALS = "originals"


@dataclass(frozen=True, slots=True)
class Purged:
    """What one run removed: files and bytes by reason."""

    old: int = 0
    too_many: int = 0
    no_room: int = 0
    drafts: int = 0
    size: int = 0

    def __bool__(self) -> bool:
        return bool(self.old or self.too_many or self.no_room or self.drafts)


@dataclass(frozen=True, slots=True, order=True)
class _File:
    written_s: float
    path: str
    size: int


class Disk:
    """The folder of evidence and its bounds. Any thread may look, one at a time may `purge`.

    Parameters
    ----------
    folder
        Where all evidence is; need not exist yet.
    keep_days, most_gb, least_free_gb
        Longest age, most of all files together, least that is free on the disk (GB: 10^9 bytes).
    free
        Bytes free on the disk of a folder.
    """

    def __init__(
        self,
        folder: Path,
        *,
        keep_days: float,
        most_gb: float,
        least_free_gb: float,
        free: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free,
    ) -> None:
        self.folder = folder
        self.purged = 0
        """Files removed since the start."""
        self._keep_s, self._most = keep_days * DAY_S, most_gb * GB
        self._least, self._free = least_free_gb * GB, free
        self._lock = threading.Lock()
        self._full = False

    @property
    def full(self) -> bool:
        """Whether too little was free at the last look: nothing is written then."""
        return self._full

    def may_write(self) -> bool:
        """Look whether enough is free. When that changes, it is said once."""
        free = self._free(_existing(self.folder))
        with self._lock:
            was = self._full
            self._full = free < self._least * (EASE if was else 1.0)
            now = self._full
        if now and not was:
            log.error(
                "evidence: only %.2f GB are free at %s, least is %.2f: no clips until there is more",
                free / GB,
                self.folder,
                self._least / GB,
            )
        elif was and not now:
            log.warning("evidence: %.2f GB are free again: clips are written", free / GB)
        return not now

    def purge(self, now_s: float) -> Purged:
        """Remove what is too old at `now_s` (seconds since 1970), what is too much, and what must make room.

        The oldest goes first, whatever camera it is of. A file that cannot be removed is left and said.
        """
        files, drafts = self._files()
        files.sort()
        stale = [draft for draft in drafts if draft.written_s < now_s - DRAFT_S]
        gone = [0, 0, 0]
        size = sum(self._remove(draft) for draft in stale)
        left = sum(file.size for file in files)
        self.may_write()
        for file in files:
            if file.written_s < now_s - self._keep_s:
                reason = 0
            elif left > self._most:
                reason = 1
            elif self.full:
                reason = 2
            else:
                break
            removed = self._remove(file)
            if removed < 0:
                continue
            gone[reason] += 1
            left, size = left - removed, size + removed
            if self.full:
                self.may_write()
        purged = Purged(gone[0], gone[1], gone[2], len(stale), size)
        self.purged += sum(gone)
        self._tell(purged, len(files) - sum(gone), left)
        self._tidy(now_s)
        return purged

    def _tell(self, purged: Purged, count: int, left: int) -> None:
        if purged:
            log.info(
                "evidence: removed %d files too old, %d beyond %.1f GB, %d to make room, %d drafts left by a "
                "crash (%.3f GB); %d files (%.3f GB) stay",
                purged.old,
                purged.too_many,
                self._most / GB,
                purged.no_room,
                purged.drafts,
                purged.size / GB,
                count,
                left / GB,
            )

    def _remove(self, file: _File) -> int:
        """Bytes gained; -1 if it is still there."""
        try:
            Path(file.path).unlink(missing_ok=True)
        except OSError as error:
            log.warning("evidence: %s cannot be removed: %s", file.path, error.strerror or error)
            return -1
        return file.size

    def _files(self) -> tuple[list[_File], list[_File]]:
        files: list[_File] = []
        drafts: list[_File] = []
        for folder in self._runs():
            for place in (folder, folder / ORIGINALS):
                for entry in _entries(place):
                    kept = files if _OURS.fullmatch(entry.name) else drafts
                    if kept is drafts and not _DRAFT.fullmatch(entry.name):
                        continue
                    with suppress(OSError):
                        if entry.is_file(follow_symlinks=False):
                            found = entry.stat(follow_symlinks=False)
                            kept.append(_File(found.st_mtime, entry.path, found.st_size))
        return files, drafts

    def _runs(self) -> Iterator[Path]:
        for camera in _entries(self.folder):
            if camera.is_dir(follow_symlinks=False):
                for run in _entries(Path(camera.path)):
                    if _RUN.fullmatch(run.name) and run.is_dir(follow_symlinks=False):
                        yield Path(run.path)

    def _tidy(self, now_s: float) -> None:
        """Remove empty folders of runs that nobody has written into for a day."""
        for run in list(self._runs()):
            with suppress(OSError):
                before = run.stat().st_mtime
                if before < now_s - DAY_S:
                    with suppress(OSError):
                        (run / ORIGINALS).rmdir()
                    run.rmdir()


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []  # Not made yet, or removed meanwhile.


def _existing(folder: Path) -> Path:
    """The folder, or the nearest above it that exists: they are on one disk."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder
