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
OPERANDS = frozenset({"NAME", "INT", "FLOAT", "STRING", "TRUE", "FALSE"})
COMPLETE = OPERANDS | CLOSING | COMMANDS | {"SEMICOLON"}
"""What can stand before a command: whatever ends a statement or an expression."""


class LineEnds:
    """Puts a semicolon where a command's line ends, outside brackets, if none stands there; and knows `exit` inside
    an expression for a name."""

    always_accept = ()

    def process(self, tokens: Iterator[Token]) -> Iterator[Token]:
        """The tokens, and the semicolons of commands among them."""
        before: Token | None = None
        command, depth = False, 0
        for token in tokens:
            if command and depth == 0 and before and _ends(before, token):
                yield Token.new_borrow_pos("SEMICOLON", ";", before)
                command = False
            if token.type == "EXIT" and before is not None and before.type not in COMPLETE:
                token = token.update(type="NAME")
            depth += (token.type in OPENING) - (token.type in CLOSING)
            command = token.type != "SEMICOLON" and (command or token.type in COMMANDS)
            yield token
            before = token
        if command and depth == 0 and before:
            yield Token.new_borrow_pos("SEMICOLON", ";", before)


def _ends(before: Token, token: Token) -> bool:
    """Whether a command ends between two tokens: with its line, or where its value is followed by another."""
    after_value = before.type in OPERANDS | CLOSING and token.type in OPERANDS
    return token.type != "SEMICOLON" and (token.line != before.line or after_value)
