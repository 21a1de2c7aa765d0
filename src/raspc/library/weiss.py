"""Programs of the RASP paper: Weiss, Goldberg, Yahav (2021), "Thinking Like Transformers".

Its other tasks (Reverse, Hist, Sort, Shuffle-Dyck) are among the programs that Tracr took over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from raspc import rasp
from raspc.errors import InvalidProgram
from raspc.library.parts import equal, occurrences_before, rank, same, so_far
from raspc.library.program import entry
from raspc.library.tracr import hist
from raspc.rasp import SOp, Value

_PAPER = "Weiss et al. (2021)"


@rasp.program
def double_hist(sop: SOp = rasp.tokens) -> SOp:
    """How many different tokens occur as often as the token of each position.

    The task Double-Histogram. Counts the first occurrences of tokens with the same histogram value.

    >>> double_hist()("aabbc")
    [2, 2, 2, 2, 1]
    """
    earlier = occurrences_before(sop)
    first = (earlier == 0).named("first")
    counts = hist(sop)
    like, new = same(counts), equal(first, True)
    new_and_like = like & new
    return rasp.SelectorWidth(new_and_like).named("double_hist")


@rasp.program
def most_freq(sop: SOp = rasp.tokens, filler: Value = None) -> SOp:
    """Each different token once, the most frequent first, ties in the order of the input; then `filler`.

    The task Most-Freq. First occurrences are ranked before all other positions.

    >>> most_freq()("abccb")
    ['b', 'c', 'a', None, None]
    """
    earlier = occurrences_before(sop)
    first = (earlier == 0).named("first")
    order = rasp.SequenceMap(_key_of_frequency, first, hist(sop)).named("order")
    placed, new = equal(rank(order), rasp.indices), equal(first, True)
    chosen = placed & new
    return rasp.Aggregate(chosen, sop, default=filler).named("most_freq")


def _key_of_frequency(new: bool, occurrences: int) -> int:
    return -occurrences if new else 1


@rasp.program
def dyck_ptf(pairs: Iterable[Sequence[Value]] = ("()",)) -> SOp:
    """For well-nested brackets: "T" where the input so far is balanced, "P" if it may become so, else "F".

    The task Dyck-k prefix/true/false. A bracket has the depth of its pair, and at each depth, openings
    and closings alternate while the input is legal. So the input so far is legal exactly if, among the
    brackets of one kind at one depth, there were never more closings than openings: one mean of +1 and
    −1 tells, where the paper's program finds and compares the opening of each pair.

    >>> dyck_ptf()("(()())")
    ['P', 'P', 'P', 'P', 'P', 'T']
    >>> dyck_ptf(["()", "{}"])("({)}")
    ['P', 'P', 'F', 'F']
    """
    kinds = [tuple(pair) for pair in pairs]
    if not kinds or any(len(kind) != 2 for kind in kinds):
        raise InvalidProgram(f"dyck_ptf: found the pairs {kinds}; needed an opening and a closing token each")
    opens, closes = {kind[0]: i for i, kind in enumerate(kinds)}, {kind[1]: i for i, kind in enumerate(kinds)}
    opening, closing = rasp.tokens.is_in(opens), rasp.tokens.is_in(closes)
    kind = rasp.Map(partial(_number_of, {**closes, **opens}), rasp.tokens)
    opened, closed = _so_far(opening), _so_far(closing)
    depth = (opened - closed).named("depth")
    level = (depth + closing).named("level")
    same_level, same_kind = same(level), same(kind)
    alike = same_level & same_kind
    alike_so_far = alike & so_far()
    step = opening - rasp.numerical(closing)
    balance = rasp.Aggregate(alike_so_far, step)
    negative = rasp.numerical(balance < 0)
    faults = rasp.numerical(rasp.Aggregate(so_far(), negative))
    return rasp.map(_verdict, faults, depth).named(f"dyck{len(kinds)}_ptf")


def _number_of(kinds: Mapping[Value, int], x: Value) -> int:
    return kinds.get(x, -1)


@rasp.program
def _so_far(flags: SOp) -> SOp:
    """At how many positions so far the flag holds."""
    marked = equal(flags, True)
    marked_so_far = marked & so_far()
    return rasp.SelectorWidth(marked_so_far)


def _verdict(faults: float, depth: int) -> str:
    if faults:
        return "F"
    return "P" if depth else "T"


@rasp.program
def dyck1_ptf() -> SOp:
    """For nested (): "T" where the input so far is balanced, "P" if it may become so, else "F".

    >>> dyck1_ptf()("())(")
    ['P', 'T', 'F', 'F']
    """
    return dyck_ptf(["()"])


@rasp.program
def dyck2_ptf() -> SOp:
    """For nested () and {}: "T" where the input so far is balanced, "P" if it may become so, else "F".

    >>> dyck2_ptf()("{()}")
    ['P', 'P', 'P', 'T']
    """
    return dyck_ptf(["()", "{}"])


@rasp.program
def dyck3_ptf() -> SOp:
    """For nested (), {} and []: "T" where the input so far is balanced, "P" if it may become so, else "F".

    >>> dyck3_ptf()("[{]")
    ['P', 'P', 'F']
    """
    return dyck_ptf(["()", "{}", "[]"])


def _double_hist(xs: Sequence[Value]) -> list[Value]:
    counts = Counter(xs)
    return [sum(n == counts[x] for n in counts.values()) for x in xs]


def _most_freq(xs: Sequence[Value]) -> list[Value]:
    names = [name for name, _ in Counter(xs).most_common()]
    return names + [None] * (len(xs) - len(names))


def _ptf(*pairs: str) -> Callable[[Sequence[Value]], list[Value]]:
    opener = {pair[1]: pair[0] for pair in pairs}

    def verdicts(xs: Sequence[Value]) -> list[Value]:
        stack: list[Value] = []
        legal, out = True, []
        for x in xs:
            if x not in opener:
                stack.append(x)
            else:
                legal = legal and bool(stack) and stack.pop() == opener[x]
            out.append("F" if not legal else "P" if stack else "T")
        return out

    return verdicts


PROGRAMS = (
    entry(double_hist, "abc", 7, _double_hist, f"{_PAPER}, Double-Histogram"),
    entry(most_freq, "abc", 6, _most_freq, f"{_PAPER}, Most-Freq"),
    entry(dyck1_ptf, "()", 10, _ptf("()"), f"{_PAPER}, Dyck-1 PTF"),
    entry(dyck2_ptf, "(){}", 6, _ptf("()", "{}"), f"{_PAPER}, Dyck-2 PTF"),
    entry(dyck3_ptf, "(){}[]", 6, _ptf("()", "{}", "[]"), f"{_PAPER}, Dyck-3 PTF"),
)
