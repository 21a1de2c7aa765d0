"""The colours: Pygments finds the lexer, and every token of the grammar has its own class."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pygments.lexers import get_lexer_by_name, get_lexer_for_filename
from pygments.token import Comment, Error, Keyword, Name, Number, Operator, Punctuation, String, Whitespace, _TokenType

from raspc.text.builtins import NAMES
from raspc.text.environment import LIBRARY
from raspc.text.lexer import RaspLexer
from raspc.text.parsing import parser

TEXTMATE = Path(__file__).parents[2] / "editors" / "rasp.tmLanguage.json"

CLASSES = {
    "NAME": Name, "INT": Number.Integer, "FLOAT": Number.Float, "STRING": String.Double, "COMPARISON": Operator,
    "TRUE": Keyword.Constant, "FALSE": Keyword.Constant, "DEF": Keyword, "FOR": Keyword, "LOAD": Keyword,
    "RETURN": Keyword, "IF": Keyword, "ELSE": Keyword, "IN": Operator.Word, "AND": Operator.Word,
    "OR": Operator.Word, "NOT": Operator.Word, "ROUND": Operator.Word, "INDICATOR": Operator.Word,
    "PLUS": Operator, "MINUS": Operator, "STAR": Operator, "SLASH": Operator, "PERCENT": Operator,
    "CIRCUMFLEX": Operator, "EQUAL": Operator,
}  # fmt: skip
"""By terminal of the grammar; the others are punctuation."""


def coloured(text: str) -> list[tuple[_TokenType, str]]:
    """The tokens that have a colour."""
    skipped = (Whitespace, Comment)
    return [(kind, piece) for kind, piece in RaspLexer().get_tokens(text) if not any(kind in s for s in skipped)]


@pytest.mark.parametrize("path", sorted(LIBRARY.glob("*.rasp")), ids=lambda path: path.stem)
def test_colours_follow_the_grammar(path: Path) -> None:
    """The lexer cuts the library's files where the parser's lexer cuts them, and knows what each piece is."""
    text = path.read_text()
    expected = [(CLASSES.get(token.type, Punctuation), str(token)) for token in parser().lex(text)]
    found = coloured(text)
    assert [piece for _, piece in found] == [piece for _, piece in expected]
    assert all(kind in parent for (kind, _), (parent, _) in zip(found, expected, strict=True))


def test_names_of_the_language_stand_out() -> None:
    """Base s-ops and functions of the language are not coloured as other names are."""
    for name in NAMES:
        ((kind, _),) = coloured(name)
        assert kind in Name.Builtin
    assert (Name.Function, "f") in coloured("def f(a) { return a; }")


@given(st.text(max_size=40))
def test_any_text_can_be_coloured(text: str) -> None:
    """No text is refused; the pieces put together are the text."""
    lexer = RaspLexer(stripnl=False, ensurenl=False)
    pieces = list(lexer.get_tokens(text))
    assert "".join(piece for _, piece in pieces) == text.replace("\r\n", "\n").replace("\r", "\n").removeprefix(
        "\ufeff"
    )


def test_errors_are_marked() -> None:
    """What is no character of RASP is an error token."""
    assert (Error, "&") in coloured("a & b")


def test_pygments_finds_the_lexer() -> None:
    """By name and by file, through the package's entry point."""
    assert get_lexer_by_name("rasp").name == "RASP"
    assert get_lexer_for_filename("prog.rasp").name == "RASP"


def test_textmate_grammar() -> None:
    """The grammar for editors is well formed, and its patterns find what the lexer finds."""
    grammar = json.loads(TEXTMATE.read_text())
    assert grammar["scopeName"] == "source.rasp"
    assert grammar["fileTypes"] == ["rasp"]
    known = {f"#{name}" for name in grammar["repository"]}
    assert {item["include"] for item in grammar["patterns"]} <= known
    rules = [rule for entry in grammar["repository"].values() for rule in entry.get("patterns", [entry])]
    builtins = next(re.compile(rule["match"]) for rule in rules if rule["name"].startswith("support.function"))
    variables = next(re.compile(rule["match"]) for rule in rules if rule["name"].startswith("variable.language"))
    for name in NAMES:
        assert builtins.fullmatch(name) or variables.fullmatch(name), name
    words = next(re.compile(rule["match"]) for rule in rules if rule["name"].startswith("keyword.operator.word"))
    assert all(words.fullmatch(word) for word in ("and", "or", "not", "in", "round", "indicator"))
