"""`raspc run`: one input through a compiled model."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from raspc.cli import syntax
from raspc.cli.options import Directory, Json, Tokens
from raspc.cli.output import answer, encoded, say, table

if TYPE_CHECKING:
    from raspc.certify.checking.variables import VariableTrace
    from raspc.weights import Model

UNREADABLE = "?"


def run(
    directory: Directory,
    tokens: Tokens,
    trace: Annotated[bool, typer.Option("--trace", help="Show every variable after every layer.")] = False,
    as_json: Json = False,
) -> None:
    """Run the model on TOKENS and print its answer, one value for each token."""
    from raspc.weights import load

    model = load(directory)
    inputs = typed_input(tokens, model)
    decoded = model.apply(inputs).decoded[1:]
    means = has_value(model, inputs[1:])
    report: dict[str, Any] = {"input": encoded(inputs[1:]), "output": encoded(decoded)}
    if not means:
        report["defined"] = False
        print(f"the program has no value on this input: this answer means nothing{_scope(model)}", file=sys.stderr)
    if not trace:
        answer(report, as_json, lambda: say(syntax.show_all(decoded)))
        return
    from raspc.certify.checking.variables import trace_variables

    found = trace_variables(model, inputs[1:])
    answer(report | {"trace": list(_records(found))}, as_json, lambda: _tell(found, decoded))


def _scope(model: Model) -> str:
    """On how many inputs the program has a value, in brackets, where its notes tell."""
    from raspc.doubts import on_how_many

    many = on_how_many(model.tabulated.notes)
    return f" ({many})" if many else ""


def has_value(model: Model, tokens: Sequence[Any]) -> bool:
    """Whether the program has a value on the input, as far as the model knows: one without its graph says yes."""
    from raspc.graph.evaluate import batch_of, run_graph

    if model.program is None or not 0 < len(tokens) <= model.config.max_seq_len:
        return True
    known = [token for token in tokens if token != model.config.pad]
    return not run_graph(model.as_written, batch_of(model.as_written, [known])).undefined.any()


def typed_input(words: Sequence[str], model: Model) -> list[Any]:
    """The tokens that words stand for, opened with BOS where they are not.

    For a model that writes a single word is a prompt, cut into tokens. Raises InputError where it is not made of them.
    """
    from raspc.generation.writer import tokens_of

    config = model.config
    typed = [syntax.token(word, config.vocab) for word in words]
    if len(typed) == 1 and typed[0] not in config.vocab and model.writing is not None:
        typed = tokens_of(model, words[0])
    return typed if typed[:1] == [config.bos] else [config.bos, *typed]


def _rows(found: VariableTrace, stage: int) -> Iterator[tuple[str, list[Any], list[Any], list[int]]]:
    """For each variable that can be read after a stage: both values, and where they differ."""
    from raspc.certify.checking.variables import agree

    for name, held in found.held[stage].items():
        meant = found.expected[name]
        differ = [i for i, (a, b) in enumerate(zip(held, meant, strict=True)) if b is not ... and not agree(a, b)]
        yield name, held, meant, differ


def _records(found: VariableTrace) -> Iterator[dict[str, Any]]:
    from raspc.certify.checking.variables import stage_name

    for stage in found.held:
        rows = [
            {"name": name, "model": encoded(held), "interpreter": encoded(meant), "differ": differ}
            for name, held, meant, differ in _rows(found, stage)
        ]
        yield {"stage": stage, "where": stage_name(stage), "variables": rows}


def _tell(found: VariableTrace, decoded: list[Any]) -> None:
    from raspc.certify.checking.variables import stage_name

    for stage in found.held:
        rows = [
            (name, _shown(held), _shown(meant), f"differs at {differ}" if differ else "")
            for name, held, meant, differ in _rows(found, stage)
        ]
        title = "after the embedding" if stage < 0 else f"after {stage_name(stage)}"
        table((title, "model", "interpreter", ""), rows)
    say(syntax.show_all(decoded))


def _shown(items: list[Any]) -> str:
    return " ".join(map(shown, items))


def shown(value: Any) -> str:
    """A value that was read from a stream; a mark for what is unreadable there."""
    return UNREADABLE if value is ... else syntax.show(value)
