"""What is not sure of a program: refused, or let through with a warning and a note, in a person's words."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from raspc import rasp
from raspc import values as V
from raspc.certify.checking.expressions import ask, telling
from raspc.errors import CertificateError, InputError, UncertainProgram, UnsupportedProgram, cited
from raspc.graph.build import Built, build
from raspc.graph.definedness import Definedness, examine, mask_matters
from raspc.graph.nodes import Graph
from raspc.interpret import GIVE_A_DEFAULT, interpret
from raspc.library.causal import says_so
from raspc.refusals import warn_of_numbers
from raspc.weights.model import Model

HAS_A_VALUE = "it has a value on"
"""How the part of a note begins that says on how many inputs."""
MISTAKES = (NameError, ImportError, AttributeError, SyntaxError)
"""What a function raises that is wrong, and not undefined for some arguments."""


def settled(program: rasp.SOp, built: Built, partial: bool, strict: bool) -> Built:
    """The program as it was tabulated, with the notes of what is let through.

    Raises UnsupportedProgram as `settle` does.
    """
    graph = built.graph
    for text in built.unmet:
        warnings.warn(text, UncertainProgram, stacklevel=3)
    notes = settle(program, graph, examine(graph), partial, strict)
    if graph.causal and graph.where.writing is None and not says_so(program):  # a writer is meant to be causal
        warn_of_mask(program, graph)
    return replace(built, graph=replace(graph, notes=notes))


def settle(program: rasp.SOp, graph: Graph, found: Definedness, partial: bool, strict: bool) -> tuple[str, ...]:
    """The notes of what is let through.

    Raises UnsupportedProgram for a program without a value on any input; for one that is undefined on some, unless
    `partial`; and for one that rests on an assumption, if `strict`.
    """
    if found.counterexample is not None:
        notes: tuple[str, ...] = (_undefined(program, graph, found, *found.counterexample, partial),)
    elif (found.assumptions or found.promises) and strict:
        unsure = "; ".join((*found.assumptions, *found.promises))
        raise UnsupportedProgram(
            f"strict: neither proved nor refuted: {unsure}; select with an equality with indices, or with "
            "rasp.earliest or rasp.latest, say with where= which inputs it is for, or compile without strict=True"
        )
    else:
        notes = tuple(f"assumed: {text}" for text in found.assumptions)
    for note in notes:
        warnings.warn(note, UncertainProgram, stacklevel=4)
    return (*notes, *(f"promised: {text}" for text in found.promises))


def _undefined(
    program: rasp.SOp, graph: Graph, found: Definedness, tokens: tuple[object, ...], label: str, partial: bool
) -> str:
    """The note of a program that has no value on some input; UnsupportedProgram where that is not let through."""
    error = undefined_on(program, tokens, graph.causal, label)
    remedy, place = remedy_of(error, tokens, graph.causal), cited(error.expression) or cited(program)
    told = str(error).removesuffix(f"; {GIVE_A_DEFAULT}")  # the remedy says which aggregate it is, and why
    if found.has_no_value:
        tried = f"any of the {found.tried:,} inputs" + ("" if found.complete else " that were tried")
        raise UnsupportedProgram(
            f"the program has no value on {tried}; for example on {list(tokens)!r}: {told}; {remedy}{place}"
        )
    if partial and not _is_mistake(error):
        part = f"{HAS_A_VALUE} {found.defined:,} of {found.tried:,} inputs" + ("" if found.complete else " tried")
        return f"defined on a part of the inputs only: not on {list(tokens)!r} ({told}); {part}"
    otherwise = (
        "" if _is_mistake(error) else ", or pass partial=True to compile it for the inputs on which it is defined"
    )
    raise UnsupportedProgram(
        f"the program is undefined on the input {list(tokens)!r}: {told}; {remedy}{otherwise}{place}"
    )


def undefined_on(program: rasp.SOp, tokens: tuple[object, ...], causal: bool, label: str) -> InputError:
    """What the interpreter says of an input on which the program is undefined."""
    try:
        interpret(program, tokens, causal)
    except InputError as error:
        return error
    found = InputError(f"{label} has no value there")
    found.expression = program
    return found


def _is_mistake(error: InputError) -> bool:
    return isinstance(error.__cause__, MISTAKES)


def remedy_of(error: InputError, tokens: tuple[object, ...], causal: bool) -> str:
    """What to do about it: it fits the fault."""
    if _is_mistake(error):
        return "correct the function"
    if error.none is not None and error.position is not None:
        return _default_for(error.none, error.position, tokens, causal)
    if isinstance(error.expression, rasp.Assume):
        return "correct the promise, or keep such inputs out with where="
    if isinstance(error.expression, rasp.Aggregate):
        return "select one key for each query, or map the values to numbers first"
    if isinstance(error.expression, rasp.Sum):
        return "let the selector leave out what is no number, or map it to 0 first"
    if isinstance(error.expression, rasp.ConstantSOp | rasp.ConstantSelector):
        return "pass check_length=False, or compile it for that length"
    return "let the function give a value there (None, if there is none), or leave the token out of the vocabulary"


def _default_for(source: object, position: int, tokens: tuple[object, ...], causal: bool) -> str:
    """Where the None came from: the aggregate that needs a default, if it was one."""
    while isinstance(source, rasp.Elementwise):
        held = [arg for arg in source.args if interpret(arg, tokens, causal)[position] is None]
        if not held:
            return f"let {source.told} give a value there"
        source = held[0]
    if isinstance(source, rasp.Aggregate):
        return f"give {source.told} a default: it selects no key at position {position}"
    return GIVE_A_DEFAULT


def warn_of_level(program: rasp.SOp, model: Model) -> None:
    """A program whose s-ops cannot all have directions of their own is told so: what is stored is a higher level's."""
    asked, stored = model.options.level, model.options.storage
    if not asked.reaches(stored):
        warnings.warn(
            f"{program.name}: what is stored is decided as at -O{stored.value}, as every model that stores what "
            f"-O{asked.value} does is refused",
            UncertainProgram, stacklevel=3,
        )  # fmt: skip


