"""Chains of tables become one table: fewer layers, the same answers, and never a larger model."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import product
from typing import Any

import pytest
from benchmarks.written import SORTED_VOCAB, SUM_VOCAB, reversed_sum, sorted_digits

import raspc
from raspc import rasp
from raspc.certify.proof.sameness import same
from raspc.graph.build import build
from raspc.graph.nodes import Graph, Table
from raspc.passes.fuse_chains import MOST, fuse_chains
from raspc.plan.plan import Size
from raspc.rasp import Comparison, SOp

pytestmark = pytest.mark.filterwarnings("ignore::raspc.UncertainProgram")  # a causal program has other answers
T, I = rasp.tokens, rasp.indices  # noqa: E741


def occurs(token: Any) -> SOp:
    """Whether a token occurs at all."""
    return rasp.SelectorWidth(rasp.Select(T, rasp.Full(token), Comparison.EQ)) > 0


def chain(tokens: Any) -> SOp:
    """The first of these tokens that occurs, with its neighbour before it."""
    found: SOp = rasp.Full("none")
    for token in reversed(tokens):
        found = rasp.where(occurs(token), rasp.Full(token), found)
    return found


def compiled(program: SOp, vocab: Any, length: int, causal: bool = True, without: Any = ()) -> raspc.Model:
    """Compact; with its certificate, but for a model that is here to be compared with."""
    return raspc.compile(
        program, vocab, length, causal=causal, optimize=2, disabled_passes=without, certify=not without
    )


@cache
def written(program: Callable[[], SOp]) -> raspc.Model:
    """A program that writes, causal, as long as it may be."""
    vocab, length = {sorted_digits: (SORTED_VOCAB, 22), reversed_sum: (SUM_VOCAB, 14)}[program]
    return compiled(program(), vocab, length)


def size(model: raspc.Model) -> Size:
    """Layers and parameters."""
    return Size(model.config.n_layers, sum(array.size for array in model.params.values()))


def goes_on(program: SOp, prompt: str) -> str:
    """What a program writes, by the interpreter."""
    tokens = list(prompt)
    while tokens[-1] != ".":
        tokens.append(str(raspc.interpret(program, tokens, causal=True)[-1]))
    return "".join(tokens[len(prompt) :])


def test_the_programs_write_what_they_say() -> None:
    """Digits in order, and the sum of two numbers, last digit first."""
    assert goes_on(sorted_digits(), "3716>") == "1367."
    for a, b in [(12, 345), (9, 1), (99, 99), (999, 2), (0, 0), (40, 60)]:
        assert goes_on(reversed_sum(), f"{a}+{b}=") == f"{a + b}"[::-1] + "."


@pytest.mark.parametrize(
    ("program", "vocab", "length", "layers", "most"),
    [(sorted_digits, SORTED_VOCAB, 22, 2, 12_000), (reversed_sum, SUM_VOCAB, 14, 3, 300_000)],
)
def test_a_chain_takes_few_layers(program: Any, vocab: Any, length: int, layers: int, most: int) -> None:
    """Without the pass sorting takes ten layers, and addition five, with fifty times the parameters."""
    model = written(program)
    assert model.config.n_layers == layers
    assert model.certificate is not None and model.certificate.verdict == "proved"
    assert size(model).parameters <= most
    assert size(model) < size(compiled(program(), vocab, length, without=["fuse_chains"]))
    draw = random.Random(0)
    for _ in range(60):
        tokens = draw.choices(vocab, k=draw.randint(1, length))
        assert model.apply(["BOS", *tokens]).decoded[1:] == raspc.interpret(program(), tokens, causal=True)


def test_written_strings_are_right() -> None:
    """The model, asked for the next token again and again, sorts and adds."""
    model = written(reversed_sum)
    draw = random.Random(1)
    for _ in range(20):
        a, b = draw.randint(0, 999), draw.randint(0, 999)
        tokens = list(f"{a}+{b}=")
        while tokens[-1] != ".":
            tokens.append(model.apply(["BOS", *tokens]).decoded[-1])
        assert "".join(tokens) == f"{a}+{b}=" + f"{a + b}"[::-1] + "."


def graph_of(program: SOp, vocab: Any, length: int) -> Graph:
    """As it is before the passes."""
    return build(program, vocab, length)


def test_a_chain_of_truths_is_one_table() -> None:
    """Of six counts the truths have 64 combinations; the counts themselves are too many to be listed."""
    before = graph_of(chain("abcdef"), "abcdef", 12)
    after = fuse_chains(before)
    table = after[after.output]
    assert isinstance(table, Table)
    assert table.cells.size == 2**6
    assert fuse_chains(after) is after


@pytest.mark.parametrize(("program", "vocab"), [(sorted_digits(), SORTED_VOCAB), (chain("abcdef"), "abcdef")])
def test_the_proof_holds_the_table_to_the_chain(program: SOp, vocab: Any) -> None:
    """One value of it that is another one, and it is no longer what the program says."""
    before = graph_of(program, vocab, 22)
    after = fuse_chains(before)
    assert after is not before and same(before, after)
    table = after[after.output]
    assert isinstance(table, Table)
    for cell in (0, table.cells.size // 2, table.cells.size - 1):
        cells = table.cells.copy()
        cells.flat[cell] = (cells.flat[cell] + 1) % len(table.listed)
        nodes = tuple(replace(node, cells=cells) if node is table else node for node in after.nodes)
        assert not same(before, replace(after, nodes=nodes))


def test_what_is_there_as_soon_is_left_alone() -> None:
    """A function of tokens and indices has no chain; nor has one whose arguments are read off their roots."""
    for program in (T, I, rasp.Map(lambda t: t, T), chain("ab"), rasp.where(T == "a", I, I + 1)):
        before = graph_of(program, "ab", 4)
        assert fuse_chains(before) is before


def test_a_large_chain_is_cut_where_it_is_small() -> None:
    """No table has more combinations than are allowed; a chain of twenty truths takes several."""
    after = fuse_chains(graph_of(chain(range(20)), range(20), 6))
    assert max(node.cells.size for node in after.nodes if isinstance(node, Table)) <= MOST
    model = compiled(chain(range(20)), tuple(range(20)), 6, causal=False)
    assert model.config.n_layers <= 4


def test_undefined_values_stay_undefined() -> None:
    """A table of the chain that has no value somewhere leaves none in the one that stands for it."""
    known = {(token, there): number for number, (token, there) in enumerate(product("abc", (True, False)))}
    del known["b", False]
    inner = rasp.SequenceMap(lambda t, x: known[t, x], T, occurs("c"))
    program = rasp.SequenceMap(lambda x, y: x + y, rasp.where(occurs("a") & occurs("b"), 1, inner), occurs("b"))
    with pytest.raises(raspc.UnsupportedProgram):
        raspc.compile(program, "abc", 3, optimize=2)
    model = raspc.compile(program, "abc", 3, optimize=2, partial=True)
    for tokens in ("abc", "bc", "aa", "ca"):
        assert model.apply(["BOS", *tokens]).decoded[1:] == raspc.interpret(program, list(tokens))
