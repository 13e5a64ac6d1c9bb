"""The few questions that an ONVIF dome is asked, and its answers in our words.

Everything of the library (`onvif-zeep-async`) stays in this file. It brings its own copy of ONVIF's
definitions and fetches nothing; what it does to the process on import and on connecting is undone here.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

from beffroi.conceal import conceal
from beffroi.views.presets import EventKind, Position, Preset

if TYPE_CHECKING:
    from beffroi.ptz.onvif import OnvifConfig

_T = TypeVar("_T")

LIFE_S = 60.0
"""For how long a subscription is asked; it is renewed at half of what the device grants."""
PULL_S = 5.0
"""How long the device may hold back an answer that has no message yet."""
TOPICS: Mapping[str, EventKind] = {
    "PTZController/PTZPresets/Invoked": "invoked",
    "PTZController/PTZPresets/Reached": "reached",
    "PTZController/PTZPresets/Aborted": "aborted",
    "PTZController/PTZPresets/Left": "left",
}
"""Events of the ONVIF PTZ Service Specification, without their namespace's prefix, which devices choose."""
DEGREES = "SphericalPositionSpaceDegrees"
"""The end of the name of a position space in degrees, where others run from -1 to 1."""
_PTZ = "http://www.onvif.org/ver20/ptz/wsdl"
_EVENTS = "http://www.onvif.org/ver10/events/wsdl"
_PULL_POINT = f"{_EVENTS}/PullPointSubscription"


class DeviceError(Exception):
    """The device does not answer; the text says why, without a credential."""


class RefusedError(DeviceError):
    """It answers, and does not do what it was asked."""


class UnauthorisedError(RefusedError):
    """It does not accept the user or the password."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a preset."""

    kind: EventKind
    token: str | None
    name: str | None


@contextmanager
def _unchanged() -> Iterator[None]:
    """Importing sets up the root logger, connecting takes proxies away from everybody: neither may last."""
    root, guard = logging.getLogger(), logging.NullHandler()
    proxies = {name: os.environ[name] for name in ("http_proxy", "https_proxy") if name in os.environ}
    root.addHandler(guard)
    try:
        yield
    finally:
        root.removeHandler(guard)
        os.environ.update(proxies)


