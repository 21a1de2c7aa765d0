"""RASP for Pygments: colours in documents, at the prompt, and in errors."""

from __future__ import annotations

from typing import Any, ClassVar

from pygments.lexer import RegexLexer, bygroups, words
from pygments.token import Comment, Keyword, Name, Number, Operator, Punctuation, String, Whitespace

from raspc.text.builtins import FUNCTIONS, NAMES

FUNCTION_NAMES = tuple(function.name for function in FUNCTIONS)
SOP_NAMES = tuple(name for name in NAMES if name not in FUNCTION_NAMES)


_DEFINE = r"(def)(\s+)([A-Za-z_]\w*)"


_COMMAND = (
    r"(?:set|show)[ \t]+(?:(?:s-op|selector)[ \t]+)?example\b"
    r"|(?:(?:s-op|selector)[ \t]+)?examples[ \t]+(?:on|off)\b|full[ \t]+seq[ \t]+display[ \t]+(?:on|off)\b"
    r"|(?:exit|quit)\b(?:[ \t]*\([ \t]*\))?(?=[ \t\r]*(?:;|#|\n|\Z))"
)


def _words(*names: str) -> Any:
    return words(names, prefix=r"\b", suffix=r"\b")


class RaspLexer(RegexLexer):
    """The tokens of a RASP text."""

    name = "RASP"
    url = "https://arxiv.org/abs/2106.06981"
    aliases: ClassVar[list[str]] = ["rasp"]
    filenames: ClassVar[list[str]] = ["*.rasp"]
    mimetypes: ClassVar[list[str]] = ["text/x-rasp"]

    tokens: ClassVar[dict[str, list[Any]]] = {
        "root": [
            (r"\s+", Whitespace),
            (r"#[^\n]*", Comment.Single),
            (r'"[^"\n]*"', String.Double),
            (_COMMAND, Keyword),
            (_DEFINE, bygroups(Keyword, Whitespace, Name.Function)),  # type: ignore[no-untyped-call]
            (_words("def", "for", "return", "if", "else", "load"), Keyword),
            (_words("and", "or", "not", "in", "round", "indicator"), Operator.Word),
            (_words("True", "False"), Keyword.Constant),
            (_words(*FUNCTION_NAMES), Name.Builtin),
            (_words(*SOP_NAMES), Name.Builtin.Pseudo),
            (r"[A-Za-z_]\w*(?=\s*\()", Name.Function),
            (r"[A-Za-z_]\w*", Name),
            (r"\d+\.\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+", Number.Float),
            (r"\d+", Number.Integer),
            (r"==|!=|<=|>=|[-+*/%^<>=]", Operator),
            (r"[()\[\]{},;:]", Punctuation),
        ]
    }
