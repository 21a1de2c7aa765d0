"""The kinds of lines that a random program is made of: each proposes the text of one definition.

A proposal may be undefined on some input; whether it is, is decided elsewhere. No function tells equal values
apart (1, 1.0 and True are one value), so none converts numbers to strings.
"""

from __future__ import annotations

from collections.abc import Callable

from raspc.library.facts import SelectorFacts, SOpFacts
from raspc.library.growing import DEFAULTS, Pool
from raspc.rasp import Value

COMPARISONS = ("EQ", "EQ", "EQ", "NEQ", "LT", "LEQ", "GT", "GEQ", "TRUE", "TRUE", "FALSE")

UNARY = (
    "lambda x: x == {c!r}",
    "lambda x: x if x != {c!r} else {d!r}",
    "lambda x: None if x == {c!r} else x",
    "lambda x: (x, {d!r})",
    "lambda x: x in ({c!r}, {d!r})",
    "lambda x: {d!r}",
)
UNARY_OF_NUMBERS = (
    "lambda x: x * x",
    "lambda x: x - {n!r}",
    "lambda x: {n!r} * x + 1",
    "lambda x: x > {c!r}",
    "lambda x: x % 2 == 0",
    "lambda x: {d!r} if x < {c!r} else x",
    "lambda x: 1 / x",
    "lambda x: math.sqrt(x)",
    "lambda x: round(math.log(x), 2)",
    "lambda x: min(x, {n!r})",
    "math.floor",
    "bool",
    "abs",
)
UNARY_OF_WORDS = ("len", "lambda x: x + x", "lambda x: x[:1]", "lambda x: x > {c!r}", "str.upper")
BINARY = (
    "lambda x, y: x == y",
    "lambda x, y: x if x == {c!r} else y",
    "lambda x, y: (x, y)",
    "lambda x, y: x if y else {d!r}",
    "lambda x, y: None if x == y else y",
)
BINARY_OF_NUMBERS = (
    "lambda x, y: x + y",
    "lambda x, y: x - y",
    "lambda x, y: x * y",
    "lambda x, y: x / y",
    "lambda x, y: max(x, y)",
    "lambda x, y: x > y",
    "lambda x, y: (x + y) % 2",
    "lambda x, y: abs(x - y) <= 1",
)
BINARY_OF_WORDS = ("lambda x, y: x + y", "lambda x, y: max(x, y)", "lambda x, y: len(x) - len(y)")
TERNARY = (
    "lambda x, y, z: x if y == z else {d!r}",
    "lambda x, y, z: (x == y) + (y == z)",
    "lambda x, y, z: (x == y) and z",
    "lambda x, y, z: [x, y, z].count({c!r})",
)
WITH_NONE = (
    "lambda x: {d!r} if x is None else x",
    "lambda x: x is None",
    "lambda x: 0 if x is None else 1",
)
PREDICATES = (
    "lambda k, q: k != q",
    "lambda k, q: k == {c!r}",
    "lambda k, q: q == {c!r}",
    "lambda k, q: k == {c!r} or q == {e!r}",
    "lambda k, q: (k == {c!r}) == (q == {e!r})",
)
PREDICATES_OF_NUMBERS = (
    "lambda k, q: k + q == {n!r}",
    "lambda k, q: k == q + {n!r}",
    "lambda k, q: k % 2 == q % 2",
    "lambda k, q: k > 2 * q",
    "lambda k, q: abs(k - q) <= 1",
    "lambda k, q: k < {n!r} < q",
)


def unary_map(pool: Pool) -> str:
    """A function of one s-op."""
    x = pool.sop()
    more = UNARY_OF_NUMBERS * 2 if _numeric(pool, x) else UNARY_OF_WORDS if _worded(pool, x) else ()
    options = UNARY + more
    return f"rasp.Map({_filled(pool, pool.pick(options), x)}, {x})"


def table_map(pool: Pool) -> str:
    """An arbitrary function of one s-op, listed."""
    x = pool.sop()
    images = [pool.pick(DEFAULTS) for _ in range(3)]
    table = {value: pool.pick(images) for value in pool.values(x) if not pool.chance(10)}
    return f"rasp.Map({table!r}.get, {x})"


