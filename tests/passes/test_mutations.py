"""Broken on purpose: each pass and each step of lowering, made wrong in one place, is caught.

A test suite that cannot fail says nothing. Here a compiler with a fault compiles a program that the fault touches,
and `raspc.check` must report a difference.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from tests.agreement import differences, some_inputs

import raspc
from raspc import rasp
from raspc.blocks import lower
from raspc.blocks.neurons import cells, lone, steps
from raspc.blocks.reading import features
from raspc.blocks.scores import ranking, selection, steep
from raspc.blocks.scores.penalty import Factors
from raspc.blocks.spaces import BOS, Head, Neurons
from raspc.blocks.storage import decoding
from raspc.layout import heads
from raspc.passes import pipeline
from raspc.rasp import Comparison, SOp
from raspc.weights import assemble

T, I, L = rasp.tokens, rasp.indices, rasp.length  # noqa: E741
ALL = rasp.Select(T, T, Comparison.TRUE)
SAME, BEFORE = rasp.Select(T, T, Comparison.EQ), rasp.Select(I, I, Comparison.LT)
LESS, AT = rasp.Select(T, T, Comparison.LT), rasp.Select(T, I, Comparison.EQ)
VOCAB, LONGEST = (0, 1, 2), 4

PREVIOUS = rasp.Aggregate(rasp.Select(I, I - 1, Comparison.EQ), T, default="_")
NEXT = rasp.Aggregate(rasp.Select(I, I + 1, Comparison.EQ), T, default="_")
PREVIOUS_AND_NEXT = rasp.SequenceMap(lambda x, y: x == y, PREVIOUS, NEXT)
EARLIER_SAME = rasp.SelectorWidth(SAME & BEFORE)
COUNT = rasp.SelectorWidth(SAME)
SMALLER = rasp.SelectorWidth(LESS)
RARER = rasp.SelectorWidth(rasp.Select(COUNT, COUNT, Comparison.LT))
STEPS = [rasp.Map(dict(enumerate(row)).get, T) for row in ((1, 0, -1), (0, 1, -2), (0, 2, -4), (0, 3, -6), (0, 4, -8))]
BALANCED = rasp.map(lambda *found: not any(found), *(rasp.Aggregate(ALL, rasp.numerical(s)) != 0 for s in STEPS))
PRODUCT = rasp.Map(lambda x: x * x, COUNT * I)
AT_COUNT = rasp.Aggregate(rasp.Select(COUNT, I, Comparison.EQ), T, default=0)
MEAN_SO_FAR = rasp.Aggregate(rasp.Select(I, I, Comparison.LEQ), T)
AFTER_NEURONS = rasp.Aggregate(BEFORE, rasp.numerical(rasp.Map(lambda w: (w + 1) % 2 + 5, COUNT)), default=-2)
LAST_BEFORE = rasp.Aggregate(rasp.latest(SAME & BEFORE), I, default=-1)
LEAST = rasp.Aggregate(rasp.best(BEFORE, T, "min"), rasp.numerical(I), default=-1)

OVERLAPPING = rasp.SelectorWidth(SAME & BEFORE | AT)

split_widths, join_clauses = (
    importlib.import_module(f"raspc.passes.{name}") for name in ("split_widths", "join_clauses")
)
Patch = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True)
class Mutation:
    """A fault, and a program that it touches."""

    patch: Patch
    program: SOp
    levels: tuple[int, ...] = (0, 1, 2)


def wrapped(owner: Any, name: str, change: Callable[..., Any]) -> Patch:
    """Replace a function by `change(original, *args)`."""
    original = getattr(owner, name)
    return lambda patch: patch.setattr(owner, name, lambda *args, **options: change(original, *args, **options))


# -- passes ----------------------------------------------------------------------------------------------------------


def first_terms(original: Any, new: Any, graph: Any, terms: Any) -> Any:
    """Inclusion without exclusion."""
    return [(sign, place) for sign, place in original(new, graph, terms) if sign > 0]


def flipped(original: Any, *args: Any) -> Any:
    """Sums with one sign wrong."""
    parts = original(*args)
    return [(-parts[0][0], parts[0][1]), *parts[1:]]


def one_clause(original: Any, new: Any, selects: Any) -> Any:
    """A conjunction that forgets its last part."""
    return original(new, selects[:-1] or selects)


def conjunctions(patch: pytest.MonkeyPatch) -> None:
    """A disjunction that is joined as a conjunction."""
    patch.setattr(join_clauses, "COMBINE", dict.fromkeys(("and", "or"), join_clauses.COMBINE["and"]))


PASS_MUTATIONS: dict[str, Mutation] = {
    "inclusion without exclusion": Mutation(
        wrapped(split_widths, "inclusion_exclusion", first_terms), OVERLAPPING),
    "a sign": Mutation(wrapped(split_widths, "inclusion_exclusion", flipped), OVERLAPPING),
    "a conjunct dropped": Mutation(
        wrapped(importlib.import_module("raspc.passes.rewriting").Rewriter, "conjunction", one_clause),
        rasp.Aggregate((SAME | BEFORE) & (AT | LESS), I, default=-1)),
    "or taken for and": Mutation(conjunctions, rasp.Aggregate(SAME | BEFORE, I, default=-1)),
}  # fmt: skip


# -- storage and blocks ----------------------------------------------------------------------------------------------


def fewer_columns(original: Any, *args: Any) -> Any:
    """A penalty without its last term."""
    for factors in original(*args):
        yield Factors(factors.keys[:, :-1], factors.queries[:, :-1]) if factors.rank > 1 else factors


def weaker(original: Any, *args: Any) -> Any:
    """A penalty that takes a quarter of a unit instead of one."""
    for factors in original(*args):
        yield Factors(factors.keys / 4, factors.queries)


def late_steps(original: Any, *args: Any, **options: Any) -> Any:
    """Thresholds off by one gap."""
    found = original(*args, **options)
    return None if found is None else replace(found, thresholds=found.thresholds + found.gap)


def next_value(original: Any, *args: Any) -> Any:
    """A wrong feature: the code of the next value."""
    return np.roll(original(*args), 1, axis=0)


def shifted_gate(original: Any, number: Any, squares: bool) -> Any:
    """A gate that opens at the next value."""
    found = original(number, squares)
    return replace(found, bias=np.roll(found.bias, 1), weights=np.roll(found.weights, 1, axis=1))


def negated_weights(original: Any, code: Any, columns: Any, *rest: Any) -> Any:
    """Features read with the wrong sign, unless they stand there as they are."""
    found = original(code, columns, *rest)
    return None if found is None else (-found[0], found[1])


def first_hub(original: Any, joint: Any, feature: Any) -> Any:
    """Any function of two variables is taken for a sum."""
    found = original(joint, feature)
    if found is not None or len(joint.roots) != 2:
        return found
    return features.Sum(0.0, ((joint.roots[0], feature[np.maximum(joint.cells[:, 0], 0)]),))


def with_head(**changes: Callable[[Head], Any]) -> Callable[..., Any]:
    """Heads with some of their fields changed."""
    return lambda original, *args: (
        lambda head: replace(head, **{name: change(head) for name, change in changes.items()})
    )(original(*args))


def no_default(original: Any, self: Any, place: int, node: Any, groups: Any, columns: Any, default: Any) -> Any:
    """Empty selections give zeros."""
    return original(self, place, node, groups, columns, np.zeros_like(default))


def firing_at_bos(original: Any, *args: Any) -> Neurons:
    """Neurons that nothing keeps shut at BOS."""
    block = original(*args)
    maps = {space: m for space, m in block.read.maps.items() if space != BOS}
    return replace(block, read=replace(block.read, maps=maps))


def dropped_conjunct(original: Any, graph: Any, node: Any) -> Any:
    """A head that forgets the last part of its selector."""
    return original(graph, node)[:-1]


def not_as_steep(original: Any, n: int, *args: Any) -> Any:
    """Powers of a base so small that a selected key is half of one that is not."""
    return original(n, *args) ** (1 / steep.base_bits(n))


def off_by_one(original: Any, *args: Any) -> Any:
    """A comparison that takes the next value for the query's own."""
    found = original(*args)
    return None if found is None else replace(found, queries=found.queries + 1, size=found.size + 1)


