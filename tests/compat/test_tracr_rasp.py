"""Tracr's language over ours: attributes, defaults, fusion, simplification, errors."""

from __future__ import annotations

import copy
import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import raspc
from raspc import rasp as own
from raspc.compat.tracr.rasp import causal_eval, rasp
from raspc.compat.tracr.rasp.adoption import adopted
from raspc.library import random_program

ONE_OF_EACH: dict[str, Any] = {
    "tokens": rasp.tokens,
    "indices": rasp.indices,
    "length": rasp.length,
    "map": rasp.Map(lambda x: x, rasp.tokens),
    "sequence_map": rasp.SequenceMap(lambda x, y: x, rasp.tokens, rasp.indices),
    "linear_sequence_map": rasp.LinearSequenceMap(rasp.indices, rasp.indices, 1, 2),
    "full": rasp.Full(1),
    "constant_sop": rasp.ConstantSOp([1, 2, 3]),
    "select": rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.LT),
    "constant_selector": rasp.ConstantSelector([[True]]),
    "selector_and": rasp.SelectorAnd(
        rasp.ConstantSelector([[True]]), rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.EQ)
    ),
    "selector_or": rasp.SelectorOr(rasp.ConstantSelector([[True]]), rasp.ConstantSelector([[True]])),
    "selector_not": rasp.SelectorNot(rasp.ConstantSelector([[True]])),
    "selector_width": rasp.SelectorWidth(rasp.ConstantSelector([[True]])),
    "aggregate": rasp.Aggregate(rasp.ConstantSelector([[True]]), rasp.tokens),
}

PRIMITIVES = ("tokens", "indices", "length")


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_every_expression_has_what_tracr_gives_it(name: str) -> None:
    """A default name, a label that is its own, defaults of annotations, children as a list, a copy."""
    expr = ONE_OF_EACH[name]
    assert isinstance(expr, rasp.RASPExpr)
    assert isinstance(expr, rasp.SOp) != isinstance(expr, rasp.Selector)
    assert expr.name == expr.annotations["name"] == name
    assert expr.label == (name if name in PRIMITIVES else f"{name}_{expr.unique_id}")
    assert expr.annotations["encoding"] is rasp.Encoding.CATEGORICAL
    assert isinstance(expr.children, list) and all(isinstance(c, rasp.RASPExpr) for c in expr.children)
    twin = expr.copy()
    assert type(twin) is type(expr) and twin.unique_id != expr.unique_id
    assert [id(c) for c in twin.children] == [id(c) for c in expr.children]
    assert expr.given_name is None and expr.given_encoding is None


def test_labels_are_distinct() -> None:
    """No two expressions share an id, whichever way they are made."""
    x = rasp.tokens
    many = [x + 1, x == 2, ~x, copy.copy(x), x.named("a"), rasp.numerical(x), *ONE_OF_EACH.values()]
    assert len({expr.unique_id for expr in many}) == len(many)


def test_annotations() -> None:
    """Names and encodings are given on copies; users add their own; others are a KeyError."""
    named = rasp.tokens.named("letters")
    assert named.name == "letters" and rasp.tokens.name == "tokens" and named.given_name == "letters"
    number = rasp.numerical(named)
    assert rasp.is_numerical(number) and not rasp.is_categorical(number) and number.name == "letters"
    assert rasp.get_encoding(rasp.categorical(number)) is rasp.Encoding.CATEGORICAL
    noted = rasp.annotate(number, colour="red").annotated(shape=1)
    assert dict(noted.annotations) == {
        "name": "letters", "encoding": rasp.Encoding.NUMERICAL, "colour": "red", "shape": 1,
    }  # fmt: skip
    with pytest.raises(KeyError, match="colour"):
        rasp.tokens.annotations["colour"]
    rasp.DEFAULT_ANNOTATORS["colour"] = lambda expr: expr.name.upper()
    try:
        assert rasp.tokens.annotations["colour"] == "TOKENS"
    finally:
        del rasp.DEFAULT_ANNOTATORS["colour"]


