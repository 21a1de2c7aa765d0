"""What the prompt has compiled: models by name, with what they were compiled from."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from raspc.errors import InputError, UncertainProgram
from raspc.rasp import SOp
from raspc.text.flow import needs
from raspc.text.show import sequence

Model = Any
"""A `raspc.Model`; the compiler is imported when it is used, so that the prompt is there at once."""


@dataclass(frozen=True, eq=False)
class Compiled:
    """A model, and the s-op that it computes."""

    program: SOp
    model: Model


class Models:
    """The models of a sitting. `last` is the one that `:save` writes."""

    def __init__(self) -> None:
        self.compiled: dict[str, Compiled] = {}
        self.last: Model | None = None

    def compile(self, name: str, program: SOp, vocab: Sequence[Any], max_seq_len: int, causal: bool) -> Iterator[str]:
        """Compiles and checks; says what came out.

        Raises RaspcError where the program cannot be compiled, InputError where the check finds a difference.
        """
        from raspc.certify.checking.check import check
        from raspc.compiler import compile

        with warnings.catch_warnings(record=True) as doubts:
            warnings.simplefilter("always", UncertainProgram)
            model = compile(program, vocab, max_seq_len, causal=causal)
        yield f"compiled: {name}, vocabulary {_listed(vocab)}, length {max_seq_len}{', causal' if causal else ''}"
        yield sizes(model)
        yield from (f"note: {doubt.message}" for doubt in doubts if doubt.category is UncertainProgram)
        yield _checked(check(model))
        self.compiled[name] = Compiled(program, model)
        self.last = model

    def get(self, name: str, program: SOp) -> Model | None:
        """The model of this s-op under this name, if it was compiled and has not been redefined since."""
        found = self.compiled.get(name)
        return found.model if found and found.program is program else None

    def save(self, directory: Path) -> None:
        """Writes the model compiled last as a directory. Raises InputError where there is none."""
        if self.last is None:
            raise InputError("nothing is compiled yet; write :compile NAME first, or :save FILE.rasp")
        self.last.save(directory)


def sizes(model: Model) -> str:
    """Layers, heads and width in a line."""
    from raspc.weights.config import in_words

    config = model.config
    heads, size, neurons = map(in_words, (config.n_heads, config.d_head, config.d_mlp))
    return (
        f"layers: {config.n_layers}, heads in a layer: {heads}, width: {config.d_model}, "
        f"neurons in a layer: {neurons}, head size: {size}"
    )


def _listed(vocab: Sequence[Any]) -> str:
    return "{" + ", ".join(map(str, vocab)) + "}"


def _checked(report: Any) -> str:
    if not report.ok:
        raise InputError(
            f"check failed: on {list(report.tokens)} the model gives {list(report.found)}, "
            f"the program {list(report.expected)}"
        )
    return f"checked: {'all ' if report.exhaustive else ''}{report.checked} inputs agree"


def describe_layers(program: SOp, model: Model) -> Iterator[str]:
    """The sizes, RASP's own analysis beside them, and the variables that each layer computes."""
    yield sizes(model)
    layers, heads = needs(program)
    yield f"RASP's own analysis: layers: {layers}, heads in a layer: {heads}"
    for layer in range(model.config.n_layers):
        for sublayer in ("attention", "mlp"):
            found = ", ".join(_computed(model, layer, sublayer))
            yield f"layer {layer} {sublayer}: {found or 'nothing'}"


def _computed(model: Model, layer: int, sublayer: str) -> Iterator[str]:
    for name, facts in model.alignment.variables.items():
        if sublayer == "attention":
            parts = ", ".join(f"head {part.head}" for part in facts.heads if part.layer == layer)
        else:
            count = sum(stop - start for start, stop in (n.neurons for n in facts.neurons if n.layer == layer))
            parts = f"{count} neurons" if count else ""
        if parts:
            yield f"{name} ({parts})"


def describe_trace(model: Model, tokens: Sequence[Any]) -> Iterator[str]:
    """Each variable of the program beside what the model holds for it, where that can be read.

    Raises InputError for an input that the model cannot take.
    """
    from raspc.certify.checking.variables import stage_name, trace_variables

    found = trace_variables(model, tokens)
    width = max(map(len, found.expected), default=0)
    for label, values in found.expected.items():
        stages = [stage for stage in sorted(found.held) if label in found.held[stage]]
        yield f"{label.ljust(width)}  program {sequence(values)}"
        held = sequence(_rounded(found.held[stages[0]][label])) if stages else "never stands by itself"
        where = f"  (from {stage_name(stages[0])})" if stages else ""
        yield f"{''.ljust(width)}  model   {held}{where}"
    answer = model.apply([model.config.bos, *tokens]).decoded[1:]
    yield f"{'output'.ljust(width)}  model   {sequence(_rounded(answer))}"


def _rounded(values: Sequence[Any]) -> list[Any]:
    """Numbers as read from the stream, without the last digits of float32."""
    return [round(value, 4) if isinstance(value, float) else value for value in values]
