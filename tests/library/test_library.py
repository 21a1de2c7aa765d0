"""Every program of the library gives what its plain-Python reference gives."""

from __future__ import annotations

import doctest
import importlib
import itertools
import math
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from raspc import interpret, library, rasp
from raspc.errors import InputError, InvalidProgram

NAMES = list(library.PROGRAMS)
GROUPS = ["tracr", "weiss", "counting", "search", "sequences"]

# Under a causal mask: `same` answers, or those of a whole input that ends at the position (`prefix`).
# The others mean nothing under the mask: they look ahead.
CAUSAL = {
    "same": [
        "frac_prevs", "pair_balance", "dyck1_ptf", "dyck2_ptf", "dyck3_ptf", "running_majority", "num_prevs",
        "cumulative_sum", "parity", "induction", "has_seen", "first_occurrence", "caesar", "shift_by",
        "detect_pattern",
    ],
    "prefix": [
        "length", "hist", "count", "majority", "fraction", "contains", "last_occurrence", "token_after_last",
        "shuffle_dyck", "shuffle_dyck1", "shuffle_dyck3",
    ],
}  # fmt: skip
CAUSAL_CASES = [(name, kind) for kind, names in CAUSAL.items() for name in names]


def inputs(program: library.Program, most: int = 600, extra: int = 30) -> Iterator[tuple[Any, ...]]:
    """All short inputs, about `most` of them, and random ones up to the maximum length."""
    rng = random.Random(program.name)
    longest = max(n for n in range(1, program.max_seq_len + 1) if len(program.vocab) ** n <= most)
    for n in range(1, longest + 1):
        yield from itertools.product(program.vocab, repeat=n)
    for i in range(extra):
        n = rng.randint(1, program.max_seq_len) if i % 2 else program.max_seq_len
        yield tuple(rng.choices(program.vocab, k=n))


def agree(got: Sequence[Any], wanted: Sequence[Any]) -> bool:
    """Equal at every position; numbers to within rounding."""
    return len(got) == len(wanted) and all(map(agree_at, got, wanted))


def agree_at(got: Any, wanted: Any) -> bool:
    """Equal; numbers to within rounding."""
    if isinstance(got, float) and isinstance(wanted, int | float):
        return math.isclose(got, wanted, rel_tol=1e-9, abs_tol=1e-12)
    return bool(got == wanted)


@pytest.mark.parametrize("name", NAMES)
def test_agrees_with_its_reference(name: str) -> None:
    """The expression computes what the reference computes, on all short inputs and some long ones."""
    entry = library.get(name)
    program = entry.program
    wrong = [xs for xs in inputs(entry) if not agree(interpret(program, xs, entry.causal), entry.reference(xs))]
    assert wrong == []


@pytest.mark.parametrize(("name", "kind"), CAUSAL_CASES)
def test_under_a_causal_mask(name: str, kind: str) -> None:
    """Programs that do not look ahead keep their meaning, or take it from the input so far."""
    entry = library.get(name)
    program = entry.program
    wanted: dict[str, Callable[[Sequence[Any]], list[Any]]] = {
        "same": entry.reference,
        "prefix": lambda xs: [entry.reference(xs[: i + 1])[i] for i in range(len(xs))],
    }
    wrong = [xs for xs in inputs(entry, most=200) if not agree(interpret(program, xs, causal=True), wanted[kind](xs))]
    assert wrong == []


@pytest.mark.parametrize("name", NAMES)
def test_an_entry_is_ready_to_compile(name: str) -> None:
    """Small defaults, a one-line description, and nothing shared between builds."""
    entry = library.get(name)
    assert entry.name == name
    assert 2 <= len(entry.vocab) <= 6
    assert 4 <= entry.max_seq_len <= 10
    assert entry.description.endswith((".", "`."))
    assert entry.program is not entry.program
    assert {type(expr) for expr in rasp.topological(entry.program)} & {rasp.TokensType, rasp.IndicesType}
    assert callable(getattr(library, name))


@pytest.mark.parametrize("group", GROUPS)
def test_the_examples_in_the_docstrings(group: str) -> None:
    """Each docstring's example runs and gives what it says."""
    module = importlib.import_module(f"raspc.library.{group}")
    failed, attempted = doctest.testmod(module)
    assert failed == 0
    assert attempted >= len(module.PROGRAMS)


def test_an_unknown_name() -> None:
    """The error names the nearest programs."""
    with pytest.raises(InputError, match=r"unknown program 'revers': did you mean reverse"):
        library.get("revers")
    with pytest.raises(InputError, match=r"unknown program 'qqq': the library holds length, reverse"):
        library.get("qqq")


