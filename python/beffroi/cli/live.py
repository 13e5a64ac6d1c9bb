"""What `beffroi run` shows of live cameras while it runs: a table on a terminal, log lines elsewhere."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beffroi.conceal import conceal

if TYPE_CHECKING:
    from rich.console import RenderableType

    from beffroi.metrics import Metrics
    from beffroi.runtime.live.status import CameraStatus

log = logging.getLogger(__name__)

EVERY_S = 1.0
"""How often the table is drawn anew."""
WRITE_EVERY_S = 10.0
"""How often metrics are written: node exporters look every 15 s."""
LATEST = 5
"""How many of the last alerts stand below it."""
COLOURS = {"watching": "green", "connecting": "yellow", "moving": "cyan", "blind": "yellow"}
"""Of the states; all others are red."""


class Board:
    """The table. Alerts may be told by any thread, states by one."""

    def __init__(
        self, title: str, draw: Callable[[RenderableType], None], clock: Callable[[], float]
    ) -> None:
        self._title, self._draw, self._clock = title, draw, clock
        self._latest: list[str] = []
        self._drawn_s = float("-inf")

    def alert(self, line: str) -> None:
        """One more alert."""
        self._latest = [*self._latest[-(LATEST - 1) :], line]

    def states(self, statuses: list[CameraStatus]) -> None:
        """The cameras as they are now."""
        if self._clock() - self._drawn_s < EVERY_S:
            return
        self._drawn_s = self._clock()
        self._draw(picture(self._title, statuses, self._latest))


def picture(title: str, statuses: list[CameraStatus], latest: list[str]) -> RenderableType:
    """States of all cameras, and the latest alerts below."""
    from rich.console import Group
    from rich.markup import escape
    from rich.table import Table
    from rich.text import Text

    drawn = Table(title=escape(title), title_justify="left")
    for name in ("camera", "state", "view"):
        drawn.add_column(name)
    for name in ("fps", "of", "late", "latency", "alerts"):
        drawn.add_column(name, justify="right")
    drawn.add_column("")
    for one in statuses:
        colour = COLOURS.get(one.state, "red")
        late = "" if one.dropped_fps < 0.05 else f"{one.dropped_fps:.1f}"
        drawn.add_row(
            escape(one.camera),
            f"[{colour}]{one.state}[/{colour}]",
            escape(one.view),
            f"{one.analysed_fps:.1f}",
            f"{one.asked_fps:g}",
            late,
            "" if one.latency_ms is None else f"{one.latency_ms} ms",
            str(one.alerts),
            escape(conceal(one.detail)),
        )
    return Group(drawn, *(Text(line, style="dim", overflow="ellipsis", no_wrap=True) for line in latest))


@contextmanager
def board(title: str) -> Iterator[Board | None]:
    """The table on the terminal, for as long as it lasts; None where nobody looks at one."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.live import Live

    with Live(console=Console(stderr=True), auto_refresh=False, redirect_stdout=False) as live:

        def draw(drawn: Any) -> None:
            live.update(drawn, refresh=True)

        yield Board(title, draw, time.monotonic)


def written(
    metrics: Metrics, path: Path | None, watch: Callable[[list[CameraStatus]], None] | None
) -> Callable[[list[CameraStatus]], None] | None:
    """`watch`, and every `WRITE_EVERY_S` the metrics written to `path`, if there is one."""
    if path is None:
        return watch
    said: list[str] = []
    due_s = 0.0

    def watched(statuses: list[CameraStatus]) -> None:
        nonlocal due_s
        if watch is not None:
            watch(statuses)
        if time.monotonic() < due_s:
            return
        due_s = time.monotonic() + WRITE_EVERY_S
        try:
            metrics.write(path)
        except OSError as error:
            if not said:
                log.warning("--metrics %s: cannot be written: %s", path, error.strerror)
            said.append(str(error))
        else:
            said.clear()

    return watched
