"""Whose store it is: one process runs a site at a time.

Two runs on one store would close each other's incidents and send each other's alerts. An advisory lock
(``flock``) on a file beside the store says who has it; the kernel takes the lock back with the process,
however it ends, so that no lock is ever left over. Reading needs no claim.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from beffroi.errors import StoreError


class Claim:
    """The right to run on a store, held until `close` or the end of the process.

    Parameters
    ----------
    store
        The store's file; the lock is ``<store>.lock`` beside it. None, a store in memory, is nobody else's.

    Raises
    ------
    StoreError
        If another process holds it (its number is named), or the lock file cannot be made.
    """

    def __init__(self, store: Path | None) -> None:
        self._file = -1
        if store is None:
            return
        path = store.with_name(f"{store.name}.lock")
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(self._file, 100, 0).decode(errors="replace").strip() or "unknown"
            self.close()
            raise StoreError(
                f"{store}: another process (number {owner}) is running on this store; stop it first, or keep "
                "this run's alerts elsewhere with --store FILE"
            ) from None
        except OSError as error:
            self.close()
            raise StoreError(
                f"{path}: cannot be locked: {error.strerror}; a store needs a local, writable disk"
            ) from error
        self._sign()

    def _sign(self) -> None:
        """Write our number for whoever is refused; on a full disk they are refused without it."""
        try:
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)
        except OSError:
            return

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give it back; harmless when repeated. The file stays: without it two could lock two files."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