def low_ramps(original: Any, *args: Any) -> Any:
    """Ramps that reach half of the next level only."""
    found = original(*args)
    return None if found is None else replace(found, bias=found.bias - found.leads)


def forgotten_condition(original: Any, away: Any) -> Any:
    """A sum that leaves out one of its variables."""
    found = original(away)
    return found and replace(found, each=np.array([0.0, *found.each[1:]]))


# -- weights ---------------------------------------------------------------------------------------------------------


def moved_positions(original: Any, *args: Any) -> Any:
    """Positions one too early, as if BOS were not there."""
    found = original(*args)
    return {**found, "pos_embed/embeddings": np.roll(found["pos_embed/embeddings"], -1, axis=0)}


def all_at_once(original: Any, *args: Any, **options: Any) -> Any:
    """A schedule without regard to what a block reads."""
    found = original(*args, **options)
    return replace(found, stages=tuple(stage % 2 for stage in found.stages))


def overlapping(original: Any, lowered: Any, *args: Any, **options: Any) -> Any:
    """A dimension that is used again while it is still read."""
    found = original(lowered, *args, **options)
    names = [space.name for space in lowered.spaces if space.name != BOS]
    there = min(found.start[names[0]], found.d_model - found.sizes[names[-1]])
    return replace(found, start={**found.start, names[-1]: there})