def none_map(pool: Pool) -> str:
    """A function that is also called on None."""
    x = pool.sop(lambda facts: not facts.total)
    return f"rasp.NaryMap({_filled(pool, pool.pick(WITH_NONE), x)}, {x}, none_in_none_out=False)"


def first_that_is(pool: Pool) -> str:
    """The first of two s-ops where it is not None, else the second."""
    x, y = pool.sop(lambda facts: not facts.total), pool.sop()
    return f"rasp.NaryMap(lambda x, y: y if x is None else x, {x}, {y}, none_in_none_out=False)"


def binary_map(pool: Pool) -> str:
    """A function of two s-ops."""
    x = pool.sop()
    y = pool.other(x)
    more: tuple[str, ...] = ()
    if _numeric(pool, x) and _numeric(pool, y):
        more = BINARY_OF_NUMBERS * 2
    elif _worded(pool, x) and _worded(pool, y):
        more = BINARY_OF_WORDS
    options = BINARY + more
    return f"rasp.SequenceMap({_filled(pool, pool.pick(options), x)}, {x}, {y})"


def ternary_map(pool: Pool) -> str:
    """A function of three s-ops, or of two and a constant."""
    x = pool.sop()
    y, z = pool.other(x), pool.other(x)
    last = z if pool.chance(75) else repr(pool.constant(z))
    return f"rasp.map({_filled(pool, pool.pick(TERNARY), x)}, {x}, {y}, {last})"


def linear_map(pool: Pool) -> str:
    """A weighted sum of two s-ops."""
    x = pool.sop(_numbers)
    y = pool.other(x, _numbers)
    factors = [pool.pick((1, -1, 2, 3, 0.5, -2, -0.25, 1, -1, 0)) for _ in range(2)]
    return f"rasp.LinearSequenceMap({x}, {y}, {factors[0]!r}, {factors[1]!r})"


def operator_with_constant(pool: Pool) -> str:
    """An operator between an s-op and a constant, on either side."""
    x = pool.sop()
    operator = pool.pick(_operators(pool, x))
    constant = repr(pool.constant(x))
    return f"{x} {operator} {constant}" if pool.chance(70) else f"{constant} {operator} {x}"


def operator_between(pool: Pool) -> str:
    """An operator between two s-ops."""
    x = pool.sop()
    return f"{x} {pool.pick(_operators(pool, x))} {pool.other(x)}"


def _operators(pool: Pool, x: str) -> tuple[str, ...]:
    logical = ("==", "!=", "&", "|")
    if _numeric(pool, x):
        return (*logical, "<", "<=", ">", ">=", "+", "-", "*", "+", "-", "*", "/", "//", "%", "**")
    return (*logical, "<", "<=", ">", ">=", "+") if _worded(pool, x) else logical


def operator_of_one(pool: Pool) -> str:
    """~, −, +, abs or round."""
    x = pool.sop()
    numeric = ("-{x}", "+{x}", "abs({x})", "round({x})", "round({x}, 1)")
    return str(pool.pick(("~{x}", *numeric) if _numeric(pool, x) else ("~{x}",))).format(x=x)


def where(pool: Pool) -> str:
    """A choice between s-ops and constants."""
    x = pool.sop()
    a = pool.sop() if pool.chance(60) else repr(pool.pick(DEFAULTS))
    b = pool.sop() if pool.chance(60) else repr(pool.pick(DEFAULTS))
    condition = x if pool.chance(50) else f"{x} == {pool.constant(x)!r}"
    return f"rasp.where({condition}, {a}, {b})"


def is_in(pool: Pool) -> str:
    """Membership of a set of constants."""
    x = pool.sop()
    known = [pool.constant(x) for _ in range(2)]
    return f"{x}.is_in({known!r})" if pool.chance(50) else f"rasp.is_in({x}, {known!r})"


def annotated(pool: Pool) -> str:
    """Advice on the encoding, right or wrong, or a name."""
    x = pool.sop()
    return str(pool.pick(("rasp.numerical({x})", "rasp.categorical({x})", "{x}.named('name')"))).format(x=x)


def assumed(pool: Pool) -> str:
    """A promise of the values that an s-op has, and perhaps of others: as a list, or as a function."""
    x = pool.sop(lambda facts: facts.values is not None)
    known = [*_listed(pool, x), *(repr(pool.pick(DEFAULTS)) for _ in range(pool.dice.below(2)))]
    some = f"({', '.join(known)},)"
    return f"rasp.assume({x}, {pool.pick((some, f'lambda x: x in {some}'))})"


