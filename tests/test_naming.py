"""Names from assignments: what `rasp.program` calls the s-ops and selectors of a function."""

from __future__ import annotations

import pytest

import raspc
from raspc import library, rasp
from raspc.rasp import Comparison, SOp


@rasp.program
def balance(sop: SOp = rasp.tokens) -> SOp:
    """Opening brackets minus closing ones, at every position."""
    flags = [sop == bracket for bracket in "()"]
    everywhere = rasp.Select(rasp.indices, rasp.indices, Comparison.TRUE)
    opened, closed = (rasp.Sum(everywhere, flag) for flag in flags)
    by_name = {"twice": opened * 2}
    _rest = by_name["twice"] - opened
    return _rest - closed


def names(sop: SOp) -> list[str]:
    """What each expression of a program is called, the inputs apart."""
    return [expr.name for expr in rasp.topological(sop) if expr.children]


def test_variables_name_what_they_hold() -> None:
    """Plain ones, several at once, lists, dictionaries, and the function itself; no leading underscore."""
    assert names(balance()) == [
        "everywhere", "flags_1", "opened", "by_name_twice", "rest", "flags_2", "closed", "balance",
    ]  # fmt: skip


def test_a_given_name_stays() -> None:
    """`named` goes before the variable."""

    @rasp.program
    def doubled() -> SOp:
        found = (rasp.indices * 2).named("twice")
        return found + 1

    assert names(doubled()) == ["twice", "doubled"]


def test_the_name_nearest_to_the_caller_stays() -> None:
    """A helper's variables name what its caller does not; parameters name nothing."""

    def helper(argument: SOp) -> SOp:
        inner = argument + 1
        return inner * 2

    @rasp.program
    def caller() -> SOp:
        wanted = helper(rasp.indices - 3)
        return wanted % 5

    assert names(caller()) == ["map", "inner", "wanted", "caller"]


def test_what_was_there_before_keeps_its_name() -> None:
    """An argument is the caller's, whatever the function calls it, and the inputs are nobody's."""
    outside = rasp.indices + 1

    @rasp.program
    def uses(sop: SOp) -> SOp:
        alias, xs = sop, rasp.tokens
        return rasp.map(max, alias, xs)

    assert names(uses(outside)) == ["map", "uses"]
    assert rasp.tokens.name == "tokens"
    assert any(child is outside for child in library.reverse(outside).children)
    assert outside.name == "map"


def test_without_the_decorator_nothing_is_named() -> None:
    """As it was."""
    found = rasp.indices + 1
    assert found.assigned_name is None
    assert balance.__name__ == "balance"
    assert balance.__doc__ is not None


def test_a_function_that_fails_leaves_no_watch() -> None:
    """The next program is named as if nothing had been."""

    @rasp.program
    def broken() -> SOp:
        part = rasp.indices + 1
        raise ZeroDivisionError(part.name)

    with pytest.raises(ZeroDivisionError):
        broken()
    later = rasp.indices + 2
    assert (later + 1).name == later.name == "map"


def test_labels_are_the_names_and_nothing_else_changes() -> None:
    """The graph, what is loaded of it, interventions; the weights are those of the program without names."""
    model = raspc.compile(balance(), "()", 4)
    assert model.graph is not None
    assert {"everywhere", "flags_1", "opened", "flags_2", "closed", "balance"} <= set(model.graph.labels)
    plain = raspc.compile(balance.__wrapped__(), "()", 4)  # type: ignore[attr-defined]
    assert all((model.params[name] == plain.params[name]).all() for name in plain.params)
    forced = model.intervene({"opened": 4})(["BOS", "(", ")"]).decoded[1:]
    assert forced == raspc.interpret(balance(), "()", force={"opened": 4}) == [3, 3]


def test_a_constant_is_called_as_its_value() -> None:
    """A word in quotes; the program's line holds it in place."""
    from raspc.view.program import text

    graph = raspc.compile(library.count("a"), "ab", 3).graph
    assert graph is not None
    assert graph.labels == ("tokens", '"a"', "holders", "count_a")
    assert text(graph, 2) == 'select(tokens, "a", ==)'


def test_two_of_one_name_are_told_apart() -> None:
    """By a number, saved and loaded too."""

    @rasp.program
    def twice() -> SOp:
        some = rasp.Aggregate(rasp.Select(rasp.indices, rasp.indices, Comparison.TRUE), rasp.indices).named("mean")
        more = rasp.Aggregate(rasp.Select(rasp.indices, rasp.indices, Comparison.LEQ), rasp.indices).named("mean")
        return some - more

    labels = raspc.compile(twice(), "ab", 3).graph.labels  # type: ignore[union-attr]
    assert "mean" in labels
    assert "mean_2" in labels
