"""The experiments of the Tracr paper's section 5, and those it does not report: one row for each width.

    python -m benchmarks.compression [--out DIR] [--only frac_prevs,time] [--seeds 10] [--steps 3000] [--seconds 60]

Programs are compiled at -O0, with a subspace for every variable as in the paper; those that the paper reports have its
layout too (D = 14 for frac_prevs). Each sweep is a directory of DIR with its page; a killed one goes on. `time` runs
the paper's protocol and the quick one, and draws the loss of both against time: DIR/loss-against-time.png.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np

import raspc
from benchmarks.measure import Table
from raspc import library
from raspc.compress import PAPER, QUICK, Protocol, compress, load, sweep, write_page
from raspc.compress.compressing import soft
from raspc.compress.layout import as_in_paper
from raspc.compress.results import TABLE, read_settings
from raspc.compress.sweeping import BEST
from raspc.rasp import SOp

CATEGORIES = {
    "temperature": 8.0, "layer_weight": 0.1, "learning_rate": 2e-3, "spread": 0.02, "batch": 96, "steps": 1500,
}  # fmt: skip
"""Words need softer heads than numbers, since an argmax forgives what leaks, and less weight on the layers."""

SORT_UNIQUE = {
    "temperature": 5.0, "layer_weight": 0.05, "learning_rate": 1e-2, "spread": 0.1, "batch": 64, "steps": 4000,
}  # fmt: skip


@dataclass(frozen=True)
class Experiment:
    """A program, the widths to try, what differs from the quick protocol, and whether the layout is the paper's."""

    name: str
    build: Callable[[], SOp]
    vocab: Sequence[Any]
    dims: Sequence[int]
    options: Mapping[str, Any] = field(default_factory=dict)
    as_in_paper: bool = False
    inputs: Sequence[Sequence[Any]] | None = None


N = 5
FIVE = (1, 2, 3, 4, 5)
DIFFERENT = [tokens for n in range(1, N + 1) for tokens in permutations(FIVE, n)]
"""The inputs of different tokens, which are those that sort_unique is for."""

EXPERIMENTS = (
    Experiment(
        "frac_prevs", library.frac_prevs, "abcx", range(2, 14), {"polish_best": 10, "steps": 1000}, as_in_paper=True,
    ),
    Experiment(
        "sort_unique", library.sort_unique, FIVE, (6, 8, 10), {**CATEGORIES, **SORT_UNIQUE},
        as_in_paper=True, inputs=DIFFERENT,
    ),
    Experiment("hist", library.hist, "abc", (2, 3, 4, 5), CATEGORIES),
    Experiment("sort", library.sort, FIVE, (8, 10, 12), CATEGORIES),
    Experiment("reverse", library.reverse, "abcd", (4, 6, 8), CATEGORIES),
    Experiment("pair_balance", library.pair_balance, "()x", (4, 5, 6, 7), {"polish": 150, "steps": 1000}),
    Experiment("shuffle_dyck2", library.make_shuffle_dyck2, "(){}", (6, 8, 10), CATEGORIES),
)  # fmt: skip


