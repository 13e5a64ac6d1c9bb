"""Whether the files of a site have changed while it runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from beffroi.config.site import Site


class Changes:
    """Whether the files of a site have changed, looked at now and then.

    A change counts once the files have been left alone for `SETTLED_S`: an editor writes more than once.
    """

    SETTLED_S = 1.0
    EVERY_S = 1.0

    def __init__(self, site: Site, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._asked = threading.Event()
        self._looked_s = clock()
        self._named, self._folder = _named(site), site.folder / "cameras"
        self._known = self._latest = self._stamp()
        self._since_s = self._looked_s

    def follow(self, site: Site) -> None:
        """Watch the files of this site from now on.

        What has changed since `look` said so was not read, and is found by the next `look`.
        """
        before, self._named = self._named, _named(site)
        self._folder = site.folder / "cameras"
        self._latest = self._stamp()
        # A file that only now is named was read as it is.
        news = {str(path) for path in self._named if path not in before}
        gone = {str(path) for path in before if path not in self._named}
        kept = [each for each in self._known if each[0] not in gone]
        self._known = sorted(kept + [each for each in self._latest if each[0] in news])
        self._since_s = self._clock()

    def ask(self) -> None:
        """Somebody says that they have (SIGHUP); harmless in a signal handler."""
        self._asked.set()

    def look(self) -> bool:
        """Whether the site should be read again now."""
        if self._asked.is_set():
            self._asked.clear()
            self._known = self._latest = self._stamp()
            return True
        now_s = self._clock()
        if now_s - self._looked_s < self.EVERY_S:
            return False
        self._looked_s = now_s
        stamp = self._stamp()
        if stamp != self._latest:
            self._latest, self._since_s = stamp, now_s
        if self._latest == self._known or now_s - self._since_s < self.SETTLED_S:
            return False
        self._known = self._latest
        return True

    def _stamp(self) -> list[tuple[str, int, int]]:
        found = []
        for path in (*self._named, *self._folder.glob("*.yaml")):
            try:
                status = path.stat()
            except OSError:
                continue
            found.append((str(path), status.st_mtime_ns, status.st_size))
        return sorted(found)


def _named(site: Site) -> list[Path]:
    """The files of a site that do not lie in the folder of its cameras."""
    if site.secrets is None:
        return [site.path]
    return [site.path, site.folder / Path(site.secrets).expanduser()]