def swapped_value_columns(original: Any, write: Any, *args: Any) -> Any:
    """What a head writes lands one direction further."""
    return np.roll(original(write, *args), 1, axis=-1)


def all_alike(original: Any, head: Head) -> object:
    """All heads of a layer are taken to score alike."""
    return None


def next_rank(original: Any, *args: Any) -> Any:
    """Ranks of other scores."""
    found = original(*args)
    return replace(found, keys=np.roll(found.keys, 1, axis=0))


def light_penalties(original: Any, *args: Any) -> Any:
    """A rank that outweighs a penalty."""
    found = original(*args)
    return replace(found, weight=found.top / 2)


def other_end(original: Any, domain: Any, end: str) -> Any:
    """The least for the greatest."""
    return original(domain, {"max": "min", "min": "max"}[end])


def unranked(original: Any, *args: Any) -> Any:
    """The best are all that compete."""
    return None


LOWERING = lower._Lowering
MUTATIONS: dict[str, Mutation] = {
    "a term of a penalty": Mutation(wrapped(selection, "candidates", fewer_columns), PREVIOUS),
    "a weak penalty": Mutation(wrapped(selection, "candidates", weaker), PREVIOUS),
    "a conjunct": Mutation(wrapped(selection, "selects_of", dropped_conjunct), EARLIER_SAME),
    "a steep feature": Mutation(wrapped(steep, "_features", not_as_steep), SMALLER, (2,)),
    "a steep comparison": Mutation(wrapped(steep, "compared", off_by_one), SMALLER, (2,)),
    "a ramp": Mutation(wrapped(decoding, "ramps", low_ramps), RARER, (2,)),
    "a sum of conditions": Mutation(wrapped(lone, "_weights", forgotten_condition), BALANCED, (2,)),
    "a threshold": Mutation(wrapped(steps, "staircases", late_steps), rasp.Map(lambda w: w % 2, COUNT)),
    "a threshold of a mean": Mutation(wrapped(steps, "staircases", late_steps), rasp.Map(lambda x: x > 1, MEAN_SO_FAR)),
    "a gate": Mutation(wrapped(cells, "gate", shifted_gate), rasp.map(lambda x, i: (x * i) % 3, T, I)),
    "a feature that a pick moves": Mutation(wrapped(lower, "moved", next_value), PREVIOUS),
    "weights that read a feature": Mutation(wrapped(features, "express", negated_weights), PRODUCT),
    "a sum that is none": Mutation(wrapped(features, "additive", first_hub), rasp.numerical(T * I)),
    "BOS above the selected": Mutation(
        wrapped(LOWERING, "aggregate_head", with_head(sink=lambda head: 0.5)), PREVIOUS),
    "BOS below all": Mutation(
        wrapped(LOWERING, "aggregate_head", with_head(sink=lambda head: -3.0)), PREVIOUS),
    "the score of BOS in a width": Mutation(
        wrapped(LOWERING, "width_head", with_head(log_sink=lambda head: head.log_sink + 1.0)), COUNT),
    "a default": Mutation(wrapped(LOWERING, "aggregate_head", no_default), PREVIOUS),
    "a default of a mean": Mutation(
        wrapped(LOWERING, "aggregate_head", no_default), rasp.Aggregate(BEFORE, T, default=-3)),
    "neurons at BOS": Mutation(wrapped(LOWERING, "neurons", firing_at_bos), AFTER_NEURONS, (0, 1)),
    "positions": Mutation(wrapped(assemble, "_embeddings", moved_positions), PREVIOUS),
    "a schedule": Mutation(wrapped(planning := importlib.import_module("raspc.plan.planning"), "greedy", all_at_once),
                           AT_COUNT, (0, 1)),
    "a dimension used twice": Mutation(wrapped(planning, "lay_out", overlapping), PRODUCT),
    "heads that share": Mutation(wrapped(heads, "_scoring", all_alike), PREVIOUS_AND_NEXT),
    "ranks": Mutation(wrapped(selection, "ranking_of", next_rank), LAST_BEFORE),
    "ranks above penalties": Mutation(wrapped(selection, "ranking_of", light_penalties), LAST_BEFORE),
    "the end of the ranks": Mutation(wrapped(ranking, "ranks", other_end), LEAST),
    "a pick without ranks": Mutation(wrapped(selection, "best_of", unranked), LEAST),
    "BOS above the ranks": Mutation(
        wrapped(LOWERING, "aggregate_head", with_head(sink=lambda head: 2.5)), LAST_BEFORE),
    "BOS below the best of the others": Mutation(
        wrapped(LOWERING, "aggregate_head", with_head(sink=lambda head: -6.0)), LAST_BEFORE),
    "a direction": Mutation(wrapped(assemble, "_written", swapped_value_columns), PREVIOUS),
}  # fmt: skip


