"""A total model answers as its program does with variables forced to anything, what no input leads to among it."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.fuzz import total_cases

from raspc import (
    InputError,
    UncertainProgram,
    UnsupportedProgram,
    certificate,
    check,
    compile,
    interpret,
    lab,
    library,
    load,
    rasp,
)
from raspc.compiler import compile_graph
from raspc.errors import CertificateError
from raspc.graph.nodes import Graph, Table
from raspc.graph.serial import from_text, to_text
from raspc.numbers.options import JOINT
from raspc.passes.rewriting import Rewriter

NUMBERS = (1, 2, 3)
SUBJECTS: dict[str, tuple[Any, int]] = {
    "reverse": ("abc", 4), "sort": (NUMBERS, 4), "sort_stable": ("abc", 4), "sort_unique": (NUMBERS, 3),
    "hist": ("abc", 4), "shuffle_dyck": ("(){}", 3), "most_freq": ("abc", 3), "frac_prevs": ("ax", 4),
    "token_after_last": ("abc", 4), "argmax": (NUMBERS, 4),
}  # fmt: skip


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("name", SUBJECTS)
def test_library(name: str, level: int) -> None:
    """Small programs of the library, proved, against the interpreter of expressions."""
    vocab, n = SUBJECTS[name]
    program = library.get(name).program
    model = compile(program, vocab, n, optimize=level, total=True)
    assert model.certificate is not None and model.certificate.verdict == "proved"
    assert lab.check_forced(model, program, 25).first is None
    assert lab.check_forced(model, None, 15, seed=1).first is None  # variables too that the program has no name for


@pytest.mark.parametrize("level", [0, 1, 2])
def test_two_equal_places(level: int) -> None:
    """Two ranks of a permutation are equal: numbers are averaged, as the interpreter averages them; words raise."""
    program = library.sort()
    model, usual = (compile(program, NUMBERS, 4, optimize=level, total=total) for total in (True, False))
    force, tokens = {"rank": [1, 1, 0, 0]}, [3, 1, 2, 2]
    out = model.intervene(force)(["BOS", *tokens])
    assert out.decoded[1:] == pytest.approx([2, 2, None, None]) == out.expected[1:]
    assert interpret(program, tokens, force=force) == [2, 2, None, None] and not out.impossible
    assert usual.intervene(force)(["BOS", *tokens]).impossible
    words = compile(program, "abc", 4, optimize=level, total=True)
    assert words.intervene(force)(["BOS", *"cabb"]).impossible
    assert words.intervene(force)(["BOS", *"ccbb"]).decoded == ["BOS", "b", "c", None, None]


@pytest.mark.parametrize("level", [0, 2])
def test_where_tokens_stand(level: int) -> None:
    """Indices and the length may be forced; constants and the mask look at where tokens stand all the same."""
    here = rasp.ConstantSOp([5, 6, 7], check_length=False).named("here")
    far = (rasp.length + rasp.indices).named("far")
    program = rasp.causal(rasp.map(lambda x, y: x * 10 + y, here, far).named("both"))
    model = compile(program, "ab", 3, causal=True, optimize=level, total=True)
    for force in ({"indices": 2}, {"length": [3, 1, 2]}, {"indices": [2, 2, 0], "far": [1, 5, 3], "length": 1}):
        out = model.intervene(force, [0, 2])(["BOS", *"aba"])
        assert out.decoded[1:] == out.expected[1:] == interpret(program, "aba", True, force=force, positions=[0, 2])
    with pytest.raises(InputError, match=r"positions is what is given.*force indices"):
        model.intervene({"positions": 1})(["BOS", "a"])


def test_names_apart() -> None:
    """Expressions that are equal may be forced one by one, and so may tokens that go by two names."""
    one, other = (rasp.map(lambda t: t == "a", rasp.tokens).named(name) for name in ("one", "other"))
    word = rasp.tokens.named("word")
    program = rasp.map(lambda x, y, z, t: (x, y, z, t), one, other, word, rasp.tokens).named("all")
    model = compile(program, "ab", 2, total=True)
    for force in ({"one": False}, {"other": True}, {"word": "b"}, {"tokens": "b", "one": True}):
        assert model.intervene(force)(["BOS", *"aa"]).decoded[1:] == interpret(program, "aa", force=force)


def test_two_equal_numbers() -> None:
    """Keys that are numbered one by one, as long as nobody gives two of them one number."""
    vowels = rasp.Select(rasp.tokens, rasp.tokens, lambda k, q: k == 1)
    number = rasp.SelectorWidth(vowels).named("number")
    place = (rasp.indices + 1).named("place")
    chosen = rasp.Select(number, place, rasp.Comparison.EQ)
    program = rasp.causal(rasp.Aggregate(vowels & chosen, rasp.indices, default=-1).named("answer"))
    model = compile(program, (1, 2), 4, causal=True, total=True)
    out = model.intervene({"number": 3, "place": 3})(["BOS", 1, 1, 1, 2])
    assert (
        out.decoded[1:]
        == pytest.approx([0, 0.5, 1, 1], abs=1e-4)
        == interpret(program, [1, 1, 1, 2], force={"number": 3, "place": 3})
    )
    assert lab.check_forced(model, program, 30).first is None


def test_random_programs() -> None:
    """A few at one level each."""
    assert _checked(range(9), 3) == []


@pytest.mark.slow
def test_many_random_programs() -> None:
    """Many more, at all levels."""
    assert _checked(range(9, 80), 1) == []


def _checked(numbers: range, step: int) -> list[str]:
    """What differs, of random programs; of `step` levels one is tried in turn."""
    found = []
    for number in numbers:
        for case in total_cases(5, number, (0, 1, 2))[number % step :: step]:
            program = case.program()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UncertainProgram)
                model = compile(program, case.vocab, **case.options())
            assert model.certificate is not None and model.certificate.verdict == "proved"
            told = lab.check_forced(model, program, 20, seed=number)
            found += [] if told.first is None else [f"{case}: {told}"]
    return found


def test_what_is_restored_can_be_forced() -> None:
    """A variable that neurons compute, and others restore: only the first read what it is a function of."""
    before = rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.LT) | (
        rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.EQ)
        & rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.LT)
    )
    rank = rasp.SelectorWidth(before).named("rank")
    away = (rasp.length - round(rasp.tokens)).named("away")
    mean = rasp.Aggregate(rasp.Select(away, away, rasp.Comparison.NEQ), away, default=False).named("mean")
    program = rasp.Aggregate(rasp.Select(mean, mean, rasp.Comparison.EQ), rank, default=1).named("answer")
    model = compile(program, (0, 1), 4, total=True)
    assert model.plan is not None and "restored by" in str(model.plan)
    assert lab.check_forced(model, program, 30).first is None


# -- what the proof refuses -------------------------------------------------------------------------------------------


def altered(graph: Graph, label: str, cell: tuple[int, ...]) -> Graph:
    """The graph with another value in one cell of a table."""
    nodes, place = list(graph.nodes), graph.labels.index(label)
    node = nodes[place]
    assert isinstance(node, Table)
    cells = node.cells.copy()
    cells[cell] = (cells[cell] + 1) % len(node.listed)
    nodes[place] = replace(node, cells=cells)
    return replace(graph, nodes=tuple(nodes))


@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_cell_that_no_input_reaches(level: int) -> None:
    """The model is wrong where index and length cannot be so: every input is answered, and the certificate refuses."""
    model = compile(library.reverse(), "abc", 4, optimize=level, total=True)
    graph, plan = model.graph, model.plan
    assert graph is not None and plan is not None
    opposite = graph[graph.labels.index("opposite")]
    assert isinstance(opposite, Table)
    places = {type(graph[arg]).__name__: axis for axis, arg in enumerate(opposite.args)}
    cell = [0, 0]
    cell[places.pop("Index")], cell[places.popitem()[1]] = 1, 0  # index 1 of an input of 1 token: −1 becomes 0
    wrong = compile_graph(altered(graph, "opposite", tuple(cell)), options=plan.options, certify=False)
    planted = replace(wrong, graph=graph, program=model.program, plan=replace(wrong.plan, graph=graph))  # type: ignore[type-var]
    assert check(planted).ok and certificate(planted).verdict == "fails"
    out = planted.intervene({"length": 1})(["BOS", *"ab"])
    assert out.decoded == ["BOS", "a", "a"] and out.expected == ["BOS", "a", None] and not out.impossible


def test_an_altered_weight_is_refused() -> None:
    """A neuron that fires for one combination alone, which no input leads to, writes something else."""
    model = compile(library.reverse(), "abc", 4, optimize=1, total=True)
    refused = harmless = 0
    for name in [name for name in model.params if "mlp/linear_2/w" in name]:
        for row in range(model.params[name].shape[0]):
            if not model.params[name][row].any():
                continue
            params = {**model.params, name: np.array(model.params[name])}
            params[name][row] *= 2
            planted = replace(model, params=params, certificate=None)
            harmless += bool(check(planted).ok)
            refused += certificate(planted).verdict != "proved"
    assert harmless > 0 and refused > harmless


def test_a_pass_that_makes_one_variable_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every input is answered all the same; but one cannot be forced without the other."""
    one, other = (rasp.map(lambda t: t == "a", rasp.tokens).named(name) for name in ("one", "other"))
    selector = rasp.Select(one, rasp.indices, lambda k, q: k == (q > 0)) | rasp.Select(
        other, rasp.tokens, lambda k, q: k and q == "b"
    )
    program = rasp.Aggregate(selector, rasp.indices, default=0).named("answer")
    assert lab.check_forced(compile(program, "ab", 3, total=True), program, 20).first is None
    original = Rewriter.__init__

    def sharing(self: Rewriter, graph: Graph, without: Any = ()) -> None:
        original(self, graph, [name for name in without if name != "share"])

    monkeypatch.setattr(Rewriter, "__init__", sharing)
    with pytest.raises(CertificateError, match="the passes must keep every answer"):
        compile(program, "ab", 3, total=True)
    assert check(compile(program, "ab", 3, total=True, certify=False)).ok


