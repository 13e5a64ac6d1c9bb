"""What is wrong with the disk under a store, in words, and what to do about it.

An error of this kind says nothing about what was to be written: the same write succeeds once the disk is
back. Every other error of the database is about the write itself, and would be the same next time.
"""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from beffroi.errors import StoreError

_IN_THE_WAY = "another program is writing to it: close that program"
_ADVICE = {
    sqlite3.SQLITE_FULL: "make room on the disk that holds it",
    sqlite3.SQLITE_BUSY: _IN_THE_WAY,
    sqlite3.SQLITE_LOCKED: _IN_THE_WAY,
    sqlite3.SQLITE_PROTOCOL: _IN_THE_WAY,
    sqlite3.SQLITE_READONLY: "make the file and its file system writable again",
    sqlite3.SQLITE_PERM: "make the file and its file system writable again",
    sqlite3.SQLITE_CANTOPEN: "the folder must exist and be writable, and its disk have room",
    sqlite3.SQLITE_IOERR: "look after the disk: the system's log says what is wrong with it",
    sqlite3.SQLITE_NOLFS: "look after the disk: the system's log says what is wrong with it",
    # Nothing more can be written, but what is kept in memory is not wrong: a repaired file takes it.
    sqlite3.SQLITE_CORRUPT: "the file is damaged: put a copy in its place",
}


class StoreTrouble(StoreError):  # noqa: N818 - says what is wrong without the suffix
    """The disk of a store is full, read-only, locked or broken; `advice` says what would help.

    `of_disk` says that the disk failed, and not only somebody was in the way.
    """

    def __init__(self, message: str, advice: str, *, of_disk: bool = True) -> None:
        self.advice, self.of_disk = advice, of_disk
        super().__init__(message)


def as_store_error(name: str, error: SQLAlchemyError) -> StoreError:
    """A database's error as ours: the database's own words, without the statement and its values."""
    original = getattr(error, "orig", None)
    text = str(original if original is not None else error)
    advice = _advice(error, original)
    if "not a database" in text:
        text = f"{text}; name a file of its own, or one that beffroi made"
    if advice is None:
        return StoreError(f"{name}: {text}")
    return StoreTrouble(f"{name}: {text}; {advice}", advice, of_disk=advice != _IN_THE_WAY)


def _advice(error: SQLAlchemyError, original: BaseException | None) -> str | None:
    # The lower byte is the kind of error, the others say where it happened.
    code = getattr(original, "sqlite_errorcode", None)
    if code is not None:
        return _ADVICE.get(code & 0xFF)
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return "the connection to the database broke"
    return None
