"""Random programs in C-RASP and B-RASP: as trees, as text, and what they mean, in plain Python and nothing of raspc.

A tree is a tuple: what it is, then its parts. `("ref", name, position)` and `("Q", token, position)` are leaves.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

Tree = tuple[Any, ...]
Held = dict[str, list[Any]]

COMPARISONS = {
    "<": operator.lt, "<=": operator.le, "≤": operator.le, ">": operator.gt, ">=": operator.ge, "≥": operator.ge,
    "=": operator.eq, "==": operator.eq, "!=": operator.ne, "≠": operator.ne,
}  # fmt: skip
MASKS: dict[str, Callable[[int, int], bool]] = {
    "j < i": lambda j, i: j < i, "i > j": lambda j, i: j < i, "j <= i": lambda j, i: j <= i,
    "j > i": lambda j, i: j > i, "i ≤ j": lambda j, i: j >= i, "1": lambda j, i: True, "true": lambda j, i: True,
}  # fmt: skip


@dataclass(frozen=True)
class Program:
    """Definitions in order: a name and a tree each."""

    definitions: tuple[tuple[str, Tree], ...]

    def meaning(self, tokens: Sequence[str]) -> list[Any]:
        """What the last definition holds at each position."""
        held: Held = {}
        for name, tree in self.definitions:
            held[name] = [value(tree, tokens, held, {"i": i, None: i}) for i in range(len(tokens))]
        return held[self.definitions[-1][0]]

    def text(self, rng: Random, bare: bool) -> str:
        """The program as text; `bare`: without positions, where counts name none."""
        lines = []
        for name, tree in self.definitions:
            head = name if bare else f"{name}(i)"
            end = rng.choice(("", ";", " // so\n", "\n\n"))
            lines.append(f"{head} {rng.choice((':=', '≔'))} {Writer(rng, bare).text(tree)}{end}\n")
        return "".join(lines)


def value(tree: Tree, tokens: Sequence[str], held: Held, at: dict[str | None, int]) -> Any:
    """What a formula or a count means, its positions being `at` such places."""
    kind, *parts = tree
    if kind in ("ref", "Q"):
        name, position = parts
        return held[name][at[position]] if kind == "ref" else tokens[at[position]] == name
    if kind in ("truth", "int"):
        return parts[0]
    if kind == "count":
        places = range(at["i"] + (parts[0] != "<"))
        return sum(bool(value(parts[1], tokens, held, {"j": j, None: j, "i": j})) for j in places)
    if kind == "attend":
        return attended(parts, tokens, held, at["i"])
    if kind == "cmp":
        return COMPARISONS[parts[0]](*(value(part, tokens, held, at) for part in parts[1:]))
    return OPERATIONS[kind](*(value(part, tokens, held, at) for part in parts))


def attended(parts: Sequence[Any], tokens: Sequence[str], held: Held, i: int) -> bool:
    """The value at the leftmost or rightmost position that mask and score allow; of none the default."""
    side, mask, score, held_there, default = parts
    places = [
        j for j in range(len(tokens)) if MASKS[mask](j, i) and value(score, tokens, held, {"i": i, "j": j, None: i})
    ]
    if not places:
        return bool(value(default, tokens, held, {"i": i, None: i}))
    return bool(value(held_there, tokens, held, {"i": i, "j": (min, max)[side == "right"](places), None: i}))


OPERATIONS: dict[str, Callable[..., Any]] = {
    "not": operator.not_, "and": lambda a, b: a and b, "or": lambda a, b: a or b, "+": operator.add,
    "-": operator.sub, "*": operator.mul, "negative": operator.neg, "min": min, "max": max,
    "if": lambda c, a, b: a if c else b,
}  # fmt: skip

RANK = {
    "if": 0, "or": 1, "and": 2, "not": 3, "cmp": 4, "+": 5, "-": 5, "*": 6, "negative": 7,
}  # fmt: skip
"""How tightly an operator binds; what is not here needs no brackets."""
SYMBOLS = {"not": ("not ", "¬"), "and": ("and", "∧"), "or": ("or", "∨"), "*": ("*", "·")}


class Writer:
    """A tree as text, with the brackets that it needs and sometimes more."""

    def __init__(self, rng: Random, bare: bool) -> None:
        self.rng, self.bare = rng, bare

    def text(self, tree: Tree, least: int = 0) -> str:
        """The text of a tree, in brackets where it binds more loosely than is needed."""
        written, rank = self.written(tree), RANK.get(tree[0], 8)
        more = tree[0] != "attend" and self.rng.random() < 0.1
        return f"({written})" if rank < least or more else written

    def written(self, tree: Tree) -> str:
        """The text of a tree without brackets round it."""
        kind, *parts = tree
        if kind in ("ref", "Q"):
            quoted = f'Q_"{parts[0]}"' if kind == "Q" and self.rng.random() < 0.3 else None
            word = quoted or (parts[0] if kind == "ref" else f"Q_{parts[0]}")
            return word if self.bare or parts[1] is None else f"{word}({parts[1]})"
        if kind == "truth":
            return self.rng.choice(("true", "⊤", "True") if parts[0] else ("false", "⊥", "False"))
        if kind == "int":
            return str(parts[0])
        if kind == "count":
            if self.bare and parts[0] != "<":
                return f"#[{self.text(parts[1])}]"
            return f"#[j {parts[0]} i] {self.text(parts[1], 8)}"
        return self.operation(kind, parts)

    def operation(self, kind: str, parts: Sequence[Any]) -> str:
        """The text of an operator and its parts."""
        rank, symbol = RANK.get(kind, 8), self.rng.choice(SYMBOLS.get(kind, (kind,)))
        if kind == "attend":
            arrow = self.rng.choice(("▶", "▶_", "rightmost ") if parts[0] == "right" else ("◀", "◀_", "leftmost "))
            score, there, default = map(self.text, parts[2:])
            return f"{arrow}j [{parts[1]}, {score}] {there} : {default}"
        if kind == "if":
            return f"{self.text(parts[0], 1)} ? {self.text(parts[1])} : {self.text(parts[2])}"
        if kind in ("min", "max"):
            return f"{kind}({self.text(parts[0])}, {self.text(parts[1])})"
        if kind == "not":
            return f"{symbol}{self.text(parts[0], 3)}"
        if kind == "negative":
            return f"-{self.text(parts[0], 7)}"
        if kind == "cmp":
            return f"{self.text(parts[1], 5)} {parts[0]} {self.text(parts[2], 5)}"
        return f"{self.text(parts[0], rank)} {symbol} {self.text(parts[1], rank + 1)}"


class Grower:
    """Random definitions, one after another, each of those above it."""

    def __init__(self, rng: Random, vocab: Sequence[str]) -> None:
        self.rng, self.vocab = rng, vocab
        self.booleans: list[str] = []
        self.counts: list[str] = []

    def leaf(self, positions: Sequence[str | None]) -> Tree:
        """A name, a test for a token, or a truth value."""
        draw, position = self.rng.random(), self.rng.choice(positions)
        if draw < 0.1:
            return ("truth", self.rng.random() < 0.5)
        if draw < 0.5 and self.booleans:
            return ("ref", self.rng.choice(self.booleans), position)
        return ("Q", self.rng.choice(self.vocab), position)

    def formula(self, depth: int, positions: Sequence[str | None], counting: bool = False) -> Tree:
        """A Boolean formula."""
        draw = self.rng.random()
        if depth == 0 or draw < 0.2:
            return self.leaf(positions)
        if counting and draw < 0.6:
            sides = (self.count(depth - 1, positions[0]) for _ in range(2))
            return ("cmp", self.rng.choice(list(COMPARISONS)), *sides)
        parts = [self.formula(depth - 1, positions, counting) for _ in range(2)]
        kind = self.rng.choice(("not", "and", "or"))
        return (kind, *parts[: 1 if kind == "not" else 2])

    def count(self, depth: int, position: str | None) -> Tree:
        """A count; `position`: the one that it is about."""
        draw = self.rng.random()
        if depth == 0 or draw < 0.15:
            if self.counts and self.rng.random() < 0.6:
                return ("ref", self.rng.choice(self.counts), position)
            return ("int", self.rng.randint(0, 4))
        if draw < 0.5 and position != "j":
            return ("count", self.rng.choice(("<=", "<=", "<=", "<")), self.formula(depth - 1, ("j",)))
        kind = self.rng.choice(("+", "-", "min", "max", "if", "*", "negative"))
        first, second = (self.count(depth - 1, position) for _ in range(2))
        if kind == "if":
            return ("if", self.formula(depth - 1, (position,)), first, second)
        if kind == "*":
            return ("*", ("int", self.rng.randint(0, 3)), first)
        return (kind, first) if kind == "negative" else (kind, first, second)

    def attention(self) -> Tree:
        """The definition of an attention."""
        side, mask = self.rng.choice(("left", "right")), self.rng.choice(list(MASKS))
        score = self.formula(2, ("i", "j", "j"))
        there = self.formula(2, self.rng.choice((("j",), ("i", "j"), ("i",))))
        return ("attend", side, mask, score, there, self.formula(1, ("i",)))


def random_crasp(rng: Random, vocab: Sequence[str], size: int = 4) -> Program:
    """A random program in C-RASP whose last definition is Boolean."""
    grower, made = Grower(rng, vocab), []
    for i in range(size):
        is_count = i < size - 1 and rng.random() < 0.5
        tree = grower.count(3, "i") if is_count else grower.formula(3, ("i",), counting=True)
        (grower.counts if is_count else grower.booleans).append(f"x{i}")
        made.append((f"x{i}", tree))
    return Program(tuple(made))


def random_brasp(rng: Random, vocab: Sequence[str], size: int = 4) -> Program:
    """A random program in B-RASP, most of whose definitions attend."""
    grower, made = Grower(rng, vocab), []
    for i in range(size):
        tree = grower.attention() if rng.random() < 0.75 else grower.formula(3, ("i",))
        grower.booleans.append(f"x{i}")
        made.append((f"x{i}", tree))
    return Program(tuple(made))
