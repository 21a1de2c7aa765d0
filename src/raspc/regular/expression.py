"""Regular expressions over tokens: the text of an input is that of its tokens, one after another.

An input is in the set if its whole text matches, as `re.fullmatch("[0-9]+=", "12=")` does. Where one text can be cut
into tokens in several ways, each way is an input. `<E>` is exactly one token, whose whole text matches E: `<[0-9]+>` is
any one token that is a number, and `<12>` the token 12, never 1 and then 2.

The syntax is that of Python's `re` as far as it describes regular sets; `^` at the start and `$` at the end say what
holds anyway, and `.` is any character.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from raspc.errors import InvalidProgram
from raspc.regular.automaton import Automaton, explored
from raspc.regular.syntax import Char, Either, Repeat, Row, Test, Tree, Whole, parse

MOST_PARTS = 20_000
"""The most states that the parts of an expression may have together, repetitions written out."""
KEPT = 64
"""How many automata are kept, those that were asked for last."""


def automaton_of(pattern: str, vocab: Sequence[Any]) -> Automaton:
    """The inputs whose text matches a regular expression, over a vocabulary in its order.

    Raises InvalidProgram for an expression that is malformed, not regular, or too large.
    """
    if not isinstance(pattern, str):
        raise InvalidProgram(f"where: found {pattern!r}, needed a regular expression as text")
    return _of_texts(pattern, tuple(str(token) for token in vocab))


@lru_cache(maxsize=KEPT)
def _of_texts(pattern: str, texts: tuple[str, ...]) -> Automaton:
    """One is made once for all inputs of the same tokens that are asked one by one."""
    parts = _Parts(texts)
    first = parts.state()
    last = parts.add(parse(pattern), first)

    def step(states: frozenset[int]) -> Iterator[frozenset[int] | None]:
        whole = [arc for state in states for arc in parts.tokens[state]]
        for place, text in enumerate(texts):
            found = parts.read(states, text)
            named = [after for fits, after in whole if fits[place]]
            yield (found | parts.closure(named) if named else found) or None

    return explored(parts.closure([first]), step, lambda states: last in states)


@dataclass
class _Parts:
    """States with arcs that read nothing, a character, or a whole token: which tokens, by their places."""

    texts: Sequence[str]
    free: list[list[int]] = field(default_factory=list)
    chars: list[list[tuple[Test, int]]] = field(default_factory=list)
    tokens: list[list[tuple[list[bool], int]]] = field(default_factory=list)

    def state(self) -> int:
        """A new state. Raises InvalidProgram for one too many."""
        if len(self.free) >= MOST_PARTS:
            raise InvalidProgram(
                f"where: the expression needs more than {MOST_PARTS:,} parts once its repetitions are written out; "
                "use smaller bounds"
            )
        self.free.append([])
        self.chars.append([])
        self.tokens.append([])
        return len(self.free) - 1

    def closure(self, states: Sequence[int]) -> frozenset[int]:
        """The states and all that can be reached from them without reading."""
        found, todo = set(states), list(states)
        while todo:
            for after in self.free[todo.pop()]:
                if after not in found:
                    found.add(after)
                    todo.append(after)
        return frozenset(found)

    def read(self, states: frozenset[int], text: str) -> frozenset[int]:
        """The states after a text, character by character."""
        for char in text:
            states = self.closure([after for state in states for test, after in self.chars[state] if test(char)])
            if not states:
                break
        return states

    def add(self, tree: Tree, first: int) -> int:
        """The state after a tree that is read from the state `first` on."""
        return _ADD[type(tree)](self, tree, first)

    def char(self, tree: Char, first: int) -> int:
        last = self.state()
        self.chars[first].append((tree.test, last))
        return last

    def whole(self, tree: Whole, first: int) -> int:
        inner = _Parts(())
        begin = inner.state()
        end = inner.add(tree.inner, begin)
        start, last = inner.closure([begin]), self.state()
        self.tokens[first].append(([end in inner.read(start, text) for text in self.texts], last))
        return last

    def row(self, tree: Row, first: int) -> int:
        for part in tree.parts:
            first = self.add(part, first)
        return first

    def either(self, tree: Either, first: int) -> int:
        last = self.state()
        for part in tree.parts:
            begin = self.state()
            self.free[first].append(begin)
            self.free[self.add(part, begin)].append(last)
        return last

    def repeat(self, tree: Repeat, first: int) -> int:
        for _ in range(tree.least):
            first = self.add(tree.inner, first)
        last = self.state()
        self.free[first].append(last)
        if tree.most is None:
            begin = self.state()
            self.free[last].append(begin)
            self.free[self.add(tree.inner, begin)].append(last)
            return last
        for _ in range(tree.most - tree.least):
            begin = self.state()
            self.free[first].append(begin)
            first = self.add(tree.inner, begin)
            self.free[first].append(last)
        return last


_ADD: dict[type[Any], Callable[[_Parts, Any, int], int]] = {
    Char: _Parts.char,
    Whole: _Parts.whole,
    Row: _Parts.row,
    Either: _Parts.either,
    Repeat: _Parts.repeat,
}
