"""What cannot occur in a domain takes no room; the proof shows again that what is left out does not occur."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.agreement import alike, answers
from tests.strategies import Case, domain_cases

import raspc
from raspc import CertificateError, InputError, UncertainProgram, UnsupportedProgram, rasp
from raspc.certify.proof.domain import Places
from raspc.graph.build import build
from raspc.graph.nodes import Aggregate, Index, Length, Listed, Token, Width
from raspc.graph.observed import Observed
from raspc.graph.standing import Standing, standing_in
from raspc.graph.where import domain_of
from raspc.rasp import Comparison, SOp
from raspc.regular.automaton import Automaton
from raspc.regular.expression import automaton_of

T, I, L = rasp.tokens, rasp.indices, rasp.length  # noqa: E741
VOCAB = ("0", "1", "=")
marker = rasp.Select(T, rasp.Full("="), Comparison.EQ)
marks = rasp.SelectorWidth(marker).named("marks")
at = rasp.Aggregate(marker, I).named("at")
ones = rasp.SelectorWidth(rasp.Select(T, rasp.Full("1"), Comparison.EQ)).named("ones")
LAST = rasp.map(lambda t, i, n: [i][0 if (t == "=") == (i == n - 1) else 9], T, I, L)
"""Undefined wherever a marker is not last, or the last token is no marker."""


def compiled(program: SOp, where: Any, longest: int = 6, **options: Any) -> Any:
    """The model, without warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UncertainProgram)
        return raspc.compile(program, VOCAB, longest, where=where, **options)


def size(model: Any) -> int:
    """How many parameters it has."""
    return sum(array.size for array in model.params.values())


NARROW: dict[str, tuple[SOp, str, tuple[float, float]]] = {
    "a count": (rasp.map(lambda n, t: (n, t), marks, T), "[01]*=[01]*", (3, 2)),
    "a pick where there was a mean": ((at + ones).named("goal") == I, "[01]*=[01]*", (3, 1)),
    "a sum": (
        rasp.map(
            lambda x, t: (x, t),
            rasp.Sum(rasp.Select(I, I, Comparison.TRUE), rasp.map({"0": 0, "1": 5, "=": 7}.__getitem__, T)),
            T,
        ),
        "0*=?1?0*",
        (3, 1),
    ),
    "a function of two counts": (rasp.map(lambda n, k: 10 * n + k, marks, ones), "0*=?1?0*", (2, 1)),
}


@pytest.mark.parametrize("level", [1, 2])
@pytest.mark.parametrize("name", NARROW)
def test_what_cannot_occur_takes_no_room(name: str, level: int) -> None:
    """Such a model is smaller, as a rule several times, and right on every permitted input."""
    program, where, factors = NARROW[name]
    model, whole = compiled(program, where, optimize=level), compiled(program, None, optimize=level, certify=False)
    assert model.certificate.holds and factors[level - 1] * size(model) < size(whole)
    assert raspc.check(model).ok


def test_value_sets_are_what_occurs() -> None:
    """A count of one or two, a pick of one of two places."""
    graph = build(at + marks, VOCAB, 5, where=domain_of("0=[01]|==0", VOCAB, 5))
    found = {node.names[0]: node for node in graph.nodes if node.names}
    assert isinstance(found["marks"], Width) and found["marks"].listed.values == (1, 2)
    assert isinstance(found["at"], Aggregate) and not found["at"].may_be_empty
    one = build(at, VOCAB, 5, where=domain_of("0=[01]|=", VOCAB, 5)).nodes[-1]
    assert isinstance(one, Aggregate) and one.pick and one.proof == "enumeration"
    assert isinstance(one.domain, Listed) and one.domain.values == (0, 1)


def test_a_function_of_four_variables() -> None:
    """Of a million combinations that are too many to list those that occur are few."""
    tokens = [*range(32)]
    before = [rasp.Aggregate(rasp.Select(I, I - k, Comparison.EQ), T, default=-1) for k in (1, 2, 3)]
    program = rasp.map(lambda a, b, c, d: (a + b + c + d) % 7, T, *before)
    with pytest.raises(UnsupportedProgram, match="combinations"):
        build(program, tokens, 5)
    counting = [[*range(a, a + n)] for a in range(28) for n in range(1, 5)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UncertainProgram)
        model = raspc.compile(program, tokens, 5, where=counting, optimize=2)
    assert model.certificate is not None and model.certificate.proved
    assert raspc.check(model).ok and model.config.d_mlp < 300


def test_means_that_occur() -> None:
    """Of many numbers there are too many means to list; of those that a domain has, few."""
    tokens, inputs = range(0, 9000, 7), [[7, 14, 7 * k] for k in range(1, 200, 9)]
    mean = rasp.Aggregate(rasp.Select(I, I, Comparison.TRUE), T).named("mean")
    with pytest.raises(UnsupportedProgram, match="too many possible values"):
        build(mean % 5, tokens, 40)
    graph = build(mean % 5, tokens, 40, where=domain_of(inputs, tuple(tokens), 40))
    wanted = sorted({sum(xs) / 3 for xs in inputs})
    assert next(node for node in graph.nodes if node.names).listed.values == tuple(wanted)  # type: ignore[attr-defined]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UncertainProgram)
        model = raspc.compile(mean % 5, range(0, 1400, 7), 5, where=inputs[:4], optimize=2)
    assert model.certificate is not None and model.certificate.holds and raspc.check(model).ok


