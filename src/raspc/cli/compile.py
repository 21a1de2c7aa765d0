"""`raspc compile`: a program to a directory of weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from raspc.cli import story, syntax
from raspc.cli.options import (
    DTYPES,
    Accumulate,
    AllowFiles,
    DisablePass,
    Generate,
    Json,
    Margin,
    Memory,
    Optimize,
    Partial,
    Probabilities,
    Program,
    Prompts,
    Sharpness,
    Steps,
    Stop,
    Strict,
    Summation,
    Target,
    Total,
    Uniform,
    Verify,
    Where,
    among,
    level,
)
from raspc.cli.output import answer, say
from raspc.errors import InputError

if TYPE_CHECKING:
    from raspc.programs import Found
    from raspc.weights import Model


def compile_program(
    program: Program,
    vocab: Annotated[str | None, typer.Option(help="Tokens a,b,c or a JSON array; the library knows its own.")] = None,
    max_seq_len: Annotated[int | None, typer.Option(help="The longest input, BOS not counted.")] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The directory to write.", show_default="build/NAME")
    ] = None,
    causal: Annotated[bool | None, typer.Option("--causal/--no-causal", help="Hide later keys from a query.")] = None,
    optimize: Optimize = "1",
    bos: Annotated[str, typer.Option(help="The token that opens every input.")] = "BOS",
    pad: Annotated[str, typer.Option(help="The token that fills a batch.")] = "PAD",
    partial: Partial = False,
    strict: Strict = False,
    steps: Steps = None,
    allow_files: AllowFiles = False,
    certify: Annotated[bool, typer.Option(help="Refuse a model whose margins do not suffice.")] = True,
    verify: Verify = False,
    disable_pass: DisablePass = None,
    solver: Annotated[bool, typer.Option(help="At -O 2 ask OR-tools for the schedule, if it is installed.")] = True,
    dtype: Annotated[
        str, typer.Option(autocompletion=among(*DTYPES[1:]), help=f"What it is to run in: {', '.join(DTYPES[1:])}.")
    ] = "float32",
    summation: Summation = "any order",
    accumulate: Accumulate = "float32",
    probabilities: Probabilities = "stored",
    memory: Memory = "2 GiB",
    where: Where = None,
    generate: Generate = False,
    stop: Stop = None,
    prompts: Prompts = None,
    uniform: Uniform = True,
    sharpness: Sharpness = 1.0,
    margin: Margin = None,
    total: Total = False,
    target: Target = "plain",
    explain: Annotated[
        bool, typer.Option("--explain", help="Say what the passes did, and why each variable is stored as it is.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Compile PROGRAM into a model directory."""
    from raspc import programs
    from raspc.compiler import compile

    found = programs.find(program, strict, steps, allow_files)
    tokens = _vocab(vocab, found)
    model = compile(
        found.program,
        vocab=tokens,
        max_seq_len=_length(max_seq_len, found),
        causal=found.causal if causal is None else causal,
        bos=syntax.value(bos),
        pad=syntax.value(pad),
        optimize=level(optimize),
        partial=partial,
        strict=strict,
        certify=certify,
        verify=verify,
        disabled_passes=disable_pass or (),
        solver=solver,
        dtype=dtype,
        summation=summation or "any order",
        accumulate=accumulate or "float32",
        probabilities=probabilities or "stored",
        memory=memory,
        where=where,
        uniform=uniform,
        sharpness=sharpness,
        margin=margin,
        total=total,
        **_writing(found, generate, None if stop is None else syntax.token(stop, tokens), prompts),
        target=target,
    )
    directory = output or Path("build") / found.name
    model.save(directory)
    why = story.facts(model, True, True, program=found.program) if explain else {}
    answer({**report(directory, model), **why}, as_json, lambda: tell(directory, model, why))


def _vocab(text: str | None, found: Found) -> list[Any]:
    if text is not None:
        return syntax.vocabulary(text)
    if found.vocab is None:
        raise InputError(f"{found.name}: needs --vocab, as --vocab a,b,c; only the library's programs have a default")
    return list(found.vocab)


def _writing(found: Found, generate: bool, stop: Any, prompts: str | None) -> dict[str, Any]:
    """How a program writes: as the options say, else as the library does."""
    own = found.writing or {"generate": generate, "stop": None, "prompts": None}
    said = {"stop": stop, "prompts": prompts}
    return {**own, **{name: value for name, value in said.items() if value is not None}}


def _length(given: int | None, found: Found) -> int:
    if given is not None:
        return given
    if found.max_seq_len is None:
        raise InputError(f"{found.name}: needs --max-seq-len; only the library's programs have a default")
    return found.max_seq_len


def report(directory: Path, model: Model) -> dict[str, Any]:
    """What was written, as JSON data."""
    from raspc.cli.facts import sizes

    return {"directory": str(directory), **sizes(model)}


def tell(directory: Path, model: Model, why: Mapping[str, Any] | None = None) -> None:
    """What was written, in a line; and why, if asked."""
    from raspc.cli.facts import sizes, summary

    say(f"{directory}: {summary(sizes(model))}")
    if model.alignment.objective == "size":
        say(story.frontier(model))
    if why:
        story.tell(model, why)
