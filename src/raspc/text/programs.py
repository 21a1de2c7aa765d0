"""The programs that come with RASP's own syntax: each with a vocabulary and a length to compile it for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from types import MappingProxyType
from typing import Any

from raspc.rasp import SOp
from raspc.text.loading import load_program

LETTERS = ("a", "b", "c", "d")
NUMBERS = (1, 2, 3, 4)


@dataclass(frozen=True)
class Program:
    """A program of the text library, or a function of the standard library applied to an example.

    `causal`: it reads no later position, so it means the same under a causal mask, where it compiles too.
    """

    name: str
    description: str
    expression: str
    vocab: tuple[Any, ...]
    load: str | None = None
    max_seq_len: int = 8
    causal: bool = False

    @property
    def source(self) -> str:
        """The program as a RASP text."""
        load = f'load "{self.load}";\n' if self.load else ""
        return f"{load}{self.name} = {self.expression};\n"

    @cached_property
    def program(self) -> SOp:
        """The program as an expression."""
        program = load_program(self.source, self.name)
        assert isinstance(program, SOp)
        return program


def _paper(name: str, description: str, vocab: tuple[Any, ...] = LETTERS) -> Program:
    return Program(name, description, name, vocab, load="paper")


def _dyck(name: str, description: str, vocab: str, length: int = 8, causal: bool = True) -> Program:
    return Program(name, description, name, tuple(vocab), "dyck", length, causal)


PROGRAMS = (
    _paper("reverse", "the input from its end to its start"),
    _paper("hist", "how often each token occurs"),
    _paper("hist_nobos", "the same, from select and aggregate alone"),
    _paper("hist2", "for each token, how many tokens occur as often"),
    _paper("sorted", "the tokens in order"),
    _paper("most_frequent", "each token once, the most frequent first"),
    _dyck("dyck1", "(): for each prefix balanced, completable or failed", "()"),
    _dyck("dyck2", "(){}: for each prefix balanced, completable or failed", "(){}"),
    _dyck("dyck3", "(){}[]: for each prefix balanced, completable or failed", "(){}[]", 6),
    _dyck("shuffle_dyck1", "whether () is balanced", "()", causal=False),
    _dyck("shuffle_dyck2", "whether () and {} are each balanced", "(){}", causal=False),
    Program("long_addition", "the digits of the sum of two numbers written as 57+168", "long_addition",
            tuple("0123456789+"), "addition", 7),
    Program("has_focus", "whether a position selects anything",
            "has_focus(select(tokens, tokens, <))", NUMBERS),
    Program("count", "how often a value occurs", 'count(tokens, "a")', LETTERS),
    Program("contains", "whether a value occurs", 'contains(tokens, "a")', LETTERS),
    Program("max", "the larger of two values", "max(tokens_int, indices)", NUMBERS, causal=True),
    Program("min", "the smaller of two values", "min(tokens_int, indices)", NUMBERS, causal=True),
    Program("largest", "the largest value", "largest(tokens_int)", NUMBERS),
    Program("smallest", "the smallest value", "smallest(tokens_int)", NUMBERS),
    Program("average", "the mean of all values", "average(tokens_int)", NUMBERS),
    Program("load_from_location", "the value at a location",
            "load_from_location(tokens, length - 1)", LETTERS),
    Program("shift", "every value some steps to the right", 'shift(tokens, 1, "-")', LETTERS, causal=True),
    Program("mark_first_instance", "whether a position is the first that holds a value",
            'mark_first_instance(tokens, "a")', LETTERS, causal=True),
    Program("mark_last_instance", "whether a position is the last that holds a value",
            'mark_last_instance(tokens, "a")', LETTERS),
    Program("select_from_first", "the first position that holds a value, from everywhere",
            'aggregate(select_from_first(tokens, "a"), indices, -1)', LETTERS),
    Program("select_from_last", "the last position that holds a value, from everywhere",
            'aggregate(select_from_last(tokens, "a"), indices, -1)', LETTERS),
    Program("mark_first_of_each", "whether a position is the first with its value",
            "mark_first_of_each(tokens)", LETTERS, causal=True),
    Program("mark_last_of_each", "whether a position is the last with its value",
            "mark_last_of_each(tokens)", LETTERS),
    Program("select_next_identical", "the next position that holds the same value",
            "aggregate(select_next_identical(tokens), indices, -1)", LETTERS),
    Program("sort", "values in the order of their keys, stable",
            "sort(tokens_int, -tokens_int)", NUMBERS),
    Program("selector_width_pure", "the width of a selector, from select and aggregate alone",
            "selector_width_pure(select(tokens, tokens, <=))", NUMBERS),
)  # fmt: skip


@cache
def programs() -> Mapping[str, Program]:
    """Every program of the text library, by name."""
    return MappingProxyType({program.name: program for program in PROGRAMS})
