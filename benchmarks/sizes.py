"""How the sizes of models grow with length and vocabulary, at -O2, and which goal each meets."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Any

import raspc
from benchmarks.measure import Table
from benchmarks.written import SORTED_VOCAB, SUM_VOCAB, reversed_sum, sorted_digits
from raspc import library, rasp
from raspc.rasp import Comparison, SOp

T, I = rasp.tokens, rasp.indices  # noqa: E741
HEADERS = (
    "program",
    "V, N",
    "parameters",
    "d_model",
    "d_mlp",
    "layers",
    "certificate",
    "seconds of CPU",
    "goal",
    "met",
)


@dataclass(frozen=True)
class Sizes:
    """What was compiled, and its sizes."""

    vocab: int
    length: int
    parameters: int
    d_model: int
    d_mlp: int
    layers: int
    verdict: str
    seconds: float


@dataclass(frozen=True)
class Row:
    """A program, with what is asked of it. `before`: the parameters of the size before, for goals of growth.

    `bound`: what stands in the way where the goal is not met.
    """

    program: str
    build: Callable[[], SOp]
    vocab: tuple[Any, ...]
    length: int
    goal: str
    meets: Callable[[Sizes, Sizes | None], bool]
    causal: bool = False
    bound: str = "not looked into"


def words(count: int) -> tuple[str, ...]:
    """So many different words."""
    return tuple(f"w{i}" for i in range(count))


def numbers(count: int) -> tuple[int, ...]:
    """So many numbers, from 0."""
    return tuple(range(count))


def count_of(token: str) -> SOp:
    """How many tokens are this one."""
    return rasp.SelectorWidth(rasp.Select(T, rasp.Full(token), Comparison.EQ))


def most_before() -> SOp:
    """The most tokens a that stand before a b, so far."""
    return rasp.Aggregate(rasp.best(rasp.Select(T, "b", Comparison.EQ), count_of("a")), count_of("a"), default=-1)


def least_and_most() -> SOp:
    """min(#a, #b) + max(#a, #b)."""
    a, b = count_of("a"), count_of("b")
    return rasp.SequenceMap(min, a, b) + rasp.SequenceMap(max, a, b)


def fall_backs(count: int) -> SOp:
    """The nearest of so many positions before that holds something else than "a"; this one where there is none."""

    def back(by: int) -> SOp:
        there = rasp.Select(I, I - by, Comparison.EQ) & rasp.Select(T, rasp.Full("a"), Comparison.NEQ)
        return rasp.Aggregate(there, T, default="none")

    def falling_back(rest: SOp, first: SOp) -> SOp:
        return rasp.SequenceMap(lambda a, b: b if a == "none" else a, first, rest)

    return reduce(falling_back, map(back, range(count, 0, -1)), T)


def sorted_by(key: SOp) -> SOp:
    """Tokens in the order of a key."""
    return library.sort(T, key)


def times_place() -> SOp:
    """A count times the index: 209 different numbers at length 24."""
    return rasp.SequenceMap(lambda count, place: count * place, library.hist(), I)


def rows() -> Iterator[Row]:
    """The table of the goals."""
    for n in (64, 96, 128, 256, 512):
        yield Row("reverse", library.reverse, words(n), n, "d_model ≤ 8, ≤ 12(V + N) + 200",
                  lambda s, _: s.d_model <= 8 and s.parameters <= 12 * (s.vocab + s.length) + 200)  # fmt: skip
    yield Row("reverse", library.reverse, words(1000), 512, "≤ 20,000", lambda s, _: s.parameters <= 20_000)
    for n in (64, 96, 128, 256, 512):
        yield Row("hist", library.hist, words(n), n, "≤ 45·N", lambda s, _: s.parameters <= 45 * s.length)
    for n in (1024, 1700, 4096):
        yield Row("counts so far", library.hist, words(3), n, "≤ 45·N, ≤ 10 s",
                  lambda s, _: s.parameters <= 45 * s.length and s.seconds <= 10, causal=True,
                  bound="a count in stretches of positions takes a direction for each")  # fmt: skip
    for n in (32, 64, 128, 256, 512):
        yield Row("sort", library.sort, numbers(n), n, "2 layers, ≤ 4.2 × the size before", grows(2))
    for n in (64, 128):
        yield Row("sort_freq", library.sort_freq, words(n), n, "3 layers, ≤ 4.2 × the size before", grows(3))
    for n in (16, 32, 64):
        yield Row("shuffle_dyck, two kinds", lambda: library.shuffle_dyck(["()", "[]"]), tuple("()[]"), n, "2 layers",
                  lambda s, _: s.layers == 2)  # fmt: skip
    yield Row("shuffle_dyck, two kinds", lambda: library.shuffle_dyck(["()", "[]"]), tuple("()[]"), 512, "proved",
              lambda s, _: True)  # fmt: skip
    yield Row("induction", library.induction, words(16), 512, "2 layers", lambda s, _: s.layers == 2, causal=True)
    for n in (64, 128, 512):
        yield Row("most before", most_before, tuple("abc"), n, "≤ 45·N, proved",
                  lambda s, _: s.parameters <= 45 * s.length and s.verdict == "proved", causal=True)  # fmt: skip
    for count in (1, 2, 3, 4, 5):
        yield Row(f"{count} fall-backs", lambda count=count: fall_backs(count), tuple("abcdefg"), 8,  # type: ignore[misc]
                  f"d_mlp ≤ 8·{count}·7²", lambda s, _, most=8 * count * 49: s.d_mlp <= most)  # fmt: skip
    yield Row("min(#a, #b) + max(#a, #b)", least_and_most, tuple("ab"), 64, "d_mlp ≤ 16·N",
              lambda s, _: s.d_mlp <= 16 * s.length, causal=True)  # fmt: skip
    for n in (16, 32):
        yield Row("sort by token + 3·index", lambda: sorted_by(T + 3 * I), numbers(n), n, "d_model ≤ N + 12",
                  lambda s, _: s.d_model <= s.length + 12)  # fmt: skip
    yield Row("sort by token + N·index", lambda: sorted_by(T + 32 * I), numbers(32), 32, "2 layers, d_model ≤ N + 12",
              lambda s, _: s.layers == 2 and s.d_model <= s.length + 12)  # fmt: skip
    yield Row("sort by N·token + index", lambda: sorted_by(32 * T + I), numbers(32), 32, "2 layers, d_model ≤ N + 12",
              lambda s, _: s.layers == 2 and s.d_model <= s.length + 12)  # fmt: skip
    yield Row("sort, token by token", sorted_digits, SORTED_VOCAB, 22, "2 layers", lambda s, _: s.layers == 2,
              causal=True)  # fmt: skip
    yield Row("sum, token by token", reversed_sum, SUM_VOCAB, 14, "≤ 4 layers", lambda s, _: s.layers <= 4, causal=True)
    yield Row("count · index", times_place, tuple("abc"), 24, "one dimension for 209 answers",
              lambda s, _: s.d_model <= 8)  # fmt: skip


def grows(layers: int) -> Callable[[Sizes, Sizes | None], bool]:
    """So many layers, and at most 4.2 times the parameters of half the size."""
    return lambda s, before: s.layers == layers and (before is None or s.parameters <= 4.2 * before.parameters)


def table(only: Iterable[str] = ()) -> Table:
    """One row for each program and size."""
    wanted, cells, before = list(only), [], None
    for row in rows():
        if wanted and not any(row.program.startswith(name) for name in wanted):
            continue
        told, before = measured(row, before)
        cells.append(told)
    return Table("Growth of models", HEADERS, cells)


def measured(row: Row, before: tuple[str, Sizes] | None) -> tuple[tuple[str, ...], tuple[str, Sizes] | None]:
    """The row as it is printed, and its sizes for the next one."""
    try:
        found = sizes(row)
    except raspc.RaspcError as error:
        told = str(error).split("\n", 1)[0][:80]
        return (
            row.program,
            f"{len(row.vocab)}, {row.length}",
            *["–"] * 4,
            f"refused: {told}",
            "–",
            row.goal,
            "no",
        ), None
    met = row.meets(found, before[1] if before is not None and before[0] == row.program else None)
    met = met and found.verdict == "proved"
    told = (
        row.program, f"{found.vocab:,}, {found.length:,}", f"{found.parameters:,}", str(found.d_model),
        f"{found.d_mlp:,}", str(found.layers), found.verdict, f"{found.seconds:.1f}", row.goal,
        "yes" if met else f"no: {row.bound}",
    )  # fmt: skip
    return told, (row.program, found)


def sizes(row: Row) -> Sizes:
    """Compile it, with its certificate."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", raspc.UncertainProgram)
        start = time.process_time()
        model = raspc.compile(row.build(), row.vocab, row.length, causal=row.causal, optimize=2)
        seconds = time.process_time() - start
    config = model.config
    parameters = sum(array.size for array in model.params.values())
    verdict = "none" if model.certificate is None else str(model.certificate.verdict)
    return Sizes(
        len(row.vocab), row.length, parameters, config.d_model, config.d_mlp, config.n_layers, verdict, seconds
    )


if __name__ == "__main__":
    import sys

    print(table(sys.argv[1:]))
