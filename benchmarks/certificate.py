"""The certificate: how many models are proved, how tight bounds are, and how far each precision counts."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from statistics import median

import raspc
from benchmarks.library import VOCABULARY, N, sized
from benchmarks.measure import Table, part_of
from raspc import compiler, library
from raspc.certify.proof.tightness import tightness
from raspc.library import Program
from raspc.numbers.precision import PRECISIONS, precision_of
from raspc.numbers.shares import counts_to
from raspc.study.certifying import examined
from raspc.weights.model import Model

LEVELS = (0, 1, 2)
MOST = 1 << 20


def table() -> Table:
    """A row for each figure."""
    warnings.simplefilter("ignore", raspc.UncertainProgram)
    rows = [
        *_verdicts("float32"),
        *_verdicts("float32", large=True),
        *_verdicts("bfloat16"),
        *_verdicts("float16"),
        _tight(),
        *_costs(),
        *_counts(),
    ]
    return Table("The certificate", ("what", "figure"), rows)


def _models(dtype: str, level: int, large: bool = False) -> list[Model]:
    """The library at its own sizes, or with as many tokens and positions as `benchmarks.library` has."""
    found = []
    for entry in library.PROGRAMS.values():
        vocab, length = (sized(entry.vocab), N) if large else (entry.vocab, entry.max_seq_len)
        try:
            found.append(
                raspc.compile(entry.program, vocab, length, entry.causal, optimize=level, dtype=dtype, partial=large)
            )
        except (raspc.UnsupportedProgram, raspc.CertificateError):
            continue
    return found


def _verdicts(dtype: str, large: bool = False) -> list[tuple[str, str]]:
    every = len(library.PROGRAMS)
    size = f", {VOCABULARY} tokens, {N} positions" if large else ""
    rows = []
    for level in LEVELS if dtype == "float32" else (1,):
        verdicts = [model.certificate["verdict"] for model in _models(dtype, level, large)]
        proved, measured = verdicts.count("proved"), verdicts.count("measured")
        refused = f", {every - len(verdicts)} refused" if len(verdicts) < every else ""
        rows.append(
            (f"library compiled for {dtype}, -O{level}{size}", f"{proved} proved, {measured} measured{refused}")
        )
    return rows


def _tight() -> tuple[str, str]:
    """The median over all spaces of all models in which an error was seen."""
    models = _models("float32", 1)
    found = [one for model in models for one in tightness(model, examined(model), PRECISIONS["float32"])]
    assert all(one.seen <= one.bound for one in found), "a bound that does not hold"
    ratios = [one.ratio for one in found if one.bound > 0 and one.seen > 0]
    return "bound on an error / largest error seen, median over spaces at -O1", f"{median(ratios):.0f}"


LIMIT = 3.0
"""A proof that takes more than so many times the rest of a compile is a fault."""
TIMES = 3


def _costs() -> Iterator[tuple[str, str]]:
    """What the proof takes of a compile, as a ratio to all the rest, over the library at each level."""
    for level in LEVELS:
        ratios = {entry.name: min(_cost(entry, level) for _ in range(TIMES)) for entry in library.PROGRAMS.values()}
        dearest = max(ratios, key=ratios.__getitem__)
        over = sum(ratio > LIMIT for ratio in ratios.values())
        yield (
            f"time of the proof / the rest of a compile, -O{level}: median, maximum; limit {LIMIT:g}",
            f"{median(ratios.values()):.2f}, {ratios[dearest]:.2f} ({dearest}); {over} over the limit",
        )


def _cost(entry: Program, level: int) -> float:
    """The ratio in one compile, with the proofs of all models that were tried."""
    whole, proof = part_of(
        compiler, "certified",
        lambda: raspc.compile(entry.program, entry.vocab, entry.max_seq_len, entry.causal, optimize=level),
    )  # fmt: skip
    return proof / (whole - proof)


def _counts() -> list[tuple[str, str]]:
    rows = []
    for dtype in ("float32", "bfloat16", "float16"):
        for summation in ("any order", "pairwise"):
            most = counts_to(precision_of(dtype, summation), MOST)
            more = " or more" if most >= MOST - 2 else ""
            rows.append((f"keys that one head counts by bound, {dtype}, sums in {summation}", f"{most:,}{more}"))
    return rows
