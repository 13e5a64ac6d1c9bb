"""Run by Debian's own Python, which has GStreamer: serves what `gst.py` has laid out in a folder.

Reads `cameras.json` of that folder, prints the port it listens on, and ends when its standard input does.
"""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from typing import Any

import gi  # type: ignore[import-not-found]

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # type: ignore[import-not-found]  # noqa: E402

_ROLE = "watcher"


class Feed:
    """One client's pictures: access units with their times, on an endless line."""

    def __init__(self, camera: dict[str, Any], stream: bytes) -> None:
        self._camera, self._stream = camera, stream
        self._next = 0

    def push(self, source: Any, _wanted: int) -> None:
        """Give the pipeline its next picture; it calls when it wants one, and keeps time by itself."""
        units = self._camera["units"]
        loop, index = divmod(self._next, len(units))
        self._next += 1
        begin, end, shown_s, due_s = units[index]
        buffer = Gst.Buffer.new_wrapped(self._stream[begin:end])
        zero, delay = loop * self._camera["length_s"], self._camera["delay_s"]
        # Decoded in turn, shown later by the delay that reordering needs: never before it is decoded.
        buffer.dts = round((zero + due_s - delay) * Gst.SECOND)
        buffer.pts = round((zero + shown_s + delay) * Gst.SECOND)
        source.emit("push-buffer", buffer)


class Factory(GstRtspServer.RTSPMediaFactory):  # type: ignore[misc]
    """A pipeline for each client, so that each sees the clip from its beginning."""

    def __init__(self, camera: dict[str, Any], stream: bytes) -> None:
        super().__init__()
        self._camera, self._stream = camera, stream
        codec = camera["codec"]
        self.set_launch(
            f"( appsrc name=pictures format=time block=false max-buffers=8 "
            f"caps=video/x-{codec},stream-format=byte-stream,alignment=au "
            f"! {codec}parse ! rtp{codec}pay name=pay0 pt=96 config-interval=-1 )"
        )
        self.connect("media-configure", self._configure)

    def _configure(self, _factory: Any, media: Any) -> None:
        source = media.get_element().get_by_name_recurse_up("pictures")
        source.connect("need-data", Feed(self._camera, self._stream).push)


def main(folder: Path) -> None:
    Gst.init(None)
    wanted = json.loads((folder / "cameras.json").read_text(encoding="utf-8"))
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service("0")
    if wanted["user"]:
        server.set_auth(_auth(wanted["user"], wanted["password"]))
    for number, camera in enumerate(wanted["cameras"], 1):
        factory = Factory(camera, (folder / camera["file"]).read_bytes())
        if wanted["user"]:
            permissions = GstRtspServer.RTSPPermissions()
            for right in ("media.factory.access", "media.factory.construct"):
                permissions.add_permission_for_role(_ROLE, right, True)
            factory.set_permissions(permissions)
        server.get_mount_points().add_factory(f"/cam{number}", factory)
    server.attach(None)
    loop = GLib.MainLoop()
    sys.stdout.write(f"{server.get_bound_port()}\n")
    sys.stdout.flush()
    threading.Thread(target=lambda: (sys.stdin.read(), loop.quit()), daemon=True).start()
    loop.run()


def _auth(user: str, password: str) -> Any:
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", _ROLE)
    auth = GstRtspServer.RTSPAuth()
    auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
    auth.add_digest(user, password, token)
    return auth


if __name__ == "__main__":
    main(Path(sys.argv[1]))
