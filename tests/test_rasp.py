"""The language as Python expressions: operators, identity, annotations, and what is refused at once."""

from __future__ import annotations

import copy
import itertools
import operator
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.strategies import fractions, indices, integers, scalars, tokens

from raspc import InvalidProgram, interpret, rasp
from raspc.graph.build import build as build_graph
from raspc.rasp import Comparison, Encoding

ARITHMETIC = [operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod]
ORDER = [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne]
UNARY: list[Callable[[Any], Any]] = [operator.neg, operator.pos, abs, round, lambda x: round(x, 1)]


def python(f: Callable[..., Any], *args: Any) -> Any:
    """What Python gives; None for an arithmetic error."""
    try:
        return f(*args)
    except ArithmeticError:
        return None


@pytest.mark.parametrize("f", ARITHMETIC + ORDER)
@given(x=fractions, y=integers)
def test_binary_operators(f: Callable[..., Any], x: float, y: int) -> None:
    """Between s-ops, and with a constant on either side, an operator is that of Python at each position."""
    wanted = [python(f, x, y)]
    assert f(tokens, rasp.Full(y))([x]) == wanted
    assert f(tokens, y)([x]) == wanted
    assert f(x, tokens)([y]) == wanted


@given(st.integers(-4, 4), st.integers(0, 4))
def test_power(x: int, y: int) -> None:
    """** on either side."""
    assert (tokens**y)([x]) == [x**y]
    assert (x**tokens)([y]) == [x**y]
    assert (tokens**indices)([x, x]) == [1, x]


@pytest.mark.parametrize("f", UNARY)
@given(x=fractions)
def test_unary_operators(f: Callable[[Any], Any], x: float) -> None:
    """−, +, abs and round."""
    assert f(tokens)([x]) == [f(x)]


@given(scalars, scalars)
def test_logical_operators(x: Any, y: Any) -> None:
    """&, | and ~ are Python's and, or and not, with a constant on either side too."""
    assert (tokens & y)([x]) == [x and y]
    assert (x & tokens)([y]) == [x and y]
    assert (tokens | rasp.Full(y))([x]) == [x or y]
    assert (x | tokens)([y]) == [x or y]
    assert (~tokens)([x]) == [not x]


@given(scalars, st.lists(scalars, max_size=3))
def test_is_in(x: Any, known: list[Any]) -> None:
    """Membership, as a method and as a function, of any iterable."""
    assert tokens.is_in(known)([x]) == [x in known]
    assert rasp.is_in(tokens, iter(known))([x]) == [x in known]


def test_words_add_up() -> None:
    """Operators apply to whatever Python applies them to."""
    assert (tokens + "!")(["a"]) == ["a!"]
    assert ("<" + tokens)(["a"]) == ["<a"]


def test_operators_remember_what_they_are() -> None:
    """A compiler can see which operator built a map, and its constants."""
    for built, wanted in {
        tokens + 1: ("add", None, 1),
        2 * tokens: ("mul", 2, None),
        tokens - indices: ("sub", None, None),
        -tokens: ("mul", -1, None),
    }.items():
        assert isinstance(built, rasp.Elementwise)
        assert built.operation == wanted


def test_equality_builds_an_s_op() -> None:
    """== and != between s-ops are programs; identity and hashing are by object."""
    same = tokens == tokens
    assert isinstance(same, rasp.SOp)
    assert same("ab") == [True, True]
    assert isinstance(tokens != "a", rasp.SOp)
    assert len({tokens + 1, tokens + 1}) == 2
    assert {tokens: "found"}[tokens] == "found"


@pytest.mark.parametrize(
    "use",
    [
        lambda: bool(tokens == "a"),
        lambda: 1 if tokens else 0,
        lambda: (tokens == "a") and (tokens == "b"),
        lambda: not tokens,
        lambda: 0 < tokens < 2,
        lambda: tokens in [indices],
    ],
)
def test_an_s_op_has_no_truth_value(use: Callable[[], Any]) -> None:
    """`if`, `and`, `not`, chained comparisons and `in` would be silently wrong: refused, with a remedy."""
    with pytest.raises(InvalidProgram, match=r"no truth value.*use rasp\.where, &, \|, ~ or is_in"):
        use()


