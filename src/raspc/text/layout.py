"""Commands in a text: how they are written, and that each ends with its line, so that it needs no semicolon."""

from __future__ import annotations

from collections.abc import Iterator

from lark import Token

USAGE = {
    "set": 'set [s-op|selector] example "hello"',
    "show": "show [s-op|selector] example",
    "examples": "[s-op|selector] examples on|off",
    "s-op": "s-op examples on|off",
    "selector": "selector examples on|off",
    "full": "full seq display on|off",
    "exit": "exit",
    "quit": "quit",
    "load": 'load "file"',
}
"""How a command is written, by the word that opens it."""

COMMANDS = frozenset({"SET", "SHOW", "EXAMPLES", "FULL", "EXIT", "LOAD"})
OPENING, CLOSING = frozenset({"LPAR", "LSQB", "LBRACE"}), frozenset({"RPAR", "RSQB", "RBRACE"})


class LineEnds:
    """Puts a semicolon where a command's line ends, outside brackets, if none stands there."""

    always_accept = ()

    def process(self, tokens: Iterator[Token]) -> Iterator[Token]:
        """The tokens, and the semicolons of commands among them."""
        last: Token | None = None
        """The token before, while a command is open."""
        depth = 0
        for token in tokens:
            if last is not None and depth == 0 and token.line != last.line and token.type != "SEMICOLON":
                yield Token.new_borrow_pos("SEMICOLON", ";", last)
                last = None
            depth += (token.type in OPENING) - (token.type in CLOSING)
            if token.type == "SEMICOLON":
                last = None
            elif last is not None or token.type in COMMANDS:
                last = token
            yield token
        if last is not None and depth == 0:
            yield Token.new_borrow_pos("SEMICOLON", ";", last)
