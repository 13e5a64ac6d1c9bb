"""An incident of a camera: the same keys as an event of the engine, with nobody in it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from beffroi.config.health import Health

KINDS = (
    "signal_lost",
    "clock_jump",
    "too_dark",
    "too_bright",
    "covered",
    "frozen",
    "view_moved",
    "blurred",
)
"""What is watched, the gravest first: of several at a time, the first says why nothing is judged."""

TOPICS: Mapping[str, str] = {
    "too_dark": "tns1:VideoSource/ImageTooDark/AnalyticsService",
    "too_bright": "tns1:VideoSource/ImageTooBright/AnalyticsService",
    "blurred": "tns1:VideoSource/ImageTooBlurry/AnalyticsService",
    "covered": "tns1:VideoSource/GlobalSceneChange/AnalyticsService",
    "view_moved": "tns1:VideoSource/GlobalSceneChange/AnalyticsService",
}
"""Topics of the ONVIF specifications, where they have one for it."""

Change = Literal["started", "ended"]


@dataclass(frozen=True, slots=True)
class Origin:
    """What all incidents of one view's health share."""

    view: str
    names: Mapping[str, str]
    hashes: Mapping[str, str]

    @classmethod
    def of(cls, view: str, health: Health, rules: Collection[str] = ()) -> Origin:
        """Names and definitions for the health of `view` (``camera/view``), whose rules are named `rules`."""
        names = {kind: f"camera {kind}" if kind in rules else kind for kind in KINDS}
        hashes = {kind: _hash(kind, getattr(health, kind).model_dump(mode="json")) for kind in KINDS}
        return cls(view, names, hashes)


@dataclass(frozen=True, slots=True)
class Incident:
    """One change of one incident; times in media milliseconds.

    `id` is a pure function of view, kind and `since_ms`, as the engine's are.
    """

    origin: Origin
    kind: str
    change: Change
    at_ms: int
    since_ms: int
    measured: Mapping[str, float]
    threshold: Mapping[str, float]
    reason: str | None = None

    @property
    def id(self) -> str:
        """32 hex digits, the same for both changes."""
        text = f"{self.origin.view}\n{self.kind}\n{self.since_ms}"
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def as_json(self) -> dict[str, Any]:
        """The keys of `beffroi.Event.to_json`, in their order."""
        return {
            "id": self.id,
            "view": self.origin.view,
            "rule": self.origin.names[self.kind],
            "type": self.kind,
            "change": self.change,
            "at_ms": self.at_ms,
            "since_ms": self.since_ms,
            "severity": "warning",
            "zone": None,
            "subjects": [],
            "measured": {name: round(value, 4) for name, value in self.measured.items()},
            "threshold": dict(self.threshold),
            "box": None,
            "definition_hash": self.origin.hashes[self.kind],
            "authorisation": None,
            "reason": self.reason,
            "shadow": False,
        }

    def to_json(self) -> str:
        """One line of JSON, as `beffroi.Event.to_json`."""
        return json.dumps(self.as_json(), ensure_ascii=False, separators=(",", ":"))


def _hash(kind: str, settings: Mapping[str, Any]) -> str:
    text = json.dumps([kind, settings], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