def test_operators_build_tracrs_classes() -> None:
    """Whatever the operator and the side of the constant: Tracr's attributes and our meaning."""
    x, y = rasp.tokens, rasp.indices
    results = [
        x + 1,
        1 + x,
        x - y,
        2 * x,
        x / 2,
        x < 2,
        x >= y,
        x == 1,
        x != y,
        x & y,
        1 | x,
        ~x,
        -x,
        x % 2,
        x**2,
    ]
    assert all(type(r) in (rasp.Map, rasp.SequenceMap) for r in results)
    plain = own.tokens
    assert (2 - x * 3)([1, 2]) == (2 - plain * 3)([1, 2]) == [-1, -4]
    assert rasp.sop_not(x > 1)([1, 2]) == (~(x > 1))([1, 2]) == [True, False]
    assert bool(x) and x in [x] and len({x, y, x}) == 2


def test_maps_of_maps_are_fused() -> None:
    """One map of the innermost s-op, unless `simplify` is off; None in between stays None."""
    inner = rasp.Map(lambda x: None if x == 2 else x + 1, rasp.tokens)
    fused, kept = rasp.Map(lambda x: x * 10, inner), rasp.Map(lambda x: x * 10, inner, simplify=False)
    assert fused.inner is rasp.tokens and kept.inner is inner
    assert fused([1, 2, 3]) == kept([1, 2, 3]) == [20, None, 40]
    assert (rasp.Map(lambda x: x + 1, rasp.tokens) == 3).inner is rasp.tokens


def test_a_long_chain_of_maps_can_be_called() -> None:
    """Three thousand fused maps do not exhaust the stack."""
    x = rasp.tokens
    for _ in range(3000):
        x = rasp.Map(lambda v: v + 1, x)
    assert x.inner is rasp.tokens and x([1]) == [3001]


def test_affine_chains_stay_two_operators() -> None:
    """Sums and multiples in a row are left to the compiler, which need not list their values."""
    x = rasp.tokens * 2 + 1
    assert x.operation is not None and x([1, 2]) == [3, 5]


def selectors() -> tuple[rasp.Select, rasp.Select]:
    """Two selects over the same s-ops."""
    return (
        rasp.Select(rasp.tokens, rasp.indices, rasp.Comparison.LEQ),
        rasp.Select(rasp.tokens, rasp.indices, rasp.Comparison.GEQ),
    )


@pytest.mark.parametrize("simplify", [True, False])
def test_selectors_are_combined(simplify: bool) -> None:
    """With `simplify` one select, without it a node; the matrices are the same."""
    a, b = selectors()
    both, either = rasp.selector_and(a, b, simplify=simplify), rasp.selector_or(a, b, simplify=simplify)
    neither = rasp.selector_not(either, simplify=simplify)
    kinds = (rasp.Select,) * 3 if simplify else (rasp.SelectorAnd, rasp.SelectorOr, rasp.SelectorNot)
    assert (type(both), type(either), type(neither)) == kinds
    xs = [2, 0, 1]
    pairs = [[(k <= q, k >= q) for k in xs] for q in range(3)]
    assert both(xs) == [[x and y for x, y in row] for row in pairs]
    assert either(xs) == [[x or y for x, y in row] for row in pairs]
    assert neither(xs) == [[not (x or y) for x, y in row] for row in pairs]


def test_selector_operators_simplify() -> None:
    """`&`, `|` and `~` are the functions; constants merge, double negations cancel, others stay apart."""
    a, b = selectors()
    assert type(a & b) is type(a | b) is type(~a) is rasp.Select
    one, other = rasp.ConstantSelector([[1, 0], [1, 1]]), rasp.ConstantSelector([[1, 1], [0, 1]])
    assert (one & other).value == ((True, False), (False, True))
    assert (one | other).value == ((True, True), (True, True))
    assert (~one).value == ((False, True), (False, False))
    assert rasp.selector_not(rasp.SelectorNot(a)) is a
    elsewhere = rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.EQ)
    assert type(a & elsewhere) is rasp.SelectorAnd and type(a | one) is rasp.SelectorOr


