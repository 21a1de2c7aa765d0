"""Many widths, methods and seeds: a directory of results that a killed sweep goes on from.

sweep.json       what was asked for, the widths of the compiled model and of -O2
results.jsonl    one object a run; results.csv: the same as a table
best/d06/        for each width the model with the least loss, with its report
checkpoints/     trainings under way
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

from raspc.compress import checkpoint
from raspc.compress.compressing import Outcome, check_width, finished, outcome_of, seeds_of
from raspc.compress.protocol import METHODS, QUICK, STARTS, Protocol
from raspc.errors import InputError, ModelFormatError, RaspcError
from raspc.numbers.options import Level, Options
from raspc.weights.files import write_file
from raspc.weights.model import Model

SETTINGS, RESULTS, TABLE, BEST, CHECKPOINTS, COMPILED = (
    "sweep.json", "results.jsonl", "results.csv", "best", "checkpoints", "compiled",
)  # fmt: skip
COLUMNS = (
    "d", "method", "start", "seed", "output_loss", "layer_loss", "accuracy", "sequences", "cosine", "steps", "seconds",
)  # fmt: skip
Row = Mapping[str, Any]
Announce = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Job:
    """All seeds of one width by one method; `start` is where a trained one begins."""

    d: int
    method: str
    start: str | None

    @property
    def name(self) -> str:
        """A name for files."""
        return f"d{self.d:02}-{self.method}" + (f"-{self.start}" if self.start else "")


def sweep(
    model: Model,
    dims: Iterable[int],
    out: str | PathLike[str],
    seeds: int | Iterable[int] = 10,
    methods: Sequence[str] = METHODS,
    starts: Sequence[str] | None = None,
    protocol: Protocol = QUICK,
    *,
    inputs: Sequence[Sequence[Any]] | None = None,
    progress: Announce | None = None,
    **options: Any,
) -> list[dict[str, Any]]:
    """Compress to every width by every method; gives all rows, those of an earlier, killed sweep among them.

    All seeds of a width are trained at once. `starts`: for the trained method, one sweep
    each; by default the protocol's. `progress(job, done,
    total)` counts jobs. Raises InputError for a bad argument before anything runs, for a directory that holds another
    sweep, for a directory that cannot be written; what was finished stays.
    """
    protocol = Protocol.of(options, protocol)
    jobs = jobs_of(model, tuple(dims), methods, starts or (protocol.start,), protocol.form)
    chosen = seeds_of(seeds)
    place = Path(out)
    _begin(place, model, chosen, protocol, inputs)
    rows = read_rows(place)
    for done, job in enumerate(jobs):
        if progress is not None:
            progress(job.name, done, len(jobs))
        if not _is_finished(rows, job, chosen):
            rows = _run(model, job, chosen, protocol, inputs, place, rows)
    if progress is not None:
        progress("done", len(jobs), len(jobs))
    return rows


def jobs_of(
    model: Model, dims: Sequence[int], methods: Sequence[str], starts: Sequence[str], form: str = "wide"
) -> list[Job]:
    """Every job, narrow widths first. Raises InputError for a width, a method or a start that there is not."""
    if not dims:
        raise InputError("no widths given; needed one or more, as --dims 4..14")
    for d in dims:
        check_width(model, d)
    for kind, names, known in (("method", methods, METHODS), ("start", starts, STARTS)):
        if unknown := [name for name in names if name not in known]:
            raise InputError(f"{kind} is {unknown[0]!r}, needed one of {known}")
    begins = dict.fromkeys(Protocol(form=form, start=start).start for start in starts)
    pairs = [(m, s) for m in methods for s in (begins if m == "trained" else (None,))]
    return [Job(d, method, start) for d in sorted(set(dims)) for method, start in pairs]


def _begin(
    place: Path, model: Model, seeds: tuple[int, ...], protocol: Protocol, inputs: Sequence[Sequence[Any]] | None
) -> None:
    """The settings on disk; a sweep that goes on must have the same ones."""
    asked = {
        "identity": checkpoint.identity(model, 0, seeds, replace(protocol, every=1)),
        "inputs": None if inputs is None else len(inputs),
        "seeds": list(seeds),
        "protocol": protocol.to_json(),
        "program": model.graph.labels[model.graph.output] if model.graph is not None else None,
        "full": model.config.d_model,
        "compact": compact_width(model),
        "output": model.config.output.kind,
    }
    path = place / SETTINGS
    if path.exists():
        if read_settings(place).get("identity") != asked["identity"]:
            raise InputError(
                f"{place}: holds another sweep (another model, other seeds or choices); choose another directory"
            )
        return
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise InputError(f"cannot write {place}: it holds other files and no {SETTINGS}; choose another path")
    write_file(path, json.dumps(asked, indent=1).encode())
    model.save(place / COMPILED)


def compact_width(model: Model) -> int | None:
    """What -O2 needs with no training and no error; None where the program cannot be compiled again."""
    from raspc.compiler import compile_graph

    try:
        options = Options(Level.COMPACT)
        return compile_graph(model.tabulated, model.config.bos, model.config.pad, options).config.d_model
    except RaspcError:
        return None


def _is_finished(rows: Sequence[Row], job: Job, seeds: tuple[int, ...]) -> bool:
    wanted = set(seeds) if job.method == "trained" else {0}
    return wanted <= {row["seed"] for row in rows if _of(row) == job}


def _of(row: Row) -> Job:
    return Job(row["d"], row["method"], row["start"])


def _run(
    model: Model, job: Job, seeds: tuple[int, ...], protocol: Protocol, inputs: Any, place: Path, rows: list[Any]
) -> list[dict[str, Any]]:
    choices = replace(protocol, start=job.start) if job.start else protocol
    save = place / CHECKPOINTS / f"{job.name}.safetensors"
    outcome = outcome_of(model, job.d, job.method, seeds, choices, inputs, save if job.method == "trained" else None)
    _keep_best(place, outcome, rows)
    found = [row for row in rows if _of(row) != job] + list(outcome.rows)
    write_rows(place, found)
    save.unlink(missing_ok=True)
    return found


def _keep_best(place: Path, outcome: Outcome, rows: Sequence[Row]) -> None:
    """The model of the width's least loss so far, with its faithfulness; it is written before the rows are."""
    row, weight = outcome.rows[outcome.best], outcome.protocol.layer_weight
    others = [total_loss(r, weight) for r in rows if r["d"] == outcome.d]
    target = place / BEST / f"d{outcome.d:02}"
    if not others or total_loss(row, weight) < min(others) or not target.exists():
        finished(outcome, outcome.best).save(target)


def total_loss(row: Row, layer_weight: float) -> float:
    """What a run was trained for, L_out + λ·L_layer; of one that diverged, infinity."""
    total = row["output_loss"] + layer_weight * row["layer_loss"]
    return float(total) if math.isfinite(total) else math.inf


def write_rows(place: Path, rows: Sequence[Row]) -> None:
    """Both files of results, each replaced whole. Raises InputError where they cannot be written."""
    write_file(place / RESULTS, "".join(json.dumps(_plain(row)) + "\n" for row in rows).encode())
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(_plain(row) for row in rows)
    write_file(place / TABLE, buffer.getvalue().encode())


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
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        return [{name: math.nan if _is_lost(name, row) else row[name] for name in COLUMNS} for row in rows]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelFormatError(f"{path}: not the results of a sweep ({error})") from error


def _is_lost(name: str, row: Row) -> bool:
    return row[name] is None and name != "start"


def read_settings(place: Path) -> dict[str, Any]:
    """What the sweep was asked for. Raises ModelFormatError for a directory that holds no sweep."""
    path = place / SETTINGS
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelFormatError(f"{place}: needed the directory of a sweep; {SETTINGS} cannot be read") from error
    if not isinstance(found, dict):
        raise ModelFormatError(f"{path}: needed a JSON object")
    return found