@pytest.mark.parametrize("longest", [5, 30])
def test_a_function_is_defined_where_the_domain_keeps_it(longest: int) -> None:
    """Where all inputs are tried, and where they are too many: by which tokens can stand where."""
    with pytest.raises(UnsupportedProgram, match="undefined on the input"):
        compiled(LAST, None, longest)
    model = compiled(LAST, "[01]+=", longest, strict=True)
    assert model.certificate.proved and model.program.notes == ()
    assert [link.kind for link in model.certificate.links].count("domain") == 1
    assert raspc.check(model, limit=300).ok


Plant = Callable[[pytest.MonkeyPatch], None]


def _drop(name: str, change: Callable[[Any], Any], owner: Any = Observed) -> Plant:
    """What a function of the compiler gives, with a fault."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        old = getattr(owner, name)
        patch.setattr(owner, name, lambda *args, **kwargs: change(old(*args, **kwargs)))

    return plant


FAULTS: dict[str, tuple[Plant, SOp, int]] = {
    "a combination is left out": (_drop("combinations", lambda found: found[:-1]), (at + ones) * 2 + I, 6),
    "the largest count is left out": (_drop("counts", lambda found: (found[0], found[1] - 1)), ones, 6),
    "a count is said to be positive": (_drop("counts", lambda found: (1, found[1])), ones, 6),
    "a value of a pick is left out": (_drop("kept", lambda found: Listed(found.values[:-1])), at, 6),
    "a token is said not to stand somewhere": (
        _drop("occurrences", lambda cells: cells & (np.arange(cells.shape[1]) > 0)[:, None], Automaton),
        rasp.map(lambda t, i: (t, i), T, I), 30),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proof shows again that nothing is missing, and does not believe the compiler."""
    plant, program, longest = FAULTS[name]
    where = "[01]*=[01]*"
    assert compiled(program, where, longest).certificate.holds
    plant(monkeypatch)
    found = raspc.certificate(compiled(program, where, longest, certify=False))
    assert not found.holds and any(link.kind == "domain" and not link.holds for link in found.links)


def test_a_model_that_claims_more_is_not_believed() -> None:
    """Whoever widens the domain of a finished model."""
    model = compiled(marks, "[01]*=[01]*")
    for one in ("program", "graph"):
        assert getattr(model, one) is not None
    wider = domain_of("[01]*=+[01]*", VOCAB, 6)
    graph = replace(model.graph, where=wider)
    plan = replace(model.plan, graph=graph, program=graph)
    claimed = replace(model, graph=graph, program=graph, plan=plan)
    found = raspc.certificate(claimed)
    assert not found.holds and any(link.kind == "domain" and not link.holds for link in found.links)


def test_it_says_which_inputs_it_is_about() -> None:
    """In the certificate, as JSON too."""
    found = compiled(marks, "[01]*=[01]*").certificate
    units = [link.unit for link in found.links if link.kind == "domain"]
    assert units == ["inputs on which a value is missing, by running all 321 of [01]*=[01]*"]


expressions = st.sampled_from(["[01]*=[01]*", "0*1*=?", "(01|=)+", "1?0?=?1?", ".{3}", "(..)*"])


@given(expressions, st.integers(1, 6), st.lists(st.booleans(), min_size=3, max_size=3))
def test_how_many_tokens_there_are(pattern: str, longest: int, chosen: list[bool]) -> None:
    """The compiler says the fewest and the most, the proof every number; both as listing all inputs does."""
    automaton, tokens = automaton_of(pattern, VOCAB), np.array(chosen)
    wanted = {int(tokens[ids].sum()) for n in range(1, longest + 1) for ids in automaton.inputs(n)}
    assert automaton.count_bounds(tokens, longest) == ((min(wanted), max(wanted)) if wanted else (0, 0))
    assert Places(automaton, longest).counts(tokens) == sum(1 << many for many in wanted)


LONG: dict[str, SOp] = {
    "a function of a count": rasp.map(lambda n, t: (n, t), marks, T),
    "a place": at,
    "what stands there": rasp.Aggregate(marker, rasp.map(lambda t, i: (t, i % 3), T, I)),
    "one of two": rasp.Aggregate(marker | rasp.Select(T, rasp.Full("x"), Comparison.EQ), I),
}


@pytest.mark.parametrize("name", LONG)
def test_counts_at_lengths_that_are_not_listed(name: str) -> None:
    """There is one marker, and so a pick is a pick, a count is small, and nothing is assumed."""
    model = compiled(LONG[name], "[01]+=[01]+", 40, strict=True)
    assert model.certificate.proved and model.certificate.assumptions == ()
    assert raspc.check(model, limit=300).ok
    picks = [node for node in model.program.nodes if isinstance(node, Aggregate)]
    assert all(node.pick and node.proof == "domain" and not node.may_be_empty for node in picks)


