"""Runs, and what an operator gets wrong: the words, the exit code, and that nothing half-written remains."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import SITE, Beffroi, cases, change, files, process

# What an operator gets wrong, and everything that is then printed. The exit code is 2.
MISTAKES = {
    "a key that is not known": (
        ("after: 1s", "afterr: 1s"),
        "site.yaml:10:59: cameras.square.views.day.rules[0].afterr: there is no such setting; "
        "did you mean `after`?",
    ),
    "a zone outside the picture": (
        ("[1, 0]", "[1.5, 0]"),
        "site.yaml:8:32: cameras.square.views.day.zones.all[1]: (1.5, 0) lies outside the picture: "
        "coordinates are relative, 0..1",
    ),
    "a zone that crosses itself": (
        ("[1, 0], [1, 1]", "[1, 1], [1, 0]"),
        "site.yaml:8:18: cameras.square.views.day.zones.all: its edges 1-2 and 3-4 cross; "
        "draw the points in order around the zone",
    ),
    "a clip that is not there": (
        ("type: simulated, duration: 6, paint: false", "type: file, path: nowhere.mp4"),
        "site.yaml:4:33: cameras.square.source.path: there is no file nowhere.mp4",
    ),
    "two rules of one name": (
        (
            "zone: all, after: 1s }",
            "zone: all, after: 1s }\n          - { name: somebody, type: loitering, zone: all }",
        ),
        "site.yaml:11:21: cameras.square.views.day.rules[1].name: `somebody` is already the name of "
        "rules[0]; names are unique in a view",
    ),
    "a rule that can never fire": (
        ("after: 1s", "after: 1s, gap: 2s"),
        "site.yaml:10:75: cameras.square.views.day.rules[0].gap: 2s is not below `after` (1s): "
        "an interruption would outlast what it interrupts",
    ),
    "a secret that is not set": (
        ("name: Square", "name: '${NOT_SET_ANYWHERE}'"),
        "site.yaml:1:15: site.name: the environment variable NOT_SET_ANYWHERE is not set",
    ),
}


@pytest.mark.parametrize("command", ["check", "run"])
@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_in_a_site(beffroi: Beffroi, command: str, name: str) -> None:
    replacement, expected = MISTAKES[name]
    change(replacement)
    answer = beffroi(command, "site.yaml")
    assert (answer.code, answer.out) == (2, "")
    line, *others = answer.err.splitlines()
    assert line.partition("? known: ")[0] + "?" * ("? known: " in line) == expected
    assert others == []
    assert files() == ["site.yaml"], "nothing is written before everything is known to be right"


@pytest.mark.parametrize("command", ["check", "run", "test"])
def test_a_site_that_is_not_there(beffroi: Beffroi, command: str) -> None:
    answer = beffroi(command, "nowhere.yaml")
    assert (answer.code, answer.out, answer.err) == (2, "", "nowhere.yaml: there is no such file\n")


def test_no_traceback_unless_asked_for() -> None:
    answer = process("check", "nowhere.yaml")
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr == "nowhere.yaml: there is no such file\n"
    assert "Traceback" in process("--debug", "check", "nowhere.yaml").stderr


def test_run_tells_every_alert_and_keeps_it(beffroi: Beffroi) -> None:
    answer = beffroi("run", "site.yaml")
    assert answer.code == 0
    lines = answer.out.splitlines()
    assert lines[0].startswith("PT")
    assert all("square/day somebody" in line and line.endswith("(evaluation)") for line in lines)
    assert "Square (evaluation)" in answer.err
    assert "beffroi.db" in files()


def test_run_as_json(beffroi: Beffroi) -> None:
    answer = beffroi("run", "site.yaml", "--json", "--store", "other.db")
    assert answer.code == 0
    report = answer.json
    assert report["ok"]
    assert report["cameras"][0]["camera"] == "square"
    assert {event["change"] for event in report["events"]} == {"started", "ended"}
    assert all(event["evaluation"] for event in report["events"])
    assert "other.db" in files()


def test_a_run_can_be_replayed(beffroi: Beffroi) -> None:
    ran = beffroi("run", "site.yaml", "--json", "--record", "boxes.jsonl")
    again = beffroi("replay", "boxes.jsonl", "--site", "site.yaml", "--json")
    assert again.code == 0
    assert [event["id"] for event in again.json["events"]] == [event["id"] for event in ran.json["events"]]


def test_a_folder_takes_a_recording_of_each_camera(beffroi: Beffroi) -> None:
    camera = SITE[SITE.index("  square:") :]
    Path("site.yaml").write_text(SITE + camera.replace("  square:", "  yard:"))
    Path("kept").mkdir()
    assert beffroi("run", "site.yaml", "--record", "kept").code == 0
    assert {name for name in files() if name.startswith("kept")} == {
        "kept/boxes-square.jsonl",
        "kept/boxes-yard.jsonl",
    }


def test_a_sink_on_standard_output_has_it_alone(beffroi: Beffroi) -> None:
    change(("cameras:", "sinks: { out: { type: jsonl, path: '-' } }\ncameras:"))
    answer = beffroi("run", "site.yaml")
    assert answer.code == 0
    assert all(json.loads(line)["rule"] == "somebody" for line in answer.out.splitlines())
    answer = beffroi("run", "site.yaml", "--json")
    assert (answer.code, answer.err) == (
        2,
        "the sink out writes to standard output, which --json needs for the result\n",
    )


def test_run_refuses_what_makes_no_sense(beffroi: Beffroi) -> None:
    answer = beffroi("run", "site.yaml", "--unblurred")
    assert (answer.code, answer.err) == (2, "--unblurred is about the film of --render; there is none\n")
    answer = beffroi("run", "site.yaml", "--camera", "squar")
    assert answer.code == 2
    assert answer.err == "site.yaml: cameras: there is no camera 'squar'; there are square\n"


def test_a_video_that_breaks_off(beffroi: Beffroi, blind: None) -> None:
    av = pytest.importorskip("av")
    with av.open("clip.mp4", "w", options={"movflags": "faststart"}) as film:
        stream = film.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for _ in range(60):
            film.mux(stream.encode(av.VideoFrame(160, 120, "yuv420p")))
        film.mux(stream.encode())
    whole = Path("clip.mp4").read_bytes()
    Path("clip.mp4").write_bytes(whole[: len(whole) - 400])
    change(
        ("type: simulated, duration: 6, paint: false", "type: file, path: clip.mp4"),
        ("detect: { type: simulated }", "detect: { type: blind }"),
    )
    answer = beffroi("run", "site.yaml", "--json", "--record", "boxes.jsonl")
    assert answer.code == 1
    assert not answer.json["ok"]
    [camera] = answer.json["cameras"]
    assert camera["error"].startswith("clip.mp4: ")
    assert f"square: {camera['error']}" in answer.err.splitlines()
    assert camera["frames"] > 0
    left = [name for name in files() if not name.startswith("beffroi.db")]
    assert left == ["boxes.jsonl", "clip.mp4", "site.yaml"]
    assert beffroi("replay", "boxes.jsonl", "--site", "site.yaml").code == 0, "what was recorded is whole"


def test_a_video_that_is_none(beffroi: Beffroi, blind: None) -> None:
    Path("clip.mp4").write_bytes(b"not a film at all")
    change(
        ("type: simulated, duration: 6, paint: false", "type: file, path: clip.mp4"),
        ("detect: { type: simulated }", "detect: { type: blind }"),
    )
    answer = beffroi("run", "site.yaml", "--record", "boxes.jsonl")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.splitlines()[-1].startswith("clip.mp4: ")
    assert "boxes.jsonl" not in files()


def test_a_model_that_is_damaged(beffroi: Beffroi) -> None:
    from importlib.resources import files as package_files

    shipped = package_files("beffroi").joinpath("models/deimv2-atto.toml")
    Path("mine.toml").write_text(shipped.read_text(encoding="utf-8"), encoding="utf-8")
    Path("mine.onnx").write_bytes(b"damaged")
    change(("detect: { type: simulated }", "detect: { model: mine.onnx }"))
    answer = beffroi("run", "site.yaml", "--record", "boxes.jsonl")
    assert (answer.code, answer.out) == (2, "")
    assert "mine.onnx: is damaged or another file (7 bytes, expected" in answer.err
    assert "Traceback" not in answer.err
    assert "boxes.jsonl" not in files()


def test_recordings_that_cannot_be_replayed(beffroi: Beffroi) -> None:
    beffroi("run", "site.yaml", "--record", "boxes.jsonl")
    lines = Path("boxes.jsonl").read_text().splitlines()
    row = next(number for number, line in enumerate(lines) if '"boxes":[[' in line)
    picture = json.loads(lines[row])
    picture["boxes"][0][0] = float("nan")
    broken = {
        f"boxes.jsonl:{row + 1}: ": [*lines[:row], json.dumps(picture), *lines[row + 1 :]],
        f"boxes.jsonl:{len(lines) + 1}: picture at ": [*lines, lines[5]],
        f"boxes.jsonl:{len(lines)}: ": [*lines[:-1], lines[-1][:20]],
    }
    for expected, content in broken.items():
        Path("boxes.jsonl").write_text("\n".join(content) + "\n")
        answer = beffroi("replay", "boxes.jsonl", "--site", "site.yaml")
        assert (answer.code, answer.out) == (2, "")
        assert answer.err.startswith(expected)
        assert "Traceback" not in answer.err
    answer = beffroi("replay", "nowhere.jsonl", "--site", "site.yaml")
    assert (answer.code, answer.err) == (2, "nowhere.jsonl: there is no such file\n")


def test_own_scenarios_run_on_the_own_scene(beffroi: Beffroi) -> None:
    cases("tests/any.toml")
    answer = beffroi("test", "site.yaml")
    assert (answer.code, answer.out) == (0, "ok     tests/any.toml: somebody stands there\n")
    answer = beffroi("test", "site.yaml", "tests/any.toml", "--json")
    assert answer.code == 0
    assert answer.json["ok"]
    assert answer.json["files"][0]["cases"][0]["passed"]


def test_a_scenario_that_fails_is_exit_code_1(beffroi: Beffroi) -> None:
    cases("mine.toml", end="12s")
    answer = beffroi("test", "site.yaml", "mine.toml")
    assert answer.code == 1
    first, why, *rest = answer.out.splitlines()
    assert first == "failed mine.toml: somebody stands there"
    assert why.strip()
    assert "       expected 12s somebody ended person-1" in rest


def test_scenarios_that_cannot_run(beffroi: Beffroi) -> None:
    answer = beffroi("test", "site.yaml")
    assert (answer.code, answer.err) == (
        2,
        "there are no cases: write them to tests/*.toml, or name files\n",
    )
    answer = beffroi("test", "site.yaml", "nowhere.toml")
    assert (answer.code, answer.err) == (2, "nowhere.toml: there is no such file\n")
    cases("mine.toml")
    answer = beffroi("test", "site.yaml", "mine.toml", "--camera", "sqare")
    assert (answer.code, answer.err) == (2, "no camera is named `sqare`; there are: square\n")
    Path("mine.toml").write_text("[[case")
    answer = beffroi("test", "site.yaml", "mine.toml")
    assert answer.code == 2
    assert answer.err.startswith("mine.toml: not TOML: ")


def test_a_file_of_scenarios_says_its_camera_by_its_name(beffroi: Beffroi) -> None:
    camera = SITE[SITE.index("  square:") :]
    Path("site.yaml").write_text(SITE + camera.replace("  square:", "  yard:"))
    cases("tests/yard.toml")
    answer = beffroi("test", "site.yaml", "--json")
    assert answer.json["files"][0]["camera"] == "yard"
    cases("tests/other.toml")
    answer = beffroi("test", "site.yaml")
    assert (answer.code, answer.err) == (
        2,
        "tests/other.toml: about which camera? name the file after one of square, yard, or give --camera\n",
    )
