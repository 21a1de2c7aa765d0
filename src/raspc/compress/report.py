"""What is known of a compressed model, as plain data that goes to JSON and comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from raspc.errors import ModelFormatError

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
    d: int
    full: int
    output: str
    exhaustive: bool
    inputs: int
    accuracy: float
    sequences: float
    output_loss: float
    layer_loss: float
    cosine: float
    layers: tuple[Mapping[str, Any], ...]
    shares: Mapping[str, Mapping[str, float]]
    culprit: Mapping[str, Any] | None
    labels: tuple[str, ...]
    w: tuple[tuple[float, ...], ...]
    gram: tuple[tuple[float, ...], ...]
    norms: tuple[float, ...]
    protocol: Mapping[str, Any] | None
    runs: tuple[Mapping[str, Any], ...]
    history: tuple[Mapping[str, Any], ...] = ()
    probes: tuple[Mapping[str, Any], ...] = ()
    interchange: tuple[Mapping[str, Any], ...] = ()
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
        return all(row["subspace"] >= FAITHFUL for row in tested) if tested else None

    @property
    def verdict(self) -> str:
        """The label: accurate or not; if so, faithful or not."""
        if not self.is_accurate:
            return "not accurate"
        return {True: "accurate and faithful", False: "accurate but not faithful", None: "accurate"}[self.is_faithful]

    def to_json(self) -> dict[str, Any]:
        """JSON data, with the verdict."""
        return {**asdict(self), "verdict": self.verdict}

    @classmethod
    def from_json(cls, obj: Any) -> CompressionReport:
        """The inverse of `to_json`. Raises ModelFormatError."""
        names = {f.name for f in fields(cls)}
        if not isinstance(obj, Mapping) or set(obj) != names | {"verdict"}:
            raise ModelFormatError("compression report: the fields are not those of a report; compress the model again")
        plain = {name: _tuples(obj[name]) if isinstance(obj[name], list) else obj[name] for name in names}
        return cls(**plain)


def _tuples(obj: Any) -> Any:
    """Lists that stand for the tuples of a report: at the top, and rows of numbers or names in them."""
    return tuple(tuple(item) if isinstance(item, list) else item for item in obj)
