"""What is known of a compressed model, as plain data that goes to JSON and comes back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from raspc.compress.protocol import Protocol
from raspc.compress.rows import (
    CulpritRow,
    LayerRow,
    MomentRow,
    ProbeRow,
    RunRow,
    ShareRow,
    SwapRow,
    with_nan,
    without_nan,
)
from raspc.errors import ModelFormatError
from raspc.records import Count, told

ACCURATE = 0.99
"""The share of right answers from which a model counts as accurate."""
FAITHFUL = 0.9
"""The share of interchanged answers, among those that the program changes, from which a variable counts as faithful."""


@dataclass(frozen=True)
class CompressionReport:
    """A compressed model against its compiled one and its program.

    `accuracy`: the share of positions that answer as the interpreter does (a number within 0.01), `sequences`: of
    whole inputs. `layers`: per layer output the mean cosine similarity with the compiled one, the ratio of norms, the
    squared difference and each variable's part of it. `shares`: for each variable its part of W's squared norm and the
    dimensions that its directions have to themselves (Elhage et al. 2022). `culprit`: the variable with the
    largest part in what the worst layer output differs by. `gram`: W·Wᵀ [D, D], which the paper, whose W is the
    transpose, calls WᵀW.
    `probes`, `interchange`: see the files of these names. `runs`: one row for each seed. `commonest`: of words, the
    share of the commonest answer.
    """

    method: str
    d: Count
    full: Count
    output: str
    exhaustive: bool
    inputs: Count
    accuracy: float
    sequences: float
    output_loss: float
    layer_loss: float
    cosine: float
    layers: tuple[LayerRow, ...]
    shares: dict[str, ShareRow]
    culprit: CulpritRow | None
    labels: tuple[str, ...]
    w: tuple[tuple[float, ...], ...]
    gram: tuple[tuple[float, ...], ...]
    norms: tuple[float, ...]
    protocol: dict[str, Any] | None
    runs: Annotated[tuple[RunRow, ...], Meta(min_length=1)]
    history: tuple[MomentRow, ...] = ()
    probes: tuple[ProbeRow, ...] = ()
    interchange: tuple[SwapRow, ...] = ()
    notes: tuple[str, ...] = field(default=())
    commonest: float = 0.0

    @property
    def is_accurate(self) -> bool:
        """Whether it answers as the program does, with a tenth of the errors of always saying the commonest word."""
        return self.accuracy >= ACCURATE and 1 - self.accuracy <= (1 - self.commonest) / 10

    @property
    def is_faithful(self) -> bool | None:
        """Whether every variable that can be swapped in the compiled model can be here; None if not measured."""
        tested = [row for row in self.interchange if row["compiled"] is not None and row["compiled"] >= FAITHFUL]
        return all((row["subspace"] or 0.0) >= FAITHFUL for row in tested) if tested else None

    @property
    def verdict(self) -> str:
        """The label: accurate or not; if so, faithful or not."""
        if not self.is_accurate:
            return "not accurate"
        return {True: "accurate and faithful", False: "accurate but not faithful", None: "accurate"}[self.is_faithful]

    def to_json(self) -> dict[str, Any]:
        """JSON data, with the verdict; null stands for figures of runs that diverged."""
        data: dict[str, Any] = without_nan(asdict(self))
        return {**data, "verdict": self.verdict}

    @classmethod
    def from_json(cls, obj: Any, where: str = "compression report") -> CompressionReport:
        """The inverse of `to_json`. Raises ModelFormatError."""
        names = {f.name for f in fields(cls)}
        if not isinstance(obj, dict) or set(obj) != names | {"verdict"}:
            raise ModelFormatError(f"{where}: the fields are not those of a report; compress the model again")
        try:
            found = msgspec.convert(with_nan({name: obj[name] for name in names}, "runs", "history"), cls)
            msgspec.convert(found.protocol, Protocol | None)
        except msgspec.ValidationError as error:
            raise ModelFormatError(f"{told(str(error), where)}; compress the model again") from error
        if faults := list(_faults(found)):
            raise ModelFormatError(f"{where}: {'; '.join(faults)}; compress the model again")
        return found


def _faults(report: CompressionReport) -> Iterator[str]:
    """Sizes that do not fit each other."""
    d, full = report.d, report.full
    shapes = {"w": (report.w, d), "gram": (report.gram, full)}
    for name, (rows, width) in shapes.items():
        if len(rows) != full or any(len(row) != width for row in rows):
            yield f"{name} is not {full} rows of {width}"
    for name in ("labels", "norms"):
        if len(getattr(report, name)) != full:
            yield f"found {len(getattr(report, name))} {name}, needed {full}"
    if any(not moment["output"] or len(moment["output"]) != len(report.runs) for moment in report.history):
        yield "a moment of the history is not of all runs"
