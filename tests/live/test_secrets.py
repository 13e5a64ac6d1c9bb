"""Passwords of cameras stay where their owner put them, whatever goes wrong.

What is allowed: the site file and the secrets file hold those that were written there, and the environment of
the process the one that was given in it: that is where the user put them, and who may read those may know.
Memory is not searched. Everything else is: both outputs of each command, command lines, the names of threads,
and each file below the site, the database, alerts and evidence included.
"""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import IO
from urllib.parse import quote

import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("onvif", reason="needs the extra: pip install 'beffroi[onvif]'")

from beffroi.conceal import forget, remember
from beffroi.errors import BeffroiError
from beffroi.runtime.camera import said
from brightmodel import bright_model
from onvifdome import FakeDome
from rtsp import RtspServer, shapes

WRITTEN, KEPT, GIVEN = "s3cr3t/in the:file", "s3cr3t-kept-beside", FakeDome.password
"""In the site file itself; in the secrets file; in the environment."""
PATIENT_S = 40.0
SITE = """\
site: {{ name: square, timezone: UTC, mode: evaluation }}
secrets: cameras.env
cameras:
  written:
    source: {{ type: rtsp, url: "{written}", timeout: 2, stall: 1 }}
    detect: {{ model: bright.onnx, fps: 5 }}
    health: {{ signal_lost: {{ after: 2 }} }}
    views: {{ day: {view} }}
  kept:
    source: {{ type: rtsp, url: "{kept}", timeout: 2, stall: 1 }}
    detect: {{ model: bright.onnx, fps: 5 }}
    views: {{ day: {view} }}
  wrong:
    source: {{ type: rtsp, url: "{wrong}", timeout: 2, stall: 1 }}
    detect: {{ model: bright.onnx, fps: 5 }}
    health: {{ signal_lost: {{ after: 2 }} }}
    views: {{ day: {view} }}
  dome:
    source: {{ type: rtsp, url: "{kept}", evidence_url: "{kept}/audio=1", timeout: 2, stall: 1 }}
    ptz: {{ type: onvif, host: 127.0.0.1, port: {port}, user: viewer, password: "${{DOME}}" }}
    detect: {{ model: bright.onnx, fps: 5 }}
    views: {{ gate: {{ preset: "1", {rules} }} }}
sinks: {{ file: {{ type: jsonl, path: alerts.jsonl }} }}
evidence: {{ snapshots: true, clips: true, before: 1s, after: 1s }}
"""
RULES = (
    "zones: { all: [[0, 0], [1, 0], [1, 1], [0, 1]] }, "
    "rules: [{ name: inside, type: intrusion, zone: all, after: 0.3s }]"
)


def forms(secret: str) -> Iterator[bytes]:
    """A secret as it may be written: as it is, in an address, with its user in a header."""
    yield from (secret.encode(), quote(secret, safe="").encode(), quote(secret).encode())
    for text in (secret, f"viewer:{secret}"):
        yield base64.b64encode(text.encode())


SECRETS = {form: name for name in (WRITTEN, KEPT, GIVEN) for form in forms(name)}


def leaks(texts: Mapping[str, bytes]) -> list[str]:
    """Where which secret stands."""
    return [
        f"{where}: {name}" for where, text in texts.items() for form, name in SECRETS.items() if form in text
    ]


def of_process(pid: int) -> dict[str, bytes]:
    """What others can read of a process; its environment belongs to its user alone."""
    proc = Path(f"/proc/{pid}")
    found = {"cmdline": (proc / "cmdline").read_bytes()}
    found |= {f"thread {task.name}": (task / "comm").read_bytes() for task in (proc / "task").iterdir()}
    # PYTHONPATH, PATH and so on, and DOME where it was given.
    given = (proc / "environ").read_bytes().split(b"\0")
    found["environ"] = b"\0".join(each for each in given if not each.startswith(b"DOME="))
    found["ps"] = subprocess.run(["ps", "-efL", "ww"], capture_output=True, check=True).stdout
    return found


def of_folder(folder: Path) -> dict[str, bytes]:
    """Every file that was written, and its name."""
    allowed = {"site.yaml", "broken.yaml", "cameras.env"}
    files = [path for path in folder.rglob("*") if path.is_file() and path.name not in allowed]
    return {str(path.relative_to(folder)): os.fsencode(path) + path.read_bytes() for path in files}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[tuple[Path, RtspServer]]:
    """A site with cameras whose passwords are right, one with a wrong one, and a dome."""
    clip = shapes(tmp_path / "clip.mp4", 2)
    place = tmp_path / "site"
    place.mkdir()
    bright_model(place)
    with ExitStack() as opened:
        written = opened.enter_context(RtspServer(clip, user="viewer", password=WRITTEN))
        kept = opened.enter_context(RtspServer(clip, user="viewer", password=KEPT))
        dome = opened.enter_context(FakeDome())
        text = SITE.format(
            written=written.url("/cam1", user="viewer", password=WRITTEN, auth="digest"),
            kept=kept.url("/cam1", user="viewer", password="HERE", auth="basic").replace("HERE", "${KEPT}"),
            wrong=written.url("/cam2", user="viewer", password=WRITTEN, auth="refuse"),
            port=dome.port,
            view=f"{{ {RULES} }}",
            rules=RULES,
        )
        (place / "site.yaml").write_text(text, encoding="utf-8")
        (place / "cameras.env").write_text(f"KEPT={KEPT}\n", encoding="utf-8")
        yield place, written


