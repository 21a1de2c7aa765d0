"""The page's own forward pass, interpreter and decoder against NumPy's."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from importlib import resources
from typing import Any

import numpy as np
import pytest

import raspc
from raspc import jsonvalues, library, rasp
from raspc import values as V
from raspc.certify.checking.variables import trace_variables
from raspc.graph.evaluate import RULES
from raspc.weights.model import Model

NUMBERS_OF = """ids => { const run = raspc.forward(ids);
  return {answer: run.answer.map(a => a.value), unembedded: [...run.unembedded],
          streams: run.streams.map(s => [...s]), patterns: run.patterns.map(l => l.map(p => [...p]))}; }"""
VARIABLES_OF = """ids => { const run = raspc.forward(ids), meant = raspc.interpret(ids);
  const held = raspc.decodeRun(run).map(stage => stage.map(values => values && values.map(v => v.value ?? null)));
  const expected = raspc.data.nodes.map((n, i) => n.domain === undefined ? null
    : ids.map((_, t) => raspc.expectedAt(meant, i, t).value ?? null));
  return {held, expected}; }"""
SOME = ("sort", "pair_balance", "shuffle_dyck1", "induction", "caesar")


def compiled(name: str, optimize: int) -> Model:
    """A library program at its default size."""
    entry = library.get(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return raspc.compile(entry.program, entry.vocab, entry.max_seq_len, causal=entry.causal, optimize=optimize)


def inputs(model: Model, count: int) -> list[list[Any]]:
    """Random inputs of all lengths, the longest among them; only defined ones of an exact length."""
    rng = np.random.default_rng(0)
    vocab, longest = model.graph.vocab, model.config.max_seq_len
    exact = model.graph.exact_length
    lengths = [exact or longest, *(exact or int(n) for n in rng.integers(1, longest + 1, count - 1))]
    return [[vocab[i] for i in rng.integers(0, len(vocab), n)] for n in lengths]


def close(found: list[float], expected: Any) -> bool:
    """Float32 sums in another order."""
    return bool(np.allclose(np.array(found), np.asarray(expected).ravel(), rtol=1e-4, atol=2e-4))


def check_numbers(page: Any, model: Model, tokens: list[Any]) -> None:
    """Every activation and every answer."""
    out = model.apply([model.config.bos, *tokens])
    found = page.evaluate(NUMBERS_OF, model.input_encoder.encode([model.config.bos, *tokens])[1:])
    for mine, theirs in zip(found["answer"], out.decoded[1:], strict=True):
        value = jsonvalues.decode(mine)
        same = V.is_number(theirs) and V.is_number(value) and abs(value - theirs) <= 1e-5 * max(1, abs(theirs))
        assert same or V.same(value, theirs), tokens
    assert close(found["unembedded"], out.unembedded), tokens
    for mine, theirs in zip(found["streams"], out.residuals, strict=True):
        assert close(mine, theirs), tokens
    for layer, patterns in zip(found["patterns"], out.attn_patterns, strict=True):
        assert all(close(mine, patterns[0, h]) for h, mine in enumerate(layer)), tokens


def check_variables(page: Any, model: Model, tokens: list[Any]) -> None:
    """What the page decodes and interprets, against `trace_variables`."""
    trace = trace_variables(model, tokens)
    found = page.evaluate(VARIABLES_OF, model.input_encoder.encode([model.config.bos, *tokens])[1:])
    for place, label in enumerate(model.graph.labels):
        if label in trace.expected:
            assert alike(found["expected"][place], trace.expected[label]), (tokens, label)
        for stage, held in trace.held.items():
            assert (found["held"][stage + 1][place] is None) == (label not in held), (stage, label)
            if label in held:
                assert alike(found["held"][stage + 1][place], held[label]), (tokens, stage, label)


def alike(found: list[Any], expected: list[Any]) -> bool:
    """Values of the page beside Python's, where no value is None here and `...` there."""
    pairs = zip(map(jsonvalues.decode, found), expected, strict=True)
    return all(
        abs(a - b) <= 1e-4 * max(1, abs(b)) if V.is_number(a) and V.is_number(b) else a == (None if b is ... else b)
        for a, b in pairs
    )


def check(open_page: Callable[..., Any], model: Model) -> None:
    """One program on a few inputs."""
    cases = inputs(model, 4)
    page = open_page(model, cases[0]).page
    for tokens in cases:
        check_numbers(page, model, tokens)
        check_variables(page, model, tokens)


@pytest.mark.parametrize("optimize", [0, 1, 2])
@pytest.mark.parametrize("name", SOME)
def test_page_equals_numpy(open_page: Callable[..., Any], name: str, optimize: int) -> None:
    """Activations, answers, decoded and interpreted variables, on random inputs and the longest one."""
    check(open_page, compiled(name, optimize))


def test_page_equals_numpy_in_layers_of_their_own_widths(open_page: Callable[..., Any]) -> None:
    """Layers without heads or without neurons, and heads of several widths."""
    entry = library.get("shuffle_dyck")
    check(open_page, raspc.compile(entry.program, entry.vocab, 4, optimize=2, uniform=False))
    turned = library.get("reverse")
    check(open_page, raspc.compile(turned.program, turned.vocab, 4, optimize=1, uniform=False))


@pytest.mark.slow
@pytest.mark.parametrize("optimize", [0, 1, 2])
@pytest.mark.parametrize("name", sorted(set(library.PROGRAMS) - set(SOME)))
def test_page_equals_numpy_on_the_whole_library(open_page: Callable[..., Any], name: str, optimize: int) -> None:
    """The same for every other program of the library."""
    check(open_page, compiled(name, optimize))


@pytest.mark.parametrize(("script", "table"), [("interpret.js", "MEANINGS"), ("program.js", "KINDS")])
def test_the_page_knows_every_kind_of_node(script: str, table: str) -> None:
    """Each node of a graph has a meaning and a word in the page's scripts; this needs no browser."""
    text = (resources.files("raspc.view") / "static" / script).read_text()
    entries = text.split(f"const {table} = {{")[1].split("\n};")[0]
    assert set(re.findall(r"(?:^  |, )(\w+): (?:\(|\w+Column|bestMatrix|\")", entries, re.MULTILINE)) == {
        kind.__name__.lower() for kind in RULES
    }


@pytest.mark.parametrize("vocab", [[1, 2, -3], [0.1, 0.2, 0.7]], ids=["listed", "interval"])
def test_page_equals_numpy_on_sums(open_page: Callable[..., Any], vocab: list[float]) -> None:
    """A sum of whole numbers has a listed value set; one of decimals is any number."""
    earlier = rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.LEQ)
    check(open_page, raspc.compile(rasp.Sum(earlier, rasp.tokens), vocab, 5))
