"""Formulas as trees, and how a grammar makes them. Nothing recurses: a formula may be nested as deep as it likes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, TypeVar

from lark import Lark, Token

Made = TypeVar("Made")


@dataclass(frozen=True, eq=False)
class Term:
    """A part of a definition: what it is (a rule of the grammar), where it stands, its parts and its words."""

    op: str
    start: int
    end: int
    parts: tuple[Term, ...]
    words: tuple[Token, ...]

    def word(self, terminal: str, nth: int = 0) -> str | None:
        """The nth word of this terminal, if there is one."""
        found = [str(word) for word in self.words if word.type == terminal]
        return found[nth] if nth < len(found) else None


@cache
def parser(grammar: str) -> Lark:
    """The parser of one definition, whose tree is made of terms; built once in a process."""
    here = files("raspc.text.dialects")
    text = "".join(here.joinpath(name).read_text(encoding="utf-8") for name in ("formulas.lark", grammar))
    tree: Any = _term
    return Lark(text, parser="lalr", lexer="basic", tree_class=tree, maybe_placeholders=False)


def _term(op: str, children: Sequence[Term | Token]) -> Term:
    first, last = children[0], children[-1]
    start = first.start if isinstance(first, Term) else first.start_pos
    end = last.end if isinstance(last, Term) else last.end_pos
    parts = tuple(child for child in children if isinstance(child, Term))
    words = tuple(child for child in children if isinstance(child, Token))
    return Term(str(op), start or 0, end or 0, parts, words)


def fold(term: Term, rule: Callable[[Term, list[Made]], Made]) -> Made:
    """What the rule makes of a term and of what it has made of its parts, from the leaves on."""
    made: list[Made] = []
    left = [(term, False)]
    while left:
        here, seen = left.pop()
        if seen:
            split = len(made) - len(here.parts)
            made[split:] = [rule(here, made[split:])]
        else:
            left.append((here, True))
            left += [(part, False) for part in reversed(here.parts)]
    return made[0]