def warn_of_family(program: rasp.SOp, model: Model) -> None:
    """A model in a family's parameters of which bounds do not show what they show of the plain one is told so."""
    found = model.certificate
    if model.config.held is not None and found is not None and not found.proved and found.measured is not None:
        warnings.warn(
            f"{program.name} as a {model.config.family} in {found.dtype} is not proved but measured, on "
            f"{found.measured.inputs} inputs, of which none was answered wrongly",
            UncertainProgram, stacklevel=3,
        )  # fmt: skip


def warn_of_mask(program: rasp.SOp, graph: Graph) -> None:
    """A program whose answers the causal mask changes is told so, with an input that shows it."""
    example = _masked_otherwise(program, graph)
    if example is not None:
        warnings.warn(
            f"causal=True changes the answers of {program.name}, for example on {list(example)!r}; "
            "where that is meant, say so once: rasp.causal(program)",
            UncertainProgram, stacklevel=4,
        )  # fmt: skip


def _masked_otherwise(program: rasp.SOp, graph: Graph) -> Sequence[Any] | None:
    """An input whose answers the mask changes, if one is found; of a domain some are asked of the interpreter."""
    if graph.where.is_everything:
        shorter = [build(program, graph.vocab, min(graph.max_seq_len, 3), causal) for causal in (True, False)]
        return mask_matters(*shorter)
    for xs in telling(graph):
        try:
            if not all(map(V.same, interpret(program, xs), interpret(program, xs, causal=True))):
                return xs
        except InputError:
            continue
    return None


def on_how_many(notes: Sequence[str]) -> str:
    """What the notes of a partial model say of how many inputs it has a value on; nothing where they say nothing."""
    parts = (part for note in notes for part in note.split("; "))
    return next((part for part in parts if part.startswith(HAS_A_VALUE)), "")


SHARE, LEAST = 0.1, 0.05
"""The interpreter of expressions is asked for a tenth of the time of a compile, or for 0.05 s if that is more."""


def settled_by_expressions(model: Model, program: rasp.SOp, built: Built, began: float, partial: bool) -> Model:
    """The model, when the interpreter of expressions has agreed with it on a few inputs; a warning says of numbers
    that are not proved to be right that they were measured.

    Raises CertificateError for an input on which they differ, UnsupportedProgram for one on which the program turns out
    to have no value.
    """
    warn_of_numbers(program, built, model)
    now = time.perf_counter()
    found = ask(model, program, telling(model.as_written), now + max(LEAST, SHARE * (now - began)))
    if not found.failures or (partial and found.reason is not None):
        return model
    if found.reason is not None:
        remedy = remedy_of(found.reason, found.tokens or (), model.config.causal)
        raise UnsupportedProgram(
            f"the program is undefined on the input {list(found.tokens or ())!r}: {found.reason}; {remedy}, or pass "
            "partial=True to compile it for the inputs on which it is defined"
        )
    tokens = list(found.tokens or ())
    if (wavering := _twice(program, tokens, model.config.causal)) is not None:
        raise UnsupportedProgram(
            f"the program answers {wavering[0]!r} on the input {tokens!r}, and {wavering[1]!r} when it is asked again; "
            "needed functions of their arguments alone: without random numbers, the time, or a memory"
        )
    raise CertificateError(
        f"the model does not compute the program: on {tokens!r} it answers "
        f"{list(found.found or ())!r}, the program {list(found.expected or ())!r}; this is a fault of raspc: please "
        "report it, and compile with certify=False to look at the model"
    )


ASKED_AGAIN = 16
"""How often a program that a model differs from is asked for the same answers."""


def _twice(program: rasp.SOp, tokens: list[Any], causal: bool) -> tuple[list[Any], list[Any]] | None:
    """Two answers of a program to one input that are not the same; None where it says the same each time."""
    first = interpret(program, tokens, causal)
    others = (interpret(program, tokens, causal) for _ in range(ASKED_AGAIN))
    return next(((first, other) for other in others if not all(map(V.same, first, other))), None)
