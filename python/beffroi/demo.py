"""The demonstration: a sample clip through the real detector where there is one, else a simulated square."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from beffroi._core import catalogue
from beffroi.errors import AssetError, BeffroiError, MissingDependency

if TYPE_CHECKING:
    from rich.console import Console

    from beffroi.runtime.report import RunReport

OUT: Final = Path("out/demo")
SITES: Final = Path(__file__).parent / "demo_sites"
SQUARE: Final = "square"
FIRST: Final = "garden-gate"
"""The clip that is shown when nobody asks for another."""
COLOURS: Final = {"info": "blue", "warning": "yellow", "critical": "bold red"}


@dataclass(frozen=True, slots=True)
class Show:
    """What will be shown.

    `site` is the text of the site file; `why` says why it is not a clip, where nobody asked for the square.
    """

    name: str
    site: str
    why: str = ""

    @property
    def simulated(self) -> bool:
        """Whether nobody in it exists."""
        return self.name == SQUARE


def demo(*, clip: str | None = None, simulated: bool = False, seed: int = 0, out: Path | None = None) -> int:
    """Run the demonstration; print alerts as they come, and where everything is.

    Parameters
    ----------
    clip
        Name of a clip of the assets that there is a demonstration for; by default the first that is here.
    simulated
        Show the simulated square even if there are clips.
    seed
        Which simulated day.
    out
        Folder for the site file, film, alerts, pictures and store; made if it does not exist.

    Returns
    -------
    The exit code: 0 when it ran, 1 when something in it failed, 130 when it was interrupted.

    Raises
    ------
    BeffroiError
        If the clip that was asked for, or what its detector needs, is not here.
    """
    from rich.console import Console

    from beffroi import config
    from beffroi.runtime import run

    show = choose(clip=clip, simulated=simulated, seed=seed)
    folder = OUT if out is None else out
    console = Console(soft_wrap=True, highlight=False)
    path = write_site(show, folder, console)
    site = config.load(path, starting=True)
    film = folder / f"{show.name}.mp4"
    _opening(console, show, path)
    printed = _Printer(console)
    if console.is_terminal:
        with console.status("") as status:
            printed.progress = lambda at_ms, frames: status.update(
                f"{at_ms / 1000:.0f} s of the recording, {frames} pictures analysed"
            )
            report = run(
                site, render=film, blur=not show.simulated, on_event=printed.alert, progress=printed.picture
            )
    else:
        report = run(site, render=film, blur=not show.simulated, on_event=printed.alert)
    _closing(console, show, folder, report)
    if report.interrupted:
        return 130
    return 0 if report.ok else 1


def clips() -> list[str]:
    """Names of the clips that there is a demonstration for."""
    names = sorted(path.stem for path in SITES.glob("*.yaml") if path.stem != SQUARE)
    return sorted(names, key=lambda name: name != FIRST)


def choose(*, clip: str | None = None, simulated: bool = False, seed: int = 0) -> Show:
    """What to show.

    Raises
    ------
    BeffroiError
        If what was asked for cannot be shown, or contradicts itself.
    """
    if seed < 0:
        raise BeffroiError(f"the seed is {seed}; a whole number from 0 up is needed")
    if clip is not None:
        if simulated:
            raise BeffroiError("either a clip or the simulated square, not both")
        return _clip_show(clip.removesuffix(".mp4"))
    if simulated:
        return _square_show(seed)
    try:
        return _clip_show(FIRST)
    except AssetError:
        return _square_show(seed, "the sample clips or the weights are not on this machine")
    except MissingDependency as error:
        return _square_show(seed, str(error))


def write_site(show: Show, folder: Path, console: Console | None = None) -> Path:
    """Write the site file of `show` into `folder`; one that was edited is kept under another name.

    Raises
    ------
    BeffroiError
        If it cannot be written.
    """
    path = folder / f"{show.name}.yaml"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.read_text(encoding="utf-8") != show.site:
            number = 1
            while (kept := path.with_name(f"{show.name}.{number}.yaml")).exists():
                number += 1
            path.rename(kept)
            if console is not None:
                console.print(f"Your {path} is kept as {kept}.", markup=False)
        path.write_text(show.site, encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BeffroiError(f"{path}: cannot be written: {error}") from error
    return path


def _clip_show(name: str) -> Show:
    if name not in clips():
        raise BeffroiError(f"there is no demonstration of a clip {name!r}; there are {', '.join(clips())}")
    from beffroi import assets

    if find_spec("onnxruntime") is None:
        raise MissingDependency("the detector type onnx", "onnxruntime")
    text = (SITES / f"{name}.yaml").read_text(encoding="utf-8")
    file = assets.locate(f"clips/{name}.mp4")
    # The weights have a public address; fetching them now keeps the run itself from waiting for a network.
    assets.locate("models/deimv2-femto.onnx")
    return Show(name, text.replace(f"clips/{name}.mp4", json.dumps(str(file.resolve()), ensure_ascii=False)))


def _square_show(seed: int, why: str = "") -> Show:
    text = (SITES / f"{SQUARE}.yaml").read_text(encoding="utf-8")
    return Show(SQUARE, text.replace("seed: 0", f"seed: {seed}"), why)


class _Printer:
    """Prints alerts as they come."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._kinds = {entry["kind"]: entry for entry in catalogue()}
        self.progress: Any = None

    def alert(self, alert: dict[str, Any]) -> None:
        """One line for a start or an end; measurements are for the summary."""
        from rich.text import Text

        from beffroi.render.board import said, who

        started, kind = alert["change"] == "started", self._kinds[alert["type"]]
        if kind["measurement"] or (not started and (kind["momentary"] or alert["change"] == "updated")):
            return
        subjects = who({s["id"]: s["class"] for s in alert["subjects"]})
        held = said(alert["measured"], alert["threshold"])
        line = Text(f"{alert['at_ms'] / 1000:7.1f} s  ")
        line.append(f"{alert['rule']}", COLOURS[alert["severity"]] if started else "dim")
        line.append("" if started else " ended", "dim")
        line.append(f"  {' · '.join(part for part in (subjects, *held) if part)}", "" if started else "dim")
        self._console.print(line)

    def picture(self, _camera: str, at_ms: int, frames: int) -> None:
        """Progress, where somebody looks."""
        self.progress(at_ms, frames)


