"""What both dialects make of formulas: names, tests for a token, truth values, `not`, `and`, `or`, all as s-ops."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from raspc import rasp
from raspc.rasp import SOp
from raspc.text.dialects.terms import Term
from raspc.text.faults import Fault
from raspc.text.source import nearest
from raspc.values import as_given

POSITION = "i"
"""The position that a formula is about, where its head names none."""


class Follows(Exception):
    """A definition that reads one which has a fault already."""


@dataclass(frozen=True)
class Defined:
    """What a definition means: an s-op that holds Booleans, or counts."""

    sop: SOp
    is_count: bool = False


@dataclass(frozen=True)
class Scope:
    """The definitions so far (None: one with a fault), and the position that this one is about, if it is named."""

    known: Mapping[str, Defined | None]
    position: str | None

    def find(self, term: Term) -> Defined:
        """What a reference means. Raises Fault for a name that nothing above defines."""
        name = term.word("NAME") or ""
        if name not in self.known:
            remedy = NAME_IT if name == "Q_" else nearest(name, self.known) or DEFINE_IT
            raise Fault(f'unknown name "{name}"{remedy}', term.start, term.end)
        if (found := self.known[name]) is None:
            raise Follows
        return found


DEFINE_IT = "; a definition reads those above it"
NAME_IT = '; a test for a token is written Q_a or Q_"a"'


def at(term: Term) -> str | None:
    """The position that a reference or a test for a token names: `i` of `P(i)`."""
    return term.word("NAME", 0 if term.op == "token" else 1)


def token_test(term: Term) -> SOp:
    """Whether the text of the token is the one that stands behind `Q_`."""
    text = (term.word("TOKEN") or "").removeprefix("Q_").strip('"')
    return _seeking(text, rasp.Map(as_given(partial(_reads, text)), rasp.tokens))


def _seeking(text: str, test: rasp.Map) -> SOp:
    test.sought = (text,)
    return test


def _reads(text: str, token: Any) -> bool:
    return str(token) == text


def negated(fst: SOp) -> SOp:
    """`not`."""
    return rasp.Map(operator.not_, fst)


CONNECTIVES = {"and_": operator.and_, "or_": operator.or_}
"""`and` and `or`, of two s-ops that hold Booleans, or of two selectors."""
