"""The programs that Tracr's users know: its `compiler/lib.py`, and Lindner et al. (2023), "Tracr", section 4.

They compute what those compute, by constructions that stay exact at every length. `make_…` are the
builders under the names and signatures of `tracr.compiler.lib`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from raspc import rasp
from raspc.errors import InvalidProgram
from raspc.library.parts import equal, everything, rank, same, so_far
from raspc.library.program import entry
from raspc.rasp import Comparison, SOp, Value

_LIB = "Tracr, compiler/lib.py"


@rasp.program
def length() -> SOp:
    """The length of the input, at every position.

    The width of the selector that selects everything; `rasp.length` is the same.

    >>> length()("abc")
    [3, 3, 3]
    """
    return rasp.SelectorWidth(everything()).named("length")


@rasp.program
def reverse(sop: SOp = rasp.tokens) -> SOp:
    """The input, last position first.

    >>> reverse()("abc")
    ['c', 'b', 'a']
    """
    last = rasp.length - 1
    opposite = (last - rasp.indices).named("opposite")
    mirrored = equal(rasp.indices, opposite)
    return rasp.Aggregate(mirrored, sop).named("reverse")


@rasp.program
def frac_prevs(bools: SOp | None = None) -> SOp:
    """The fraction of the positions so far at which a boolean s-op holds; by default `tokens == "x"`.

    The running example of the Tracr paper, section 3 and figure 2.

    >>> frac_prevs()("xyx") == [1, 1 / 2, 2 / 3]
    True
    """
    flags = (rasp.tokens == "x") if bools is None else bools
    return rasp.numerical(rasp.Aggregate(so_far(), rasp.numerical(flags), default=0)).named("frac_prevs")


@rasp.program
def pair_balance(sop: SOp = rasp.tokens, open_token: Value = "(", close_token: Value = ")") -> SOp:
    """The fraction of opening tokens so far minus the fraction of closing tokens so far.

    >>> pair_balance()("(()") == [1, 1, 2 / 3 - 1 / 3]
    True
    """
    opening, closing = sop == open_token, sop == close_token
    opens, closes = frac_prevs(opening).named("opens"), frac_prevs(closing).named("closes")
    return rasp.numerical(rasp.LinearSequenceMap(opens, closes, 1, -1)).named("pair_balance")


@rasp.program
def shuffle_dyck(pairs: Iterable[Sequence[Value]] = ("()", "{}")) -> SOp:
    """True, at every position, if each kind of bracket is balanced on its own; kinds may cross.

    Weiss et al. (2021), the language Shuffle-Dyck. Each pair is an opening and a closing token. One mean
    of +1 and −1 for each kind tells the sign of its balance at any length, so no fraction is ever
    compared with another. Under a causal mask: True where the input so far is balanced.

    >>> shuffle_dyck()("({)}")
    [True, True, True, True]
    >>> shuffle_dyck()("(){)}")
    [False, False, False, False, False]
    """
    steps = [_step(*_pair(pair)) for pair in pairs]
    if not steps:
        raise InvalidProgram("shuffle_dyck: found no pair of brackets; give at least one, such as '()'")
    balances = [rasp.Aggregate(so_far(), step) for step in steps]
    negative = [rasp.numerical(balance < 0) for balance in balances]
    shares = [rasp.Aggregate(everything(), flag) for flag in negative]
    faults = [share != 0 for share in shares]
    totals = [rasp.Aggregate(everything(), step) for step in steps]
    unequal = [total != 0 for total in totals]
    return rasp.map(_none_of, *faults, *unequal).named("shuffle_dyck")


def _none_of(*faults: Value) -> bool:
    return not any(faults)


def _all_of(*hits: Value) -> bool:
    return all(hits)


def _pair(pair: Sequence[Value]) -> tuple[Value, Value]:
    if len(pair) != 2:
        raise InvalidProgram(f"found {pair!r} as a pair of brackets; needed an opening and a closing token")
    return pair[0], pair[1]


@rasp.program
def _step(open_token: Value, close_token: Value) -> SOp:
    """+1 at an opening token, −1 at a closing one, else 0."""
    return rasp.numerical(rasp.Map(partial(_sign, open_token, close_token), rasp.tokens))


def _sign(open_token: Value, close_token: Value, x: Value) -> int:
    return int(x == open_token) - int(x == close_token)


@rasp.program
def shuffle_dyck1() -> SOp:
    """True, at every position, if the brackets () are balanced.

    >>> shuffle_dyck1()("()")
    [True, True]
    """
    return shuffle_dyck(["()"]).named("shuffle_dyck1")


@rasp.program
def shuffle_dyck3() -> SOp:
    """True, at every position, if (), {} and [] are balanced, each on its own; kinds may cross.

    >>> shuffle_dyck3()("([)]")
    [True, True, True, True]
    """
    return shuffle_dyck(["()", "{}", "[]"]).named("shuffle_dyck3")


@rasp.program
def hist(sop: SOp = rasp.tokens) -> SOp:
    """How often the token of each position occurs in the input.

    Weiss et al. (2021), the task Hist. Under a causal mask: in the input so far.

    >>> hist()("abac")
    [2, 1, 2, 1]
    """
    return rasp.SelectorWidth(same(sop)).named("hist")


@rasp.program
def sort_unique(vals: SOp = rasp.tokens, keys: SOp = rasp.tokens) -> SOp:
    """The values in the order of their keys, which should differ from each other.

    Tracr paper, section 4, example 2. Of equal keys, all go to one place, and the places that they
    leave empty hold None: use `sort` where keys may be equal.

    >>> sort_unique()([3, 1, 2])
    [1, 2, 3]
    >>> sort_unique()([2, 1, 2])
    [1, 2, None]
    """
    smaller = rasp.Select(keys, keys, Comparison.LT)
    place = rasp.SelectorWidth(smaller).named("place")
    placed = equal(place, rasp.indices)
    return rasp.Aggregate(placed, vals).named("sort_unique")


@rasp.program
def sort(vals: SOp = rasp.tokens, keys: SOp | None = None, descending: bool = False) -> SOp:
    """The values in the order of their keys; equal keys stay in the order of the input.

    Weiss et al. (2021), the task Sort. `keys` defaults to the values; any numbers will do, or words,
    which sort alphabetically. Ties are broken by position, by a composite selector.

    >>> sort()([3, 1, 3, 2])
    [1, 2, 3, 3]
    >>> sort(keys=rasp.Map({"a": 1, "b": 0, "c": 1}.get, rasp.tokens))("cab")
    ['b', 'c', 'a']
    """
    place = rank(vals if keys is None else keys, descending)
    placed = equal(place, rasp.indices)
    return rasp.Aggregate(placed, vals).named("sort")


@rasp.program
def sort_stable(sop: SOp = rasp.tokens) -> SOp:
    """The words in alphabetical order, upper and lower case alike; equal ones stay in the order of the input.

    >>> sort_stable()("bAaB")
    ['A', 'a', 'b', 'B']
    """
    lower = rasp.Map(str.lower, sop)
    return sort(sop, keys=lower).named("sort_stable")


@rasp.program
def sort_freq(sop: SOp = rasp.tokens) -> SOp:
    """The tokens by how often they occur, the most frequent first; ties stay in the order of the input.

    >>> sort_freq()("abcbb")
    ['b', 'b', 'b', 'a', 'c']
    """
    return sort(sop, hist(sop), descending=True).named("sort_freq")


@rasp.program
def shift_by(offset: int = 1, sop: SOp = rasp.tokens, default: Value = None) -> SOp:
    """The input moved to the right by `offset` places (to the left, if negative); `default` fills the gap.

    >>> shift_by(1)("abc")
    [None, 'a', 'b']
    """
    origin = rasp.indices - offset
    moved = equal(rasp.indices, origin)
    return rasp.Aggregate(moved, sop, default).named(f"shift_by({offset})")


@rasp.program
def detect_pattern(sop: SOp = rasp.tokens, pattern: Sequence[Value] = "ab") -> SOp:
    """True at the last token of each occurrence of a pattern; None where the pattern does not fit yet.

    >>> detect_pattern()("aabab")
    [None, False, True, False, True]
    """
    if not len(pattern):
        raise InvalidProgram("detect_pattern: found an empty pattern; give at least one token")
    last = len(pattern) - 1
    flags = [sop == token for token in pattern]
    hits = [shift_by(last - i, flag) if i < last else flag for i, flag in enumerate(flags)]
    return rasp.map(_all_of, *hits).named(f"detect_pattern({pattern})")


@rasp.program
def count(token: Value = "a", sop: SOp = rasp.tokens) -> SOp:
    """How often a token occurs in the input, at every position.

    Under a causal mask: in the input so far.

    >>> count()("abac")
    [2, 2, 2, 2]
    """
    holders = equal(sop, token)
    return rasp.SelectorWidth(holders).named(f"count_{token}")


@rasp.program
def count_less_freq(n: int = 2, sop: SOp = rasp.tokens) -> SOp:
    """How many positions hold a token that occurs at most `n` times.

    >>> count_less_freq()("aaabbc")
    [3, 3, 3, 3, 3, 3]
    """
    rare = rasp.Select(hist(sop), rasp.Full(n), Comparison.LEQ).named("rare")
    return rasp.SelectorWidth(rare).named("count_less_freq")


@rasp.program
def nary_map(f: Callable[..., Value] | None = None, *sops: SOp) -> SOp:
    """A function of any number of s-ops, at each position; by default the median of three neighbours.

    Tracr builds this from maps of two arguments over tuples; here it is a construct of the language.
    Outside the input, the default takes 0 as the neighbour.

    >>> nary_map()([2, 0, 1, 2])
    [0, 1, 1, 1]
    >>> nary_map(lambda x, i, n: (x, i, n), rasp.tokens, rasp.indices, rasp.length)("ab")
    [('a', 0, 2), ('b', 1, 2)]
    """
    if f is None:
        left, right = shift_by(1, rasp.tokens, default=0), shift_by(-1, rasp.tokens, default=0)
        return rasp.map(_median, left, rasp.tokens, right).named("median_of_three")
    return rasp.map(f, *sops).named("nary_map")


def _median(x: Value, y: Value, z: Value) -> Value:
    return sorted((x, y, z))[1]


@rasp.program
def make_length() -> SOp:
    """`length`, under Tracr's name."""
    return length()


