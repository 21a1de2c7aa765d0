"""`raspc generate`: what a model writes after a prompt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from raspc.cli import syntax
from raspc.cli.options import Directory, Json
from raspc.cli.output import answer, encoded, say, table
from raspc.cli.run import shown, typed_input

if TYPE_CHECKING:
    from raspc.weights import Model

Prompt = Annotated[
    list[str],
    typer.Argument(
        metavar="PROMPT...",
        help="A text such as 12+34=, cut into tokens; or tokens, one a word.",
        show_default=False,
    ),
]


def generate(
    directory: Directory,
    prompt: Prompt,
    max_new_tokens: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Write at most so many tokens.")
    ] = None,
    trace: Annotated[bool, typer.Option("--trace", help="Show every variable at each step.")] = False,
    as_json: Json = False,
) -> None:
    """Let the model go on from PROMPT until it stops, and print what it writes."""
    from raspc.generation.writer import generate as write
    from raspc.weights import load

    model = load(directory)
    tokens = typed_input(prompt, model)[1:]
    written = write(model, tokens, max_new_tokens)
    report: dict[str, Any] = {"prompt": encoded(tokens), "answer": encoded(written)}
    steps = _steps(model, tokens, written) if trace else []
    if trace:
        report["trace"] = {name: {"values": encoded(values), "held": is_held} for name, values, is_held in steps}
    answer(report, as_json, lambda: _tell(written, steps))


def joined(tokens: Sequence[Any]) -> str:
    """Tokens as a text: side by side where each is one character, else with spaces."""
    words = list(map(str, tokens))
    return "".join(words) if all(len(word) == 1 for word in words) else " ".join(words)


def _steps(model: Model, prompt: Sequence[Any], written: Sequence[Any]) -> list[tuple[str, list[Any], bool]]:
    """Of each variable its name, its value at each step, and whether the model holds it in its stream.

    What it holds is shown as it is read there; of what it holds nowhere the program's value.
    """
    from raspc.certify.checking.variables import trace_variables

    found = trace_variables(model, [*prompt, *written[:-1]])
    start = len(prompt) - 1
    last = {name: (values[start:], False) for name, values in found.expected.items()}
    for held in found.held.values():
        last.update((name, (values[start:], True)) for name, values in held.items())
    return [(name, values, is_held) for name, (values, is_held) in last.items()]


def _tell(written: Sequence[Any], steps: Sequence[tuple[str, list[Any], bool]]) -> None:
    if steps:
        rows = [[name if is_held else f"({name})", *map(shown, values)] for name, values, is_held in steps]
        table(["step", *map(str, range(1, len(written) + 1))], [*rows, ["writes", *map(syntax.show, written)]])
        if not all(is_held for _, _, is_held in steps):
            say("in brackets: held nowhere as it is; these are the program's values")
    say(joined(written))
