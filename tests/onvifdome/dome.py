"""The dome's HTTP side: who may ask what, what is answered, and every way in which devices fail."""

from __future__ import annotations

import base64
import hashlib
import re
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from xml.etree import ElementTree

from onvifdome import answers
from onvifdome.motion import Motion, Vector

PRESETS: dict[str, tuple[str, Vector]] = {
    "1": ("gate", (-0.6, 0.1, 0.0)),
    "2": ("yard", (0.2, -0.2, 0.3)),
    "3": ("ramp", (0.995, 0.4, 0.1)),
}
SKEW_S = 30.0
"""How far the date of a question may be from the dome's own clock."""


class Fault(Enum):
    """What is wrong with a dome."""

    NO_ANSWER = auto()
    SLOW = auto()
    REFUSES = auto()
    SOAP_FAULT = auto()
    GARBAGE = auto()
    NO_STATUS = auto()
    NO_MOVE_STATUS = auto()
    NO_POSITION = auto()
    NO_PRESET_POSITION = auto()
    ZERO_PRESETS = auto()
    NO_SERVICES = auto()
    NO_EVENTS = auto()
    NO_RENEWAL = auto()
    LEGACY_EVENTS = auto()


@dataclass(frozen=True)
class Exchange:
    """One question and its answer, as XML."""

    action: str
    question: bytes
    answer: bytes


