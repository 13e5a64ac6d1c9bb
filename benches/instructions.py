"""What a step takes, counted rather than timed: instructions and allocations per picture.

``python -m benches.instructions`` runs `benches/instructions.rs` under valgrind and compares with
``instructions.toml``; the exit code is 1 where a crowd takes more than the tolerance allows. Counts do not
depend on how busy or how fast the machine is, so a small change shows. They do depend on the compiler: with
another one than that of the file the figures are shown and not judged. ``--write`` records what was counted.

A run over some pictures and a run over more of the same recording differ by what the pictures in between
took: making the crowd, and the first pictures in which buffers get their working size, do not count.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FILE = Path(__file__).with_name("instructions.toml")
CROWDS = [(scene, objects) for scene in ("tracker", "rules") for objects in (10, 50, 100, 500)]
# The recording of 60 pictures goes forwards and backwards in 120.
WARM_UP, COUNTED = 120, 240
HEAD = """\
# What a picture takes, by crowd: `python -m benches.instructions` compares, `--write` renews. Both may be
# more by the share `tolerance`, and allocations by one in a hundred pictures.
"""


@dataclass(frozen=True, slots=True)
class Count:
    """What one picture of a crowd takes."""

    scene: str
    objects: int
    instructions: float
    allocations: float

    @property
    def name(self) -> str:
        """As it is printed."""
        return f"{self.scene}, {self.objects} objects"


@dataclass(frozen=True, slots=True)
class Recorded:
    """The file."""

    compiler: str
    tolerance: float
    counts: dict[str, Count]


class CountError(Exception):
    """Something that is needed to count does not work, and what to do."""


def compiler() -> str:
    """The compiler and what it compiles for."""
    said = subprocess.run(["rustc", "-vV"], capture_output=True, text=True, check=True).stdout
    fields = dict(line.split(": ", 1) for line in said.splitlines() if ": " in line)
    return f"{fields['release']} {fields['host']}"


def build() -> Path:
    """The program that is counted, with the settings of `cargo bench`.

    Raises
    ------
    CountError
        If it cannot be built, or valgrind is not here.
    """
    if shutil.which("valgrind") is None:
        raise CountError("valgrind was not found: apt-get install valgrind")
    cargo = ["cargo", "build", "--locked", "--quiet", "--profile", "bench", "--example", "instructions"]
    done = subprocess.run(
        [*cargo, "--message-format", "json"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise CountError(f"cargo build failed:\n{done.stderr.strip()}")
    built = (json.loads(line) for line in done.stdout.splitlines())
    programs = [
        message.get("executable") for message in built if message.get("reason") == "compiler-artifact"
    ]
    return Path(next(program for program in programs if program))


def valgrind(tool: str, pattern: str, program: Path, *arguments: object) -> int:
    """The number that a tool of valgrind says of a run.

    Raises
    ------
    CountError
        If it says none.
    """
    command = ["valgrind", f"--tool={tool}", f"--{tool}-out-file=/dev/null", program, *arguments]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    found = re.search(pattern, done.stderr)
    if done.returncode or found is None:
        raise CountError(f"valgrind --tool={tool} failed:\n{done.stderr.strip()[-500:]}")
    return int(found[1].replace(",", ""))


def count(program: Path, scene: str, objects: int) -> Count:
    """Count one crowd."""

    def per_picture(tool: str, pattern: str) -> float:
        short, long = (
            valgrind(tool, pattern, program, objects, pictures, scene)
            for pictures in (WARM_UP, WARM_UP + COUNTED)
        )
        return (long - short) / COUNTED

    return Count(
        scene,
        objects,
        instructions=round(per_picture("callgrind", r"Collected : (\d+)")),
        allocations=round(per_picture("dhat", r"Total: +[\d,]+ bytes in ([\d,]+) blocks"), 3),
    )


def recorded() -> Recorded:
    """What the file holds."""
    read = tomllib.loads(FILE.read_text(encoding="utf-8"))
    counts = [Count(**entry) for entry in read["crowd"]]
    return Recorded(read["compiler"], read["tolerance"], {entry.name: entry for entry in counts})


def judge(found: Count, before: Count | None, tolerance: float) -> tuple[str, bool]:
    """A line of the table, and whether the crowd takes no more than it may."""
    text = f"{found.name:22}{found.instructions:14,.0f}{found.allocations:14.3f}"
    if before is None:
        return f"{text}  not recorded yet: --write", False
    change = found.instructions / before.instructions - 1
    text += f"{change:+12.2%}{found.allocations - before.allocations:+14.3f}"
    more = change > tolerance or found.allocations > before.allocations * (1 + tolerance) + 0.01
    fewer = change < -tolerance or found.allocations < before.allocations * (1 - tolerance) - 0.01
    return f"{text}{'  MORE' if more else '  fewer: record it with --write' if fewer else ''}", not more


def write(counts: list[Count], tolerance: float) -> None:
    """Record what was counted."""
    parts = [f'{HEAD}compiler = "{compiler()}"\ntolerance = {tolerance}\n']
    for entry in counts:
        lines = (f"{key} = {json.dumps(value)}" for key, value in asdict(entry).items())
        parts.append("[[crowd]]\n" + "\n".join(lines) + "\n")
    FILE.write_text("\n".join(parts), encoding="utf-8")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benches.instructions", description=__doc__)
    parser.add_argument("--write", action="store_true", help="record what was counted in instructions.toml")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    chosen = parser.parse_args()
    try:
        program = build()
        counts, before, ok = [], recorded(), True
        alike = before.compiler == compiler()
        head = f"{'per picture':22}{'instructions':>14}{'allocations':>14}{'change':>12}{'change':>14}"
        print(head, file=sys.stderr)
        for scene, objects in CROWDS:
            found = count(program, scene, objects)
            line, kept = judge(found, before.counts.get(found.name), before.tolerance)
            print(line, file=sys.stderr, flush=True)
            counts.append(found)
            ok = ok and kept
    except CountError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    if not alike:
        print(f"not judged: recorded with {before.compiler}, counted with {compiler()}", file=sys.stderr)
    if chosen.write:
        write(counts, before.tolerance)
    if chosen.json:
        print(json.dumps({"compiler": compiler(), "ok": ok, "crowds": [asdict(c) for c in counts]}, indent=2))
    sys.exit(0 if ok or not alike or chosen.write else 1)


if __name__ == "__main__":
    main()
