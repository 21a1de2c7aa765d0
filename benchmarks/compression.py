"""The experiments of the Tracr paper's section 5, and those it does not report: one row for each.

    python -m benchmarks.compression [--out DIR] [--only frac_prevs,time] [--seeds 10] [--steps 3000] [--seconds 60]

Programs are compiled at -O0, with a subspace for every variable as in the paper. Each sweep is a directory of DIR with
its page; a killed one goes on. `time` runs the paper's protocol and the quick one for so many seconds each.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np

import raspc
from benchmarks.measure import Table
from raspc import library
from raspc.compress import PAPER, QUICK, Protocol, compress, load, sweep, write_page
from raspc.compress.compressing import soft
from raspc.compress.pool import make_pool
from raspc.compress.sweep import BEST, total_loss
from raspc.rasp import SOp


@dataclass(frozen=True)
class Experiment:
    """A program as the paper compiles it, and the widths to try."""

    name: str
    build: Callable[[], SOp]
    vocab: Sequence[Any]
    dims: Sequence[int]


EXPERIMENTS = (
    Experiment("frac_prevs", library.frac_prevs, "abcx", range(2, 12)),
    Experiment("sort_unique", library.sort_unique, (1, 2, 3, 4, 5), (6, 8, 10, 12)),
    Experiment("hist", library.hist, "abc", (3, 4, 5, 6)),
    Experiment("sort", library.sort, (1, 2, 3, 4, 5), (8, 10, 12, 14)),
    Experiment("reverse", library.reverse, "abcd", (5, 7, 9, 11)),
    Experiment("pair_balance", library.pair_balance, "()x", (4, 5, 6, 7, 8)),
    Experiment("shuffle_dyck2", library.make_shuffle_dyck2, "(){}", (10, 14, 18, 20)),
)
N = 5


def compiled(experiment: Experiment) -> raspc.Model:
    """The program at N = 5."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", raspc.UncertainProgram)
        return raspc.compile(experiment.build(), vocab=set(experiment.vocab), max_seq_len=N, optimize=0)


def curves(experiment: Experiment, out: Path, seeds: int, protocol: Protocol) -> Table:
    """The sweep of one program: for each width the best and the mean over seeds, and what the best run is like."""
    place, model = out / experiment.name, compiled(experiment)
    wall, processor = time.perf_counter(), time.process_time()
    rows = sweep(model, experiment.dims, place, seeds, starts=("random", "readers"), protocol=protocol)
    took = time.perf_counter() - wall, time.process_time() - processor
    write_page(place)
    compact = raspc.compile(experiment.build(), vocab=set(experiment.vocab), max_seq_len=N, optimize=2).config.d_model
    title = (
        f"{experiment.name}, N = {N}, D = {model.config.d_model}: {seeds} seeds; -O2 needs {compact} with no error; "
        f"{took[0]:.0f} s of wall-clock, {took[1]:.0f} s of the processor"
    )
    headers = (
        "d", "best loss", "mean", "best accuracy", "mean", "cosine, best", "method, best", "pca, no training",
        "verdict", "least cosine: variable",
    )  # fmt: skip
    return Table(title, headers, [_row(place, rows, d) for d in sorted({row["d"] for row in rows})])


def _row(place: Path, rows: Sequence[dict[str, Any]], d: int) -> tuple[str, ...]:
    mine = [row for row in rows if row["d"] == d]
    trained = [row for row in mine if row["method"] == "trained"]
    best = min(mine, key=total_loss)
    report = load(place / BEST / f"d{d:02}").report
    assert report is not None
    culprit = report.culprit
    return (
        str(d), f"{best['output_loss']:.1e}", f"{np.mean([row['output_loss'] for row in trained]):.1e}",
        f"{best['accuracy']:.2%}", f"{np.mean([row['accuracy'] for row in trained]):.2%}", f"{best['cosine']:.3f}",
        " ".join(filter(None, (best["method"], best["start"]))),
        f"{min(row['output_loss'] for row in mine if row['method'] == 'pca'):.1e}", report.verdict,
        f"{culprit['where']} {culprit['cosine']:.3f}: {culprit['variable']} {culprit['share']:.0%}" if culprit else "–",
    )  # fmt: skip


