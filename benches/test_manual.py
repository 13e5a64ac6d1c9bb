"""The manual of the benchmarks names commands and files that are there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
MANUAL = (FOLDER / "README.md").read_text(encoding="utf-8")
COMMANDS = sorted(set(re.findall(r"python -m (benches[.\w]+)", MANUAL)))


@pytest.mark.parametrize("module", COMMANDS)
def test_its_commands_say_what_they_take(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", module, "--help"],
        cwd=FOLDER.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    wanted = {
        option for line in MANUAL.splitlines() if module in line for option in re.findall(r"--\w+", line)
    }
    assert all(option in done.stdout for option in wanted)


def test_its_files_are_there() -> None:
    named = {name for name in re.findall(r"`([\w/]+\.(?:py|rs|toml))`", MANUAL) if "<" not in name}
    assert len(named) >= 8
    for name in named:
        places = (FOLDER / name, FOLDER / "peers" / name, FOLDER.parent / name)
        assert any(place.exists() for place in places), name


def test_its_make_targets_are_there() -> None:
    makefile = (FOLDER.parent / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"(?m)^make ([a-z]+)", MANUAL):
        assert re.search(rf"(?m)^{target}:", makefile), target