def environment() -> dict[str, str]:
    return {**os.environ, "DOME": GIVEN}


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "beffroi", "-vv", "--log-format", "json", *words]


class Run:
    """The command in a process of its own, with everything that it says."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            command("run", str(folder / "site.yaml")), env=environment(),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self.said = {"stdout": bytearray(), "stderr": bytearray()}
        self._threads = [
            threading.Thread(target=self._read, args=(name, getattr(self.process, name)))
            for name in self.said
        ]
        for thread in self._threads:
            thread.start()

    def _read(self, name: str, pipe: IO[bytes]) -> None:
        with pipe:
            for line in pipe:
                self.said[name] += line

    def until(self, reached: Callable[[str], bool]) -> None:
        end = time.monotonic() + PATIENT_S
        while not reached(self.said["stderr"].decode()):
            assert self.process.poll() is None, self.said["stderr"].decode()[-3000:]
            assert time.monotonic() < end, self.said["stderr"].decode()[-3000:]
            time.sleep(0.05)

    def end(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        finally:
            self.process.kill()
            for thread in self._threads:
                thread.join()


def test_no_password_leaves_a_run(folder: tuple[Path, RtspServer]) -> None:
    place, server = folder
    alerts, path = place / "alerts.jsonl", place / "site.yaml"
    good = path.read_text(encoding="utf-8")
    run = Run(place)
    try:
        run.until(lambda said: "wrong: rtsp: " in said and '"signal_lost"' in _read(alerts))
        run.until(lambda _said: all(f'"camera":"{name}"' in _read(alerts) for name in ("written", "dome")))
        server.stall("/cam1")
        run.until(lambda said: "sends nothing for" in said)
        # Cut off in the middle of an address: what a parser quotes of it is the password.
        at = good.index('", timeout')
        path.write_text(good[:at], encoding="utf-8")
        run.until(lambda said: "cannot be used; what ran goes on" in said)
        path.write_text(good.replace("fps: 5", "fps: 4", 1), encoding="utf-8")
        run.until(lambda said: "made anew: written" in said)
        found = of_process(run.process.pid)
    finally:
        run.end()
    found |= {name: bytes(text) for name, text in run.said.items()} | of_folder(place)
    assert leaks(found) == []
    # All of that would be empty praise where nothing was written.
    names = " ".join(found)
    assert all(suffix in names for suffix in (".mp4", ".jpg", ".db", ".jsonl")), sorted(found)
    assert b"401" in found["stderr"]
    assert {"cmdline", "environ", "ps"} <= set(found)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8").replace('": "', '":"') if path.exists() else ""


@pytest.mark.parametrize("words", [("--debug", "check"), ("check", "--json"), ("run",)])
def test_no_password_stands_in_what_is_said_of_a_broken_file(
    folder: tuple[Path, RtspServer], words: tuple[str, ...]
) -> None:
    place, _ = folder
    good = (place / "site.yaml").read_text(encoding="utf-8")
    address = good[good.index("rtsp://") : good.index('", timeout')]
    broken = {
        "cut off": good[: good.index('", timeout')],
        "not quoted": good.replace(f'"{address}"', f"{address}: [", 1),
        "no address": good.replace("rtsp://", "rtps://", 1),
        "under another key": good.replace("url:", "ulr:", 1),
        "a number of days": good.replace("timeout: 2", f'timeout: "{address}"', 1),
        "as a name": good.replace("  written:", f'  "{address}":', 1),
        "no such variable": good.replace("${KEPT}", f"${{{'KEEPT'}}}", 1),
    }
    if "run" in words:
        # It reads the file as `check` does; the two that parsers and places quote.
        broken = {name: broken[name] for name in ("cut off", "as a name")}
    found = []
    for name, text in broken.items():
        (place / "broken.yaml").write_text(text, encoding="utf-8")
        whole = command(*words, str(place / "broken.yaml"))
        done = subprocess.run(whole, env=environment(), capture_output=True, check=False, timeout=60)
        assert done.returncode != 0, (name, done.stdout, done.stderr)
        found += leaks({f"{name}, out": done.stdout, f"{name}, err": done.stderr})
        assert "--debug" in words or b"Traceback" not in done.stderr, (name, done.stderr)
    assert found == []


@pytest.mark.parametrize(
    "words", [("check", "SITE"), ("check", "--json", "SITE"), ("doctor",), ("doctor", "--json")]
)
def test_no_password_stands_in_what_is_said_of_a_good_one(
    folder: tuple[Path, RtspServer], words: tuple[str, ...]
) -> None:
    place, _ = folder
    whole = command(*(str(place / "site.yaml") if word == "SITE" else word for word in words))
    done = subprocess.run(whole, env=environment(), capture_output=True, check=False, timeout=60, cwd=place)
    assert done.stdout
    assert leaks({"out": done.stdout, "err": done.stderr}) == []


@pytest.mark.parametrize("kind", [OSError, BeffroiError])
def test_what_others_raise_goes_into_states_and_reports_without_secrets(kind: type[Exception]) -> None:
    remember(GIVEN, "DOME")
    try:
        told = said("gate", kind(f"https://10.0.0.1/?token={GIVEN}"))
    finally:
        forget()
    assert "token=${DOME}" in told
    assert leaks({"told": told.encode()}) == []
