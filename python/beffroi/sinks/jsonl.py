"""Alerts as lines of JSON, in a file or on standard output.

A line is written whole or not at all, as far as a file can promise that: one append per line, and a line that
a power cut left half written is closed by a line break before anything follows it.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from beffroi.components import BuildContext, SinkConfig
from beffroi.errors import Refused, StoreError

log = logging.getLogger(__name__)


class JsonlConfig(SinkConfig):
    """Writes each alert as one line of JSON."""

    type: Literal["jsonl"]
    path: str = Field(
        default="-",
        min_length=1,
        description="File to append to, relative to the folder of the site file; '-' is standard output.",
    )

    def build(self, context: BuildContext) -> JsonlFile | JsonlStream:
        """Open it; raises `StoreError` if the file cannot be written."""
        return JsonlStream() if self.path == "-" else JsonlFile(context.path(self.path))


def line(alert: Mapping[str, Any]) -> str:
    """`alert` as one line, with its line break; keys stay in their order.

    Raises
    ------
    Refused
        If it holds what JSON has not: it never will.
    """
    try:
        return json.dumps(alert, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"
    except (TypeError, ValueError) as error:
        raise Refused(f"cannot be written as JSON: {error}") from error


class JsonlStream:
    """Lines on standard output."""

    def send(self, alert: Mapping[str, Any]) -> None:
        """Write and flush one line."""
        sys.stdout.write(line(alert))
        sys.stdout.flush()

    def close(self) -> None:
        """Nothing to close: standard output is not ours."""


class JsonlFile:
    """Lines at the end of a file, each on the disk before `send` returns."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        except OSError as error:
            raise StoreError(f"{path}: cannot be written: {error.strerror}") from error
        size = os.fstat(self._file).st_size
        if size and os.pread(self._file, 1, size - 1) != b"\n":
            log.warning("%s: its last line was cut off; it is closed and left as it is", path)
            os.write(self._file, b"\n")

    def send(self, alert: Mapping[str, Any]) -> None:
        """Append one line and wait for the disk; raises `OSError` and leaves no half line if that fails."""
        data = line(alert).encode()
        before = os.fstat(self._file).st_size
        written = os.write(self._file, data)
        if written < len(data):
            os.ftruncate(self._file, before)
            raise OSError(f"{self.path}: took {written} of {len(data)} bytes; is the disk full?")
        os.fsync(self._file)

    def close(self) -> None:
        """Close the file; harmless when repeated."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
