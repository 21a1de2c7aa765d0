"""`check` of causal models: inputs that others begin with are compared in the runs of these, or run one by one."""

from __future__ import annotations

import time
import warnings
from unittest import mock

import raspc
from benchmarks.measure import Table
from raspc import library, rasp
from raspc.certify.checking import runs
from raspc.certify.checking.check import Report

COUNT, LENGTH = 100_000, 32
BEFORE = rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.LEQ)
SAME = rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.EQ)


def table() -> Table:
    """Random inputs of up to 32 tokens: runs of the model, and seconds of CPU in one thread."""
    return Table(
        f"`check` of causal models, {COUNT:,} random inputs of up to {LENGTH} tokens",
        ("program", "level", "runs, one by one", "runs", "times fewer", "seconds, one by one", "seconds"),
        [row(name, level) for name in programs() for level in (1, 2)],
    )


def programs() -> dict[str, tuple[rasp.SOp, tuple[object, ...]]]:
    """Programs with their vocabularies: of the library, and how often the own token stood before."""
    known = ((name, library.get(name)) for name in ("frac_prevs", "shuffle_dyck"))
    counted = {"how often so far": (rasp.SelectorWidth(SAME & BEFORE), tuple("abcdefgh"))}
    return {name: (entry.program, tuple(entry.vocab)) for name, entry in known} | counted


def row(name: str, level: int) -> tuple[str, ...]:
    """One model, checked in both ways."""
    program, vocab = programs()[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", raspc.UncertainProgram)
        model = raspc.compile(program, vocab, LENGTH, causal=True, optimize=level, certify=False)
    with mock.patch.object(runs, "by_beginnings", lambda *_: False):
        apart, slow = timed(model)
    together, quick = timed(model)
    ratio = f"{apart.ran / together.ran:.0f}"
    return name, f"-O{level}", f"{apart.ran:,}", f"{together.ran:,}", ratio, f"{slow:.1f} s", f"{quick:.1f} s"


def timed(model: raspc.Model) -> tuple[Report, float]:
    """The report, which must be a success, and the CPU time that it took."""
    start = time.process_time()
    report = raspc.check(model, limit=COUNT, threads=1)
    took = time.process_time() - start
    if not report.ok or report.checked != COUNT:
        raise SystemExit(f"the check failed, or compared other than {COUNT:,} inputs: {report}")
    return report, took
