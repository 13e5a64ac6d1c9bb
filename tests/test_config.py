"""The site file: what it may hold, and how each mistake is named, with its line and column."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from beffroi.config import examine, load
from beffroi.errors import SiteError

GOOD = """
site: { name: Suresnes pilot, timezone: Europe/Paris, language: fr, mode: live }
cameras:
  gate:
    source: { type: images, path: shots, fps: 5 }
    detect: { model: deimv2-femto }
    views:
      day:
        zones: { lawn: [[.1, .5], [.9, .5], [.9, .95], [.1, .95]] }
        lines: { kerb: [[.2, .6], [.8, .6]] }
        rules:
          - { name: on the lawn, type: intrusion, zone: lawn, after: 2s }
"""

Said = Callable[[str], list[str]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working directory with one picture, so that `GOOD` is good."""
    (tmp_path / "shots").mkdir()
    (tmp_path / "shots" / "1.jpg").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def said(folder: Path) -> Said:
    """What an examination says of a text."""

    def examined(text: str) -> list[str]:
        (folder / "site.yaml").write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
        return [str(problem) for problem in examine("site.yaml").problems]

    return examined


def test_a_good_site_is_loaded(folder: Path) -> None:
    (folder / "site.yaml").write_text(GOOD)
    site = load("site.yaml")
    assert (site.name, site.timezone, site.language, site.mode) == (
        "Suresnes pilot",
        "Europe/Paris",
        "fr",
        "live",
    )
    assert site.path == Path("site.yaml")
    assert site.folder == Path()
    assert list(site.cameras) == ["gate"]
    view = site.cameras["gate"].views["day"]
    assert view.zones["lawn"][0] == (0.1, 0.5)
    assert view.rules[0]["after"] == "2s"
    assert site.evidence.blur
    assert site.is_evaluation("gate"), "recordings are never live"


def test_the_scene_is_what_the_engine_takes(folder: Path) -> None:
    (folder / "site.yaml").write_text(GOOD)
    view = load("site.yaml").cameras["gate"].views["day"]
    assert view.scene("gate", "day", ("person",), 1.5, "Europe/Paris") == {
        "view": "gate/day",
        "aspect": 1.5,
        "timezone": "Europe/Paris",
        "classes": ["person"],
        "zones": {"lawn": [[0.1, 0.5], [0.9, 0.5], [0.9, 0.95], [0.1, 0.95]]},
        "lines": {"kerb": [[0.2, 0.6], [0.8, 0.6]]},
        "rules": [{"name": "on the lawn", "type": "intrusion", "zone": "lawn", "after": "2s"}],
    }


def test_every_rule_comes_with_its_definition(folder: Path) -> None:
    (folder / "site.yaml").write_text(GOOD)
    [rule] = examine("site.yaml").rules
    assert (rule.camera, rule.view, rule.name, rule.type) == ("gate", "day", "on the lawn", "intrusion")
    assert rule.definition["en"].startswith('Presence inside the zone "lawn", for at least 2')
    assert len(rule.definition_hash) == 16


