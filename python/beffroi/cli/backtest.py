"""Commands about what was recorded: replay it on changed rules, convert it, say what an alert was worth."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from beffroi.cli.app import app
from beffroi.cli.out import result, result_json, show
from beffroi.cli.sites import AsJson
from beffroi.errors import BeffroiError

if TYPE_CHECKING:
    from beffroi.backtest import Incident, Played, Verdicts
    from beffroi.config import Site


@app.command()
def replay(
    recording: Annotated[
        list[Path],
        typer.Argument(help="What `beffroi run --record` wrote: files, or folders.", show_default=False),
    ],
    *,
    site: Annotated[Path, typer.Option(metavar="SITE", help="Whose rules are run.", show_default=False)],
    camera: Annotated[str | None, typer.Option(metavar="NAME", help="Which camera's rules.")] = None,
    view: Annotated[str | None, typer.Option(metavar="NAME", help="Which view's rules.")] = None,
    against: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Say what would be raised, vanish and stay against what another site file's rules tell "
            "(.yaml), or what was told then: a store (.db) or the alerts of a sink (.jsonl).",
        ),
    ] = None,
    renamed: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="OLD=NEW", help="A rule that had another name then; may be repeated."),
    ] = None,
    verdicts: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="What people said of alerts: a store (.db), or a table (.csv) with the columns verdict, and "
            "incident or rule and time. A store of --against brings its own.",
        ),
    ] = None,
    sweep: Annotated[
        str | None,
        typer.Option(
            metavar="SETTING=VALUES",
            help="Try values of a setting: after=10s..120s, after=10s..2min/10s, gate.after=10s,20s,60s, "
            "within=1 m..3 m.",
        ),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw the curve of --sweep (.svg or .html).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Send recorded detections through the rules: the same decisions as live, byte for byte."""
    from beffroi.backtest import chosen_recordings
    from beffroi.config import load

    if plot is not None and sweep is None:
        raise BeffroiError("--plot draws the curve of --sweep; there is none")
    if against is None and sweep is None and (verdicts or renamed):
        raise BeffroiError("--verdicts and --map are about what was told then: give --against or --sweep")
    names = _renamed(renamed or [])
    asked = _Asked(chosen_recordings(recording), load(site), camera, view, against, verdicts)
    if sweep is not None:
        _sweep(asked, sweep, names, plot, as_json=as_json)
    elif against is not None:
        from beffroi.backtest import compare, report

        played = asked.play()
        now = (each for one in played for each in one.incidents)
        before = asked.before(against, played)
        found, said = compare(before, now, names), asked.said().about(before)
        if as_json:
            result_json(report.as_json(found, said, played))
            return
        for line in report.lines(found, said):
            result(line)
        show(report.table(found, said))
    else:
        _told(asked.play(), as_json=as_json)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What was given on the command line."""

    recordings: list[Path]
    site: "Site"
    camera: str | None
    view: str | None
    against: Path | None
    verdicts: Path | None

    def play(self, site: "Site | None" = None) -> "list[Played]":
        from beffroi.backtest import play

        return play(self.recordings, site or self.site, camera=self.camera, view=self.view)

    def before(self, against: Path, played: "list[Played] | None" = None) -> "list[Incident]":
        """What was told before: by other rules, or then, as far as the recordings reach."""
        from beffroi.backtest import told
        from beffroi.backtest.told import STORES
        from beffroi.config import load

        kind = against.suffix.lower()
        if kind in {".yaml", ".yml"}:
            return [each for one in self.play(load(against)) for each in one.incidents]
        if kind not in {*STORES, ".jsonl"}:
            raise BeffroiError(f"{against}: expected a site file (.yaml), a store (.db) or alerts (.jsonl)")
        found = told(against)
        return found if played is None else [one for one in found if any(each.covers(one) for each in played)]

    def said(self) -> "Verdicts":
        from beffroi.backtest import Verdicts
        from beffroi.backtest.told import STORES
        from beffroi.backtest.verdicts import read_verdicts

        if self.verdicts is not None:
            return read_verdicts(self.verdicts)
        if self.against is not None and self.against.suffix.lower() in STORES:
            return read_verdicts(self.against)
        return Verdicts()


def _told(played: "list[Played]", *, as_json: bool) -> None:
    """What the rules tell, compared with nothing."""
    reports = [each.report for each in played]
    if as_json:
        result_json(reports[0].as_json() if len(reports) == 1 else [each.as_json() for each in reports])
        return
    for each in reports:
        for line in each.lines:
            result(line)
    show(*(each.table() for each in reports))


def _sweep(asked: _Asked, setting: str, names: dict[str, str], plot: Path | None, *, as_json: bool) -> None:
    from beffroi.backtest import Setting, report
    from beffroi.backtest import sweep as tried

    found = tried(
        asked.recordings,
        asked.site,
        Setting.parse(setting),
        before=None if asked.against is None else asked.before(asked.against),
        verdicts=asked.said(),
        renamed=names,
        camera=asked.camera,
        view=asked.view,
    )
    if plot is not None:
        from beffroi.backtest.plot import draw

        draw(plot, found)
    if as_json:
        result_json(found.as_json())
    show(report.sweep_table(found))


def _renamed(pairs: list[str]) -> dict[str, str]:
    names: dict[str, str] = {}
    for pair in pairs:
        old, equals, new = pair.partition("=")
        if not (old and equals and new):
            raise BeffroiError(f"--map {pair}: expected the old and the new name of a rule, as OLD=NEW")
        names[old] = new
    return names


@app.command()
def convert(
    recording: Annotated[Path, typer.Argument(help="A recording in any form.", show_default=False)],
    target: Annotated[
        Path, typer.Argument(help="The same in another form, by its suffix.", show_default=False)
    ],
) -> None:
    """Write a recording in another form: .boxes for days of them, .jsonl to read it, .parquet for tables."""
    from beffroi.recording import RecordingWriter, read_parts

    if target.exists() and target.samefile(recording):
        raise BeffroiError(f"{target}: is the recording itself; name another file")
    header, parts = read_parts(recording)
    pictures = 0
    with RecordingWriter(target, header) as writer:
        for part in parts:
            writer.extend(part)
            pictures += len(part)
    result(f"{target}: {pictures} pictures")


@app.command()
def verdict(
    incident: Annotated[
        str, typer.Argument(help="Its id, or the beginning of it.", metavar="INCIDENT", show_default=False)
    ],
    said: Annotated[
        str, typer.Argument(help="confirmed, false or cannot_tell.", metavar="VERDICT", show_default=False)
    ],
    *,
    store: Annotated[Path, typer.Option(metavar="FILE", help="The store it is in.", show_default=False)],
    by: Annotated[str, typer.Option(metavar="NAME", help="Who says so.", show_default=False)],
    cause: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What it was, such as a shadow or a delivery.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Keep what a person says of an alert; earlier verdicts stay, the last one counts."""
    from beffroi.store import Store
    from beffroi.store.verdicts import judge

    if not store.is_file():
        raise BeffroiError(f"{store}: there is no such store")
    with Store(store) as opened:
        kept: dict[str, Any] = judge(opened, incident, said, by=by, cause=cause)
    if as_json:
        result_json(kept)
    else:
        result(f"{kept['incident']}: {kept['verdict']}")
