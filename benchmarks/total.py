"""What total=True costs: the library in its own vocabularies, with all combinations of values listed and without."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from statistics import median

import raspc
from benchmarks.measure import Table
from raspc import library

LEVELS = (1, 2)
SHOWN = ("reverse", "hist", "sort", "sort_stable", "shuffle_dyck", "most_freq", "addition", "nary_map")
"""Programs with a row of their own."""


@dataclass(frozen=True)
class Sizes:
    """One model. `verdict`: of its certificate."""

    verdict: str
    layers: int
    d_model: int
    parameters: int


def sizes(name: str, level: int, total: bool) -> Sizes | None:
    """The model of a program of the library; None where it is refused."""
    entry = library.get(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", raspc.UncertainProgram)
        try:
            model = raspc.compile(
                entry.program, entry.vocab, entry.max_seq_len, entry.causal, optimize=level, total=total
            )
        except raspc.RaspcError:
            return None
    verdict = "none" if model.certificate is None else model.certificate.verdict
    config = model.config
    return Sizes(verdict, config.n_layers, config.d_model, sum(array.size for array in model.params.values()))


def table() -> str:
    """A row for each level with medians over the library, and rows of some programs."""
    whole, single = list[tuple[str, ...]](), list[tuple[str, ...]]()
    for level in LEVELS:
        found = {name: (sizes(name, level, False), sizes(name, level, True)) for name in library.PROGRAMS}
        known = {name: (one, other) for name, (one, other) in found.items() if one is not None and other is not None}
        proved = sum(other.verdict == "proved" for _, other in known.values())
        same = sum(one == other for one, other in known.values())
        ratios = [
            [getattr(other, field) / getattr(one, field) for one, other in known.values()]
            for field in ("layers", "d_model", "parameters")
        ]
        counts = (str(len(found)), str(proved), str(same))
        whole.append((f"-O{level}", *counts, *(f"{median(each):.2f}" for each in ratios), f"{max(ratios[2]):,.0f}"))
        single += [(f"{name} -O{level}", *_pairs(*known[name])) for name in SHOWN if name in known]
    headers = (
        "level",
        "programs",
        "proved",
        "as large as without",
        "layers ×",
        "d_model ×",
        "parameters ×",
        "at most ×",
    )
    title = "The library with total=True; how many times as large as without: medians, and the most"
    rows = ("program", "layers", "d_model", "parameters")
    return f"{Table(title, headers, whole)}\n{Table('Some of its programs, without and with total=True', rows, single)}"


def _pairs(one: Sizes, other: Sizes) -> tuple[str, ...]:
    return tuple(f"{getattr(one, each):,} → {getattr(other, each):,}" for each in ("layers", "d_model", "parameters"))
