"""Unbracketed text that RASP groups in one way and Python in another.

RASP's own interpreter lets `in` bind loosest of all, joins `if else` from the left, and gives `and` and `or` one
rank. A text means what it means there; whoever reads it as Python is told, and brackets settle it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from raspc.text import syntax
from raspc.text.operators import BINARY
from raspc.text.source import Location, Source
from raspc.text.syntax import Node

COMPARING = frozenset({"==", "!=", "<", "<=", ">", ">=", "in"})
CHOICE, PREFIX = "if", "prefix "

LONGEST = 160
"""How many characters of a reading are shown."""


@dataclass(frozen=True)
class Rank:
    """How tightly an operator binds, and whether it associates to the left."""

    tightness: float
    leftward: bool = True


RASP: Mapping[str, Rank] = {
    **{symbol: Rank(operator.precedence) for symbol, operator in BINARY.items()},
    CHOICE: Rank((BINARY["in"].precedence + BINARY["and"].precedence) / 2),
    **{PREFIX + symbol: Rank(100) for symbol in ("not", "-", "+")},
}

PYTHON: Mapping[str, Rank] = {
    CHOICE: Rank(0, leftward=False), "or": Rank(1), "and": Rank(2), PREFIX + "not": Rank(3),
    **dict.fromkeys(COMPARING, Rank(4)), **dict.fromkeys("+-", Rank(5)), **dict.fromkeys("*/%", Rank(6)),
    PREFIX + "-": Rank(7), PREFIX + "+": Rank(7), "^": Rank(8, leftward=False),
}  # fmt: skip
"""Of Python, with `**` written `^`."""


@dataclass(frozen=True)
class Piece:
    """An operand, or an operator, of an unbracketed run of text, between two offsets."""

    start: int
    end: int
    symbol: str | None = None
    """The operator; None for an operand. A choice's condition is part of its operator."""


Span = tuple[int, int]


@dataclass(frozen=True)
class Group:
    """An operator with what it applies to; `left` is None for a prefix."""

    operator: Piece
    left: Span | None
    right: Span

    @property
    def span(self) -> Span:
        """From the first operand, or the prefix, to the last operand."""
        return (self.left[0] if self.left else self.operator.start, self.right[1])


@dataclass(frozen=True)
class Reading:
    """A stretch of text that can be read in two ways, written with brackets as each reader has it."""

    where: Location
    ours: str
    pythons: str

    def __str__(self) -> str:
        return f"RASP reads `{self.ours}`, Python would read `{self.pythons}`; write the brackets that you mean"


def doubtful(statements: Iterable[Node], source: Source) -> Iterator[Reading]:
    """Every stretch of the statements that Python would group otherwise, in the order of the text."""
    found = (reading for run in _runs(statements) if (reading := _compared(run, source)))
    return iter(sorted(found, key=lambda reading: reading.where.start))


def _runs(statements: Iterable[Node]) -> Iterator[Node]:
    """Each outermost node of a run of operators that no brackets part, and each condition of a choice."""
    stack = [(statement, False) for statement in statements]
    while stack:
        node, inside = stack.pop()
        joined = _joins(node)
        if joined and not inside:
            yield node
        condition = node.condition if isinstance(node, syntax.Choice) else None
        stack += ((child, joined and child is not condition) for child in syntax.children(node))


def _joins(node: Node) -> bool:
    """True of an operator that takes its operands from the run. `round(x)` brings brackets of its own."""
    return isinstance(node, (syntax.Chain, syntax.Choice)) or (
        isinstance(node, syntax.Prefix) and PREFIX + node.operator.symbol in RASP
    )


def _pieces(run: Node) -> list[Piece]:
    """The operands and operators of a run, in the order of the text."""
    pieces: list[Piece] = []
    stack: list[Node | Piece] = [run]
    while stack:
        match stack.pop():
            case Piece() as piece:
                pieces.append(piece)
            case syntax.Chain() as chain:
                later = zip(map(_operator, chain.operators), chain.operands[1:], strict=True)
                stack += reversed([chain.operands[0], *(part for pair in later for part in pair)])
            case syntax.Choice() as node:
                stack += [node.otherwise, Piece(node.condition.start, node.condition.end, CHOICE), node.chosen]
            case syntax.Prefix() as node if _joins(node):
                operator = node.operator
                stack += [node.operand, Piece(operator.start, operator.end, PREFIX + operator.symbol)]
            case node:
                pieces.append(Piece(node.start, node.end))
    return pieces


