"""Log lines on standard error, as text or JSON, without secrets."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, Literal

from beffroi.conceal import conceal

LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)


class Text(logging.Formatter):
    """One line for people."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """The record as text."""
        return conceal(super().format(record))


class Json(logging.Formatter):
    """One line of JSON: ``at``, ``level``, ``logger``, ``message``; ``error`` or a camera's ``status``."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line of JSON."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, Any] = {
            "at": at.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": conceal(record.getMessage()),
        }
        status = getattr(record, "status", None)
        if status is not None:
            line["status"] = status
        if record.exc_info:
            line["error"] = conceal(self.formatException(record.exc_info))
        return conceal(json.dumps(line, ensure_ascii=False))


def set_up(form: Literal["text", "json"], verbose: int) -> None:
    """Send the log of the whole process to standard error; replaces what was set up before."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Json() if form == "json" else Text())
    logging.basicConfig(level=LEVELS[min(verbose, 2)], handlers=[handler], force=True)