def test_operands_can_be_reassigned() -> None:
    """A copy whose operand is replaced reads the new one; the original does not."""
    x = rasp.SequenceMap(lambda a, b: a + b, rasp.tokens, rasp.indices)
    twin = x.copy()
    twin.snd = rasp.tokens
    assert twin([1, 2]) == [2, 4] and x([1, 2]) == [1, 3] and twin.children == [rasp.tokens, rasp.tokens]


ERRORS: dict[str, tuple[Any, list[Any]]] = {
    "constant of another length": (rasp.ConstantSOp([1, 2]), [1]),
    "constant selector of another length": (rasp.SelectorWidth(rasp.ConstantSelector([[True]])), [1, 2]),
    "mean of words": (
        rasp.Aggregate(rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.TRUE), rasp.tokens), ["a", "b"],
    ),
    "None as a key": (
        rasp.SelectorWidth(rasp.Select(rasp.Full(None), rasp.tokens, rasp.Comparison.EQ)), [1],
    ),
    "None as a query": (
        rasp.SelectorWidth(rasp.Select(rasp.tokens, rasp.Full(None), rasp.Comparison.LT)), [1],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
@pytest.mark.parametrize("evaluate", [rasp.evaluate, causal_eval.evaluate, lambda expr, xs: expr(xs)])
def test_errors_are_value_errors(name: str, evaluate: Any) -> None:
    """Where Tracr's interpreter raises ValueError, so does this one."""
    program, xs = ERRORS[name]
    if evaluate is causal_eval.evaluate and name == "mean of words":
        assert evaluate(program, xs[:1]) == xs[:1]
    with pytest.raises(ValueError, match=r"."):
        evaluate(program, xs)


@pytest.mark.parametrize("key,query", [(None, 1), (1, None)])
def test_a_comparison_with_none_is_a_value_error(key: Any, query: Any) -> None:
    """`Comparison` called by hand says which side is None."""
    with pytest.raises(ValueError, match="key" if key is None else "query"):
        rasp.Comparison.EQ(key, query)


@pytest.mark.parametrize("seed", range(40))
def test_adopted_programs_mean_the_same(seed: int) -> None:
    """A random program in Tracr's classes, by three evaluators, under both masks, is what it was."""
    vocab = ("a", "b", 1, 2)
    program = random_program(random.Random(seed), operations=8, vocab=vocab, max_seq_len=4)
    theirs = adopted(program)
    assert adopted(theirs) is theirs
    assert all(isinstance(expr, rasp.RASPExpr) for expr in own.topological(theirs))
    rng = random.Random(seed)
    for n in range(1, 5):
        xs = rng.choices(vocab, k=n)
        wanted = raspc.interpret(program, xs)
        assert theirs(xs) == rasp.evaluate(theirs, xs) == rasp.evaluate(program, xs) == wanted


@pytest.mark.parametrize("seed", range(20))
def test_the_causal_evaluator_is_the_causal_interpreter(seed: int) -> None:
    """Tracr's causal evaluator gives what `raspc.interpret` gives under the mask."""
    program = random_program(random.Random(seed), operations=8, vocab=(1, 2, 3), max_seq_len=4, causal=True)
    xs = random.Random(seed).choices((1, 2, 3), k=4)
    assert causal_eval.evaluate(adopted(program), xs) == raspc.interpret(program, xs, causal=True)


def test_the_default_evaluator_is_linear() -> None:
    """Forty doublings of a shared s-op are forty steps."""
    x: Any = rasp.tokens
    for _ in range(40):
        x = x + x
    assert rasp.evaluate(x, [1]) == [2**40]


def test_what_is_no_expression_is_refused() -> None:
    """The evaluator names what it was given."""
    with pytest.raises(raspc.InvalidProgram, match="needed an s-op"):
        rasp.evaluate("tokens", [1])  # type: ignore[arg-type]


def test_evaluation_in_threads() -> None:
    """One evaluator serves several threads at once."""
    x: Any = rasp.tokens
    for _ in range(60):
        x = x + 1 * rasp.indices
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda i: rasp.evaluate(x, [i, i]), range(64)))
    assert found == [[i, i + 60] for i in range(64)]