def compiled(experiment: Experiment) -> raspc.Model:
    """The program at N = 5 with heads as soft as the experiment asks."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", raspc.UncertainProgram)
        model = raspc.compile(experiment.build(), vocab=set(experiment.vocab), max_seq_len=N, optimize=0)
    softer = soft(model, Protocol.of(experiment.options, QUICK))
    return as_in_paper(softer) if experiment.as_in_paper else softer


def curves(experiment: Experiment, out: Path, seeds: int, changes: Mapping[str, Any]) -> list[Table]:
    """The sweep of one program: best, median and worst of each width, and what the best run is like."""
    place, model = out / experiment.name, compiled(experiment)
    options = {**experiment.options, **changes, "temperature": None}
    wall, processor = time.perf_counter(), time.process_time()
    rows = sweep(model, experiment.dims, place, seeds, protocol=Protocol.of(options, QUICK), inputs=experiment.inputs)
    took = time.perf_counter() - wall, time.process_time() - processor
    write_page(place)
    compact = read_settings(place)["compact"]
    title = (
        f"{experiment.name}, N = {N}, D = {model.config.d_model}: {seeds} seeds; -O2 needs {compact} with no error; "
        f"{took[0]:.0f} s of wall-clock, {took[1]:.0f} s of the processor"
    )
    widths = sorted({row["d"] for row in rows})
    spread = Table(title, SPREAD, [_spread(rows, d) for d in widths])
    return [spread, Table(f"{experiment.name}: the best run of each width", BESTS, [_best(place, d) for d in widths])]


SPREAD = (
    "d", "loss: best", "median", "worst", "mean", "accuracy: best", "median", "worst", "cosine: best", "median",
    "worst", "pca, no training", "readers, no training",
)  # fmt: skip
BESTS = ("d", "method", "output loss", "layer loss", "accuracy", "verdict", "cosine by layer output", "least like it")


def _spread(rows: Sequence[Mapping[str, Any]], d: int) -> tuple[str, ...]:
    trained = [row for row in rows if row["d"] == d and row["method"] == "trained"]
    losses, right, cosines = (sorted(row[name] for row in trained) for name in ("output_loss", "accuracy", "cosine"))
    untrained = {row["method"]: row["output_loss"] for row in rows if row["d"] == d and row["method"] != "trained"}
    return (
        str(d), *(f"{x:.1e}" for x in (losses[0], np.median(losses), losses[-1], np.mean(losses))),
        *(f"{x:.2%}" for x in (right[-1], np.median(right), right[0])),
        *(f"{x:.3f}" for x in (cosines[-1], np.median(cosines), cosines[0])),
        f"{untrained['pca']:.1e}", f"{untrained['readers']:.1e}",
    )  # fmt: skip


def _best(place: Path, d: int) -> tuple[str, ...]:
    report = load(place / BEST / f"d{d:02}").report
    assert report is not None
    culprit, heard = report.culprit, [x["cosine"] for x in report.layers if x["cosine"] is not None]
    start = report.protocol["start"] if report.protocol and report.method == "trained" else ""
    return (
        str(d), f"{report.method} {start}".strip(), f"{report.output_loss:.1e}", f"{report.layer_loss:.1e}",
        f"{report.accuracy:.2%}", report.verdict, ", ".join(f"{x:.3f}" for x in heard),
        f"{culprit['variable']} at {culprit['where']}" if culprit and culprit["cosine"] < 0.999 else "–",
    )  # fmt: skip


def inside(experiment: Experiment, out: Path, d: int) -> Table:
    """What the report of one width finds by itself: who is to blame for the cosine, which variables can be swapped."""
    report = load(out / experiment.name / BEST / f"d{d:02}").report
    assert report is not None
    culprit = report.culprit
    rows = [
        ("accuracy", f"{report.accuracy:.2%} of positions, {report.sequences:.2%} of {report.inputs} inputs"),
        ("cosine by layer output", ", ".join(f"{x['where']} {x['cosine']:.3f}" for x in report.layers if x["cosine"])),
        ("named by the report", f"{culprit['variable']} at {culprit['where']}" if culprit else "none"),
        ("verdict", report.verdict),
    ]
    rows += [
        (f"swap {x['variable']}", f"{x['subspace']:.1%} as the program (compiled {x['compiled']:.1%})")
        for x in report.interchange
        if x["compiled"] is not None
    ]
    return Table(f"{experiment.name}, d = {d}, the best run", ("", "found"), rows)


def against_time(out: Path, seconds: float, seeds: int) -> Table:
    """frac_prevs at d = 6: the least output loss of both protocols, and a plot of both curves.

    The paper's runs on the model as compiled, the quick one on softer heads; both in the paper's layout.
    """
    rows, courses = [], {}
    experiment = EXPERIMENTS[0]
    for name, base, model in (
        ("paper", PAPER, compiled(replace(experiment, options={"temperature": None}))),
        ("quick", QUICK, compiled(experiment)),
    ):
        protocol = replace(base, temperature=None, every=100, threads=1, polish_best=seeds)
        protocol = replace(protocol, steps=steps_in(model, protocol, seconds, seeds))
        report = compress(model, 6, seeds=seeds, protocol=protocol, faithfulness=False).report
        assert report is not None
        losses = [row["output_loss"] for row in report.runs]
        trained, spent = report.history[-1]["seconds"], sum(row["seconds"] for row in report.runs)
        courses[name] = (report.history, spent, min(losses))
        rows.append((name, f"{report.runs[0]['steps']:,}", f"{trained:.0f} s", f"{spent:.0f} s", f"{min(losses):.1e}",
                     f"{np.mean(losses):.1e}", f"{max(row['accuracy'] for row in report.runs):.2%}"))  # fmt: skip
    draw_times(out, courses)
    headers = ("protocol", "steps", "training", "with polish", "best output loss", "mean", "best accuracy")
    return Table(
        f"frac_prevs, D = 14, d = 6, {seeds} seeds at once: both protocols in seconds of the processor", headers, rows
    )


def draw_times(out: Path, courses: Mapping[str, tuple[Sequence[Mapping[str, Any]], float, float]]) -> None:
    """Both curves in one picture; the dot is the end, with the polish."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    from raspc.compress.figures import draw_course

    figure, axis = plt.subplots(figsize=(6, 4))
    for name, (history, spent, best) in courses.items():
        draw_course(axis, history, name)
        axis.plot([spent], [best], "o", color=axis.lines[-1].get_color())
    axis.set(xlabel="seconds of the processor, all seeds together (dot: with the polish)", ylabel="least output loss")
    axis.set(xscale="log", yscale="log")
    axis.legend()
    out.mkdir(parents=True, exist_ok=True)
    figure.savefig(out / "loss-against-time.png", dpi=110, bbox_inches="tight")
    plt.close(figure)