# Each entry: what is replaced in GOOD, by what, and everything that is then said.
MISTAKES: list[tuple[str, str, list[str]]] = [
    (
        "language: fr",
        "langage: fr",
        [
            "site.yaml:1:55: site.langage: there is no such setting; did you mean `language`? "
            "known: language, mode, name, position, timezone"
        ],
    ),
    (
        "rules:",
        "rulez:",
        [
            "site.yaml:10:9: cameras.gate.views.day.rulez: there is no such setting; did you mean `rules`? "
            "known: also, ground, lines, masks, preset, reference, routes, rules, zones"
        ],
    ),
    (
        "path: shots,",
        "path: shots, past: shots,",
        [
            "site.yaml:4:42: cameras.gate.source.past: there is no such setting; did you mean `path`? "
            "known: begins, fps, path, type"
        ],
    ),
    ("name: Suresnes pilot, ", "", ["site.yaml:1:1: site.name: is missing"]),
    (
        "timezone: Europe/Paris",
        "timezone: Europe/Pari",
        [
            "site.yaml:1:41: site.timezone: should be an IANA time zone such as Europe/Paris, "
            'got "Europe/Pari"'
        ],
    ),
    (
        "mode: live",
        "mode: lve",
        ['site.yaml:1:75: site.mode: should be `live` or `evaluation`, got "lve"; did you mean `live`?'],
    ),
    ("fps: 5 }", "fps: fast }", ['site.yaml:4:47: cameras.gate.source.fps: should be a number, got "fast"']),
    ("fps: 5 }", "fps: 0 }", ["site.yaml:4:47: cameras.gate.source.fps: should be more than 0, got 0"]),
    (
        "type: images",
        "type: imagez",
        [
            "site.yaml:4:21: cameras.gate.source.type: there is no source of type `imagez`; "
            "did you mean `images`? known: {sources}"
        ],
    ),
    (
        "{ type: images, path: shots, fps: 5 }",
        "{ path: shots }",
        ["site.yaml:4:5: cameras.gate.source.type: is missing: one of {sources}"],
    ),
    (
        "{ type: images, path: shots, fps: 5 }",
        "shots",
        ["site.yaml:4:13: cameras.gate.source: should be a mapping with a `type`, such as {{ type: file }}"],
    ),
    ("path: shots", "path: shoots", ["site.yaml:4:35: cameras.gate.source.path: no pictures at shoots"]),
    (
        "{ type: images, path: shots, fps: 5 }",
        "{ type: file, path: clip.mp4 }",
        ["site.yaml:4:33: cameras.gate.source.path: there is no file clip.mp4"],
    ),
    (
        "model: deimv2-femto",
        "model: deimv3",
        [
            "site.yaml:5:22: cameras.gate.detect.model: there is no model 'deimv3'; known: {models}, "
            "or the path of an .onnx file"
        ],
    ),
    (
        "  gate:",
        "  gate/1:",
        [
            "site.yaml:3:3: cameras.gate/1: `gate/1` is not a name: a name begins with a letter or digit and "
            "holds letters, digits, space, `.`, `_`, `-`, at most 100"
        ],
    ),
    (
        "[.1, .95]] }",
        '[.1, "1"]] }',
        ['site.yaml:8:61: cameras.gate.views.day.zones.lawn[3][1]: should be a number, got "1"'],
    ),
    (
        "[.1, .95]] }",
        "[.1]] }",
        ["site.yaml:8:56: cameras.gate.views.day.zones.lawn[3]: should be a point: [x, y], got [0.1]"],
    ),
    (
        "    views:",
        "    views: {}\n    vievs:",
        [
            "site.yaml:6:5: cameras.gate.views: is empty",
            "site.yaml:7:5: cameras.gate.vievs: there is no such setting; did you mean `views`? "
            "known: detect, health, ptz, source, views",
        ],
    ),
    (
        "      day:\n",
        '      day:\n        preset: "1"\n',
        [
            "site.yaml:8:17: cameras.gate.views.day.preset: a recording has no dome that could be asked: "
            "leave `preset` out"
        ],
    ),
    (
        "      day:\n",
        "      night: {}\n      day:\n",
        [
            "site.yaml:7:7: cameras.gate.views.night: nothing tells when this one of several views is in "
            "sight: give the view a `reference` picture",
            "site.yaml:8:7: cameras.gate.views.day: nothing tells when this one of several views is in "
            "sight: give the view a `reference` picture",
        ],
    ),
    (
        "after: 2s",
        "after: 2s, schedule: nights",
        [
            "site.yaml:11:84: cameras.gate.views.day.rules[0].schedule: no schedule is named `nights`; "
            "the site has none"
        ],
    ),
    (
        "mode: live }",
        "mode: live }\nschedules: { nights: { hours: [22:00-6:00] } }",
        [
            'site.yaml:2:32: schedules.nights.hours[0]: should be hours such as "08:00-19:30" or '
            '"sunset+30min - sunrise", got "22:00-6:00"'
        ],
    ),
    (
        "mode: live }",
        "mode: live }\nsinks: { log: { type: jsonl, path: 3 } }",
        ["site.yaml:2:36: sinks.log.path: should be text, got 3"],
    ),
]


