"""Values that a pick can move in a domain: fewer than its source has, never too few, and proved again."""

from __future__ import annotations

import pytest
from tests.agreement import some_inputs

import raspc
from raspc import rasp
from raspc.graph import build as building
from raspc.graph.build import build
from raspc.graph.nodes import Listed
from raspc.graph.where import domain_of

T, I = rasp.tokens, rasp.indices  # noqa: E741
VOCAB = (*"0123456789", "+", "=")
SUM = "[0-9]{3}\\+[0-9]{3}="
PLUS = rasp.Aggregate(rasp.latest(rasp.Select(T, "+", rasp.Comparison.EQ)), I, default=-1).named("plus")


def values_of(program: rasp.SOp, where: str, vocab: tuple[str, ...] = VOCAB, longest: int = 8) -> set[object]:
    """The values that a program is found to have in a domain."""
    graph = build(program, vocab, longest, True, where=domain_of(where, tuple(sorted(vocab)), longest, True))
    domain = graph.variable(graph.output).domain
    assert isinstance(domain, Listed)
    return set(domain.values)


def test_a_marker_is_where_it_can_stand() -> None:
    """Of all indices one, and the default before it."""
    assert values_of(PLUS, SUM) == {-1, 3}
    assert values_of(PLUS, "[0-9]{2,3}\\+[0-9]{3}=") == {-1, 2, 3}
    assert values_of(PLUS, "[0-9+=]*") == {-1, *range(8)}


def test_the_token_at_a_place() -> None:
    """What is picked at an index is what can stand there."""
    third = rasp.Aggregate(rasp.Select(I, 3, rasp.Comparison.EQ), T, default="0")
    assert values_of(third, SUM) == {"+", "0"}


def test_of_conjuncts_each_says_something() -> None:
    """A digit behind the plus: neither the index alone says it, nor the token alone."""
    digits = rasp.Select(T, T, lambda key, query: key.isdigit()) & rasp.Select(I, 4, rasp.Comparison.GEQ)
    found = values_of(rasp.Aggregate(rasp.latest(digits), I, default=-1), SUM)
    assert found == {-1, 4, 5, 6}


@pytest.mark.filterwarnings("ignore::raspc.UncertainProgram")
@pytest.mark.parametrize("level", [0, 1, 2])
def test_models_are_right_and_proved(level: int) -> None:
    """Of more inputs than can be tried, and the proof sees that the pick lacks nothing."""
    program = rasp.where(PLUS >= 0, I - PLUS, 9)
    vocab, where = ("0", "1", "+", "="), "[01]{3}\\+[01]{18}="
    model = raspc.compile(program, vocab, 23, causal=True, where=where, optimize=level)
    assert raspc.check(model, limit=2000).ok
    assert "value set" not in {link.kind for link in model.certificate.links}


@pytest.mark.filterwarnings("ignore::raspc.UncertainProgram")
def test_a_value_too_few_is_not_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever leaves out what can be picked is found out, where the inputs are too many to try."""
    reached = building.reached

    def forgetful(*args: object) -> Listed:
        found = reached(*args)  # type: ignore[arg-type]
        return Listed(tuple(value for value in found.values if value != 4)) if 4 in found.index else found

    monkeypatch.setattr(building, "reached", forgetful)
    program = rasp.where(PLUS >= 3, 1, 0)
    where = "[01]{3,4}\\+[01]{2,34}="
    model = raspc.compile(program, ("0", "1", "+", "="), 40, causal=True, where=where, optimize=2)
    assert not model.certificate.proved
    assert "value set" in {link.kind for link in model.certificate.links}


@pytest.mark.filterwarnings("ignore::raspc.UncertainProgram")
def test_nothing_is_left_out_without_a_domain() -> None:
    """Every index is picked somewhere."""
    model = raspc.compile(PLUS, ("a", "+"), 5, causal=True)
    assert set(model.as_written.variable(model.as_written.output).listed.values) == {-1, *range(5)}
    assert list(some_inputs(("a", "+"), 5, 20)) and raspc.check(model).ok
