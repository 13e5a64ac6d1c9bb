"""The thread that asks a dome where it stands, and listens to it."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from beffroi.ptz._device import Device, DeviceError, RefusedError, UnauthorisedError
from beffroi.views.presets import Bearings, Where

if TYPE_CHECKING:
    from beffroi.components import BuildContext
    from beffroi.ptz.onvif import OnvifConfig

log = logging.getLogger(__name__)

REREAD_S = 180.0
"""How often the list of presets is read again: operators store new positions under old names."""
MISSED = 3
"""Questions in a row without an answer before the connection counts as lost."""
STALE_S = 2.0
"""Age from which the last word is no word any more: one lost answer must not take the view away, and a dome
is elsewhere within seconds. As long as routing takes its word to be late at most."""
AGAIN_S = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Pauses before a dome that does not answer is asked again."""
UNAUTHORISED_S = 300.0
"""Pause after a refused password: devices lock users out who try too often."""
RESUBSCRIBE_S = (5.0, 30.0, 120.0, 600.0)
"""Pauses before events are asked for again after they failed: on many devices they fail again."""
LASTED_S = 600.0
"""How long events must have come for their end to be worth another line in the log."""
MUTE_S = 5.0
"""How long a dome may answer without telling anything before that is worth a line in the log."""
CLOSE_S = 1.9


class Poller:
    """Asks one dome, in a thread and an event loop of its own; see `beffroi.components.Ptz`.

    Parameters
    ----------
    device
        Makes a new connection, not yet connected.
    config
        How often to ask, and how near is there.
    context
        Whose dome it is, and which presets matter.
    """

    def __init__(self, device: Callable[[], Device], config: OnvifConfig, context: BuildContext) -> None:
        self._device, self._config, self._camera = device, config, context.camera
        self._bearings = Bearings(context.presets, config.tolerance)
        self._lock = threading.Lock()
        self._heard_s = time.monotonic()
        self._tells: bool | None = None
        self._complaints: tuple[str, ...] = ()
        self._deaf = 0
        self._closed = False
        self._loop = asyncio.new_event_loop()
        self._task: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._run, name=f"ptz {context.camera}", daemon=True)
        self._thread.start()

    def where(self) -> Where:
        """What is known now."""
        now_s = time.monotonic()
        with self._lock:
            where = self._bearings.where(now_s)
            old_s = now_s - self._heard_s
        if where.told and (self._closed or old_s > STALE_S):
            return Where(None, False, old_s, "none", f"heard nothing for {old_s:.1f} s")
        return where

    def close(self) -> None:
        """Stop; harmless when repeated."""
        with self._lock:
            self._closed = True
            if not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._cancel)
        self._thread.join(CLOSE_S)

    def _cancel(self) -> None:
        # Once may not be enough: a library may take the first one for its own.
        if self._task is not None and not self._task.done():
            self._task.cancel()
            self._loop.call_later(CLOSE_S, self._cancel)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._task = self._loop.create_task(self._forever())
        try:
            self._loop.run_until_complete(self._task)
        except asyncio.CancelledError:
            pass
        finally:
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            with self._lock:
                self._bearings.silent(time.monotonic(), "nobody asks")
                self._loop.close()

    async def _forever(self) -> None:
        failures = 0
        while True:
            device = self._device()
            answered = False
            try:
                await device.connect()
                await self._read_presets(device)
                answered = True
                await self._follow(device)
            except DeviceError as error:
                failures = 0 if answered else failures
                pause_s = AGAIN_S[min(failures, len(AGAIN_S) - 1)]
                if isinstance(error, UnauthorisedError):
                    pause_s = UNAUTHORISED_S
                failures += 1
                self._silent(str(error))
            except Exception as error:
                # A defect of ours must not leave a dome unasked for months.
                log.exception("%s: unexpected error while the dome is asked", self._camera)
                pause_s = AGAIN_S[-1]
                self._silent(f"unexpected error, see the log: {type(error).__name__}")
            finally:
                await device.close()
            await asyncio.sleep(pause_s)

    async def _follow(self, device: Device) -> None:
        """Ask and listen until the dome does not answer any more."""
        async with asyncio.TaskGroup() as both:
            listening = both.create_task(self._listen(device)) if self._config.events else None
            try:
                await self._poll(device)
            except DeviceError as error:
                lost = error
            if listening is not None:
                listening.cancel()
        raise lost

    async def _poll(self, device: Device) -> None:
        missed = 0
        reread_s = time.monotonic() + REREAD_S
        while True:
            begun_s = time.monotonic()
            try:
                position, moving = await device.status()
            except UnauthorisedError:
                raise
            except RefusedError:
                # It answers, and tells nothing: what events say holds.
                position, moving = None, None
            except DeviceError:
                missed += 1
                if missed >= MISSED:
                    raise
                continue
            missed = 0
            with self._lock:
                # The answer is as old as the question: what happened meanwhile is younger.
                self._bearings.status(begun_s, position, moving)
                where = self._bearings.where(time.monotonic())
            self._heard(where)
            if begun_s >= reread_s:
                reread_s = begun_s + REREAD_S
                await self._read_presets(device)
            await asyncio.sleep(max(0.0, self._config.poll - (time.monotonic() - begun_s)))

    async def _listen(self, device: Device) -> None:
        """Follow the dome's events; where that fails, its position is all there is for a while."""
        if not device.has_events:
            return
        while True:
            begun_s = time.monotonic()
            try:
                await device.subscribe()
                await self._pull(device)
            except DeviceError as error:
                if time.monotonic() - begun_s > LASTED_S:
                    self._deaf = 0
                level = logging.WARNING if self._deaf == 0 else logging.DEBUG
                log.log(level, "%s: no events from the dome, its position counts: %s", self._camera, error)
                with self._lock:
                    self._bearings.deaf(time.monotonic())
            self._deaf += 1
            await asyncio.sleep(RESUBSCRIBE_S[min(self._deaf, len(RESUBSCRIBE_S)) - 1])

    async def _pull(self, device: Device) -> None:
        renew_s = time.monotonic() + device.renew_in_s
        while True:
            for event in await device.pull(renew_s - time.monotonic()):
                with self._lock:
                    self._bearings.event(time.monotonic(), event.kind, event.token, event.name)
            self._heard_s = time.monotonic()
            if time.monotonic() >= renew_s:
                await device.renew()
                renew_s = time.monotonic() + device.renew_in_s

    async def _read_presets(self, device: Device) -> None:
        try:
            presets = await device.presets()
        except UnauthorisedError:
            raise
        except RefusedError as error:
            log.warning("%s: the dome does not tell its presets: %s", self._camera, error)
            return
        with self._lock:
            complaints = tuple(self._bearings.presets(presets))
        for complaint in complaints if complaints != self._complaints else ():
            log.warning("%s: %s", self._camera, complaint)
        self._complaints = complaints

    def _heard(self, where: Where) -> None:
        self._heard_s = time.monotonic()
        if where.told:
            if self._tells is False:
                log.warning("%s: the dome tells again where it stands", self._camera)
            self._tells = True
        elif where.since_s >= MUTE_S:
            self._untold(where.detail)

    def _silent(self, why: str) -> None:
        with self._lock:
            self._bearings.silent(time.monotonic(), why)
        self._untold(why)

    def _untold(self, why: str) -> None:
        if self._tells is not False:
            what = "the dome does not tell where it stands, the picture alone decides"
            log.warning("%s: %s: %s", self._camera, what, why)
        self._tells = False