def _listed(pool: Pool, x: str) -> list[str]:
    return [repr(value) for value in _facts(pool, x).values or ()]


def full(pool: Pool) -> str:
    """The same value everywhere."""
    return f"rasp.Full({pool.pick(DEFAULTS)!r})"


def constant_sop(pool: Pool) -> str:
    """A value for each position."""
    options = [pool.pick(DEFAULTS[3:]) for _ in range(2)]
    values = [pool.pick(options) for _ in range(pool.analysis.max_seq_len)]
    return f"rasp.ConstantSOp({values!r}, check_length=False)"


def compare(pool: Pool) -> str:
    """A selector by a named comparison."""
    keys = pool.sop(_key)
    queries = pool.other(keys, _key) if pool.chance(60) else keys
    return f"rasp.Select({keys}, {queries}, rasp.Comparison.{pool.pick(COMPARISONS)})"


def predicate(pool: Pool) -> str:
    """A selector by any predicate."""
    keys, queries = pool.sop(_key), pool.sop(_key)
    both = _numeric(pool, keys) and _numeric(pool, queries)
    text = _filled(pool, pool.pick(PREDICATES + PREDICATES_OF_NUMBERS if both else PREDICATES), keys, queries)
    return f"rasp.Select({keys}, {queries}, {text})"


def by_position(pool: Pool) -> str:
    """A selector among positions: a shift, a window, a fixed place, the mirror image."""
    offset, query = pool.pick((-2, -1, 1, 2)), pool.sop(_key)
    fixed = f"lambda k, q: k == {abs(offset)} and q == {pool.constant(query)!r}"
    return str(
        pool.pick(
            (
                f"rasp.Select(rasp.indices, rasp.indices, lambda k, q: q == k + {offset})",
                "rasp.Select(rasp.indices, rasp.indices, lambda k, q: q - 2 <= k <= q)",
                f"rasp.Select(rasp.indices, {query}, rasp.Comparison.EQ)",
                f"rasp.Select(rasp.indices, {query}, {fixed})",
                "rasp.Select(rasp.indices, rasp.length - 1 - rasp.indices, rasp.Comparison.EQ)",
                "rasp.Select(rasp.indices, rasp.length, lambda k, q: k == q - 1)",
            )
        )
    )


def and_or(pool: Pool) -> str:
    """Two selectors together."""
    x = pool.selector()
    y = pool.selector(lambda facts: facts is not pool.facts[x])
    forms = (
        f"{x} & {y}",
        f"{x} & {y}",
        f"{x} | {y}",
        f"rasp.SelectorAnd({x}, {y})",
        f"rasp.SelectorOr({x}, {y})",
    )
    return pool.pick(forms)


def negation(pool: Pool) -> str:
    """A selector, negated."""
    x = pool.selector()
    return pool.pick((f"~{x}", f"rasp.SelectorNot({x})"))


def best(pool: Pool) -> str:
    """Of the selected keys the last, the first, or those that hold an extreme value."""
    x = pool.selector()
    if pool.chance(60):
        return str(pool.pick(("rasp.latest({x})", "rasp.earliest({x})"))).format(x=x)
    score = pool.sop(lambda facts: _key(facts) and (facts.numeric or facts.worded))
    return f"rasp.best({x}, {score}, {pool.pick(('max', 'min'))!r})"


def best_of_best(pool: Pool) -> str:
    """Of the best keys by one score the best by another."""
    scores = [pool.sop(lambda facts: _key(facts) and (facts.numeric or facts.worded)) for _ in range(2)]
    inner, outer = (pool.pick(("'max'", "'min'")) for _ in scores)
    return f"rasp.best(rasp.best({pool.selector()}, {scores[0]}, {inner}), {scores[1]}, {outer})"


def constant_selector(pool: Pool) -> str:
    """A selector that is the same on all inputs."""
    size, density = pool.analysis.max_seq_len, pool.pick((0, 30, 70))
    rows = [[int(pool.chance(density)) for _ in range(size)] for _ in range(size)]
    if not density:
        rows = [[int(k == column) for k in range(size)] for column in [pool.dice.below(size) for _ in rows]]
    return f"rasp.ConstantSelector({rows!r}, check_length=False)"


