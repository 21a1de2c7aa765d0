"""`raspc inspect`: what a compiled model is made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Annotated, Any

import typer

from raspc.cli import story, syntax
from raspc.cli.certify import ran, tell_meaning
from raspc.cli.options import Directory, Json
from raspc.cli.output import answer, say, table

if TYPE_CHECKING:
    from raspc.weights import Model
    from raspc.weights.alignment import Part, SpaceFacts, VariableFacts
    from raspc.weights.certificate import Certificate

MOST_VALUES = 8
"""How many values of a value set are shown before it is shortened."""

MOST_LINKS = 8
"""How many decisions of a certificate are shown, the weakest first."""


def inspect(
    directory: Directory,
    passes: Annotated[bool, typer.Option("--passes", help="Show what each pass of the compiler did.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Show each variable's form, home and readers.")] = False,
    plan: Annotated[
        bool, typer.Option("--plan", help="Show what is stored of each variable and why, scores, blocks and layers.")
    ] = False,
    each: Annotated[
        bool | None,
        typer.Option(
            "--each/--no-each", help="With --passes: compile without each pass too (default: if the model is small)."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show layers, heads, neurons, variables and where each lives, and the certificate."""
    from raspc.cli.facts import facts
    from raspc.weights import load

    model = load(directory)
    if passes or explain or plan:
        told = story.facts(model, passes, explain, each) | (story.planned(model) if plan else {})
        answer(told, as_json, lambda: story.tell(model, told))
        return
    found = facts(model)
    answer(found, as_json, lambda: _tell(model, found))


def _tell(model: Model, found: Mapping[str, Any]) -> None:
    from raspc.cli.facts import summary, variables

    say(summary(found))
    table(("layer", "part", "computes", "selector"), [row for layer in found["layers"] for row in _parts(layer)])
    last = model.config.n_layers
    table(("program", "", "values"), [_node(node) for node in found["program"] if not _is_constant(node)])
    table(
        ("variable", "computed in", "dimensions", "from", "to"),
        [row for name, where in variables(model) for row in _variable(name, where, last)],
    )
    if found["where"]:
        say(f"inputs: {found['where']}")
    if found.get("total"):
        say("total: any variable may be forced to any of its values, and the model answers as the program does")
    for note in found["notes"]:
        say(f"note: {note}")
    _certificate(model.certificate)


def _certificate(found: Certificate | None) -> None:
    """The verdict in a line, and the decisions that use most of their margin."""
    from raspc.weights import wording

    if found is None:
        say("certificate: none; compile with certify=True")
        return
    say(f"certificate: {wording.headline(found)}")
    say(f"in {found.dtype}, for inputs of up to {found.max_seq_len} tokens, {_ground(found)}")
    tell_meaning(found)
    table(wording.HEADS, wording.rows(found, MOST_LINKS))


def _ground(found: Certificate) -> str:
    if found.proved:
        return "whatever the order of sums" if found.summation == "any order" else f"for summation {found.summation}"
    return f"measured on {ran(found.measured)}"


def _parts(layer: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    number = layer["layer"]
    heads = [(number, f"head {part['head']}", part["variable"], part["selector"] or "") for part in layer["heads"]]
    neurons = [(number, f"neurons {_range(part['neurons'])}", part["variable"], "") for part in layer["neurons"]]
    return heads + neurons


def _is_constant(node: Mapping[str, Any]) -> bool:
    """Whether a node is a value that formulas hold in its place, and no more."""
    return not node["of"] and node["is"] == "table" and node["name"] == node["text"]


def _node(node: Mapping[str, Any]) -> tuple[str, ...]:
    return node["name"], f"= {node['text']}", _values(node["values"])


def _variable(name: str, where: VariableFacts, last: int) -> list[tuple[str, ...]]:
    """A row for each part that computes the variable and each space on which it lives."""
    parts = [_part(part) for part in where.computed_by] or [_sources(where)]
    spaces = [_space(space, last) for space in where.spaces]
    return [(name, part, *space) for name, part, space in _side_by_side([name], parts, spaces)]


def _side_by_side(names: list[str], parts: list[str], spaces: list[tuple[str, ...]]) -> Iterator[tuple[Any, ...]]:
    for row in zip_longest(names, parts, spaces):
        yield row[0] or "", row[1] or "", row[2] or ("", "", "")


def _space(space: SpaceFacts, last: int) -> tuple[str, ...]:
    end = space.to_stage
    start = story.stage(space.from_stage, last)
    return _range(space.dims), start, "unused" if end is None else story.stage(end, last)


def _sources(where: VariableFacts) -> str:
    if where.read_from:
        return f"read off {', '.join(where.read_from)}"
    return "embedding" if where.spaces else "constant"


def _part(part: Part) -> str:
    from raspc.weights.alignment import HeadPart

    what = f"head {part.head}" if isinstance(part, HeadPart) else f"neurons {_range(part.neurons)}"
    return f"layer {part.layer} {what}"


def _range(span: Sequence[int]) -> str:
    """A half-open range as a person writes it, both ends included."""
    start, stop = span
    return str(start) if stop == start + 1 else f"{start}–{stop - 1}" if stop > start else "none"


def _values(values: Mapping[str, Any] | None) -> str:
    from raspc import jsonvalues

    if values is None:
        return ""
    if "values" not in values:
        specials = [syntax.show(jsonvalues.decode(value)) for value in values["specials"]]
        return " | ".join([f"{values['from']:.6g} … {values['to']:.6g}", *specials])
    shown = [syntax.show(jsonvalues.decode(value)) for value in values["values"]]
    if len(shown) <= MOST_VALUES:
        return " ".join(shown)
    return f"{' '.join(shown[: MOST_VALUES - 3])} … {shown[-1]} ({len(shown)})"
