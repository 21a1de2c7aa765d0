"""`raspc list`: the library's programs, or the passes of the compiler."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from raspc.cli import syntax
from raspc.cli.options import Json
from raspc.cli.output import answer, table

if TYPE_CHECKING:
    from raspc.library import Program
    from raspc.library.writers import Writer


def list_programs(
    passes: Annotated[
        bool, typer.Option("--passes", help="List the passes of the compiler that --disable-pass leaves out.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List the library's programs, each with its default vocabulary and length."""
    from raspc import library

    if passes:
        _list_passes(as_json)
        return
    programs = list(library.PROGRAMS.values())
    writers = list(library.WRITERS.values())
    report = {"programs": [_record(one) for one in programs], "writers": [_record_of_writer(one) for one in writers]}
    answer(report, as_json, lambda: _tell(programs, writers))


def _list_passes(as_json: bool) -> None:
    from dataclasses import asdict

    from raspc.plan.switches import SWITCHES

    rows = [(one.name, one.does, one.requires, one.ensures) for one in SWITCHES]
    told = {"passes": [asdict(one) for one in SWITCHES]}
    answer(told, as_json, lambda: table(("pass", "what it does", "requires", "ensures"), rows))


def _record(program: Program) -> dict[str, Any]:
    from raspc import jsonvalues

    return {
        "name": program.name,
        "vocab": [jsonvalues.encode(token) for token in program.vocab],
        "max_seq_len": program.max_seq_len,
        "causal": program.causal,
        "description": program.description,
        "source": program.source,
    }


def _record_of_writer(writer: Writer) -> dict[str, Any]:
    from raspc import jsonvalues

    tokens = {"vocab": [jsonvalues.encode(token) for token in writer.vocab], "stop": jsonvalues.encode(writer.stop)}
    known = ("name", "max_seq_len", "prompts", "description", "source")
    return {**tokens, **{name: getattr(writer, name) for name in known}}


def _tell(programs: list[Program], writers: list[Writer]) -> None:
    table(("program", "vocabulary", "length", "what it computes"), [_row(program) for program in programs])
    table(("program that writes", "vocabulary", "length", "what it writes"), [_row(writer) for writer in writers])


def _row(program: Program | Writer) -> tuple[object, ...]:
    vocab = ",".join(map(syntax.show, program.vocab))
    return program.name, vocab, program.max_seq_len, program.description
