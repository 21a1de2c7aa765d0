"""Products in gated neurons: what they save in a Llama, beside the model that goes through values."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import raspc
from benchmarks.measure import Table
from raspc import rasp
from raspc.attempts import size_in
from raspc.rasp import Comparison, SOp
from raspc.weights import Model, sampling

HEADERS = (
    "program", "tokens", "longest input", "neurons", "parameters", "proved", "with products: neurons", "parameters",
    "proved", "wrong/total", "factor",
)  # fmt: skip
INPUTS = 60
BEFORE = rasp.Aggregate(rasp.Select(rasp.indices, rasp.indices - 1, Comparison.EQ), rasp.tokens, default=0)


def _count(token: Any) -> SOp:
    return rasp.SelectorWidth(rasp.Select(rasp.tokens.is_in([token]), True, Comparison.EQ))


PROGRAMS: Mapping[str, tuple[SOp, Any, int]] = {
    "a number times the one before": (rasp.tokens * BEFORE, range(30), 10),
    "a number times its position": (rasp.tokens * rasp.indices, range(10), 20),
    "a number times the sum so far": (
        rasp.tokens * rasp.Sum(rasp.Select(rasp.tokens, rasp.tokens, Comparison.TRUE), rasp.tokens), range(6), 10,
    ),
    "the square of a difference": (rasp.map(lambda x, y: (x - y) ** 2, rasp.tokens, BEFORE), range(10), 10),
    "a product of two counts": (_count("a") * _count("b"), "abc", 20),
    "one of two counts": (rasp.where(rasp.tokens == "c", _count("a"), _count("b")), "abc", 20),
}  # fmt: skip


def table() -> Table:
    """Each program as a Llama at -O2, without products and with them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rows = [row(name, *given) for name, given in PROGRAMS.items()]
    return Table(f"Products in gated neurons: Llama, -O2, {INPUTS} inputs a program", HEADERS, rows)


def row(name: str, program: SOp, vocab: Any, longest: int) -> tuple[str, ...]:
    """One program, both ways."""
    listed, found = (
        raspc.compile(program, vocab, longest, True, optimize=2, target="llama", disabled_passes=without)
        for without in (["products"], [])
    )
    batch = sampling.inputs_of(found)[-INPUTS:]
    wrong = sum(
        given[1:] != raspc.interpret(program, tokens[1:], causal=True)
        for tokens, given in zip(batch, found.apply_batch(batch).decoded, strict=True)
    )
    return (
        name, str(len(list(vocab))), str(longest), *_told(listed), *_told(found), f"{wrong}/{len(batch)}",
        f"{size_in(listed) / size_in(found):.1f}",
    )  # fmt: skip


def _told(model: Model) -> tuple[str, str, str]:
    verdict = None if model.certificate is None else model.certificate.verdict
    return f"{model.config.d_mlp:,}", f"{size_in(model):,}", "yes" if verdict == "proved" else "no"
