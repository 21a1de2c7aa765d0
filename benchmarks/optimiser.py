"""Sizes at -O2 beside Tracr's and the goals: `python -m benchmarks optimiser` prints a Markdown table.

Tracr's sizes were measured on its own code; its column omits the unembedding, which it keeps outside its
parameters. Ours count every parameter of a uniform architecture, padding and biases included. "Least known"
is the longest chain of attention operations that depend on one another: no model that computes each of the
program's aggregates and widths has fewer layers (docs/optimiser.md).
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import raspc
from benchmarks.measure import Table
from raspc import library, rasp
from raspc.graph.nodes import Aggregate, Graph, Length, Width
from raspc.graph.tables import listings
from raspc.text import programs


@dataclass(frozen=True)
class Row:
    """A program at a size, what Tracr needs for it, and the goal: layers, parameters and d_model (0: no goal)."""

    name: str
    build: Callable[[], rasp.SOp]
    vocab: tuple[Any, ...]
    length: int
    tracr: str
    layers: int
    parameters: int
    d_model: int = 0
    causal: bool = False


def letters(n: int) -> tuple[Any, ...]:
    """n tokens."""
    return tuple("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"[:n])


def of_text(name: str) -> rasp.SOp:
    """A program of the text library."""
    return programs()[name].program


ROWS = (
    Row("reverse", library.reverse, letters(4), 5, "4, 19,700", 2, 900, 8),
    Row("reverse", library.reverse, letters(32), 32, "4, 2.5 M", 2, 4_000),
    Row("hist", library.hist, letters(4), 5, "1, 1,208", 1, 400),
    Row("frac_prevs", library.frac_prevs, ("a", "b", "c", "x"), 5, "2, 1,108", 1, 350, 8),
    Row("frac_prevs, causal", library.frac_prevs, ("a", "b", "c", "x"), 5, "2, 1,108", 1, 350, 4, True),
    Row("sort_unique", library.sort_unique, (1, 2, 3, 4, 5), 5, "2, 3,091", 2, 1_000),
    Row("sort", library.sort, (1, 2, 3, 4, 5), 5, "3, 24,968", 2, 2_300),
    Row("sort", library.sort, tuple(range(32)), 32, "3, 21.5 M", 2, 100_000),
    Row("sort_freq", library.sort_freq, letters(4), 5, "5, 64,122", 3, 3_400),
    Row("sort_freq", library.sort_freq, letters(32), 32, "5, 40 M", 3, 150_000),
    Row("detect_pattern abc", library.detect_pattern, letters(3), 5, "3, 5,916", 1, 600),
    Row("pair_balance", library.pair_balance, ("(", ")"), 5, "2, 2,222", 1, 350),
    Row("count_less_freq 2", library.count_less_freq, letters(4), 6, "2, 3,400", 2, 800),
    Row("shuffle_dyck2", library.shuffle_dyck, ("(", ")", "{", "}"), 5, "8, 246,884", 2, 3_500),
    Row(
        "shuffle_dyck3",
        lambda: library.shuffle_dyck(("()", "{}", "[]")),
        ("(", ")", "{", "}", "[", "]"),
        6,
        "9, 725,253",
        2,
        6_000,
    ),
    # Programs of RASP's paper in its own syntax; Tracr has none of them. The goals are the layers of RASP's analysis.
    Row("dyck2_ptf, causal", lambda: of_text("dyck2"), tuple("(){}"), 8, "–", 4, 0, causal=True),
    Row("double_hist", lambda: of_text("hist2"), letters(4), 8, "–", 2, 0),
    Row("most_freq", lambda: of_text("most_frequent"), letters(4), 8, "–", 3, 0),
    Row("most_freq", library.most_freq, letters(8), 16, "–", 3, 0),
    Row("long addition, 3 digits", lambda: of_text("long_addition"), tuple("0123456789+"), 7, "–", 5, 0),
)


def measured(row: Row, optimize: int = 2) -> tuple[Any, float, bool]:
    """The model, the seconds that its compilation took, and whether the check passed."""
    program = row.build()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start = time.perf_counter()
        model = raspc.compile(program, row.vocab, row.length, causal=row.causal, optimize=optimize)
        seconds = time.perf_counter() - start
    return model, seconds, raspc.check(model, limit=20_000).ok


def least_layers(graph: Graph) -> int:
    """The longest chain of heads, each of which needs what the one before it found; at least one."""
    depth: list[int] = []
    for node, joint in zip(graph.nodes, listings(graph.nodes), strict=True):
        place = len(depth)
        refs = node.refs if joint is None or place in joint.roots else joint.roots
        before = max((depth[ref] for ref in refs), default=0)
        depth.append(before + isinstance(node, Aggregate | Width | Length))
    return max(1, depth[graph.output])


def table() -> Table:
    """Every row, measured now."""
    headers = ("program", "vocabulary, length", "Tracr: layers, parameters", "goal", "least known", "layers",
               "d_model", "parameters", "compile", "check", "goal met")  # fmt: skip
    return Table("Sizes at -O2", headers, [shown(row) for row in ROWS])


def goal_of(row: Row) -> str:
    """The goal as text."""
    parameters = f", ≤ {row.parameters:,}" if row.parameters else ""
    width = f", d_model ≤ {row.d_model}" if row.d_model else ""
    return f"{row.layers} layer{'s' * (row.layers > 1)}{parameters}{width}"


def shown(row: Row) -> tuple[str, ...]:
    """One row as text."""
    model, seconds, ok = measured(row)
    config = model.config
    parameters = sum(int(array.size) for array in model.params.values())
    sizes = (config.n_layers, parameters, config.d_model)
    goals = (row.layers, row.parameters or parameters, row.d_model or config.d_model)
    met = all(size <= most for size, most in zip(sizes, goals, strict=True))
    return (
        row.name, f"{len(row.vocab)}, {row.length}", row.tracr, goal_of(row), str(least_layers(model.graph)),
        str(config.n_layers), str(config.d_model), f"{parameters:,}", f"{seconds:.2f} s",
        "exact" if ok else "WRONG", "yes" if met else "**no**",
    )  # fmt: skip


if __name__ == "__main__":
    print(table())
