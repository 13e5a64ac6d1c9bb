"""Another maker's server to compare with: GStreamer's, in a process of Debian's own Python.

It packs, paces and reports by itself; from us it has access units and their times. So a client that
understands both servers does not merely share our misunderstandings.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

from beffroi.serving.media import Clip

PYTHON = Path("/usr/bin/python3")
PACKAGES = "python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good"
_ELEMENTS = ("appsrc", "h264parse", "h265parse", "rtph264pay", "rtph265pay")
_PROBE = f"""
import gi
for name in ("Gst", "GstApp", "GstRtsp", "GstRtspServer"):
    gi.require_version(name, "1.0")
from gi.repository import Gst, GstApp, GstRtsp, GstRtspServer
Gst.init(None)
missing = [name for name in {_ELEMENTS} if Gst.ElementFactory.find(name) is None]
raise SystemExit("GStreamer lacks " + ", ".join(missing) if missing else 0)
"""


@cache
def missing() -> str | None:
    """Why it cannot run here; None if it can."""
    if not PYTHON.exists():
        return f"{PYTHON} is not there"
    try:
        probe = subprocess.run(
            [PYTHON, "-c", _PROBE], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{PYTHON} cannot be run: {error}"
    if probe.returncode == 0:
        return None
    last = (probe.stderr.strip().splitlines() or [f"status {probe.returncode}"])[-1]
    return f"GStreamer's RTSP server is not installed ({last}): apt-get install {PACKAGES}"


class GstServer:
    """Cameras `/cam1`, `/cam2` ... with the given clips, each client from the beginning, in a loop.

    With a user it asks for digest authentication. Ask `missing` before.

        with GstServer(clip) as server:
            source = open(server.url("/cam1"))

    Raises
    ------
    RuntimeError
        On entering, if it does not start.
    """

    def __init__(self, *clips: Clip | Path | str, user: str = "", password: str = "") -> None:
        self._clips = [clip if isinstance(clip, Clip) else Clip.read(clip) for clip in clips]
        self.user, self.password = user, password
        self.port = 0
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> GstServer:
        self._folder = tempfile.TemporaryDirectory()
        folder = Path(self._folder.name)
        cameras = [_lay_out(clip, folder / f"{number}.bin") for number, clip in enumerate(self._clips)]
        wanted = {"user": self.user, "password": self.password, "cameras": cameras}
        (folder / "cameras.json").write_text(json.dumps(wanted), encoding="utf-8")
        log = folder / "log"
        with log.open("w", encoding="utf-8") as errors:
            self._process = subprocess.Popen(
                [PYTHON, Path(__file__).with_name("gst_peer.py"), folder],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        if not line.isdigit():
            said = log.read_text(encoding="utf-8").strip()
            self.__exit__(None, None, None)
            raise RuntimeError(f"GStreamer's server did not start: {said or 'it says nothing'}")
        self.port = int(line)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            try:
                self._process.communicate(timeout=5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.communicate()
            self._process = None
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def url(self, path: str = "/cam1", *, user: str = "", password: str = "") -> str:
        """The address of a camera."""
        login = f"{quote(user, safe='')}:{quote(password, safe='')}@" if user else ""
        return f"rtsp://{login}127.0.0.1:{self.port}{path}"


def _lay_out(clip: Clip, file: Path) -> dict[str, object]:
    """Write a clip as a byte stream with start codes; say where each access unit is and when it is shown."""
    stream, units = bytearray(), []
    for unit in clip.units:
        begin = len(stream)
        for nal in (*(clip.parameters if unit.key else ()), *unit.nals):
            stream += b"\x00\x00\x00\x01" + nal
        units.append((begin, len(stream), unit.shown_s, unit.due_s))
    file.write_bytes(stream)
    delay = min(unit.due_s for unit in clip.units)
    return {
        "file": file.name,
        "codec": clip.codec,
        "length_s": clip.length_s,
        "delay_s": delay,
        "units": units,
    }
