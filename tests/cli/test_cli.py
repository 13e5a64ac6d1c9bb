"""The command line: what it prints where, and its exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from commands import Beffroi, change, process


def test_the_version() -> None:
    from beffroi import __version__

    answer = process("--version")
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, f"beffroi {__version__}\n", "")


def test_help_names_every_command(beffroi: Beffroi) -> None:
    answer = beffroi("--help")
    assert answer.code == 0
    commands = ("run", "check", "test", "replay", "evaluate", "bench", "schema", "doctor", "assets", "demo")
    commands += ("convert", "verdict")
    assert all(f"\n  {command} " in answer.out for command in commands)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["frobnicate"], "Error: No such command 'frobnicate'."),
        (["run"], "Error: Missing argument 'SITE'."),
        (["run", "site.yaml", "--pase", "fast"], "Error: No such option: --pase"),
        (["evaluate", "tracking", "x", "--fps", "fast"], "Invalid value for '--fps'"),
    ],
)
def test_a_mistake_in_the_command(beffroi: Beffroi, arguments: list[str], message: str) -> None:
    answer = beffroi(*arguments)
    assert answer.code == 2
    assert message in answer.err
    assert answer.out == ""


def test_check_says_what_the_rules_mean(beffroi: Beffroi) -> None:
    answer = beffroi("check", "site.yaml")
    assert (answer.code, answer.err) == (0, "")
    meaning, end = answer.out.splitlines()
    assert meaning.startswith(
        'square/day somebody (intrusion): Presence inside the zone "all", for at least 1'
    )
    assert end == "Square: 1 camera, 1 rule, 0 warnings, no mistake"


def test_check_as_json(beffroi: Beffroi) -> None:
    answer = beffroi("check", "site.yaml", "--json")
    assert answer.code == 0
    [rule] = answer.json["rules"]
    assert answer.json | {"rules": []} == {"ok": True, "problems": [], "warnings": [], "rules": []}
    assert set(rule) == {"camera", "view", "name", "type", "definition", "definition_hash"}


def test_check_names_every_mistake(beffroi: Beffroi) -> None:
    change(("zone: all", "zone: al"), ("duration: 6", "duration: -6"))
    expected = [
        "site.yaml:4:42: cameras.square.source.duration: should be more than 0, got -6",
        "site.yaml:10:54: cameras.square.views.day.rules[0].zone: no zone is named `al`; the view has: all",
    ]
    answer = beffroi("check", "site.yaml")
    assert (answer.code, answer.out, answer.err.splitlines()) == (2, "", expected)
    answer = beffroi("check", "site.yaml", "--json")
    assert (answer.code, answer.err) == (2, "")
    assert not answer.json["ok"]
    assert answer.json["problems"][0] == {
        "file": "site.yaml",
        "line": 4,
        "column": 42,
        "path": "cameras.square.source.duration",
        "message": "should be more than 0, got -6",
    }


def test_check_warns_of_what_is_probably_not_meant(beffroi: Beffroi) -> None:
    change(
        ("zones: { all: [[0, 0], [1, 0], [1, 1], [0, 1]] }", "lines: { a: [[0.5, 0.5], [0.501, 0.5]] }"),
        ("type: intrusion, zone: all, after: 1s", "type: line_crossing, line: a"),
    )
    answer = beffroi("check", "site.yaml")
    assert answer.code == 0
    assert answer.err == (
        "warning: site.yaml:10:13: cameras.square.views.day.rules[0]: the line `a` is shorter than most "
        "boxes: little will cross it\n"
    )
    assert answer.out.endswith("Square: 1 camera, 1 rule, 1 warning, no mistake\n")


def test_the_schema_is_printed(beffroi: Beffroi) -> None:
    assert beffroi("schema").json == beffroi("schema", "--json").json


def test_assets(beffroi: Beffroi, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BEFFROI_ASSETS", str(tmp_path))
    assert beffroi("assets", "where").out.splitlines()[0] == str(tmp_path)
    names = [asset["name"] for asset in beffroi("assets", "list", "--json").json]
    assert "deimv2-femto" in names
    assert len(beffroi("assets", "list").out.splitlines()) == len(names)
    answer = beffroi("assets", "fetch", "nothing")
    assert (answer.code, answer.err) == (2, f"no model is named `nothing`; known: {', '.join(names)}\n")
    answer = beffroi("assets", "where", "models/nothing.onnx")
    assert answer.code == 2
    assert answer.err.startswith("models/nothing.onnx was not found; looked at")


def test_who_reads_no_further_ends_it_quietly() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    for command in (["check", "site.yaml"], ["run", "site.yaml"]):
        answer = subprocess.run(
            [sys.executable, "-m", "beffroi", *command],
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        assert (answer.returncode, answer.stderr) == (141, "")
    os.close(writer)


def test_an_interrupted_run_says_so(beffroi: Beffroi) -> None:
    import signal

    change(("duration: 6", "pace: real, duration: 60"))
    command = [sys.executable, "-m", "beffroi", "run", "site.yaml"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stdout.readline().startswith("PT"), "it runs"
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=30)
    assert running.returncode == 130
    assert "Traceback" not in said
    assert "stopped" in said


def test_log_lines_can_be_json() -> None:
    script = (
        "import sys, logging\n"
        "from beffroi.cli.logs import set_up\n"
        "set_up('json', 1)\n"
        "logging.getLogger('x').info('%s', 'hello')\n"
        "logging.getLogger('x').debug('hidden')\n"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    line = json.loads(answer.stderr)
    assert (line["level"], line["logger"], line["message"]) == ("info", "x", "hello")
    assert line["at"].endswith("Z")


def test_a_command_line_starts_without_heavy_libraries() -> None:
    script = "import sys, beffroi.cli; print([m for m in ('cv2', 'onnxruntime', 'av') if m in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout == "[]\n"


def test_a_compiled_part_that_does_not_load_is_explained(tmp_path: Path) -> None:
    script = "import sys\nsys.modules['beffroi._core'] = None\nfrom beffroi.__main__ import main\nmain()\n"
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert answer.returncode == 2
    assert answer.stderr.startswith("beffroi's compiled part does not load: ")
    assert "Traceback" not in answer.stderr
