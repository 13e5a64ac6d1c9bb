"""Aggregates as one long table: a row per number, for spreadsheets and data frames."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

from beffroi.errors import MissingDependency, StoreError
from beffroi.runtime.alert import DATED_MS

COLUMNS = (
    "camera",
    "view",
    "minutes",
    "from_ms",
    "to_ms",
    "from_utc",
    "analysed_ms",
    "not_analysed_ms",
    "evaluation",
    "measure",
    "place",
    "to_place",
    "class",
    "direction",
    "value",
)
"""``minutes`` is 1 or 15; ``from_utc`` is empty for recordings without a date.
``measure`` names number and unit (``count``, ``speed_v85_kmh``, ``occupancy_mean``); ``place`` is a line, a
zone, a queue rule, or where a journey began, ``to_place`` where it ended; ``class`` a class or a group. What
does not apply is empty."""

Row: TypeAlias = dict[str, Any]
SUFFIXES = (".csv", ".parquet")
WHOLE = ("minutes", "from_ms", "to_ms", "analysed_ms", "not_analysed_ms")


def rows(aggregates: Iterable[Mapping[str, Any]]) -> Iterator[Row]:
    """The table of what `beffroi.store.queries.aggregates` gives; keys are `COLUMNS`."""
    for period in aggregates:
        shared = {name: period[name] for name in ("camera", "view", *WHOLE, "evaluation")}
        if period["from_ms"] >= DATED_MS:
            shared["from_utc"] = datetime.fromtimestamp(period["from_ms"] / 1000, UTC).isoformat()
        for number in _numbers(period["body"]):
            row = dict.fromkeys(COLUMNS, "") | shared | number
            yield row | {"value": float(row["value"])}


def _numbers(body: Mapping[str, Any]) -> Iterator[Row]:
    for line, classes in body.get("lines", {}).items():
        for label, ways in classes.items():
            for way, number in ways.items():
                yield {"measure": "count", "place": line, "class": label, "direction": way, "value": number}
    for zone, numbers in body.get("zones", {}).items():
        yield from _several("occupancy", numbers, ("mean", "peak"), place=zone)
    yield from _speeds(body.get("speeds", {}))
    for rule, measures in body.get("queues", {}).items():
        for measure, numbers in measures.items():
            yield from _several(f"queue_{measure}", numbers, ("mean", "max"), place=rule)
    for origin, to in body.get("journeys", {}).items():
        for end, groups in to.items():
            for group, number in groups.items():
                way = {"place": origin, "to_place": end, "class": group}
                yield {"measure": "journeys", "value": number, **way}


def _speeds(speeds: Mapping[str, Any]) -> Iterator[Row]:
    names = ("n", "mean_kmh", "v85_kmh")
    for line, ways in speeds.get("lines", {}).items():
        for way, speed in ways.items():
            yield from _several("speed", speed, names, place=line, direction=way)
    for zone, speed in speeds.get("zones", {}).items():
        yield from _several("speed", speed, names, place=zone)


def _several(measure: str, numbers: Mapping[str, Any], names: Sequence[str], **about: str) -> Iterator[Row]:
    for name in names:
        yield {"measure": f"{measure}_{name}", "value": numbers[name], **about}


def write_table(path: Path, table: Iterable[Row]) -> int:
    """Write rows to `path` as its suffix says, ``.csv`` or ``.parquet``; returns how many.

    Raises
    ------
    StoreError
        If the suffix is another one, or the file cannot be written.
    MissingDependency
        If Parquet is asked for and pyarrow is not installed.
    """
    if path.suffix not in SUFFIXES:
        raise StoreError(f"{path}: tables are written with one of the suffixes {', '.join(SUFFIXES)}")
    known = list(table)
    try:
        (_csv if path.suffix == ".csv" else _parquet)(path, known)
    except OSError as error:
        raise StoreError(f"{path}: cannot be written: {error.strerror or error}") from error
    return len(known)


def _csv(path: Path, known: list[Row]) -> None:
    # The mark tells spreadsheets that names with accents are UTF-8.
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows({name: _safe(value) for name, value in row.items()} for row in known)


def _safe(value: Any) -> Any:
    """A name that begins like a formula is not to run in a spreadsheet."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@")) else value


def _parquet(path: Path, known: list[Row]) -> None:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise MissingDependency("a table in Parquet", "pyarrow", str(error)) from error
    kinds = {"value": pa.float64(), "evaluation": pa.bool_()} | dict.fromkeys(WHOLE, pa.int64())
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in COLUMNS])
    pq.write_table(pa.Table.from_pylist(known, schema=schema), path, compression="zstd")