class Device:
    """One connection to a dome. Used by one event loop.

    Raises
    ------
    DeviceError
        From every method, when an answer does not come, or is none.
    """

    def __init__(self, config: OnvifConfig) -> None:
        self._config = config
        self._camera: Any = None
        self._ptz: Any = None
        self._profile: str | None = config.profile
        self._pull_point: Any = None
        self._subscription: Any = None
        self.renew_in_s = LIFE_S / 2
        """When to renew the subscription, in seconds from the last grant."""

    async def connect(self) -> None:
        """Find the services, with the device's own clock for the signature of every question."""
        config = self._config
        with _unchanged():
            from onvif import ONVIFCamera

            # Their debug lines hold whole envelopes, signatures included.
            for name in ("onvif", "zeep"):
                logging.getLogger(name).setLevel(logging.ERROR)
            password = None if config.password is None else config.password.get_secret_value()
            self._camera = ONVIFCamera(
                config.host, config.port, config.user, password, no_cache=True, adjust_time=True
            )
        camera = self._camera
        await self._answer(camera.update_xaddrs())
        camera.xaddrs = {name: self._reachable(address) for name, address in camera.xaddrs.items()}
        if _PTZ not in camera.xaddrs:
            raise RefusedError("it has no PTZ service")
        self._ptz = await self._answer(camera.create_ptz_service())
        if self._profile is None:
            media = await self._answer(camera.create_media_service())
            profiles = await self._answer(media.GetProfiles()) or []
            with_ptz = [each for each in profiles if getattr(each, "PTZConfiguration", None) is not None]
            if not with_ptz:
                raise RefusedError("none of its media profiles has PTZ")
            self._profile = str(with_ptz[0].token)

    async def presets(self) -> list[Preset]:
        """All presets of the profile."""
        found = await self._answer(self._ptz.GetPresets({"ProfileToken": self._profile})) or []
        return [
            Preset(str(each.token), str(each.Name or ""), _position(each.PTZPosition))
            for each in found
            if each.token is not None
        ]

    async def status(self) -> tuple[Position | None, bool | None]:
        """Where it stands, and whether it moves; None for what it does not tell."""
        status = await self._answer(self._ptz.GetStatus({"ProfileToken": self._profile}))
        moves = getattr(status, "MoveStatus", None)
        words = {
            str(word) for word in (getattr(moves, "PanTilt", None), getattr(moves, "Zoom", None)) if word
        }
        moving = True if "MOVING" in words else False if "IDLE" in words else None
        return _position(getattr(status, "Position", None)), moving

    @property
    def has_events(self) -> bool:
        """Whether it names an event service."""
        return _EVENTS in self._camera.xaddrs

    async def subscribe(self) -> None:
        """Ask for events."""
        events = await self._answer(self._camera.create_events_service())
        request = {"InitialTerminationTime": f"PT{LIFE_S:.0f}S"}
        granted = await self._answer(events.CreatePullPointSubscription(request))
        address = getattr(granted.SubscriptionReference.Address, "_value_1", None)
        if not address:
            raise RefusedError("its subscription has no address")
        self._camera.xaddrs[_PULL_POINT] = self._reachable(str(address).strip())
        self._pull_point = await self._answer(self._camera.create_pullpoint_service())
        self._subscription = await self._answer(
            self._camera.create_subscription_service("PullPointSubscription")
        )
        self._granted(granted)

    async def pull(self, within_s: float) -> list[Event]:
        """Wait for the next events; none if nothing happened within so many seconds, or within `PULL_S`."""
        longest_s = min(PULL_S, max(0.1, within_s))
        request = {"Timeout": f"PT{longest_s:.1f}S", "MessageLimit": 100}
        answer = await self._answer(self._pull_point.PullMessages(request), longest_s)
        return [event for message in answer.NotificationMessage or [] for event in _event(message)]

    async def renew(self) -> None:
        """Have the subscription live on."""
        request = {"TerminationTime": f"PT{LIFE_S:.0f}S"}
        self._granted(await self._answer(self._subscription.Renew(request)))

    async def close(self) -> None:
        """Let go of everything, whatever state it is in; devices have few subscriptions to give."""
        with suppress(Exception):
            if self._subscription is not None:
                async with asyncio.timeout(0.7):
                    await self._subscription.Unsubscribe()
        with suppress(Exception):
            if self._camera is not None:
                async with asyncio.timeout(0.5):
                    await self._camera.close()

    async def _answer(self, question: Awaitable[_T], longer_s: float = 0.0) -> _T:
        """The answer to a question; what may go wrong in the library goes out in our words."""
        import aiohttp
        from onvif.exceptions import ONVIFError
        from onvif.util import is_auth_error
        from zeep.exceptions import Error, Fault, TransportError

        try:
            # Not `wait_for`: in Python 3.11 it forgets a cancellation that comes together with the answer.
            async with asyncio.timeout(self._config.timeout + longer_s):
                return await question
        except TimeoutError as error:
            raise DeviceError(f"no answer within {self._config.timeout:g} s") from error
        except Fault as error:
            if is_auth_error(error):
                raise UnauthorisedError("it refuses the user or the password") from error
            raise RefusedError(f"it answers: {_told(error.message)}") from error
        except TransportError as error:
            if error.status_code in (401, 403):
                raise UnauthorisedError("it refuses the user or the password") from error
            raise DeviceError(f"it answers with HTTP status {error.status_code}") from error
        except (aiohttp.ClientError, OSError) as error:
            raise DeviceError(_told(error) or type(error).__name__) from error
        except (Error, ONVIFError) as error:
            raise RefusedError(f"its answer cannot be read: {_told(error)}") from error
        except Exception as error:
            # An answer that lacks what the standard demands ends in whatever the library stumbles over.
            kind = type(error).__name__
            raise RefusedError(f"its answer is not what ONVIF has: {kind}: {_told(error)}") from error

    def _granted(self, answer: Any) -> None:
        begins, ends = getattr(answer, "CurrentTime", None), getattr(answer, "TerminationTime", None)
        life_s = LIFE_S
        if isinstance(begins, datetime) and isinstance(ends, datetime):
            with suppress(TypeError):
                life_s = (ends - begins).total_seconds()
        self.renew_in_s = max(0.2, min(life_s, LIFE_S) / 2)

    def _reachable(self, address: str) -> str:
        """An address that the device gives of itself; behind a router it does not know how it is reached.

        Nothing is ever sent to another host than the one that the site file names.
        """
        parts = urlsplit(address)
        if parts.hostname == self._config.host:
            return address
        host = f"[{self._config.host}]" if ":" in self._config.host else self._config.host
        return urlunsplit(parts._replace(scheme="http", netloc=f"{host}:{self._config.port}"))


def _position(vector: Any) -> Position | None:
    pan_tilt, zoom = getattr(vector, "PanTilt", None), getattr(vector, "Zoom", None)
    pan, tilt = getattr(pan_tilt, "x", None), getattr(pan_tilt, "y", None)
    if pan is None and zoom is None:
        return None
    if pan is not None and str(getattr(pan_tilt, "space", None) or "").endswith(DEGREES):
        pan, tilt = pan / 180, None if tilt is None else tilt / 180
    return Position(_number(pan), _number(tilt), _number(getattr(zoom, "x", None)))


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _event(message: Any) -> Iterator[Event]:
    """The event in a notification, if it is about presets. Devices differ in where they put the token."""
    topic = str(getattr(message.Topic, "_value_1", "") or "").strip()
    kind = TOPICS.get("/".join(part.rpartition(":")[2] for part in topic.split("/")))
    if kind is None:
        return
    inner = getattr(message.Message, "_value_1", None)
    items = {
        str(item.Name): str(item.Value)
        for part in ("Source", "Data")
        for item in getattr(getattr(inner, part, None), "SimpleItem", None) or []
    }
    yield Event(kind, items.get("PresetToken") or None, items.get("PresetName") or None)


def _told(error: object) -> str:
    """One line of an error's text, not too long, without a secret."""
    text = conceal(" ".join(str(error).split()))
    return text if len(text) <= 200 else f"{text[:197]}..."
