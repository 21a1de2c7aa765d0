"""The whole way: expressions → graph → passes → what is stored → blocks → schedule → weights → model."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from raspc import doubts, rasp
from raspc import values as V
from raspc.certify import certificate as certificates
from raspc.certify.limits import could_do, longest
from raspc.certify.weights import as_planned
from raspc.errors import CertificateError, InvalidProgram, UnsupportedProgram
from raspc.graph.build import build, built, checked_length, checked_vocab
from raspc.graph.definedness import examine
from raspc.graph.nodes import Graph
from raspc.numbers.memory import DEFAULT_BUDGET, bytes_of
from raspc.numbers.options import DEFAULT, Level, Options
from raspc.numbers.precision import precision_of
from raspc.plan.alternatives import best
from raspc.plan.budget import check_budget
from raspc.plan.plan import Plan
from raspc.plan.planning import alternatives
from raspc.plan.switches import checked
from raspc.weights.making import model_of
from raspc.weights.model import Model

LEVELS = tuple(level.value for level in Level)


def compile(
    program: rasp.SOp,
    vocab: Iterable[Any],
    max_seq_len: int,
    causal: bool = False,
    bos: Any = "BOS",
    pad: Any = "PAD",
    optimize: int = 1,
    partial: bool = False,
    strict: bool = False,
    certify: bool = True,
    verify: bool = False,
    disabled_passes: Collection[str] = (),
    solver: bool = True,
    dtype: str = "float32",
    summation: str = "any order",
    accumulate: str = "float32",
    probabilities: str = "stored",
    memory: int | str = DEFAULT_BUDGET,
) -> Model:
    """Compile a program into the weights of a transformer that computes it exactly.

    `vocab`: the tokens, without BOS and PAD. `max_seq_len`: the longest input, BOS not counted. `optimize`:
    0 and 1 readable, 2 compact. `partial`: compile for the inputs on which the program is defined.
    `strict`: refuse what rests on an assumption. `certify`: prove the margins in that precision. `verify`: check what
    each pass over the graph requires and ensures, and that it keeps the answers on a sample. `solver`: at level 2 ask
    OR-tools for the schedule, where it is installed and the greedy one is not proved the best.
    `dtype`, `summation`, `accumulate`, `probabilities`: the precision that the model is to run in, as
    `raspc.certificate` takes them; a narrow one is refused with the length that it could do. `memory`: what the arrays
    of the model may take, in bytes or as "2 GiB"; a larger model is refused before it is made.

    Raises InvalidProgram for bad arguments, UnsupportedProgram for a program that cannot be compiled
    exactly, CertificateError for a model whose margins do not suffice, InternalError for a pass that does not keep
    its word.
    """
    began = time.perf_counter()
    tokens, max_seq_len = checked_vocab(vocab), checked_length(max_seq_len)
    check_options(tokens, bos, pad, optimize)
    precision = precision_of(dtype, summation, accumulate, probabilities)
    off = checked((*disabled_passes, *(() if solver else ("solver",))))
    options = Options(Level(optimize), precision, off, verify=verify, memory=bytes_of(memory))
    tabulated = built(program, tokens, max_seq_len, causal, off)
    graph = tabulated.graph
    notes = doubts.settle(program, graph, examine(graph), partial, strict)
    if causal:
        doubts.warn_of_mask(program, graph)

    def made(graph: Graph) -> Model:
        return compile_graph(graph, bos, pad, options, certify, tabulated.changes)

    try:
        model = replace(made(replace(graph, notes=notes)), expression=program)
        return doubts.settled_by_expressions(model, program, began, partial) if certify else model
    except (CertificateError, UnsupportedProgram) as error:
        if not precision.narrow:
            raise
        reached = longest(lambda n: made(build(program, tokens, n, causal)), max_seq_len - 1)
        raise type(error)(f"{error}; {could_do(precision, reached)}") from error
    except (MemoryError, RecursionError) as error:
        raise _too_large(program, len(tokens), max_seq_len, error) from error


def _too_large(program: rasp.SOp, tokens: int, max_seq_len: int, error: Exception) -> UnsupportedProgram:
    if isinstance(error, RecursionError):
        return UnsupportedProgram(
            f"{program.name}: a chain of expressions is too long for the compiler; make fewer steps of it, for example "
            "one function of what the steps depend on"
        )
    return UnsupportedProgram(
        f"{program.name}: the model for {tokens} tokens and length {max_seq_len} does not fit this machine's "
        "memory; use fewer tokens or a shorter maximum length"
    )


def compile_graph(
    graph: Graph,
    bos: Any = "BOS",
    pad: Any = "PAD",
    options: Options = DEFAULT,
    certify: bool = True,
    changes: Mapping[str, int] = MappingProxyType({}),
) -> Model:
    """The smallest model of a graph whose certificate holds, or the smallest if none is asked for.

    `changes`: how often each pass changed something while the graph was built.

    Raises UnsupportedProgram or CertificateError where every design is refused.
    """

    def made(plan: Plan) -> Model:
        check_budget(plan)
        model = model_of(plan, bos, pad, changes)
        return certified(model, plan) if certify else model

    return best(alternatives(graph, options), lambda plan: plan.size, made)


def certified(model: Model, plan: Plan) -> Model:
    """The model with its certificate. Raises CertificateError for margins that do not suffice."""
    found = certificates.certify(model, as_planned(plan, model.alignment), plan.options.precision)
    return replace(model, certificate=found)


def check_options(tokens: tuple[Any, ...], bos: Any, pad: Any, optimize: int) -> None:
    """All faults of the options at once. Raises InvalidProgram."""
    known = {V.key(token) for token in tokens}
    faults = []
    for name, token in (("BOS", bos), ("PAD", pad)):
        try:
            if V.key(token) in known:
                faults.append(f"{name} {token!r} is in the vocabulary; choose another {name} token")
        except TypeError:
            faults.append(f"{name} {token!r} cannot be hashed; choose a string")
    if not faults and V.same(bos, pad):
        faults.append(f"BOS and PAD are both {bos!r}; choose two different tokens")
    if optimize not in LEVELS:
        faults.append(f"the option level is {optimize!r}; there are {LEVELS}")
    if faults:
        raise InvalidProgram(faults)