@pytest.mark.parametrize("use", [lambda: list(tokens), lambda: "a" in tokens, lambda: [*indices]])
def test_an_s_op_cannot_be_iterated(use: Callable[[], Any]) -> None:
    """An s-op has values only on an input."""
    with pytest.raises(InvalidProgram, match="cannot be iterated"):
        use()


SELECTOR = rasp.Select(tokens, tokens, Comparison.EQ)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: rasp.Map("f", tokens), "Map: the function is 'f'"),
        (lambda: rasp.Map(str, SELECTOR), "Map: found a selector where an s-op is needed"),
        (lambda: rasp.Map(str, "tokens"), "Map: found 'tokens' where an s-op is needed"),
        (lambda: rasp.SequenceMap(max, tokens, 1), "SequenceMap: found 1 where an s-op is needed"),
        (lambda: rasp.map(lambda: 0), "needs at least one s-op"),
        (lambda: rasp.map(max, tokens, SELECTOR), "found a selector"),
        (lambda: rasp.Select(tokens, tokens, True), "Select: the predicate is True"),
        (lambda: rasp.Select(tokens, None, Comparison.EQ), "Select: found None where an s-op is needed"),
        (lambda: rasp.Select(SELECTOR, tokens, Comparison.EQ), "Select: found a selector"),
        (lambda: rasp.Aggregate(tokens, tokens), "Aggregate: found an s-op where a selector is needed"),
        (lambda: rasp.Aggregate(SELECTOR, SELECTOR), "Aggregate: found a selector where an s-op is needed"),
        (lambda: rasp.SelectorWidth(tokens), "SelectorWidth: found an s-op"),
        (lambda: SELECTOR & tokens, "SelectorAnd: found an s-op where a selector is needed"),
        (lambda: SELECTOR | True, "SelectorOr: found True where a selector is needed"),
        (lambda: rasp.SelectorNot(tokens), "SelectorNot: found an s-op"),
        (lambda: tokens + SELECTOR, "aggregate the selector first"),
        (lambda: rasp.ConstantSelector([[1, 0]]), "not square"),
    ],
)
def test_wrong_kinds(build: Callable[[], Any], message: str) -> None:
    """An ill-formed expression is refused when it is written, in words."""
    with pytest.raises(InvalidProgram, match=message):
        build()


def test_atoms_stand_for_s_ops() -> None:
    """As keys, as queries, and as what is aggregated; equal programs are one graph."""
    first = rasp.Aggregate(rasp.Select(rasp.indices, 0, Comparison.EQ), tokens)
    assert first("abc") == ["a", "a", "a"]
    assert rasp.Aggregate(rasp.Select(1, rasp.indices, Comparison.LEQ), "x", default="-")("abc") == ["-", "x", "x"]
    lifted = rasp.Aggregate(rasp.Select(rasp.indices, rasp.Full(0), Comparison.EQ), tokens)
    assert str(build_graph(first, "abc", 3)) == str(build_graph(lifted, "abc", 3))


def test_annotations_are_copies() -> None:
    """`named`, `numerical` and the rest leave the original as it was."""
    original = rasp.Map(lambda x: x, tokens)
    twin = rasp.numerical(original).named("twin").annotated(note=1)
    assert (original.given_name, original.given_encoding) == (None, None)
    assert (twin.name, twin.given_encoding, twin.annotations["note"]) == ("twin", Encoding.NUMERICAL, 1)
    assert rasp.categorical(twin).given_encoding is Encoding.CATEGORICAL
    assert twin.children == original.children
    with pytest.raises(TypeError):
        twin.annotations["note"] = 2  # type: ignore[index]


def test_names_are_shown() -> None:
    """The name is what was given, or the kind of the expression."""
    assert repr(SELECTOR.named("same")) == "<Select same>"
    assert (tokens.name, rasp.SelectorWidth(SELECTOR).name) == ("tokens", "selector_width")