@pytest.mark.parametrize(("old", "new", "expected"), MISTAKES, ids=[new for _, new, _ in MISTAKES])
def test_a_mistake_is_named_with_its_place(said: Said, old: str, new: str, expected: list[str]) -> None:
    from beffroi.components import SourceConfig
    from beffroi.manifest import shipped

    assert GOOD.count(old) >= 1
    names = {"sources": ", ".join(SourceConfig.known()), "models": ", ".join(shipped())}
    assert said(GOOD.replace(old, new, 1)) == [line.format(**names) for line in expected]


def test_schedules_are_known_to_rules(said: Said) -> None:
    nights = 'mode: live }\nschedules: { nights: { hours: ["sunset - 06:00"] } }'
    text = GOOD.replace("mode: live }", nights).replace("after: 2s", "after: 2s, schedule: nights")
    assert said(text) == [
        "site.yaml:2:32: schedules.nights.hours[0]: the sun needs the site's `position`: "
        "[latitude, longitude] in degrees",
        "site.yaml:12:84: cameras.gate.views.day.rules[0].schedule: no schedule is named `nights`; "
        "the site has none",
    ]
    assert said(text.replace("mode: live }", "mode: live, position: [48.9, 2.3] }")) == []
    during = text.replace("sunset", "22:00").replace("schedule: nights", "severity_during: { days: info }")
    assert said(during) == [
        "site.yaml:12:99: cameras.gate.views.day.rules[0].severity_during.days: no schedule is named `days`; "
        "the site has: nights"
    ]


def test_all_mistakes_are_named_at_once_in_the_order_of_the_file(said: Said) -> None:
    text = (
        GOOD.replace("language: fr", "langage: fr")
        .replace("path: shots", "path: shoots")
        .replace("[.9, .5]", "[1.9, .5]")
        .replace("zone: lawn", "zone: law")
    )
    assert [line.split(": ")[1] for line in said(text)] == [
        "site.langage",
        "cameras.gate.source.path",
        "cameras.gate.views.day.zones.lawn[1]",
        "cameras.gate.views.day.rules[0].zone",
    ]


WRITINGS: list[tuple[str, str]] = [
    ("", "site.yaml: is empty"),
    ("# nothing yet\n", "site.yaml: is empty"),
    ("- 1\n", "site.yaml:1:1: should be a mapping that begins with `site:`"),
    ("site:\n\tname: x\n", "site.yaml:2:1: is not YAML: a tab; YAML is indented with spaces"),
    (
        "site: name: x\n",
        "site.yaml:1:11: is not YAML: a second `: ` in one line; put a text that holds one between quotes",
    ),
    (
        "site: [1\n",
        "site.yaml:2:1: is not YAML: while parsing a flow sequence, expected ',' or ']', "
        "but got '<stream end>'",
    ),
    ("a: 1\n---\nb: 2\n", "site.yaml:2:1: is not YAML: a second document begins; a site file holds one"),
    ("a: *b\n", "site.yaml:1:4: is not YAML: found undefined alias 'b'"),
]


@pytest.mark.parametrize(("text", "expected"), WRITINGS)
def test_a_file_that_is_not_yaml_is_one_problem_with_its_place(said: Said, text: str, expected: str) -> None:
    assert said(text) == [expected]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (".nan", "`.nan` is not a value that a site file can hold"),
        (".inf", "`.inf` is not a value that a site file can hold"),
        ("!python/object:os.system x", "the tag `!python/object:os.system` means nothing here; leave it out"),
        ("&a [*a]", "this alias holds itself"),
        ("{ [1]: 2 }", "a key should be a text"),
        ("{ b: 1, b: 2 }", "this key is given twice; the first is in line 11"),
    ],
)
def test_a_value_that_cannot_be_held_is_named(said: Said, value: str, expected: str) -> None:
    problems = said(GOOD.replace("after: 2s", f"after: {value}"))
    assert any(problem.endswith(expected) for problem in problems), problems