def rank(pool: Pool) -> str:
    """The place of each position in the order of a key; ties by position."""
    x = pool.sop(lambda facts: facts.total and facts.values is not None)
    before = "rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.LT)"
    smaller, same = (f"rasp.Select({x}, {x}, rasp.Comparison.{how})" for how in ("LT", "EQ"))
    return f"rasp.SelectorWidth({smaller} | {same} & {before})"


def width(pool: Pool) -> str:
    """How many keys are selected."""
    return f"rasp.SelectorWidth({pool.selector()})"


def pick(pool: Pool) -> str:
    """A value moved: of any type, with any default."""
    selector = pool.selector(lambda facts: facts.single or bool(facts.agree))
    return _aggregate(pool, selector, pool.sop())


def mean(pool: Pool) -> str:
    """An average of numbers."""
    return _aggregate(pool, pool.selector(), pool.sop(_numbers))


def place(pool: Pool) -> str:
    """A comparison of the place of the selected keys, or of the mean of their places, with a number."""
    at = f"rasp.Aggregate({pool.selector()}, rasp.indices, default={pool.pick((0, -1, -2, 1))})"
    shift = pool.pick(("", " + 1", " - 1"))
    other = pool.pick((f"rasp.indices{shift}", f"rasp.indices{shift}", pool.sop(lambda facts: facts.whole)))
    return f"{at} {pool.pick(('==', '==', '!=', '<', '<=', '>', '>='))} {other}"


def total(pool: Pool) -> str:
    """A sum of numbers, or a mean times the width that it is taken over."""
    selector, sop = pool.selector(), pool.sop(_key_numbers)
    if pool.chance(30):
        return f"rasp.SelectorWidth({selector}) * rasp.Aggregate({selector}, {sop}, default=0)"
    default = f", default={pool.pick(DEFAULTS)!r}" if pool.chance(30) else ""
    return f"rasp.Sum({selector}, {sop}{default})"


def _aggregate(pool: Pool, selector: str, sop: str) -> str:
    default: Value = pool.pick(DEFAULTS) if pool.chance(60) else pool.constant(sop)
    given = "" if default is None and pool.chance(50) else f", default={default!r}"
    facts = pool.facts[selector]
    if isinstance(facts, SelectorFacts) and facts.single and pool.chance(30):
        given += ", single=True"
    return f"rasp.Aggregate({selector}, {sop}{given})"


def _filled(pool: Pool, template: str, x: str, y: str = "rasp.tokens") -> str:
    c, d, e, n = pool.constant(x), pool.pick(DEFAULTS), pool.constant(y), pool.number()
    return template.format(c=c, d=d, e=e, n=n)


def _facts(pool: Pool, x: str) -> SOpFacts:
    facts = pool.facts[x]
    assert isinstance(facts, SOpFacts)
    return facts


def _numeric(pool: Pool, x: str) -> bool:
    return _facts(pool, x).numeric


def _worded(pool: Pool, x: str) -> bool:
    return _facts(pool, x).worded


def _numbers(facts: SOpFacts) -> bool:
    return facts.numeric and facts.total


def _key_numbers(facts: SOpFacts) -> bool:
    return facts.numeric and facts.total and facts.values is not None


def _key(facts: SOpFacts) -> bool:
    return facts.total and facts.values is not None


WEIGHTS: dict[Callable[[Pool], str], int] = {
    unary_map: 8,
    table_map: 3,
    none_map: 4,
    first_that_is: 3,
    binary_map: 7,
    ternary_map: 4,
    linear_map: 3,
    operator_with_constant: 6,
    operator_between: 6,
    operator_of_one: 4,
    where: 4,
    is_in: 2,
    annotated: 3,
    full: 1,
    constant_sop: 1,
    compare: 10,
    predicate: 7,
    by_position: 7,
    and_or: 7,
    negation: 4,
    constant_selector: 1,
    rank: 2,
    width: 8,
    pick: 12,
    mean: 8,
    total: 3,
    best: 6,
    best_of_best: 2,
    place: 4,
    assumed: 2,
}

KINDS = tuple(kind for kind, weight in WEIGHTS.items() for _ in range(weight))
