"""From the text of a dialect to the one program that is wanted of it, or to all faults of the text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from lark.exceptions import UnexpectedInput

from raspc.errors import InputError
from raspc.rasp import SOp
from raspc.text.dialects import brasp, crasp
from raspc.text.dialects.definitions import Definition, definitions
from raspc.text.dialects.meaning import Defined, Follows, Scope
from raspc.text.dialects.terms import Term, fold, parser
from raspc.text.faults import Fault, Words, syntax_fault
from raspc.text.frames import MAX_STEPS, Budget
from raspc.text.operators import Refused
from raspc.text.source import Source, TextError, TextFaults, located, nearest

SPELLED = {
    "NAME": "a name", "$END": "the end", "COMMA": '","', "COLON": '":"', "LPAR": '"("', "RPAR": '")"', "LSQB": '"["',
    "RSQB": '"]"', "AND": '"and"', "OR": '"or"', "COMPARE": "a comparison", "SIGN": '"+"', "TIMES": '"*"',
    "QUESTION": '"?"', "ORDER": '"<"', "DEFINED": '":="', "TRUE": '"true"',
}  # fmt: skip
HINTS = {
    "&": "write and", "|": "write or", "~": "write not", "!": "write not", "'": 'the token is named in Q_a or Q_"a"',
    '"': 'the token is named in Q_a or Q_"a"', "/": "a comment opens with //", "{": "write round brackets",
}  # fmt: skip
PIECES = re.compile(r'"[^"\n]*"|//[^\n]*|[()\[\]{}]')
STARTS = frozenset({"NAME", "TOKEN", "LPAR", "NOT"})
OPENS = frozenset({"TRUE", "FALSE", "INT", "SIGN", "HASH", "MASK", "EXTREME", "ARROW"})


def _words(language: str, hints: Mapping[str, str]) -> Words:
    return Words(language, SPELLED, hints, PIECES, "a formula", STARTS, OPENS)


@dataclass(frozen=True)
class Dialect:
    """A dialect: its grammar, how messages speak of it, an example of a definition, and what a definition means."""

    grammar: str
    words: Words
    example: str
    define: Callable[[Term, Scope], Defined]


DIALECTS: Mapping[str, Dialect] = MappingProxyType({
    "crasp": Dialect("crasp.lark", _words("C-RASP", HINTS), "accept(i) := #[j <= i] Q_a(j) = 2", crasp.define),
    "brasp": Dialect("brasp.lark", _words("B-RASP", {"#": "a comment opens with //", **HINTS}),
                     "accept(i) := rightmost j [j < i, true] Q_a(j) : false", brasp.define),
})  # fmt: skip
"""The dialects, by the ending of their files."""


def read_program(source: Source, dialect: str, name: str | None = None, steps: int = MAX_STEPS) -> SOp:
    """The s-op of this name in a text of a dialect; without a name, the last one.

    Raises TextFaults with all faults of the text, InputError for a name that it lacks.
    """
    reading = _Reading(source, DIALECTS[dialect], Budget(steps, "shorten it"))
    found, stray = definitions(source)
    if stray is not None:
        hint = "; a comment opens with //" if source.text.startswith("#", stray) else ""
        reading.complain(Fault(f"expected a definition, such as {reading.dialect.example}{hint}", stray, stray + 1))
    for definition in found:
        reading.take(definition)
    if reading.faults:
        raise TextFaults(reading.faults)
    wanted = reading.known.get(name or found[-1].name)
    if wanted is None:
        raise InputError(f'{source.name}: defines no "{name}"{nearest(name or "", reading.known)}')
    return wanted.sop


@dataclass
class _Reading:
    """What is known of a text so far."""

    source: Source
    dialect: Dialect
    budget: Budget
    known: dict[str, Defined | None] = field(default_factory=dict)
    """By name; None where the definition has a fault."""
    faults: list[str] = field(default_factory=list)

    def complain(self, fault: Fault) -> None:
        """One fault more."""
        self.faults.append(located(fault.message, self.source.at(fault.start, fault.end)))

    def take(self, definition: Definition) -> None:
        """One definition more, or its fault."""
        name, start = definition.name, definition.start
        if name in self.known:
            self.complain(Fault(f'"{name}" is defined already; choose another name', start, start + len(name)))
            return
        try:
            found = self._defined(definition)
        except Follows:
            found = None
        except Fault as fault:
            self.complain(Fault(fault.message, fault.start + start, fault.end + start))
            found = None
        self.known[name] = found

    def _defined(self, definition: Definition) -> Defined:
        head, body = self._parsed(definition.text).parts
        where = self.source.at(definition.start + body.start, definition.start + body.end)
        try:
            fold(body, lambda term, parts: self.budget.spend())
        except Refused as error:
            raise TextError(str(error), where) from error
        found = self.dialect.define(body, Scope(self.known, head.word("NAME", 1)))
        return Defined(found.sop.annotated(name=definition.name, location=where), found.is_count)

    def _parsed(self, text: str) -> Term:
        """Head and body. Raises Fault at the first place that the grammar does not accept."""
        try:
            term: Term = parser(self.dialect.grammar).parse(text)  # type: ignore[assignment]
        except UnexpectedInput as error:
            raise syntax_fault(text, error, self.dialect.words) from error
        return term
