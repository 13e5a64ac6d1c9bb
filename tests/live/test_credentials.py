"""A camera's password is nowhere but in its site file, whatever goes wrong, and however much is said."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import Command, command
from rtsp import RtspServer

from benches import faults_street as street

SECRET = "s3cr3t"
"""Part of every password here, so that half of one is found too."""
PASSWORD = f"{SECRET}-of-gate"
SITE = """\
site: {{ name: Square, timezone: Europe/Paris, mode: evaluation }}
cameras:
  gate:
    source: {{ type: rtsp, url: "{url}" }}
    detect: {{ type: bright, fps: 5 }}
    views:
      day:
        zones: {{ place: [[0.4, 0.2], [0.9, 0.2], [0.9, 1.0], [0.4, 1.0]] }}
        rules:
          - {{ name: inside, type: intrusion, zone: place, after: 0.4s, clear_after: 0.4s }}
sinks:
  file: {{ type: jsonl, path: alerts.jsonl }}
evidence: {{ before: 2s, after: 1s, originals: true }}
"""
LOUD = ("-vv", "--debug", "--log-format", "json")
OWN = {"site.yaml", "secrets"}
"""Files that people write it into."""


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return street.clip(tmp_path_factory.mktemp("clips") / "street.mp4")


@pytest.fixture
def server(clip: Path) -> Iterator[RtspServer]:
    with RtspServer(clip, user="viewer", password=PASSWORD) as running:
        yield running


def url(server: RtspServer, password: str = PASSWORD) -> str:
    return server.url("/cam1", user="viewer", password=password, join="key", auth="digest")


def nowhere(folder: Path) -> None:
    """No file has it but those that must."""
    found = [
        path.relative_to(folder)
        for path in folder.rglob("*")
        if path.is_file() and path.name not in OWN and SECRET.encode() in path.read_bytes()
    ]
    assert found == []


def quiet(running: Command) -> None:
    """Neither what it says, nor what others see of its process, has it."""
    process = Path(f"/proc/{running.process.pid}")
    seen = [process / "cmdline", process / "comm", *process.glob("task/*/comm")]
    names = []
    for path in seen:
        try:
            names.append(path.read_text(errors="replace"))
        except OSError:
            # A thread that has ended meanwhile.
            continue
    assert len(names) > 3, "it runs"
    assert SECRET not in " ".join(names)
    assert SECRET not in running.out + running.err


def test_through_a_wrong_password_a_stall_and_a_broken_file(server: RtspServer, tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    path.write_text(SITE.format(url=url(server, f"{SECRET}-wrong")))
    with command(tmp_path, *LOUD, "run", "site.yaml", "--metrics", "metrics.prom") as running:
        assert running.says("401"), running.err
        assert running.says("signal_lost"), running.err
        quiet(running)
        # The right one: another password is another camera, and it is told by nothing but that.
        path.write_text(SITE.format(url=url(server)))
        running.process.send_signal(signal.SIGHUP)
        assert running.says("made anew: gate"), running.err
        assert running.says("intrusion"), running.err
        server.stall()
        assert running.says("sends nothing"), running.err
        quiet(running)
        for broken in ("url: [", 'uri: "', 'type: rtps, url: "', 'url: 7, uri: "'):
            path.write_text(SITE.format(url=url(server)).replace('type: rtsp, url: "', broken))
            said = running.err.count("cannot be used")
            running.process.send_signal(signal.SIGHUP)
            assert running.says("cannot be used", said + 1), running.err
        server.resume()
        clips = tmp_path / "evidence"
        assert running.waits(lambda: list(clips.rglob("*.mp4"))), running.err
        quiet(running)
        assert running.stop() < 5
        assert SECRET not in running.out + running.err
    lines = [json.loads(line) for line in running.err.splitlines() if line.startswith("{")]
    assert {"info", "warning", "error"} <= {line["level"] for line in lines}, "it says everything"
    assert list(tmp_path.rglob("*.jpg"))
    assert (tmp_path / "beffroi.db").stat().st_size > 0
    assert (tmp_path / "alerts.jsonl").stat().st_size > 0
    nowhere(tmp_path)


PTZ = "ptz: { type: onvif, host: 'http://a:s3cr3t-b@c', user: viewer, password: [s3cr3t] }"
BROKEN = {
    "another port": lambda text: re.sub(r":\d+/cam1", ":99999/cam1", text),
    "no port": lambda text: re.sub(r":\d+/cam1", ":port/cam1", text),
    "a scheme that does not exist": lambda text: text.replace("rtsp://", "rtps://"),
    "no scheme": lambda text: text.replace("rtsp://", ""),
    "an @ in the password": lambda text: text.replace("-of-gate@", "-of@gate@"),
    "a # in the password": lambda text: text.replace("-of-gate@", "-of#gate@"),
    "a / in the password": lambda text: text.replace("-of-gate@", "-of/gate@"),
    "a blank in the password": lambda text: text.replace("-of-gate@", "-of gate@"),
    "a % in the password": lambda text: text.replace("-of-gate@", "-of%gate@"),
    "a bracket in the password": lambda text: text.replace("-of-gate@", "-of[gate@"),
    "a variable that is not there": lambda text: text.replace("-of-gate", "${NOT_THERE}"),
    "another key": lambda text: text.replace("url:", "uri:"),
    "a list": lambda text: text.replace('url: "', 'url: ["').replace('" }\n    detect', '"] }\n    detect'),
    "a mapping": lambda text: text.replace('url: "', 'url: { a: "').replace('" }\n    det', '" } }\n    det'),
    "another type": lambda text: text.replace("type: rtsp", "type: rtps"),
    "a file": lambda text: text.replace("type: rtsp, url", "type: file, path"),
    "no type": lambda text: text.replace("type: rtsp, ", ""),
    "the address for the source": lambda text: re.sub(r'source: \{.*(".*") \}', r"source: \1", text),
    "the address for a key": lambda text: re.sub(r'url: (".*")', r"\1: 1", text),
    "the address for a camera": lambda text: re.sub(
        r'(?s)gate:(.*)url: (".*?")', r'\2:\1url: "rtsp://a/"', text
    ),
    "a quote that is not closed": lambda text: text.replace('" }\n    detect', " }\n    detect"),
    "a tab": lambda text: text.replace("    source", "\tsource"),
    "a brace that is not closed": lambda text: text.replace('" }\n    detect', '"\n    detect'),
    "twice": lambda text: text.replace("url:", 'url: "rtsp://a:s3cr3t-b@c/", url:'),
    "the same for evidence": lambda text: re.sub(r"url: (\".*?\")", r"url: \1, evidence_url: \1", text),
    "a wrong one for evidence": lambda text: re.sub(
        r"url: (\".*?\")", r'url: \1, evidence_url: "http://a:s3cr3t-b@c/"', text
    ),
    "a wrong ptz": lambda text: text.replace("    views:", f"    {PTZ}\n    views:"),
    "a sink with one": lambda text: text.replace("path: alerts", "url: 'https://a:s3cr3t-b@c/', path: a"),
}  # fmt: skip


@pytest.mark.parametrize("way", list(BROKEN))
@pytest.mark.parametrize("order", [("check",), ("check", "--json"), ("run",)])
def test_a_site_file_that_is_wrong(
    way: str, order: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from beffroi.cli import app
    from typer.testing import CliRunner

    monkeypatch.chdir(tmp_path)
    text = SITE.format(url=f"rtsp://viewer:{PASSWORD}@127.0.0.1:1/cam1").replace(
        "type: bright", "type: background"
    )
    wrong = BROKEN[way](text)
    assert wrong != text
    Path("site.yaml").write_text(wrong)
    if order == ("run",) and way == "the same for evidence":
        pytest.skip("it is a warning, and the run would not end")
    answer = CliRunner().invoke(app, [*LOUD, *order, "site.yaml"])
    told = answer.stdout + answer.stderr + repr(answer.exception)
    assert SECRET not in told
    assert answer.exit_code or way == "the same for evidence", told
    nowhere(tmp_path)