@pytest.mark.parametrize("name", ["a place", "a function of a count"])
def test_a_wrong_count_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the compiler believes that there is one marker, and there may be three."""
    _drop("count_bounds", lambda found: (1, 1), Automaton)(monkeypatch)
    model = compiled(LONG[name], "[01]+=[01]*=?=?", 40, certify=False)
    found = raspc.certificate(model)
    assert not found.proved and any(link.kind in ("pick", "value set") and not link.holds for link in found.links)


@given(expressions, st.integers(1, 6))
def test_which_tokens_stand_where(pattern: str, longest: int) -> None:
    """The compiler and the proof say so alike, and both as listing all inputs does."""
    automaton = automaton_of(pattern, VOCAB)
    wanted = np.zeros((3, longest, longest), bool)
    for n in range(1, longest + 1):
        for ids in automaton.inputs(n).tolist():
            wanted[ids, range(n), n - 1] = True
    found = standing_in(automaton, longest)
    assert found is not None and np.array_equal(found.cells, wanted)
    assert np.array_equal(automaton.tokens_at(longest), wanted.any(axis=2))
    places, kinds = Places(automaton, longest), [Token, Index, Length]
    for cell in itertools.product(range(3), range(longest), range(longest)):
        assert places.can_be(kinds, list(cell)) == wanted[cell]
    for kind, axes in ((Token, (1, 2)), (Index, (0, 2)), (Length, (0, 1))):
        alone = wanted.any(axis=axes)
        assert [places.can_be([kind], [i]) for i in range(len(alone))] == alone.tolist()
        assert np.array_equal(np.broadcast_to(found.mask([kind]), alone.shape), alone)
    mask = np.broadcast_to(found.mask([Length, Width, Token]), (longest, 1, 3))
    assert np.array_equal(mask, wanted.any(axis=1).T[:, None])


def test_facts_of_many_places() -> None:
    """Beyond a size lengths are not told apart."""
    found = standing_in(automaton_of("[01]+=", VOCAB), 3000)
    assert isinstance(found, Standing) and found.cells.shape == (3, 3000, 1)
    assert found.mask([Token, Length]).shape == (3, 1)


def test_numbers_that_count_as_one_are_told_apart_where_they_stand() -> None:
    """0.1 + 0.2 and 0.3 count as one and are told apart; 0.9 stands at index 0 alone, as the automaton says."""
    x = rasp.map({1: 0.1 + 0.2, 2: 0.3, 3: 0.9}.__getitem__, T)
    program = rasp.map(lambda v, i: [v > 0.3][i if v == 0.9 else 0], x, I)
    model = raspc.compile(program, (1, 2, 3), 24, where="3?[12]*", strict=True)
    assert model.certificate is not None and model.certificate.proved and raspc.check(model, limit=300).ok


def test_a_constant_that_some_inputs_lack() -> None:
    """False for all tokens and lengths that a domain lets meet: its one value is known where these are not."""
    mean = rasp.Aggregate(rasp.Select(T, T, Comparison.EQ), 2 * I + 3 * L, default=9)
    program = rasp.LinearSequenceMap(mean, rasp.map(lambda t, n: t == n, T, L), -2, -1)
    model = raspc.compile(program, ("a", 2.5), 4, where="(<2\\.5>|a)*a(<2\\.5>|a)*", optimize=0)
    assert model.certificate is not None and model.certificate.proved and raspc.check(model).ok


@settings(max_examples=60)
@given(domain_cases(max_operations=7, longest=4), st.sampled_from([0, 1, 2]))
def test_random_programs_in_random_domains(case: Case, level: int) -> None:
    """A model of any level answers as the interpreter does, on every input that is permitted, and on no other."""
    assert case.where is not None
    where = case.where.value
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UncertainProgram)
        try:
            model = raspc.compile(
                case.program, set(case.vocab), case.max_seq_len, case.causal, optimize=level, partial=True, where=where
            )
        except (UnsupportedProgram, CertificateError) as error:
            assert "domain of" not in str(error)
            return
    every = [list(xs) for n in range(1, case.max_seq_len + 1) for xs in itertools.product(case.vocab, repeat=n)]
    if not case.where.permits(case.xs, case.causal):
        with pytest.raises(InputError, match="outside the domain"):
            model.apply([model.config.bos, *case.xs])
    wanted = []
    for xs in filter(lambda xs: case.where.permits(xs, case.causal), every):
        try:
            wanted.append((xs, raspc.interpret(case.program, xs, case.causal, where=where)))
        except InputError:
            continue
    found = answers(model, [xs for xs, _ in wanted])
    assert all(alike(got, want) for got, (_, want) in zip(found, wanted, strict=True))


def test_tables_keep_what_is_not_narrowed() -> None:
    """A program for all inputs is tabulated as before."""
    for program in (LAST, marks, at):
        graph = build(program, VOCAB, 4)
        same = build(program, VOCAB, 4, where=domain_of(".*", VOCAB, 4))
        assert str(graph) == str(same)
