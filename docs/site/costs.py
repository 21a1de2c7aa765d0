"""What each construct of the language costs: the table of docs/language.md, made by compiling an example of each.

python -m docs.site.costs            prints the table
python -m docs.site.costs --write    writes it into the page
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import raspc
from raspc import rasp

PAGE = Path(__file__).parent.parent / "language.md"
BEGIN, END = "<!-- costs: python -m docs.site.costs --write -->", "<!-- end of costs -->"

LENGTH = 6
"""The longest input for which the examples are compiled."""


@dataclass(frozen=True)
class Example:
    """A construct, an expression in which it stands, and the tokens for which that is compiled."""

    of: str
    code: str
    vocab: tuple[Any, ...] = (0, 1, 2, 3)
    names: tuple[str, ...] = ()
    """Which public names of `raspc.rasp` it shows, where the code does not tell."""
    causal: bool = False


EXAMPLES = (
    Example("the tokens", "rasp.tokens"),
    Example("the positions", "rasp.indices"),
    Example("the length", "rasp.length"),
    Example("the length, under a causal mask", "rasp.length", causal=True),
    Example("a constant", "rasp.Full(7)"),
    Example("a constant for each position", "rasp.ConstantSOp([5, 3, 1, 1, 3, 5], check_length=False)"),
    Example("arithmetic with a number", "rasp.tokens * 2 + 1"),
    Example("a comparison with a number", "rasp.tokens < 2"),
    Example("one of several values", "rasp.is_in(rasp.tokens, {1, 3})"),
    Example("a function of one s-op", "rasp.Map(lambda x: x * x % 5, rasp.tokens)"),
    Example("a sum of two s-ops", "rasp.tokens + rasp.indices"),
    Example("a weighted sum of two s-ops", "rasp.LinearSequenceMap(rasp.tokens, rasp.indices, 2, -1)"),
    Example("a product of two s-ops", "rasp.tokens * rasp.indices"),
    Example("a comparison of two s-ops", "rasp.tokens == rasp.indices"),
    Example("and, or, not", "(rasp.tokens == 1) & ~(rasp.indices == 0)"),
    Example("a function of two s-ops", "rasp.SequenceMap(lambda x, i: (x + i) % 3, rasp.tokens, rasp.indices)"),
    Example("a choice", "rasp.where(rasp.indices == 0, 9, rasp.tokens)"),
    Example("a function of many s-ops", "rasp.map(lambda x, i, n: x if i < n - 1 else 0, "
            "rasp.tokens, rasp.indices, rasp.length)", names=("NaryMap",)),
    Example("a width: how many are selected",
            "rasp.SelectorWidth(rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.EQ))"),
    Example("a predicate in Python",
            "rasp.SelectorWidth(rasp.Select(rasp.tokens, rasp.tokens, lambda k, q: abs(k - q) == 1))",
            names=("Predicate",)),
    Example("an atom as a query", "rasp.SelectorWidth(rasp.Select(rasp.tokens, 1, rasp.Comparison.EQ))"),
    Example("a matrix", "rasp.SelectorWidth(rasp.ConstantSelector([[i < k for k in range(6)] for i in range(6)], "
            "check_length=False))"),
    Example("both selectors", "rasp.SelectorWidth(rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.EQ) "
            "& rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.LT))", names=("SelectorAnd",)),
    Example("either selector", "rasp.SelectorWidth(rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.EQ) "
            "| rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.LT))", names=("SelectorOr",)),
    Example("not selected", "rasp.SelectorWidth(~rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.EQ))",
            names=("SelectorNot",)),
    Example("a value from one position",
            "rasp.Aggregate(rasp.Select(rasp.indices, rasp.indices - 1, rasp.Comparison.EQ), rasp.tokens)"),
    Example("the same with a default",
            "rasp.Aggregate(rasp.Select(rasp.indices, rasp.indices - 1, rasp.Comparison.EQ), rasp.tokens, 0)"),
    Example("a mean", "rasp.Aggregate(rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.LEQ), "
            "rasp.numerical(rasp.tokens == 1))", names=("numerical",)),
    Example("the promise of one key", "rasp.Aggregate(rasp.Select(rasp.tokens, 3, rasp.Comparison.EQ), rasp.indices, "
            "0, single=True)"),
    Example("a sum over positions",
            "rasp.Sum(rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.LEQ), rasp.tokens)"),
    Example("the last selected", "rasp.Aggregate(rasp.latest(rasp.Select(rasp.tokens, rasp.tokens, "
            "rasp.Comparison.EQ)), rasp.indices)"),
    Example("the first selected", "rasp.Aggregate(rasp.earliest(rasp.Select(rasp.tokens, rasp.tokens, "
            "rasp.Comparison.EQ)), rasp.indices)"),
    Example("the selected of best score", "rasp.Aggregate(rasp.best(rasp.Select(rasp.indices, rasp.indices, "
            "rasp.Comparison.LEQ), rasp.tokens), rasp.tokens)", names=("Best",)),
    Example("a promise about values", "rasp.assume(rasp.tokens % 2, {0, 1}) * rasp.indices", names=("Assume",)),
    Example("advice: one direction for each value", "rasp.categorical(rasp.tokens + 1)"),
)  # fmt: skip
"""Each construct once, in the order of the page."""


def program(example: Example) -> rasp.SOp:
    """The expression of an example."""
    found: rasp.SOp = eval(example.code, {"rasp": rasp})  # our own text, above
    return found


def cost(example: Example, level: int) -> str:
    """Layers, heads and neurons of the compiled example, `2 · 3 · 8`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", raspc.UncertainProgram)  # a promise is said when it is compiled
        model = raspc.compile(
            program(example), example.vocab, LENGTH, causal=example.causal, optimize=level, uniform=False
        )
    heads, neurons = (sum(widths) for widths in (model.config.n_heads, model.config.d_mlp))
    return f"{model.config.n_layers} · {heads} · {neurons}" if heads + neurons else "nothing"


def table() -> str:
    """A row for each construct: an example, and what it costs at -O1 and at -O2."""
    return "\n".join([BEGIN, "| construct | example | `-O1` | `-O2` |", "|---|---|---|---|", *_rows(), END])


def _rows() -> Iterator[str]:
    for example in EXAMPLES:
        code = example.code.replace("|", "\\|")
        yield f"| {example.of} | `{code}` | {cost(example, 1)} | {cost(example, 2)} |"


def written(page: str, found: str) -> str:
    """The page with this table in the place of its own."""
    before, rest = page.split(BEGIN)
    return before + found + rest.split(END)[1]


if __name__ == "__main__":
    if "--write" in sys.argv[1:]:
        PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), table()), encoding="utf-8")
    else:
        print(table())