def distinct(seeds: int, protocol: Protocol) -> Table:
    """sort_unique at d = 8 on inputs of different tokens, as the program is meant: what the paper trains on."""
    model = compiled(EXPERIMENTS[1])
    inputs = [tokens for n in range(1, N + 1) for tokens in permutations((1, 2, 3, 4, 5), n)]
    report = compress(model, 8, seeds=seeds, protocol=protocol, inputs=inputs).report
    assert report is not None
    culprit = report.culprit
    rows = [
        ("accuracy", f"{report.accuracy:.2%} of positions, {report.sequences:.2%} of inputs"),
        ("cosine by layer output", ", ".join(f"{x['where']} {x['cosine']:.3f}" for x in report.layers if x["cosine"])),
        ("named by the report", f"{culprit['variable']} at {culprit['where']}" if culprit else "none"),
        ("verdict", report.verdict),
    ]
    rows += [(f"swap {x['variable']}", f"{x['subspace']} (compiled {x['compiled']})") for x in report.interchange]
    return Table(f"sort_unique, d = 8, {len(inputs)} inputs of different tokens, {seeds} seeds", ("", "found"), rows)


def against_time(out: Path, seconds: float, seeds: int) -> Table:
    """frac_prevs at d = 6: the least output loss of both protocols after equal times, and a plot of both curves."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    from raspc.compress.figures import draw_course

    model = compiled(EXPERIMENTS[0])
    figure, axis = plt.subplots(figsize=(6, 4))
    rows = []
    for name, protocol in (("paper", PAPER), ("quick", QUICK)):
        steps = steps_in(model, protocol, seconds, seeds)
        report = compress(model, 6, seeds=seeds, protocol=replace(protocol, every=100, threads=1, **steps)).report
        assert report is not None
        draw_course(axis, report.history, name)
        best = min(row["output_loss"] for row in report.runs)
        trained = report.history[-1]["seconds"] if report.history else 0.0
        spent = sum(row["seconds"] for row in report.runs)
        axis.plot([spent], [best], "o")
        rows.append((name, f"{report.runs[0]['steps']:,}", f"{trained:.0f} s", f"{spent:.0f} s", f"{best:.1e}"))
    axis.set(xlabel="seconds, all seeds together (the dot: with the polish)", ylabel="least output loss", yscale="log")
    axis.legend()
    out.mkdir(parents=True, exist_ok=True)
    figure.savefig(out / "loss-against-time.png", dpi=110, bbox_inches="tight")
    title = f"frac_prevs, d = 6, {seeds} seeds: both protocols for about {seconds:.0f} s of training"
    return Table(title, ("protocol", "steps", "training", "with polish", "best output loss"), rows)


def steps_in(model: raspc.Model, protocol: Protocol, seconds: float, seeds: int) -> dict[str, int]:
    """As many steps as fit: the paper's schedule is cut short, the quick one is run whole where it fits."""
    trial = compress(model, 6, seeds=seeds, protocol=replace(protocol, steps=100, every=50, polish=0), threads=1,
                     faithfulness=False).report  # fmt: skip
    assert trial is not None
    pace = trial.history[-1]["seconds"] / 100
    return {"steps": min(protocol.steps, max(100, int(seconds / pace)))}


def baseline() -> str:
    """That the softened model still computes the program, since all compressions start from it."""
    model = compiled(EXPERIMENTS[0])
    softer = soft(model, QUICK)
    pool = make_pool(softer, 4096)
    error = raspc.check(softer).max_error
    return f"frac_prevs with heads of margin {QUICK.temperature:.0f}: within {error:.1e} on {len(pool.ids)} inputs\n"


def main() -> None:
    """Prints what is asked for as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("results/compression"))
    parser.add_argument("--only", default=",".join([*(e.name for e in EXPERIMENTS), "distinct", "time"]))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--steps", type=int, default=QUICK.steps)
    parser.add_argument("--polish-best", type=int, default=QUICK.polish_best)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--threads", type=int, default=QUICK.threads)
    given = parser.parse_args()
    wanted = given.only.split(",")
    protocol = replace(QUICK, steps=given.steps, threads=given.threads, polish_best=given.polish_best)
    print(baseline(), flush=True)
    for experiment in EXPERIMENTS:
        if experiment.name in wanted:
            print(curves(experiment, given.out, given.seeds, protocol), flush=True)
    if "distinct" in wanted:
        print(distinct(given.seeds, protocol), flush=True)
    if "time" in wanted:
        print(against_time(given.out, given.seconds, given.seeds), flush=True)


if __name__ == "__main__":
    main()
