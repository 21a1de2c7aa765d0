"""The files of a sweep: what was asked for, and a row for each run. Read with suspicion, written whole."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta

from raspc import jsonvalues
from raspc.compress.protocol import METHODS, STARTS, Protocol
from raspc.errors import ModelFormatError
from raspc.records import Count, Record
from raspc.weights.files import read_file, write_file

SETTINGS, RESULTS, TABLE = "sweep.json", "results.jsonl", "results.csv"
COLUMNS = (
    "d", "method", "start", "seed", "output_loss", "layer_loss", "accuracy", "sequences", "cosine", "steps", "seconds",
)  # fmt: skip
MOST_SETTINGS, MOST_RESULTS = 1 << 20, 1 << 26
"""Bytes of the files; a row has some 250."""

LEAST, GREATEST = 0, 2**63 - 1
"""Seeds: what a generator takes."""

Row = Mapping[str, Any]
Width = Annotated[int, Meta(ge=1, le=2**20)]
Seed = Annotated[int, Meta(ge=LEAST, le=GREATEST)]
Figure = float | None
"""Null of a run that diverged."""


class Settings(Record, frozen=True):
    """What a sweep was asked for. `full`, `compact`: the widths of the compiled model and of -O2, which may have none.

    `inputs`: how many were given; null where the sweep took its own. `identity`: the hash of model and choices.
    """

    identity: str
    inputs: Count | None
    seeds: tuple[Seed, ...]
    protocol: Protocol
    program: str | None
    full: Width
    compact: Width | None
    output: Literal["categorical", "numerical"]


class _Row(Record, frozen=True):
    """A line of the results; COLUMNS are its fields."""

    d: Width
    method: str
    start: str | None
    seed: Seed
    output_loss: Figure
    layer_loss: Figure
    accuracy: Figure
    sequences: Figure
    cosine: Figure
    steps: Count
    seconds: Annotated[float, Meta(ge=0)]


def write_settings(place: Path, asked: Mapping[str, Any]) -> None:
    """Raises InputError where the file cannot be written."""
    write_file(place / SETTINGS, json.dumps(asked, indent=1).encode())


def read_settings(place: Path) -> Settings:
    """What the sweep was asked for. Raises ModelFormatError for a directory that holds no sweep."""
    try:
        data = read_file(place, SETTINGS, MOST_SETTINGS)
    except ModelFormatError as error:
        raise ModelFormatError(f"{place}: needed the directory of a sweep; {SETTINGS} cannot be read") from error
    where = str(place / SETTINGS)
    return Settings.from_json(jsonvalues.loads(data, where), where)


def write_rows(place: Path, rows: Sequence[Row]) -> None:
    """Both files of results, each replaced whole. Raises InputError where they cannot be written."""
    write_file(place / RESULTS, "".join(json.dumps(_plain(row)) + "\n" for row in rows).encode())
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(_plain(row) for row in rows)
    write_file(place / TABLE, buffer.getvalue().encode())


def diverged(row: Row) -> bool:
    """Whether a run ended with a loss that is no number."""
    return not (math.isfinite(row["output_loss"]) and math.isfinite(row["layer_loss"]))


def total_loss(row: Row, layer_weight: float) -> float:
    """What a run was trained for, L_out + λ·L_layer; of one that diverged, infinity."""
    return math.inf if diverged(row) else float(row["output_loss"] + layer_weight * row["layer_loss"])


def kept_widths(rows: Sequence[Row]) -> list[int]:
    """The widths with a run that did not diverge: each has a model."""
    return sorted({row["d"] for row in rows if not diverged(row)})


def _plain(row: Row) -> dict[str, Any]:
    """JSON has no NaN: a run that diverged holds null there."""
    return {
        name: None if isinstance(row[name], float) and not math.isfinite(row[name]) else row[name] for name in COLUMNS
    }


def read_rows(place: Path) -> list[dict[str, Any]]:
    """The rows of a sweep; none where there are no results yet. Raises ModelFormatError."""
    path = place / RESULTS
    if not path.exists():
        return []
    lines = read_file(place, RESULTS, MOST_RESULTS).splitlines()
    return [_read_row(line, f"{path}: line {number}") for number, line in enumerate(lines, 1)]


def _read_row(line: bytes, where: str) -> dict[str, Any]:
    try:
        row = _Row.from_json(jsonvalues.loads(line, where), where)
    except ModelFormatError as error:
        raise ModelFormatError(f"{error}; these are not the results of a sweep") from error
    if row.method not in METHODS or row.start not in (STARTS if row.method == "trained" else (None,)):
        raise ModelFormatError(f"{where}: found method {row.method[:40]!r} from {str(row.start)[:40]!r}")
    return {name: math.nan if _is_lost(name, row[name]) else row[name] for name in COLUMNS}


def _is_lost(name: str, figure: Any) -> bool:
    return figure is None and name != "start"