class FakeDome:
    """A dome on 127.0.0.1; a context manager.

    Parameters
    ----------
    faults
        What is wrong from the start; `faults` may be changed at any time.
    clock_s
        How far its clock is ahead.
    life_s
        The longest life of a subscription that it grants.
    """

    user, password = "viewer", "s3cret-of-the-dome"

    def __init__(
        self, *faults: Fault, at: str = "1", clock_s: float = 0.0, life_s: float = 60.0, slow_s: float = 0.4
    ) -> None:
        self.faults = set(faults)
        self.motion = Motion(dict(PRESETS), at)
        self.clock_s, self.life_s, self.slow_s = clock_s, life_s, slow_s
        self.exchanges: list[Exchange] = []
        self.lock = threading.Lock()
        self._nonces: set[str] = set()
        self._subscriptions: dict[str, tuple[float, int]] = {}
        self._count = 0
        self._closing = threading.Event()
        dome = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                dome._serve(self)

            def log_message(self, *_values: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> FakeDome:
        self._thread.start()
        return self

    def __exit__(self, *_what: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()

    def goto(self, token: str, seconds: float = 0.5) -> None:
        """Somebody calls a preset up."""
        with self.lock:
            self.motion.goto(time.monotonic(), token, seconds)

    def drive(self, speed: Vector) -> None:
        """Somebody takes the joystick."""
        with self.lock:
            self.motion.drive(time.monotonic(), speed)

    def stop(self) -> None:
        """And lets go of it."""
        with self.lock:
            self.motion.stop(time.monotonic())

    def asked(self, action: str) -> int:
        """How often a question was asked."""
        return sum(exchange.action == action for exchange in self.exchanges)

    def now(self) -> datetime:
        """The dome's own clock."""
        return datetime.now(UTC) + timedelta(seconds=self.clock_s)

    def _serve(self, http: BaseHTTPRequestHandler) -> None:
        question = http.rfile.read(int(http.headers["Content-Length"]))
        if Fault.NO_ANSWER in self.faults:
            self._closing.wait(30)
            http.close_connection = True
            return
        if Fault.SLOW in self.faults:
            self._closing.wait(self.slow_s)
        status, answer, action = self._answer(http.path, question)
        self.exchanges.append(Exchange(action, question, answer))
        with suppress(ConnectionError):
            http.send_response(status)
            http.send_header("Content-Type", "application/soap+xml; charset=utf-8")
            http.send_header("Content-Length", str(len(answer)))
            http.end_headers()
            http.wfile.write(answer)

    def _answer(self, path: str, question: bytes) -> tuple[int, bytes, str]:
        envelope = ElementTree.fromstring(question)
        body = envelope.find(f"{{{answers.SOAP}}}Body")
        assert body is not None
        assert len(body) == 1, "an envelope holds one question"
        request = body[0]
        namespace, _, action = request.tag[1:].partition("}")
        if Fault.GARBAGE in self.faults and action == "GetStatus":
            return 200, b"<html>not what you think", action
        if Fault.REFUSES in self.faults and action != "GetSystemDateAndTime":
            return 401, b"", action
        if action != "GetSystemDateAndTime" and not self._authentic(envelope):
            return 400, answers.fault("ter:NotAuthorized", "Sender not authorized", self.now()), action
        if Fault.SOAP_FAULT in self.faults and action == "GetStatus":
            return 500, answers.fault("ter:Action", "Out of order", self.now(), sender=False), action
        answer = getattr(self, "_on_" + re.sub(r"(?<!^)(?=[A-Z])", "_", action).lower(), None)
        known = answers.SERVICES.get(action)
        if answer is None or known is None or namespace not in known:
            return 500, answers.fault("ter:ActionNotSupported", "No such action", self.now()), action
        said = answer(request, path)
        return (500 if b"Fault>" in said else 200), said, action

    def _authentic(self, envelope: ElementTree.Element) -> bool:
        """WS-Security UsernameToken Profile 1.1 with a digest: each nonce once, each date from about now."""
        found = {
            name: (envelope.findtext(f".//{{{space}}}{name}") or "")
            for name, space in (
                ("Username", answers.WSSE),
                ("Password", answers.WSSE),
                ("Nonce", answers.WSSE),
                ("Created", answers.WSU),
            )
        }
        try:
            created = datetime.fromisoformat(found["Created"].replace("Z", "+00:00"))
        except ValueError:
            return False
        if created.tzinfo is None or abs((created - self.now()).total_seconds()) > SKEW_S:
            return False
        text = base64.b64decode(found["Nonce"]) + found["Created"].encode() + self.password.encode()
        digest = base64.b64encode(hashlib.sha1(text).digest()).decode()
        fresh = found["Nonce"] not in self._nonces
        self._nonces.add(found["Nonce"])
        return fresh and found["Username"] == self.user and found["Password"] == digest

    def _on_get_system_date_and_time(self, _request: ElementTree.Element, _path: str) -> bytes:
        return answers.date_and_time(self.now())

    def _on_get_services(self, _request: ElementTree.Element, _path: str) -> bytes:
        if Fault.NO_SERVICES in self.faults:
            return answers.fault("ter:ActionNotSupported", "An old device", self.now())
        return answers.services(
            f"http://192.168.99.99:{self.port}", events=Fault.NO_EVENTS not in self.faults
        )

    def _on_get_capabilities(self, _request: ElementTree.Element, _path: str) -> bytes:
        return answers.capabilities(f"http://192.168.99.99:{self.port}")

    def _on_get_profiles(self, _request: ElementTree.Element, _path: str) -> bytes:
        return answers.profiles()

    def _on_get_presets(self, request: ElementTree.Element, _path: str) -> bytes:
        if request.findtext(f"{{{answers.PTZ}}}ProfileToken") != "main":
            return answers.fault("ter:NoProfile", "No such profile", self.now())
        presets = self.motion.presets
        if Fault.ZERO_PRESETS in self.faults:
            presets = {token: (name, (0.0, 0.0, 0.0)) for token, (name, _) in presets.items()}
        return answers.presets(presets, positions=Fault.NO_PRESET_POSITION not in self.faults)

    def _on_get_status(self, _request: ElementTree.Element, _path: str) -> bytes:
        if Fault.NO_STATUS in self.faults:
            return answers.fault("ter:ActionNotSupported", "No status", self.now())
        now = time.monotonic()
        with self.lock:
            position = None if Fault.NO_POSITION in self.faults else self.motion.position(now)
            moving = None if Fault.NO_MOVE_STATUS in self.faults else self.motion.moving(now)
        return answers.status(position, moving, self.now())

    def _on_goto_preset(self, request: ElementTree.Element, _path: str) -> bytes:
        token = request.findtext(f"{{{answers.PTZ}}}PresetToken") or ""
        if token not in self.motion.presets:
            return answers.fault("ter:NoToken", "No such preset", self.now())
        self.goto(token)
        return answers.empty("tptz", answers.PTZ, "GotoPresetResponse")

    def _on_continuous_move(self, request: ElementTree.Element, _path: str) -> bytes:
        pan_tilt = request.find(f".//{{{answers.TT}}}PanTilt")
        zoom = request.find(f".//{{{answers.TT}}}Zoom")
        x, y = (0.0, 0.0) if pan_tilt is None else (float(pan_tilt.get("x", 0)), float(pan_tilt.get("y", 0)))
        self.drive((x, y, 0.0 if zoom is None else float(zoom.get("x", 0))))
        return answers.empty("tptz", answers.PTZ, "ContinuousMoveResponse")

    def _on_stop(self, _request: ElementTree.Element, _path: str) -> bytes:
        self.stop()
        return answers.empty("tptz", answers.PTZ, "StopResponse")

    def _on_create_pull_point_subscription(self, _request: ElementTree.Element, _path: str) -> bytes:
        self._count += 1
        path = f"/events/{self._count}"
        with self.lock:
            passed = len([each for each in self.motion.told if each[0] <= time.monotonic()])
            self._subscriptions[path] = (time.monotonic() + self.life_s, passed)
        ends = self.now() + timedelta(seconds=self.life_s)
        return answers.subscription(f"http://192.168.99.99:{self.port}{path}", self.now(), ends)

    def _on_pull_messages(self, request: ElementTree.Element, path: str) -> bytes:
        longest = answers.seconds(request.findtext(f"{{{answers.EVENTS}}}Timeout") or "PT0S")
        until = time.monotonic() + longest
        messages: list[tuple[str, str]] = []
        while not messages and time.monotonic() < until and not self._closing.is_set():
            with self.lock:
                ends, seen = self._subscriptions.get(path, (0.0, 0))
                if time.monotonic() > ends or Fault.NO_ANSWER in self.faults:
                    return answers.fault("ter:Unreachable", "No such subscription", self.now())
                happened = [each for each in self.motion.told if each[0] <= time.monotonic()]
                messages = [(what, token) for _, what, token in happened[seen:]]
                self._subscriptions[path] = (ends, len(happened))
            self._closing.wait(0.02)
        names = {token: name for token, (name, _) in self.motion.presets.items()}
        legacy = Fault.LEGACY_EVENTS in self.faults
        return answers.messages(
            [(w, t, names[t]) for w, t in messages], self.now(), self.life_s, legacy=legacy
        )

    def _on_renew(self, _request: ElementTree.Element, path: str) -> bytes:
        if Fault.NO_RENEWAL in self.faults or path not in self._subscriptions:
            return answers.fault("ter:ActionNotSupported", "No renewal", self.now(), sender=False)
        with self.lock:
            self._subscriptions[path] = (time.monotonic() + self.life_s, self._subscriptions[path][1])
        return answers.renewed(self.now(), self.now() + timedelta(seconds=self.life_s))

    def _on_unsubscribe(self, _request: ElementTree.Element, path: str) -> bytes:
        with self.lock:
            self._subscriptions.pop(path, None)
        return answers.empty("wsnt", answers.WSNT, "UnsubscribeResponse")

    @property
    def subscriptions(self) -> int:
        """How many live."""
        return sum(ends > time.monotonic() for ends, _ in self._subscriptions.values())

    def bodies(self) -> Iterator[tuple[str, bytes]]:
        """Every question and every answer so far, each with its action."""
        for exchange in self.exchanges:
            yield exchange.action, exchange.question
            yield exchange.action, exchange.answer