def compiled(program: SOp, level: int) -> Any:
    """By a compiler that looks no closer."""
    return raspc.compile(program, VOCAB, LONGEST, optimize=level, certify=False)


def cases(mutations: dict[str, Mutation]) -> list[Any]:
    """Each mutation at each of its levels."""
    return [pytest.param(name, level, id=f"{name}-{level}") for name, m in mutations.items() for level in m.levels]


@pytest.mark.parametrize("program", {id(m.program): m.program for m in MUTATIONS.values()}.values())
def test_the_programs_are_sound(program: SOp) -> None:
    """Without a fault there is no difference: what is found below is the fault."""
    for level in (0, 1, 2):
        assert raspc.check(compiled(program, level)).ok


@pytest.mark.parametrize(("name", "level"), cases(MUTATIONS))
def test_a_broken_step_is_caught(name: str, level: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check reports a difference, and an input that shows it."""
    mutation = MUTATIONS[name]
    mutation.patch(monkeypatch)
    try:
        model = compiled(mutation.program, level)
    except (AssertionError, raspc.UnsupportedProgram):
        return  # caught before there is a model
    report = raspc.check(model)
    assert not report.ok
    assert report.tokens is not None


@pytest.mark.parametrize(("name", "level"), cases(PASS_MUTATIONS))
def test_a_broken_pass_is_caught_by_the_interpreter(name: str, level: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The agreement of the suite: compiled against interpreted."""
    mutation = PASS_MUTATIONS[name]
    mutation.patch(monkeypatch)
    model = compiled(mutation.program, level)
    assert differences(mutation.program, model, some_inputs(VOCAB, LONGEST, 81, 0))


@pytest.mark.parametrize(("name", "level"), cases(PASS_MUTATIONS))
def test_a_broken_pass_is_caught_by_the_check(name: str, level: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """`raspc.check` too, which is what users have."""
    mutation = PASS_MUTATIONS[name]
    mutation.patch(monkeypatch)
    assert not raspc.check(compiled(mutation.program, level)).ok


def test_every_pass_has_a_mutation() -> None:
    """A pass that can be left out has one in `test_switches`; any other has one here."""
    assert {one.name for one in pipeline.PIPELINE if not one.optional} == {"join_clauses", "count_positions"}