def test_expressions_can_be_copied() -> None:
    """A shallow copy is another node with the same meaning."""
    twin = copy.copy(tokens + 1)
    assert twin([1]) == [2]


def test_parts_of_expressions() -> None:
    """What Tracr's users read from an expression."""
    pair = rasp.LinearSequenceMap(tokens, indices, 2, 3)
    assert pair.fst is tokens
    assert pair.snd is indices
    assert (pair.fst_fac, pair.snd_fac) == (2, 3)
    negated = ~SELECTOR
    both = SELECTOR & negated
    assert both.fst is SELECTOR
    assert both.snd is negated
    assert negated.inner is SELECTOR
    aggregate = rasp.Aggregate(SELECTOR, tokens, default=3)
    assert aggregate.selector is SELECTOR
    assert aggregate.sop is tokens
    assert aggregate.default == 3
    assert (SELECTOR.keys is tokens, SELECTOR.queries is tokens, SELECTOR.predicate) == (
        True,
        True,
        Comparison.EQ,
    )


def test_topological_order() -> None:
    """Each expression once, after its children; several outputs share what they share."""
    x = tokens + indices
    width = rasp.SelectorWidth(rasp.Select(x, x, Comparison.EQ))
    order = rasp.topological(width, x + 1)
    assert len(order) == len({id(expr) for expr in order}) == 6
    places = {id(expr): place for place, expr in enumerate(order)}
    assert all(places[id(child)] < places[id(expr)] for expr in order for child in expr.children)


def test_topological_order_is_linear() -> None:
    """Forty shared stages, and three thousand in a chain, without recursion."""
    shared, chain = tokens, tokens
    for _ in range(40):
        shared = shared + shared
    for _ in range(3000):
        chain = chain + 1
    start = time.process_time()
    assert len(rasp.topological(shared)) == 41
    assert len(rasp.topological(chain)) == 3001
    assert time.process_time() - start < 0.5


@given(st.permutations([0, 1, 2]))
def test_map_takes_constants_anywhere(order: list[int]) -> None:
    """rasp.map lifts constants among its arguments."""
    args = [[tokens, indices, 7][i] for i in order]
    values = {id(tokens): 5, id(indices): 0}
    wanted = tuple(values.get(id(arg), arg) for arg in args)
    assert rasp.map(lambda *xs: xs, *args)([5]) == [wanted]


def test_where_takes_constants() -> None:
    """where(condition, a, b) with s-ops and constants in every place."""
    for a, b in itertools.product([tokens, "A"], [indices, None]):
        chosen = rasp.where(tokens == "x", a, b)("xy")
        assert chosen == ["A" if isinstance(a, str) else "x", None if b is None else 1]


def test_memory_reads_what_was_written_last() -> None:
    """Under a causal mask up to here; the default where nothing was written."""
    address, value = rasp.Map(str.upper, rasp.tokens), rasp.indices
    read = rasp.memory(address, value, rasp.Map(str.upper, rasp.tokens), default=-1)
    assert interpret(read, list("abaB"), True) == [0, 1, 2, 3]
    assert interpret(rasp.memory(address, value, rasp.Full("B"), -1), list("abaB"), True) == [-1, 1, 1, 3]


def test_a_machine_goes_from_state_to_state() -> None:
    """It begins where the token is no state, and stops where its table says nothing."""
    turn = rasp.machine({("up", "x"): "down", ("down", "x"): "up"}, "up", rasp.Full("x"))
    assert turn(["=", "down", "up"]) == ["down", "up", "down"]
    assert rasp.machine({("up", "x"): "down"}, "up", rasp.Full("y"), stop="end")(["="]) == ["end"]
    with pytest.raises(TypeError, match="needed a mapping from"):
        rasp.machine(lambda state, letter: state, "up", rasp.Full("x"))  # type: ignore[arg-type]
    with pytest.raises(InvalidProgram, match="where an s-op is needed"):
        rasp.machine({("up", "x"): "down"}, "up", "x")  # type: ignore[arg-type]
