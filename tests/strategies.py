"""Hypothesis strategies: vocabularies, inputs, programs of every construct, and whole cases of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from tests.domains import Where, random_where

from raspc import rasp, values
from raspc.library.decimals import random_decimal_script
from raspc.library.random_program import Script, random_script
from raspc.rasp import Comparison, SOp

tokens, indices, length = rasp.tokens, rasp.indices, rasp.length

integers = st.integers(-9, 9)
fractions = st.integers(-12, 12).map(lambda n: n / 4)
words = st.sampled_from(["a", "b", "c", "x", "ab", "", "_", "1", "é", ":"])
booleans = st.booleans()
scalars = st.one_of(integers, fractions, words, booleans)
any_value = st.one_of(scalars, st.none(), st.tuples(integers, words))

_KINDS = {
    "integers": integers,
    "fractions": fractions,
    "words": words,
    "booleans": booleans,
    "mixed": scalars,
}


def vocabularies(min_size: int = 1, max_size: int = 5) -> st.SearchStrategy[tuple[Any, ...]]:
    """Tokens of one kind or of several, no two of which are equal (True is 1)."""
    return st.sampled_from(sorted(_KINDS)).flatmap(
        lambda kind: st.lists(
            _KINDS[kind],
            min_size=min_size if kind != "booleans" else 1,
            max_size=max_size,
            unique_by=values.key,
        ).map(tuple)
    )


def inputs(vocab: tuple[Any, ...], max_seq_len: int) -> st.SearchStrategy[list[Any]]:
    """Sequences of 1 to `max_seq_len` tokens."""
    return st.lists(st.sampled_from(vocab), min_size=1, max_size=max_seq_len)


@dataclass(frozen=True)
class Case:
    """A program, what it may be run on, and one input."""

    script: Script
    vocab: tuple[Any, ...]
    max_seq_len: int
    causal: bool
    xs: list[Any]
    where: Where | None = None

    @property
    def program(self) -> SOp:
        """The expression, built anew."""
        return self.script.build()


@st.composite
def scripts(
    draw: st.DrawFn, vocab: tuple[Any, ...], max_seq_len: int, causal: bool, max_operations: int = 10
) -> Script:
    """Random programs, as text; they shrink in length and in their choices."""
    rng = draw(st.randoms(use_true_random=False))
    return random_script(rng, draw(st.integers(1, max_operations)), vocab, max_seq_len, causal)


@st.composite
def cases(draw: st.DrawFn, max_operations: int = 10, longest: int = 6) -> Case:
    """A random program over a random vocabulary, causal or not, and an input of it."""
    vocab, max_seq_len = draw(vocabularies()), draw(st.integers(1, longest))
    causal = draw(booleans)
    script = draw(scripts(vocab, max_seq_len, causal, max_operations))
    return Case(script, vocab, max_seq_len, causal, draw(inputs(vocab, max_seq_len)))


@st.composite
def domain_cases(draw: st.DrawFn, max_operations: int = 8, longest: int = 5) -> Case:
    """A random program for the inputs of a random domain, which may be undefined on others; `xs` may be outside."""
    vocab, max_seq_len, causal = draw(vocabularies()), draw(st.integers(1, longest)), draw(booleans)
    rng = draw(st.randoms(use_true_random=False))
    where = random_where(rng, vocab, max_seq_len)
    script = random_script(rng, draw(st.integers(1, max_operations)), where.occur, max_seq_len, causal, where.once)
    return Case(script, vocab, max_seq_len, causal, draw(inputs(vocab, max_seq_len)), where)


DECIMALS = ((0.1, 0.2, 0.3), (0.1, 0.2), (-0.3, 0.1, 0.2), (0, 1), (-1, 1), (1, 10, 100), (1, 1 + 1e-10), (True, False))
"""Vocabularies whose sums and means differ by rounding alone, by 1e-10, or by magnitudes."""


@st.composite
def decimal_cases(draw: st.DrawFn, max_operations: int = 12, longest: int = 4) -> Case:
    """A random program about decimals, which may be undefined on some input, and an input of it."""
    vocab, max_seq_len, causal = draw(st.sampled_from(DECIMALS)), draw(st.integers(1, longest)), draw(booleans)
    rng = draw(st.randoms(use_true_random=False))
    script = random_decimal_script(rng, draw(st.integers(1, max_operations)), vocab, max_seq_len, causal)
    return Case(script, vocab, max_seq_len, causal, draw(inputs(vocab, max_seq_len)))


def _same_token() -> rasp.Selector:
    return rasp.Select(tokens, tokens, Comparison.EQ)


def _before() -> rasp.Selector:
    return rasp.Select(indices, indices, Comparison.LT)


def _even(x: SOp) -> SOp:
    return rasp.Map(lambda v: v % 2 == 0, x)


CONSTRUCT_VOCAB = (1, 2, 3)
CONSTRUCT_LENGTH = 4
CONSTRUCTS: dict[str, SOp] = {
    "tokens": rasp.Map(lambda x: x, tokens),
    "indices": rasp.Map(lambda x: x, indices),
    "length": rasp.Map(lambda x: x, length),
    "bare tokens": tokens,
    "bare indices": indices,
    "bare length": length,
    "Map": rasp.Map(lambda x: x * x, tokens),
    "SequenceMap": rasp.SequenceMap(lambda x, y: x * y, tokens, indices),
    "LinearSequenceMap": rasp.LinearSequenceMap(tokens, indices, 2, -0.5),
    "Full": rasp.Full("w"),
    "Full of None": rasp.Full(None),
    "ConstantSOp": rasp.ConstantSOp([3, 1, "w", None], check_length=False),
    "n-ary map": rasp.map(lambda x, i, n: (x, i, n), tokens, indices, length),
    "n-ary map that sees None": rasp.NaryMap(
        lambda x, y: y if x is None else x,
        rasp.Map(lambda x: None if x == 2 else x, tokens),
        indices,
        none_in_none_out=False,
    ),
    "where": rasp.where(tokens == 2, indices, "w"),
    "is_in": tokens.is_in([1, 3]),
    "rasp.is_in": rasp.is_in(tokens, {2}),
    "add": tokens + indices,
    "add a constant": tokens + 1.5,
    "add to a constant": 10 + tokens,
    "subtract": tokens - indices,
    "subtract from a constant": 3 - tokens,
    "multiply": tokens * indices,
    "multiply a constant": -2 * tokens,
    "divide": tokens / indices,
    "divide a constant": 6 / (tokens - 1),
    "floor divide": tokens // indices,
    "floor divide a constant": 7 // tokens,
    "modulo": tokens % indices,
    "modulo a constant": tokens % 2,
    "power": tokens**indices,
    "power of a constant": 2**indices,
    "minus": -tokens,
    "plus": +tokens,
    "abs": abs(tokens - 2),
    "round": round(tokens / 2),
    "round to digits": round(tokens / 3, 1),
    "less": tokens < indices,
    "at most": tokens <= indices,
    "greater": tokens > 2,
    "at least": 2 >= tokens,  # noqa: SIM300 - a constant on the left
    "equal": tokens == indices,
    "not equal": tokens != 2,
    "and": (tokens == 2) & (indices > 0),
    "or": (tokens == 2) | (indices > 0),
    "not": ~(tokens == 2),
    "assume": rasp.assume(tokens, [3, 1, 2]) * 2,
    "assume of a count": rasp.assume(rasp.SelectorWidth(rasp.Select(tokens, tokens, Comparison.EQ)), range(1, 5)),
    "assume by a function": rasp.assume(tokens - 2, lambda x: abs(x) < 2),
    "numerical": rasp.numerical(tokens - 2),
    "numerical words": rasp.numerical(rasp.Map({1: "a", 2: "b", 3: 3}.get, tokens)),
    "categorical": rasp.categorical(tokens / 2),
    "named": (tokens + 1).named("one more"),
    "logarithm of 0": rasp.Map(lambda x: math.log(x - 1), tokens),
    **{f"width {how.name}": rasp.SelectorWidth(rasp.Select(tokens, indices, how)) for how in Comparison},
    "width of a predicate": rasp.SelectorWidth(
        rasp.Select(tokens, indices, lambda key, query: key + query == 3)
    ),
    "width of and": rasp.SelectorWidth(_same_token() & _before()),
    "width of or": rasp.SelectorWidth(_same_token() | _before()),
    "width of not": rasp.SelectorWidth(~_same_token()),
    "width of a mixture": rasp.SelectorWidth(
        ~(_same_token() & ~_before()) | rasp.Select(indices, tokens, Comparison.EQ)
    ),
    "width over unlike variables": rasp.SelectorWidth(
        rasp.Select(tokens, indices, Comparison.GT) | rasp.Select(indices, tokens, Comparison.EQ)
    ),
    "ConstantSelector": rasp.SelectorWidth(
        rasp.ConstantSelector([[1, 0, 0, 1], [0, 0, 0, 0], [1, 1, 1, 1], [0, 1, 0, 0]], check_length=False)
    ),
    "pick": rasp.Aggregate(rasp.Select(indices, indices, lambda key, query: key == query - 1), tokens),
    "pick with a word for a default": rasp.Aggregate(
        rasp.Select(indices, indices, lambda key, query: key == query - 1), tokens, default="_"
    ),
    "pick of None": rasp.Aggregate(
        rasp.Select(indices, length, lambda key, query: key == query - 1),
        rasp.Map(lambda x: None if x == 2 else str(x), tokens),
        default=0,
    ),
    "pick of tuples": rasp.Aggregate(
        rasp.Select(indices, rasp.Full(0), Comparison.EQ),
        rasp.SequenceMap(lambda x, n: (x, n), tokens, length),
    ),
    "pick of equal values": rasp.Aggregate(
        rasp.Select(tokens, rasp.Full(2), Comparison.EQ), rasp.Map(str, tokens), default=-1
    ),
    "latest": rasp.Aggregate(rasp.latest(_same_token()), indices),
    "latest with a default": rasp.Aggregate(rasp.latest(_same_token() & _before()), rasp.Map(str, tokens), default="_"),
    "earliest": rasp.Aggregate(rasp.earliest(rasp.Select(tokens, tokens, Comparison.LT)), tokens),
    "best": rasp.Aggregate(rasp.best(_before(), tokens), tokens, default=0),
    "mean of the best": rasp.Aggregate(rasp.best(_same_token() | _before(), tokens, "min"), indices),
    "sum of the latest": rasp.Sum(rasp.latest(_same_token() & _before()), tokens, default=-1),
    "sum of the best": rasp.Sum(rasp.best(_before(), tokens), indices),
    "best by words": rasp.Aggregate(rasp.best(~_before(), rasp.Map(lambda x: "_bca"[x], tokens)), tokens),
    "best by tuples": rasp.Aggregate(rasp.best(_before(), rasp.map(lambda x, i: (-x, i % 2), tokens, indices)), tokens),
    "earliest of the best of the best": rasp.Aggregate(
        rasp.earliest(rasp.best(rasp.best(_before(), tokens), indices % 2, "min")), indices, default=-1
    ),
    "best of a part": rasp.Aggregate(rasp.best(rasp.Select(indices, indices, Comparison.GEQ), tokens % 2), indices),
    "best by a width": rasp.Aggregate(rasp.best(_before(), rasp.SelectorWidth(_same_token())), tokens, default="none"),
    "width of latest": rasp.SelectorWidth(rasp.latest(_same_token() & _before())),
    "width of best": rasp.SelectorWidth(rasp.best(_before(), tokens)),
    "not the earliest": rasp.SelectorWidth(~rasp.earliest(_same_token())),
    "latest and before": rasp.Aggregate(rasp.latest(_same_token()) & _before(), tokens),
    "latest of the best": rasp.Aggregate(rasp.latest(rasp.best(_before(), tokens, "min")), indices),
    "single": rasp.Aggregate(rasp.Select(indices, tokens, Comparison.EQ), tokens, default=-1, single=True),
    "mean": rasp.Aggregate(rasp.Select(indices, indices, Comparison.LEQ), tokens),
    "mean with None": rasp.Aggregate(_before(), tokens),
    "mean with a default": rasp.Aggregate(_before(), tokens, default=-1.5),
    "mean with a word for a default": rasp.Aggregate(_before(), tokens, default="_"),
    "mean of booleans": rasp.Aggregate(_same_token(), _even(indices)),
    "mean of a composite": rasp.Aggregate(_same_token() | _before(), indices),
    "mean of a negation": rasp.Aggregate(~_same_token(), indices, default=0),
    "map of a mean": rasp.Map(lambda x: x > 1.5, rasp.Aggregate(_same_token() | _before(), tokens)),
    "mean of a map of a mean": rasp.Aggregate(
        rasp.Select(indices, indices, Comparison.GT), (rasp.Aggregate(_before(), tokens, 0) < 2), default=0
    ),
    "sum": rasp.Sum(_same_token(), indices),
    "sum with None": rasp.Sum(_before(), tokens, default=None),
    "sum with a word for a default": rasp.Sum(_before() & _same_token(), indices - 1, default="_"),
    "sum of both signs": rasp.Sum(_same_token() | _before(), tokens * 3 - 7),
    "sum of booleans": rasp.Sum(~_same_token(), tokens > 1),
    "sum of halves": rasp.Sum(_before(), tokens / 2),
    "sum of decimals": rasp.Sum(_same_token(), tokens / 10),
    "sum of a mean": rasp.Sum(_before(), rasp.Aggregate(_before(), tokens, default=0)),
    "sum of a sum": rasp.Sum(_before(), rasp.Sum(_same_token(), indices)),
    "named sum": rasp.Sum(_same_token(), tokens).named("total") % 3,
    "map of sums": rasp.map(lambda x, y: x > y, rasp.Sum(_before(), tokens), rasp.Sum(_same_token(), indices)),
    "select by a sum": rasp.SelectorWidth(rasp.Select(rasp.Sum(_before(), tokens), tokens, Comparison.GT)),
    "mean times width": rasp.Aggregate(_same_token(), indices) * rasp.SelectorWidth(_same_token()),
    "mean times length": 2 * rasp.Aggregate(rasp.Select(tokens, tokens, Comparison.TRUE), tokens) * length - length,
    "mean times a default": rasp.SelectorWidth(_before()) * rasp.Aggregate(_before(), tokens, default=2),
    "select by a width": rasp.SelectorWidth(
        rasp.Select(rasp.SelectorWidth(_same_token()), rasp.SelectorWidth(_before()), Comparison.EQ)
    ),
}  # fmt: skip
"""A program for each construct and its variants, defined on every input over CONSTRUCT_VOCAB."""
