"""Alerts on standard output while a run goes on."""

from __future__ import annotations

import logging
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

from beffroi.cli.out import result, result_json

if TYPE_CHECKING:
    from beffroi.cli.live import Board

log = logging.getLogger(__name__)


class Telling:
    """Says each alert once. Called by one thread at a time.

    Parameters
    ----------
    live
        Whether cameras are live: such a run has no end, so nothing is kept for it, and it goes on when nobody
        reads it any more.
    as_json
        With recordings, alerts are kept for the result (`events`); with live cameras each is a line.
    quiet
        Whether something else has standard output to itself.
    """

    def __init__(self, *, live: bool, as_json: bool, quiet: bool) -> None:
        self.events: list[dict[str, Any]] = []
        self.unread: BrokenPipeError | None = None
        """Set when whoever read standard output has left."""
        self.board: Board | None = None
        self._live, self._as_json, self._quiet = live, as_json, quiet

    def __call__(self, alert: dict[str, Any]) -> None:
        """Say an alert."""
        if self.board is not None:
            self.board.alert(line(alert))
        if self._as_json and not self._live:
            self.events.append(dict(alert))
            return
        # On a terminal the table is where a line would go.
        hidden = self.board is not None and sys.stdout.isatty()
        if self._quiet or hidden or self.unread is not None:
            return
        try:
            if self._as_json:
                result_json(alert)
            else:
                result(line(alert))
        except BrokenPipeError as error:
            self.unread = error
            if self._live:
                # What Python still wants to flush at its end must find a place.
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                log.warning("nobody reads standard output any more; alerts go to the store and the sinks")
            else:
                # End as if asked to stop, so that everything is closed properly.
                os.kill(os.getpid(), signal.SIGINT)


def line(alert: dict[str, Any]) -> str:
    """An alert for people."""
    zone = f" {alert['zone']}" if alert.get("zone") else ""
    mark = " (evaluation)" if alert.get("evaluation") else ""
    measured = ", ".join(f"{name} {value:g}" for name, value in alert.get("measured", {}).items())
    what = f"{alert['rule']} {alert['change']}: {alert['type']}{zone}"
    return f"{alert['at']} {alert['camera']}/{alert['view']} {what}{', ' if measured else ''}{measured}{mark}"
