"""Commands that measure: alarms, tracking, speed."""

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from beffroi.cli.app import app
from beffroi.cli.out import progress, result_json, say, show
from beffroi.cli.sites import AsJson


class Device(StrEnum):
    """Where a detector may run."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


evaluate = typer.Typer(
    name="evaluate", help="Measure against data that people have marked.", no_args_is_help=True
)
app.add_typer(evaluate)


@evaluate.command()
def alarms(
    truth: Annotated[Path, typer.Argument(help="The truth file: clips, rules, and what happens when.")],
    *,
    alpha: Annotated[
        float | None, typer.Option(min=0, help="Weight of recall in F1 = (a+1) R P / (R + a P).")
    ] = None,
    clip: Annotated[
        list[str] | None, typer.Option("--clip", metavar="NAME", help="Only this clip; may be repeated.")
    ] = None,
    model: Annotated[str | None, typer.Option(metavar="NAME", help="The detector's model.")] = None,
    actev: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Also write NIST ActEV files there.")
    ] = None,
    cache: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Keep boxes there, and take them from there.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run the whole pipeline on clips and compare its alerts with what happened."""
    from beffroi.evaluate.alarms import evaluate as measure

    given: dict[str, Any] = {} if alpha is None else {"alpha": alpha}
    with progress("alarms") as status:
        report = measure(truth, **given, clips=clip, model=model, actev=actev, cache=cache, progress=status)
    if as_json:
        result_json(report.as_json())
    show(*report.tables())


@evaluate.command()
def tracking(
    folder: Annotated[Path, typer.Argument(help="Folder of sequences in MOTChallenge form.")],
    fps: Annotated[
        float | None, typer.Option(min=0.01, help="Pictures per second to keep; all if left out.")
    ] = None,
    rate: Annotated[
        float | None, typer.Option(min=0.01, help="Pictures per second recorded, without seqinfo.ini.")
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(metavar="WIDTHxHEIGHT", help="Size of the pictures in pixels, without seqinfo.ini."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure the tracker on marked sequences (HOTA, MOTA, IDF1, identity switches)."""
    from beffroi.evaluate.tracking import evaluate as measure

    pixels = None if size is None else _pixels(size)
    with progress("tracking") as status:
        report = measure(folder, fps=fps, rate=rate, size=pixels, progress=status)
    if as_json:
        result_json(report.as_json())
    show(report.table())


@evaluate.command()
def simulated(
    scenes: Annotated[int, typer.Option(min=1, help="How many scenes.")] = 500,
    *,
    seed: Annotated[int, typer.Option(min=0, help="Which ones.")] = 1,
    weather: Annotated[str, typer.Option(help="How badly the detector sees.")] = "default",
    scenario: Annotated[
        list[str] | None, typer.Option("--scenario", metavar="NAME", help="Only this one; may be repeated.")
    ] = None,
    alpha: Annotated[
        float, typer.Option(min=0, help="Weight of recall in F1 = (a+1) R P / (R + a P).")
    ] = 1.0,
    curve: Annotated[bool, typer.Option("--curve", help="In every weather, so many scenes each.")] = False,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE.svg", help="Draw the curve there (needs --curve).")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Processes; as many as there are cores if left out.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Play scenes on simulated squares and compare the alerts with what truly happened."""
    from beffroi.evaluate.curve import Curve
    from beffroi.evaluate.simulated import evaluate as measure
    from beffroi.simulate.weather import LEVELS

    if plot is not None and not curve:
        raise typer.BadParameter("a plot needs --curve: it shows F1 over the weather", param_hint="'--plot'")
    with progress("scenes") as status:
        reports = [
            measure(scenes, seed=seed, weather=level, kinds=scenario, alpha=alpha, jobs=jobs, progress=status)
            for level in (LEVELS if curve else (weather,))
        ]
    found = Curve(tuple(reports))
    if plot is not None:
        found.draw(plot)
    if as_json:
        result_json(found.as_json() if curve else reports[0].as_json())
    show(*(found.tables() if curve else reports[0].tables()))


def _pixels(text: str) -> tuple[int, int]:
    parts = re.fullmatch(r"([1-9]\d*)x([1-9]\d*)", text)
    if parts is None:
        raise typer.BadParameter(f"`{text}` is not WIDTHxHEIGHT, such as 1920x1080", param_hint="'--size'")
    return int(parts[1]), int(parts[2])


speed = typer.Typer(name="bench", help="Measure the speed of the engine on this machine.")
app.add_typer(speed)


@speed.callback(invoke_without_command=True)
def bench(
    context: typer.Context,
    *,
    model: Annotated[str | None, typer.Option(help="Detector model; a site's default if left out.")] = None,
    clip: Annotated[
        Path | None, typer.Option(help="Video to look at; the sample clip, or drawn pictures, if left out.")
    ] = None,
    seconds: Annotated[float, typer.Option(min=1, help="How much of the video.")] = 10,
    device: Annotated[Device, typer.Option(help="Where the detector runs.")] = Device.AUTO,
    as_json: AsJson = False,
) -> None:
    """Measure the speed of the engine on this machine."""
    if context.invoked_subcommand is not None:
        return
    from beffroi.bench import bench as measure

    report = measure(model=model, clip=clip, seconds=seconds, device=device.value, json=as_json)
    if as_json:
        result_json(report.as_json())
    show(report.table())


@speed.command()
def cameras(
    number: Annotated[
        int | None,
        typer.Option("--cameras", min=1, help="So many; the largest number that keeps up if left out."),
    ] = None,
    *,
    seconds: Annotated[float, typer.Option(min=4, help="How long is counted, each time.")] = 60,
    soak: Annotated[
        float | None, typer.Option(metavar="MINUTES", min=0.1, help="Count for so long: does anything grow?")
    ] = None,
    fps: Annotated[float, typer.Option(min=0.5, max=25, help="Pictures a second that are analysed.")] = 4,
    model: Annotated[str | None, typer.Option(help="Detector model; a site's default if left out.")] = None,
    tiles: Annotated[str | None, typer.Option(help="As in a site file: off, auto or 2x2.")] = None,
    most_tiles: Annotated[int | None, typer.Option(min=1, max=4, help="As in a site file.")] = None,
    size: Annotated[str, typer.Option(metavar="WIDTHxHEIGHT", help="Of the pictures.")] = "1280x720",
    clips: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Clips to show; sample clips, or drawn ones.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Find how many live cameras this machine watches: clips over RTSP, everything at work."""
    from beffroi.capacity import Wanted, capacity

    given = {"tiles": tiles, "most_tiles": most_tiles}
    wanted = Wanted(
        cameras=number,
        seconds=seconds if soak is None else 60 * soak,
        fps=fps,
        model=model,
        size=_pixels(size),
        clips=clips,
        detect=tuple((key, value) for key, value in given.items() if value is not None),
    )
    report = capacity(wanted, say)
    if as_json:
        result_json(report.as_json())
    show(report.table())