@rasp.program
def make_reverse(sop: SOp) -> SOp:
    """`reverse`, under Tracr's name."""
    return reverse(sop)


@rasp.program
def make_frac_prevs(bools: SOp) -> SOp:
    """`frac_prevs`, under Tracr's name."""
    return frac_prevs(bools)


@rasp.program
def make_pair_balance(sop: SOp, open_token: Value, close_token: Value) -> SOp:
    """`pair_balance`, under Tracr's name."""
    return pair_balance(sop, open_token, close_token)


@rasp.program
def make_shuffle_dyck(pairs: Iterable[Sequence[Value]]) -> SOp:
    """`shuffle_dyck`, under Tracr's name."""
    return shuffle_dyck(pairs)


@rasp.program
def make_shuffle_dyck2() -> SOp:
    """`shuffle_dyck` for () and {}, under Tracr's name."""
    return shuffle_dyck(["()", "{}"]).named("shuffle_dyck2")


@rasp.program
def make_hist() -> SOp:
    """`hist`, under Tracr's name."""
    return hist()


@rasp.program
def make_sort_unique(vals: SOp, keys: SOp) -> SOp:
    """`sort_unique`, under Tracr's name."""
    return sort_unique(vals, keys)


@rasp.program
def make_sort(vals: SOp, keys: SOp, *, max_seq_len: int | None = None, min_key: float | None = None) -> SOp:
    """`sort`, under Tracr's name; `max_seq_len` and `min_key`, which Tracr needs, have no effect."""
    return sort(vals, keys)