def _opening(console: Console, show: Show, path: Path) -> None:
    if show.why:
        console.print(f"No clip to show ({show.why}); here is a simulated square instead.", markup=False)
    what = "a town square that never existed" if show.simulated else f"the clip {show.name}"
    console.print(
        f"Watching {what}, with the rules of {path} (an evaluation, nothing is live):", markup=False
    )


def _closing(console: Console, show: Show, folder: Path, report: RunReport) -> None:
    """Where everything is, and what to try next; every command works as it is printed."""
    (camera,) = report.cameras
    total = sum(camera.alerts.values())
    alerts = "1 alert" if total == 1 else f"{total} alerts"
    console.print(
        f"{camera.analysed_ms / 1000:.0f} s watched in {report.wall_s:.0f} s, {alerts}.", markup=False
    )
    for rule, measured in camera.totals.items():
        values = ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in measured.items())
        console.print(f"{rule}: {values}", markup=False)
    for error in report.errors:
        console.print(error, style="red", markup=False)
    site = folder / f"{show.name}.yaml"
    places = {
        "the film": folder / f"{show.name}.mp4",
        "alerts, a line each": folder / "alerts.jsonl",
        "pictures of alerts": folder / "evidence",
        "the store": folder / "beffroi.db",
        "the site file": site,
    }
    console.print()
    for what, path in places.items():
        if path.exists():
            console.print(f"  {what:<22}{path}", markup=False)
    again = folder / f"{show.name}-again.mp4"
    tries = {
        f"check {shlex.quote(str(site))}": "what each rule means, in words",
        f"run {shlex.quote(str(site))} --render {shlex.quote(str(again))}": "after you have changed the file",
        "demo --simulated --seed 1": "another day on the square",
    }
    others = [name for name in clips() if name != show.name]
    if not show.simulated:
        tries[f"demo --clip {others[0]}"] = "another clip"
    console.print("\nTry next:")
    for arguments, what in tries.items():
        console.print(f"  {_command()} {arguments}   # {what}", markup=False)


def _command() -> str:
    """What to type for `beffroi` here: its name where the shell finds this very one, else what finds it."""
    beside = Path(sys.executable).with_name("beffroi")
    found = shutil.which("beffroi")
    if found is not None and Path(found).resolve() == beside.resolve():
        return "beffroi"
    if beside.exists():
        with suppress(ValueError):
            return shlex.quote(str(beside.relative_to(Path.cwd())))
        return shlex.quote(str(beside))
    return f"{shlex.quote(sys.executable)} -m beffroi"
