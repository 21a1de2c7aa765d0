"""No program of the library shows a generated name: its author had a word for each of its parts."""

from __future__ import annotations

import re

import pytest

from raspc import library, rasp
from raspc.graph.build import build
from raspc.graph.checked import checked_vocab
from raspc.graph.closure import domain_of_prompts
from raspc.graph.nodes import Graph
from raspc.numbers.options import Level, Options
from raspc.passes.pipeline import run_passes

GENERATED = re.compile(r"(map|table|affine|sign|width|aggregate|sum|select|gate|best)_\d+")


def graph_of(name: str) -> Graph:
    """A program of the library over its vocabulary, up to its length."""
    if name in library.PROGRAMS:
        entry = library.PROGRAMS[name]
        return build(entry.program, entry.vocab, entry.max_seq_len, entry.causal)
    writer = library.WRITERS[name]
    program, length = writer.program, writer.max_seq_len
    vocab = checked_vocab(writer.vocab)
    domain = domain_of_prompts(program, vocab, length, writer.stop, writer.prompts)
    return build(program, vocab, length, True, where=domain)


SLOW = dict.fromkeys(
    ("write_addition", "write_sum", "write_thought_sum", "write_product"), "its domain is run on 10,000 prompts"
)
NAMES = [
    pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in (*library.PROGRAMS, *library.WRITERS)
]


@pytest.mark.parametrize("name", [*library.PROGRAMS, *library.WRITERS])
def test_every_expression_has_a_name(name: str) -> None:
    """As its author wrote it: all but the inputs and constants, and steps that only say how to store a value."""
    program = (library.PROGRAMS.get(name) or library.WRITERS[name]).program
    inner = [expr for expr in rasp.topological(program) if expr.children]
    assert not [expr.told for expr in inner if expr.name == expr.default_name]


@pytest.mark.parametrize("name", NAMES)
def test_no_label_is_generated(name: str) -> None:
    """As it is written, and after the passes of each level: what the compiler adds is called after what it is of."""
    graph = graph_of(name)
    for level in Level:
        after, _ = run_passes(graph, Options(level=level))
        shown = [label for label in (*graph.labels, *after.labels) if GENERATED.fullmatch(label)]
        assert not shown, f"{name} at {level}: {shown}"


def test_a_generated_name_would_be_seen() -> None:
    """The pattern is what graphs call nodes that nobody named."""
    assert any(GENERATED.fullmatch(label) for label in build((rasp.indices + 1) * 2 + rasp.tokens, (1, 2), 3).labels)