@rasp.program
def make_sort_freq(max_seq_len: int | None = None) -> SOp:
    """`sort_freq`, under Tracr's name; `max_seq_len`, which Tracr needs, has no effect."""
    return sort_freq()


@rasp.program
def make_count(sop: SOp, token: Value) -> SOp:
    """`count`, under Tracr's name."""
    return count(token, sop)


@rasp.program
def make_nary_sequencemap(f: Callable[..., Value], *sops: SOp) -> SOp:
    """`nary_map`, under Tracr's name."""
    return nary_map(f, *sops)


@rasp.program
def make_count_less_freq(n: int) -> SOp:
    """`count_less_freq`, under Tracr's name."""
    return count_less_freq(n)


def _balanced(xs: Sequence[Value], pairs: Sequence[str]) -> bool:
    """Every prefix has at least as many openings as closings, the whole as many."""
    return all(
        xs.count(pair[0]) == xs.count(pair[1])
        and all(xs[:i].count(pair[0]) >= xs[:i].count(pair[1]) for i in range(len(xs)))
        for pair in pairs
    )


def _shuffle_dyck(*pairs: str) -> Callable[[Sequence[Value]], list[Value]]:
    return lambda xs: [_balanced(list(xs), pairs)] * len(xs)


def _fractions(xs: Sequence[Value], token: Value) -> list[float]:
    return [list(xs[: i + 1]).count(token) / (i + 1) for i in range(len(xs))]