def test_the_place_of_a_value_that_cannot_be_held_says_nothing_else(said: Said) -> None:
    assert said(GOOD.replace("fps: 5 }", "fps: .nan }")) == [
        "site.yaml:4:47: cameras.gate.source.fps: `.nan` is not a value that a site file can hold"
    ]


def test_two_cameras_of_one_name_are_a_key_given_twice(said: Said) -> None:
    camera = GOOD[GOOD.index("  gate:") :]
    assert said(GOOD + camera) == [
        "site.yaml:12:3: cameras.gate: this key is given twice; the first is in line 3"
    ]


def test_aliases_cannot_grow_without_an_end(said: Said) -> None:
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    assert said("\n".join(lines)) == [
        "site.yaml:1:34: the file nests deeper than 60 levels, or holds more than 300000 values"
    ]


def test_anchors_and_merge_keys_share_settings(said: Said, folder: Path) -> None:
    text = GOOD.replace("{ name: on the lawn,", "&first { name: on the lawn,")
    text += "          - { <<: *first, name: long on the lawn, after: 9s }\n"
    assert said(text) == []
    rules = load(folder / "site.yaml").cameras["gate"].views["day"].rules
    assert rules[1] == {"name": "long on the lawn", "after": "9s", "type": "intrusion", "zone": "lawn"}


def test_files_that_cannot_be_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SiteError, match=r"^nowhere\.yaml: there is no such file$"):
        load("nowhere.yaml")
    with pytest.raises(SiteError, match=r"^shots: is a folder; name the site file in it$"):
        load("shots")
    (folder / "latin.yaml").write_bytes("site: { name: Préfecture }".encode("latin-1"))
    with pytest.raises(SiteError, match=r"^latin\.yaml: is not UTF-8 text \(byte 16\)$"):
        load("latin.yaml")
    (folder / "zero.yaml").write_bytes(b"a: \x00")
    with pytest.raises(SiteError, match=r"^zero\.yaml: holds a character that YAML does not allow"):
        load("zero.yaml")


def test_a_byte_order_mark_is_no_mistake(folder: Path) -> None:
    (folder / "site.yaml").write_text(GOOD, encoding="utf-8-sig")
    assert load("site.yaml").name == "Suresnes pilot"


def large(folder: Path) -> str:
    """The cameras of `GOOD` in files of their own; gives back the site file's text."""
    head, _, camera = GOOD.partition("cameras:\n  gate:\n")
    (folder / "cameras").mkdir()
    for name in ("gate", "yard"):
        (folder / "cameras" / f"{name}.yaml").write_text(textwrap.dedent(camera))
    return head


def test_a_large_site_has_a_file_for_each_camera(folder: Path) -> None:
    (folder / "site.yaml").write_text(large(folder))
    assert list(load(folder / "site.yaml").cameras) == ["gate", "yard"]


def test_mistakes_in_a_camera_file_name_that_file(said: Said, folder: Path) -> None:
    head = large(folder)
    yard = folder / "cameras" / "yard.yaml"
    yard.write_text(yard.read_text().replace("zone: lawn", "zone: law"))
    (folder / "cameras" / "gate.yaml").write_text("source: [\n")
    assert said(head) == [
        "cameras/gate.yaml:2:1: is not YAML: while parsing a flow node, expected the node content, "
        "but found '<stream end>'",
        "cameras/yard.yaml:8:53: cameras.yard.views.day.rules[0].zone: no zone is named `law`; "
        "the view has: lawn",
    ]


def test_cameras_stand_in_one_place(said: Said, folder: Path) -> None:
    large(folder)
    assert said(GOOD) == [
        "site.yaml:2:1: cameras: cameras stand here and in the folder cameras: keep one of them"
    ]


def test_no_camera_at_all(said: Said) -> None:
    assert said("site: { name: x, timezone: UTC }") == ["site.yaml:1:1: cameras: is missing"]