def steps_in(model: raspc.Model, protocol: Protocol, seconds: float, seeds: int) -> int:
    """As many steps as fit: the schedule is run whole, with fewer steps where they do not all fit."""
    trial = compress(model, 6, seeds=seeds, protocol=replace(protocol, steps=100, every=50, polish=0), threads=1,
                     faithfulness=False).report  # fmt: skip
    assert trial is not None
    pace = trial.history[-1]["seconds"] / 100
    return min(protocol.steps, max(100, int(seconds / pace)))


def baseline() -> str:
    """That the softened models still compute their programs, since all compressions start from them."""
    checks = {e.name: raspc.check(compiled(e)) for e in EXPERIMENTS}
    wrong = [name for name, found in checks.items() if not found.ok]
    error = checks["frac_prevs"].max_error
    return f"{len(checks)} programs with softer heads, wrong: {wrong or 'none'}; frac_prevs within {error:.1e}\n"


def main() -> None:
    """Prints what is asked for as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("results/compression"))
    parser.add_argument("--only", default=",".join([*(e.name for e in EXPERIMENTS), "time"]))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--steps", type=int, help="of every sweep; each has its own number")
    parser.add_argument("--dims", help="widths by commas instead of an experiment's own")
    parser.add_argument("--seconds", type=float, default=60.0, help="of each protocol of `time`, at most")
    given = parser.parse_args()
    wanted = given.only.split(",")
    changes = {} if given.steps is None else {"steps": given.steps}
    print(baseline(), flush=True)
    for experiment in EXPERIMENTS:
        if experiment.name not in wanted:
            continue
        if given.dims:
            experiment = replace(experiment, dims=[int(d) for d in given.dims.split(",")])
        tables = curves(experiment, given.out, given.seeds, changes)
        tables += (
            [inside(experiment, given.out, 8)] if experiment.name == "sort_unique" and 8 in experiment.dims else []
        )
        print(*tables, sep="\n", flush=True)
        print(f"{given.out / experiment.name / TABLE}: every run\n", flush=True)
    if "time" in wanted:
        print(against_time(given.out, given.seconds, given.seeds), flush=True)


if __name__ == "__main__":
    main()
