"""What to leave out when decoding cannot keep up."""

from __future__ import annotations

# A packet that waited longer than this shows the past. Bursts of the network and a busy moment of the machine
# make it too; only who stays behind for PATIENCE_S cannot keep up, and loses pictures up to the next key
# picture.
LATE_S = 1.0
PATIENCE_S = 1.0


class Pace:
    """Decides packet by packet. After something was left out, only a key picture can be decoded.

    Attributes
    ----------
    skipped
        Packets left out; those before the first key picture of a connection do not count.
    """

    def __init__(self) -> None:
        self.skipped = 0
        self._late_since_s: float | None = None
        self._begun = self._decoding = False

    def decodes(self, waited_s: float, now_s: float, *, key: bool, gap: bool) -> bool:
        """Whether a packet that waited for so long is decoded; `gap` says that some before it are lost."""
        if waited_s <= LATE_S:
            self._late_since_s = None
        elif self._late_since_s is None:
            self._late_since_s = now_s
        late = self._late_since_s is not None and now_s - self._late_since_s > PATIENCE_S
        if late or gap:
            self._decoding = False
        # The first key picture is taken however old it is: the next may be many seconds away.
        if key and not self._decoding and (waited_s <= LATE_S or not self._begun):
            self._begun = self._decoding = True
            self._late_since_s = None
        self.skipped += self._begun and not self._decoding
        return self._decoding