def _operator(node: syntax.Operator) -> Piece:
    return Piece(node.start, node.end, node.symbol)


def _compared(run: Node, source: Source) -> Reading | None:
    pieces = _pieces(run)
    if not _is_python(pieces):
        return None
    ours, pythons = grouped(pieces, RASP), grouped(pieces, PYTHON)
    links = _links(pythons)
    spans, others = {group.span for group in ours}, {group.span for group in pythons if group not in links}
    if spans == others:
        return None
    text = source.text
    return Reading(
        source.at(run.start, run.end),
        _written(text, run, spans - others, {}, []),
        _written(text, run, others - spans, _middles(links, text), _chains(pythons, links, run)),
    )


def _middles(links: Iterable[Group], text: str) -> dict[int, str]:
    """What Python says twice of `a < b < c`, which is `(a < b) and (b < c)`, by the place where it says it again."""
    return {link.span[1]: f") and ({text[link.right[0] : link.right[1]]}" for link in links}


def _chains(groups: Iterable[Group], links: set[Group], run: Node) -> list[Span]:
    """Each chain of comparisons from end to end; twice where it is a part of the run."""
    joined = {link.span for link in links}
    chains = [group.span for group in groups if group.left in joined and group not in links]
    return [span for span in chains for _ in range(1 if span == (run.start, run.end) else 2)]


def _is_python(pieces: Sequence[Piece]) -> bool:
    """False where Python takes no such text: `a == not b`."""
    tight = {symbol for symbol, rank in PYTHON.items() if rank.tightness > PYTHON[PREFIX + "not"].tightness}
    return not any(piece.symbol in tight and after.symbol == PREFIX + "not" for piece, after in pairwise(pieces))


def grouped(pieces: Sequence[Piece], ranks: Mapping[str, Rank]) -> list[Group]:
    """What each operator applies to, by Dijkstra's shunting yard: no recursion, so a run has any length."""
    groups: list[Group] = []
    spans: list[Span] = []
    waiting: list[Piece] = []

    def reduce() -> None:
        operator, right = waiting.pop(), spans.pop()
        groups.append(Group(operator, None if _is_prefix(operator) else spans.pop(), right))
        spans.append(groups[-1].span)

    for piece in pieces:
        if piece.symbol is None:
            spans.append((piece.start, piece.end))
            continue
        if not _is_prefix(piece):
            while waiting and _goes_first(ranks[waiting[-1].symbol or ""], ranks[piece.symbol]):
                reduce()
        waiting.append(piece)
    while waiting:
        reduce()
    return groups


def _is_prefix(piece: Piece) -> bool:
    return piece.symbol is not None and piece.symbol.startswith(PREFIX)


def _goes_first(before: Rank, after: Rank) -> bool:
    if before.tightness == after.tightness:
        return after.leftward
    return before.tightness > after.tightness


def _links(groups: Sequence[Group]) -> set[Group]:
    """The comparisons that another one goes on from, without brackets."""
    comparisons = {group.span: group for group in groups if group.operator.symbol in COMPARING}
    return {comparisons[group.left] for group in comparisons.values() if group.left in comparisons}


def _written(text: str, run: Node, spans: set[Span], middles: Mapping[int, str], chains: Sequence[Span]) -> str:
    """The run with brackets around these spans and chains, and the middles of chains written twice."""
    around = [*(spans - {(run.start, run.end)} - set(chains)), *chains]
    opened, closed = _counted(start for start, _ in around), _counted(end for _, end in around)
    marks = sorted({run.start, run.end, *opened, *closed, *middles})
    parts = []
    for place, following in zip(marks, [*marks[1:], run.end], strict=True):
        parts += [")" * closed.get(place, 0), middles.get(place, ""), "(" * opened.get(place, 0), text[place:following]]
    line = " ".join("".join(parts).split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def _counted(places: Iterable[int]) -> dict[int, int]:
    counts: dict[int, int] = {}
    for place in places:
        counts[place] = counts.get(place, 0) + 1
    return counts
