"""What is wrong where the grammar does not accept a text, in the words of the person who wrote it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from raspc.text.layout import USAGE
from raspc.text.source import nearest

PIECE = re.compile(r'"[^"\n]*"|#[^\n]*|[()\[\]{}]')
CLOSING = {"(": ")", "[": "]", "{": "}"}

SPELLED = {
    "NAME": "a name", "STRING": "a string", "COMPARISON": "a comparison", "$END": "the end",
    "COMMA": '","', "EQUAL": '"="', "COLON": '":"', "IN": '"in"', "ELSE": '"else"',
    "LPAR": '"("', "RPAR": '")"', "LSQB": '"["', "RSQB": '"]"', "LBRACE": '"{"', "RBRACE": '"}"',
    "SEMICOLON": '";"', "IF": '"if"', "FOR": '"for"', "DEF": '"def"', "RETURN": '"return"', "LOAD": '"load"',
}  # fmt: skip
"""How the terminals of the grammar are named in a message; those not listed are left out."""

HINTS = {
    **dict.fromkeys("'“”‘’", "strings are written in double quotes"),
    "!": "write not",
    "&": "write and",
    "|": "write or",
    "~": "write not",
}


@dataclass(frozen=True)
class Words:
    """How messages speak of the grammar of a language.

    `spelled`: its terminals, but for those that messages leave out; `value`: what is said where a text may have any of
    `starts`, which stands for `opens` too. `pieces` finds strings, comments and brackets. `ends`: whether statements
    end with `;`.
    """

    language: str
    spelled: Mapping[str, str]
    hints: Mapping[str, str]
    pieces: re.Pattern[str]
    value: str
    starts: frozenset[str]
    opens: frozenset[str]
    ends: bool = False


RASP = Words(
    "RASP", SPELLED, HINTS, PIECE, "a value", frozenset({"NAME", "INT", "FLOAT", "STRING", "LPAR", "LSQB"}),
    frozenset({"LBRACE"}), ends=True,
)  # fmt: skip


class Fault(Exception):
    """A message for a stretch of the text."""

    def __init__(self, message: str, start: int, end: int) -> None:
        super().__init__(message)
        self.message, self.start, self.end = message, start, end


def syntax_fault(text: str, error: UnexpectedInput, words: Words = RASP) -> Fault:
    """The fault behind an error of the parser."""
    if isinstance(error, UnexpectedCharacters):
        return _character_fault(text, error.pos_in_stream or 0, words)
    assert isinstance(error, UnexpectedToken)
    return _token_fault(text, error, words)


def _character_fault(text: str, at: int, words: Words) -> Fault:
    char = text[at]
    if char == '"':
        end = text.find("\n", at)
        return Fault("this string is not closed", at, len(text) if end < 0 else end)
    hint = f"; {words.hints[char]}" if char in words.hints else ""
    return Fault(f"{char!r} is no character of {words.language}{hint}", at, at + 1)


def _token_fault(text: str, error: UnexpectedToken, words: Words) -> Fault:
    token = error.token
    ended = token.type == "$END"
    start = len(text.rstrip()) if ended else token.start_pos or 0
    end = start + 1 if ended else token.end_pos or 0
    if fault := _bracket_fault(text, start, "" if ended else str(token), words.pieces):
        return fault
    if words.ends and (fault := _command_fault(text, start)):
        return fault
    found = "the end of the text" if ended else f'"{token}"'
    accepted = error.accepts or set()
    if (
        words.ends
        and "SEMICOLON" in accepted
        and token.type in {"$END", "NAME", "DEF", "FOR", "LOAD", "RETURN", "RBRACE"}
    ):
        before = len(text[:start].rstrip())
        return Fault(f'expected ";" before {found}', max(0, before - 1), before)
    return Fault(f"unexpected {found}; expected {_expected(accepted, words)}", start, end)


COMMAND = re.compile(
    r'[ \t]*(?P<all>(?P<first>s-op|[A-Za-z_]\w*)(?=[ \t]*(?:$|[;#])|[ \t]+["A-Za-z_])[^#;\n]*)', re.MULTILINE
)


def _command_fault(text: str, at: int) -> Fault | None:
    """What to write instead of a line that opens like a command and is none."""
    begin = max(text.rfind("\n", 0, at), text.rfind(";", 0, at)) + 1
    match = COMMAND.match(text, begin)
    if match is None:
        return None
    first, start, end = match["first"], match.start("all"), match.start("all") + len(match["all"].rstrip())
    if first in USAGE:
        return Fault(f"write {USAGE[first]}", start, end)
    near = nearest(first, USAGE) if match["all"].strip() != first else ""
    return Fault(f'unknown command "{first}"{near}', start, end) if near else None


def _bracket_fault(text: str, at: int, found: str, pieces: re.Pattern[str]) -> Fault | None:
    """The bracket that is open where the text ends, or `;` or another kind of bracket closes it."""
    opened = open_brackets(text[:at], pieces)
    if found in CLOSING.values() and not opened:
        return Fault(f'"{found}" closes nothing', at, at + 1)
    if not opened or (found and found not in ";)]}"):
        return None
    bracket, start = opened[-1]
    if found == CLOSING[bracket] or (found == ";" and bracket == "{"):
        return None
    return Fault(f'"{bracket}" is not closed; expected "{CLOSING[bracket]}"', start, start + 1)


def open_brackets(text: str, pieces: re.Pattern[str] = PIECE) -> list[tuple[str, int]]:
    """The brackets that a text leaves open, with their offsets, outermost first."""
    opened: list[tuple[str, int]] = []
    for match in pieces.finditer(text):
        piece = match.group()
        if piece in CLOSING:
            opened.append((piece, match.start()))
        elif piece in CLOSING.values() and opened:
            opened.pop()
    return opened


def _expected(accepted: Iterable[str], words: Words) -> str:
    terminals = set(accepted)
    names = []
    if terminals >= words.starts:
        names.append(words.value)
        terminals -= words.starts | words.opens
    names += sorted(words.spelled[terminal] for terminal in terminals if terminal in words.spelled)
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names) or "another word"