# -- saved, and told --------------------------------------------------------------------------------------------------


def test_saved_and_loaded(tmp_path: Path) -> None:
    """A total model stays one: in its files, in the text of its graph, and in its certificate."""
    model = compile(library.sort(), NUMBERS, 3, total=True, optimize=2)
    assert model.graph is not None and model.graph.total and set(JOINT) <= set(model.options.without)
    model.save(tmp_path / "model")
    back = load(tmp_path / "model")
    assert back.graph is not None and back.graph.total and to_text(back.graph) == to_text(model.graph)
    assert to_text(from_text(to_text(model.graph))) == to_text(model.graph)
    assert certificate(back).verdict == "proved"
    assert lab.check_forced(back, library.sort(), 30).first is None


def test_an_ordinary_model_is_as_ever() -> None:
    """It says nothing of combinations, in its files neither."""
    model = compile(library.sort(), NUMBERS, 3)
    assert model.graph is not None and not model.graph.total and "total" not in model.graph.to_json()
    assert not any("bound" in node for node in model.graph.to_json()["nodes"])
    with pytest.raises(InputError, match="not total; compile it with total=True"):
        lab.check_forced(model)


def test_too_many_combinations() -> None:
    """The refusal says what asks for them."""
    with pytest.raises(UnsupportedProgram, match="total=True needs all combinations of values"):
        compile(library.get("nary_map").program, (0, 1, 2), 16, total=True)
    with pytest.raises(TypeError, match="total"):
        compile(library.reverse(), "abc", 3, total="yes")  # type: ignore[arg-type]


def test_the_check_finds_what_differs() -> None:
    """Two programs that agree on every input, and not where the index is forced beyond the length."""
    near, kept = rasp.length - 1 - rasp.indices, rasp.map(lambda n, i: max(n - 1 - i, 0), rasp.length, rasp.indices)
    model = compile(near.named("left"), "ab", 4, total=True)
    assert check(model, program=kept.named("left")).ok
    told = lab.check_forced(model, kept.named("left"), 60)
    assert not told.ok and told.first is not None and "the program gives" in str(told)
