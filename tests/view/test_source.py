"""Programs as RASP's own text: what is written is read back, and means the same."""

from __future__ import annotations

import random
import warnings

import pytest

import raspc
from raspc import library, rasp
from raspc.graph.nodes import Graph
from raspc.text import load_program
from raspc.view import source

REFUSED = {"dyck1_ptf": "a large table", "induction": "no token"}
"""Programs of the library that RASP's text has no words for, and why."""
QUICK = ("reverse", "hist", "sort", "shift_by", "nary_map", "swap_halves", "palindrome", *REFUSED)


def graph_of(name: str) -> Graph:
    """The graph of a program of the library, as it was written."""
    entry = library.get(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = raspc.compile(entry.program, entry.vocab, entry.max_seq_len, causal=entry.causal, certify=False)
    assert model.program is not None
    return model.program


def hold(name: str) -> None:
    """The text of a program gives what the program gives, on inputs that were not looked at before."""
    entry = library.get(name)
    if name in REFUSED:
        with pytest.raises(raspc.UnsupportedProgram, match=REFUSED[name]):
            source.rasp_text(graph_of(name))
        return
    text = source.rasp_text(graph_of(name))
    program = load_program(text)
    generator = random.Random(1)
    for _ in range(20):
        tokens = generator.choices(entry.vocab, k=generator.randint(1, entry.max_seq_len))
        assert program(tokens, causal=entry.causal) == entry.program(tokens, causal=entry.causal), (tokens, text)


@pytest.mark.parametrize("name", QUICK)
def test_some_programs_as_text(name: str) -> None:
    """Comparisons, tables, shifts, defaults of None."""
    hold(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in library.PROGRAMS if name not in QUICK])
def test_every_program_as_text(name: str) -> None:
    """All others of the library."""
    hold(name)


def test_how_a_text_looks() -> None:
    """Names are those of the author; functions of Python are operators where they are some, else tables."""
    same = rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.EQ).named("same")
    twice = rasp.Map(lambda n: {1: "once", 2: "twice"}.get(n, "often"), rasp.SelectorWidth(same).named("how many"))
    model = raspc.compile(twice.named("said"), "ab", 3)
    assert model.program is not None
    assert source.rasp_text(model.program) == (
        "same = select(tokens, tokens, ==);\n"
        "how_many = selector_width(same);\n"
        'said = {1: "once", 2: "twice", 3: "often"}[how_many];\n'
    )


def test_a_wrong_text_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written is held against the graph: a rule that writes something else is found."""
    graph = graph_of("hist")
    monkeypatch.setitem(source.RULES, type(graph[graph.output]), lambda *_: "indices")
    with pytest.raises(raspc.UnsupportedProgram):
        source.rasp_text(graph)