def test_the_table_cannot_be_changed() -> None:
    """PROGRAMS is read-only."""
    with pytest.raises(TypeError):
        library.PROGRAMS["x"] = library.get("hist")  # type: ignore[index]


@pytest.mark.parametrize(
    "build",
    [
        lambda: library.shuffle_dyck([]),
        lambda: library.shuffle_dyck(["((("]),
        lambda: library.dyck_ptf([]),
        lambda: library.dyck_ptf(["("]),
        lambda: library.detect_pattern(pattern=""),
    ],
)
def test_bad_arguments(build: Callable[[], rasp.SOp]) -> None:
    """Empty patterns and malformed brackets are refused when the program is built."""
    with pytest.raises(InvalidProgram, match="found"):
        build()


def test_sums_refuse_numbers_that_they_would_miss() -> None:
    """A number that is not listed makes the sum undefined rather than wrong."""
    for number in (16, -1, 0.5, "a"):
        with pytest.raises(InputError, match="is not among the whole numbers"):
            library.cumulative_sum()([1, number])
    assert library.cumulative_sum(100)([99, 100, 1.0]) == [99, 199, 200]


def test_sort_is_stable_in_both_directions() -> None:
    """Ties stay in the order of the input, ascending and descending."""
    size = rasp.Map(len, rasp.tokens)
    words = ["bb", "a", "aa", "b", "ccc"]
    assert library.sort(keys=size)(words) == sorted(words, key=len)
    assert library.sort(keys=size, descending=True)(words) == sorted(words, key=lambda w: -len(w))


def test_sort_takes_any_numbers() -> None:
    """Keys may be negative and fractional, and differ by little."""
    xs = [0.5, -1.25, 0.5000001, -3, 2, -1.25]
    assert library.sort()(xs) == sorted(xs)


@pytest.mark.parametrize("base", [2, 3, 10])
def test_addition_in_any_base(base: int) -> None:
    """The digits are those of the sum, modulo the highest place."""
    rng = random.Random(base)
    program = library.addition(base)
    for _ in range(50):
        columns = [(rng.randrange(base), rng.randrange(base)) for _ in range(rng.randint(1, 7))]
        total = sum((x + y) * base**place for place, (x, y) in zip(itertools.count(), reversed(columns), strict=False))
        digits = [total // base**place % base for place in reversed(range(len(columns)))]
        assert program([f"{x}+{y}" for x, y in columns]) == digits


def test_lookups_take_a_constant_or_an_s_op() -> None:
    """What to look for may be one value, or another at each position."""
    assert library.first_occurrence("c", default=-1)("abab") == [-1] * 4
    assert library.last_occurrence("b", default=-1)("abab") == [3] * 4
    following = library.shift_by(-1, default="a")
    assert library.first_occurrence(following)("abcb") == [1, 2, 1, 0]
    assert library.index_select(at=rasp.indices - 1, default="_")("abc") == ["_", "a", "b"]


def test_the_names_of_tracr() -> None:
    """Each `make_…` builds the same program with Tracr's own arguments."""
    tokens = rasp.tokens
    assert library.make_length()("abc") == [3, 3, 3]
    assert library.make_reverse(tokens)("abc") == ["c", "b", "a"]
    assert library.make_frac_prevs(tokens == "a")("ab") == [1, 0.5]
    assert library.make_pair_balance(tokens, "(", ")")("()") == [1, 0]
    assert library.make_shuffle_dyck(["()"])("()") == [True, True]
    assert library.make_shuffle_dyck2()("({)}") == [True] * 4
    assert library.make_hist()("aba") == [2, 1, 2]
    assert library.make_sort_unique(tokens, tokens)("cab") == ["a", "b", "c"]
    assert library.make_sort(tokens, tokens, max_seq_len=5, min_key=1)([2, 1, 2]) == [1, 2, 2]
    assert library.make_sort_freq(5)("abb") == ["b", "b", "a"]
    assert library.make_count(tokens, "a")("aab") == [2, 2, 2]
    assert library.make_nary_sequencemap(lambda x, y, z: x + y + z, tokens, tokens, tokens)("a") == ["aaa"]
    assert library.make_count_less_freq(2)("aaabbc") == [3] * 6


def test_the_page_lists_every_program() -> None:
    """docs/library.md has one row for each program, in the order of the table, with its defaults."""
    page = (Path(__file__).parents[2] / "docs" / "library.md").read_text(encoding="utf-8")
    rows = [
        f"| `{entry.name}` | {entry.description} | `{' '.join(map(str, entry.vocab))}` | {entry.max_seq_len} | "
        f"{entry.source} |"
        for entry in library.PROGRAMS.values()
    ]
    assert [line for line in page.splitlines() if line.startswith("| `")] == rows
