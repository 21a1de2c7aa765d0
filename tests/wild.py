"""Wild programs: their functions and predicates are arbitrary tables, undefined here and there.

Random programs of the library are nearly always defined, and hold what people write. These hold anything: functions
that raise, that give None or values of several types, predicates without structure, gates of gates.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from hypothesis import strategies as st

from raspc import rasp
from raspc.rasp import Comparison, SOp

RAISES = "!"
"""Among the results of a table, it stands for a cell where the function raises."""

POOLS = (
    (0, 1),
    (0, 1, 2),
    (-1, 0.5, 2),
    ("a", "b"),
    (True, False),
    (0, None),
    ("a", 1, None),
    (0, 1, RAISES),
    ((1, "t"), 2),
)
TRUTHS = ((0, 1), (0, 0, 1), (0, 1, 1), (0, 0, 0, 0, 1), (0, 1, 0, 1, 0, 1, RAISES))
DEFAULTS = (None, 0, 1.5, True, "a", "_")


@dataclass(frozen=True)
class Lottery:
    """A function of any arguments that draws its result from a pool; equal arguments draw the same."""

    seed: int
    pool: tuple[Any, ...]

    def __call__(self, *args: Any) -> Any:
        drawn = int.from_bytes(blake2b(repr((self.seed, [_plain(x) for x in args])).encode(), digest_size=4).digest())
        result = self.pool[drawn % len(self.pool)]
        if result is RAISES:
            raise LookupError(f"nothing drawn for {args}")
        return result


def _plain(x: Any) -> Any:
    """One text for values that are one value: True, 1 and 1.0, and sums that differ by rounding."""
    if isinstance(x, tuple):
        return tuple(_plain(item) for item in x)
    return round(float(x), 6) + 0.0 if isinstance(x, int | float) else x


@dataclass(frozen=True)
class Wild:
    """A wild program as text, and how it is compiled."""

    lines: tuple[str, ...]
    output: str
    vocab: tuple[Any, ...]
    max_seq_len: int
    causal: bool

    def build(self) -> SOp:
        """The expression."""
        scope: dict[str, Any] = {"rasp": rasp, "Lottery": Lottery, "C": Comparison, "RAISES": RAISES}
        for line in self.lines:
            exec(line, scope)  # our own text, from the templates below
        result = eval(self.output, scope)
        assert isinstance(result, SOp)
        return result


LEAVES = ("rasp.tokens", "rasp.indices", "rasp.length")
KINDS = (
    "map",
    "zip",
    "choice",
    "arithmetic",
    "select",
    "compare",
    "gate",
    "gate",
    "negation",
    "width",
    "aggregate",
    "aggregate",
)


@st.composite
def wild_programs(draw: st.DrawFn, max_operations: int = 8, longest: int = 4) -> Wild:
    """Any program of a few tokens and short inputs."""
    vocab = draw(st.sampled_from([(0, 1, 2), ("a", "b"), (1, "1", True)[:2], (-1, 0.5, "a"), (True, False), (3,)]))
    grown = _Grown(draw)
    for _ in range(draw(st.integers(1, max_operations))):
        grown.grow()
    return Wild(tuple(grown.lines), grown.output(), vocab, draw(st.integers(1, longest)), draw(st.booleans()))


class _Grown:
    """The lines of a program so far, and the names that they define."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.lines: list[str] = []
        self.sops, self.selectors = list(LEAVES), list[str]()

    def grow(self) -> None:
        kind = self.draw(st.sampled_from(KINDS))
        if kind in ("gate", "negation", "width", "aggregate") and not self.selectors:
            kind = "compare"
        text = getattr(self, kind)()
        names = self.selectors if kind in ("select", "compare", "gate", "negation") else self.sops
        names.append(f"v{len(self.lines)}")
        self.lines.append(f"{names[-1]} = {text}")

    def output(self) -> str:
        if self.selectors and self.lines and self.lines[-1].startswith(self.selectors[-1] + " "):
            return f"rasp.SelectorWidth({self.selectors[-1]})"
        return self.sops[-1]

    def sop(self) -> str:
        return self.draw(st.sampled_from(self.sops[::-1]))

    def selector(self) -> str:
        return self.draw(st.sampled_from(self.selectors[::-1]))

    def table(self, pools: tuple[Any, ...]) -> str:
        return repr(Lottery(self.draw(st.integers(0, 999)), self.draw(st.sampled_from(pools))))

    def map(self) -> str:
        return f"rasp.Map({self.table(POOLS)}, {self.sop()})"

    def zip(self) -> str:
        return f"rasp.SequenceMap({self.table(POOLS)}, {self.sop()}, {self.sop()})"

    def choice(self) -> str:
        return f"rasp.where({self.sop()}, {self.sop()}, {self.sop()})"

    def arithmetic(self) -> str:
        return self.draw(st.sampled_from(["{} + rasp.indices", "rasp.indices - {}", "2 * {}", "{} == 1"])).format(
            self.sop()
        )

    def select(self) -> str:
        return f"rasp.Select({self.sop()}, {self.sop()}, {self.table(TRUTHS)})"

    def compare(self) -> str:
        how = self.draw(st.sampled_from(list(Comparison)))
        return f"rasp.Select({self.sop()}, {self.sop()}, C.{how.name})"

    def gate(self) -> str:
        return f"({self.selector()} {self.draw(st.sampled_from('&|'))} {self.selector()})"

    def negation(self) -> str:
        return f"~{self.selector()}"

    def width(self) -> str:
        return f"rasp.SelectorWidth({self.selector()})"

    def aggregate(self) -> str:
        return f"rasp.Aggregate({self.selector()}, {self.sop()}, default={self.draw(st.sampled_from(DEFAULTS))!r})"
