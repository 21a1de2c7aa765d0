"""Many widths, methods and seeds: a directory of results that a killed sweep goes on from.

sweep.json       what was asked for, the widths of the compiled model and of -O2
results.jsonl    one object a run; results.csv: the same as a table
best/d06/        for each width the model with the least loss, with its report
checkpoints/     trainings under way
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

from raspc.compress import checkpoint
from raspc.compress.compressing import Outcome, check_width, finished, outcome_of, seeds_of
from raspc.compress.model import load
from raspc.compress.protocol import METHODS, QUICK, STARTS, Protocol
from raspc.compress.results import (
    SETTINGS,
    Row,
    kept_widths,
    read_rows,
    read_settings,
    total_loss,
    write_rows,
    write_settings,
)
from raspc.errors import InputError, ModelFormatError, RaspcError
from raspc.numbers.options import Level, Options
from raspc.weights import replacing, saving
from raspc.weights.model import Model

BEST, CHECKPOINTS, COMPILED = "best", "checkpoints", "compiled"
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
    rows = _still_good(place, jobs)
    for done, job in enumerate(jobs):
        if progress is not None:
            progress(job.name, done, len(jobs))
        if not _is_finished(rows, job, chosen):
            rows = _run(model, job, chosen, protocol, inputs, place, rows)
        _checkpoint(place, job).unlink(missing_ok=True)
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
    if (place / SETTINGS).exists():
        if read_settings(place).identity != asked["identity"]:
            raise InputError(
                f"{place}: holds another sweep (another model, other seeds or choices); choose another directory"
            )
        _keep_compiled(place, model)
        return
    if place.exists() and (not place.is_dir() or _holds_others(place, model)):
        raise InputError(f"cannot write {place}: it holds other files and no {SETTINGS}; choose another path")
    _keep_compiled(place, model)
    write_settings(place, asked)


def _holds_others(place: Path, model: Model) -> bool:
    """Whether a directory holds what is not of this sweep, which may have been killed before it wrote its settings."""
    ours = (place / COMPILED, place / SETTINGS)
    others = [path for path in place.iterdir() if not any(replacing.is_temporary(path, name) for name in ours)]
    return bool(others) and (others != [place / COMPILED] or not _is_compiled(place, model))


def _keep_compiled(place: Path, model: Model) -> None:
    """The compiled model beside the results, where it is not there yet or no more."""
    if not _is_compiled(place, model):
        model.save(place / COMPILED)


def _is_compiled(place: Path, model: Model) -> bool:
    try:
        return saving.fingerprint(saving.load(place / COMPILED)) == saving.fingerprint(model)
    except ModelFormatError:
        return False


def _still_good(place: Path, jobs: Sequence[Job]) -> list[dict[str, Any]]:
    """The rows of a sweep that goes on, in both files; a width is compressed again if its best model is gone.

    What killed writers left beside the files is removed.
    """
    held = read_rows(place)
    lost = {d for d in kept_widths(held) if not _is_whole(_best(place, d))}
    rows = [row for row in held if row["d"] not in lost or _of(row) not in jobs]
    if held:
        write_rows(place, rows)
    for job in jobs:
        replacing.sweep(_best(place, job.d))
        replacing.sweep(_checkpoint(place, job))
    return rows


def _is_whole(directory: Path) -> bool:
    """Whether a compressed model with its report can be read."""
    try:
        return load(directory).report is not None
    except ModelFormatError:
        return False


def _best(place: Path, d: int) -> Path:
    return place / BEST / f"d{d:02}"


def _checkpoint(place: Path, job: Job) -> Path:
    return place / CHECKPOINTS / f"{job.name}.safetensors"


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
    save = _checkpoint(place, job) if job.method == "trained" else None
    outcome = outcome_of(model, job.d, job.method, seeds, choices, inputs, save)
    _keep_best(place, outcome, rows)
    found = [row for row in rows if _of(row) != job] + list(outcome.rows)
    write_rows(place, found)
    return found


def _keep_best(place: Path, outcome: Outcome, rows: Sequence[Row]) -> None:
    """The model of the width's least loss so far, with its faithfulness; it is written before the rows are.

    Of runs that diverged, none is kept.
    """
    if outcome.diverged:
        return
    row, weight = outcome.rows[outcome.best], outcome.protocol.layer_weight
    others = [total_loss(r, weight) for r in rows if r["d"] == outcome.d]
    target = _best(place, outcome.d)
    if not others or total_loss(row, weight) < min(others) or not _is_whole(target):
        finished(outcome, outcome.best).save(target)