def _sort_unique(xs: Sequence[Value]) -> list[Value]:
    smaller = {sum(y < x for y in xs): x for x in xs}
    return [smaller.get(i) for i in range(len(xs))]


def _detect_ab(xs: Sequence[Value]) -> list[Value]:
    return [None if i == 0 else (xs[i - 1], x) == ("a", "b") for i, x in enumerate(xs)]


def _medians(xs: Sequence[Value]) -> list[Value]:
    padded = [0, *xs, 0]
    return [sorted(padded[i : i + 3])[1] for i in range(len(xs))]


PROGRAMS = (
    entry(length, "ab", 10, lambda xs: [len(xs)] * len(xs), _LIB),
    entry(reverse, "abc", 8, lambda xs: list(xs)[::-1], _LIB),
    entry(frac_prevs, "xy", 10, lambda xs: _fractions(xs, "x"), "Tracr paper, section 3"),
    entry(
        pair_balance,
        "()",
        10,
        lambda xs: [x - y for x, y in zip(_fractions(xs, "("), _fractions(xs, ")"), strict=True)],
        _LIB,
    ),
    entry(shuffle_dyck, "(){}", 6, _shuffle_dyck("()", "{}"), "Weiss et al. (2021), Shuffle-Dyck-2"),
    entry(
        shuffle_dyck1,
        "()",
        10,
        _shuffle_dyck("()"),
        "Weiss et al. (2021), Shuffle-Dyck-1",
    ),
    entry(
        shuffle_dyck3,
        "(){}[]",
        6,
        _shuffle_dyck("()", "{}", "[]"),
        "Weiss et al. (2021), Shuffle-Dyck-3",
    ),
    entry(hist, "abc", 8, lambda xs: [list(xs).count(x) for x in xs], "Weiss et al. (2021), Hist"),
    entry(sort_unique, (1, 2, 3, 4), 5, _sort_unique, "Tracr paper, section 4"),
    entry(sort, (1, 2, 3, 4), 5, lambda xs: sorted(xs), "Weiss et al. (2021), Sort"),
    entry(
        sort_stable,
        "aAbB",
        5,
        lambda xs: sorted(xs, key=str.lower),
        "Weiss et al. (2021), Sort",
    ),
    entry(sort_freq, "abc", 6, lambda xs: sorted(xs, key=lambda x: -Counter(xs)[x]), _LIB),
    entry(shift_by, "abc", 8, lambda xs: [None, *xs][: len(xs)], _LIB),
    entry(detect_pattern, "abc", 8, _detect_ab, _LIB),
    entry(count, "abc", 8, lambda xs: [list(xs).count("a")] * len(xs), _LIB),
    entry(count_less_freq, "abc", 8, lambda xs: [sum(Counter(xs)[x] <= 2 for x in xs)] * len(xs), _LIB),
    entry(nary_map, (0, 1, 2), 8, _medians, _LIB),
)
