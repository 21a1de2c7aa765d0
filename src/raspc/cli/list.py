"""`raspc list`: the library's programs."""

from __future__ import annotations

from typing import Any

from raspc.cli import syntax
from raspc.cli.options import Json
from raspc.cli.output import answer, table


def list_programs(as_json: Json = False) -> None:
    """List the library's programs, each with its default vocabulary and length."""
    from raspc import library

    rows = [
        (name, entry.vocab, entry.max_seq_len, entry.description) for name, entry in library.PROGRAMS.items()
    ]
    answer({"programs": [_record(*row) for row in rows]}, as_json, lambda: _tell(rows))


def _record(name: str, vocab: Any, max_seq_len: int, description: str) -> dict[str, Any]:
    from raspc import jsonvalues

    return {
        "name": name,
        "vocab": [jsonvalues.encode(token) for token in vocab],
        "max_seq_len": max_seq_len,
        "description": description,
    }


def _tell(rows: list[tuple[str, Any, int, str]]) -> None:
    table(
        ("program", "vocabulary", "length", "what it computes"),
        [
            (name, ",".join(map(syntax.show, vocab)), length, description)
            for name, vocab, length, description in rows
        ],
    )
