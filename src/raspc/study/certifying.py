"""Certificates of finished models, in any precision, and the lengths that a program could be compiled for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from msgspec import structs

from raspc.certify.proof import limits, weights
from raspc.certify.proof.certificate import examine, unplanned
from raspc.certify.proof.examined import Examined
from raspc.certify.proof.prove import prove
from raspc.compiler import compile_graph
from raspc.errors import InputError, wrong_kind
from raspc.graph.build import build
from raspc.graph.evaluate import run_graph
from raspc.graph.nodes import Graph, Listed
from raspc.graph.permitted import search_of
from raspc.graph.program import as_program
from raspc.numbers.precision import Precision, precision_of
from raspc.weights.certificate import Certificate
from raspc.weights.format1 import plan_of
from raspc.weights.model import Model

STEPS = 24
"""The tolerance of weights is found to within a factor of 2^½ between 2^−STEPS and 1."""


def certificate(
    model: Model,
    dtype: str | None = None,
    summation: str | None = None,
    accumulate: str | None = None,
    probabilities: str | None = None,
    tolerance: bool = False,
    longest: bool = False,
) -> Certificate:
    """The certificate of a model in a precision: every decision with its margin, proved from the weights themselves.

    `dtype`: "float64", "float32", "tf32", "bfloat16", "float16"; without one the model is certified for what it was
    compiled for, but for options that are given. `summation`: "any order" (the default), "blocked" or "pairwise".
    `accumulate`: "float32", or "stored" for sums that are rounded to a narrow dtype after each term.
    `probabilities`: "stored" where the softmax gives the narrow dtype, "float32" where a fused kernel keeps it.
    `tolerance`: also find how far off, relatively, all weights may be. `longest`: where it does not hold, also find the
    greatest length for which the program compiles in this precision.

    Raises InputError for unknown options and for a model without its graph and alignment; TypeError for no model.
    """
    if not isinstance(model, Model):
        raise wrong_kind("model", model, "a compiled model")
    given = {"name": dtype, "summation": summation, "accumulate": accumulate, "probabilities": probabilities}
    own = model.precision.to_json() if dtype is None else {}
    precision = precision_of(**own | {option: value for option, value in given.items() if value is not None})
    if model.graph is not None and model.alignment.variables and plan_of(model) is None:
        return unplanned(model, model.graph, precision)
    plan = examined(model)
    found = examine(model, plan, precision)
    if tolerance:
        found = structs.replace(found, tolerance=tolerance_of(plan, precision))
    if longest:
        found = structs.replace(found, longest=longest_length(model, found, precision))
    links = (structs.replace(k, example=example(plan.graph, k.at)) if k.at else k for k in found.links)
    return structs.replace(found, links=tuple(links))


def longest_length(model: Model, found: Certificate, precision: Precision) -> int:
    """The greatest length for which the program compiles in this precision: that of the model, or a shorter one."""
    graph = model.as_written
    if found.holds:
        return graph.max_seq_len
    program = as_program(graph)
    options = replace(model.options.leaving_out(("solver",)), precision=precision)

    def make(length: int) -> object:
        shorter = build(program, graph.vocab, length, graph.causal, model.options.without, graph.where)
        return compile_graph(shorter, options=options)

    return limits.longest(make, graph.max_seq_len)


def example(graph: Graph, at: Mapping[int, int]) -> tuple[Any, ...] | None:
    """An input in which variables take these values, at one position or as key and query; None if none was found."""
    if not at:
        return None
    for batch in search_of(graph).batches:
        run = run_graph(graph, batch)
        hits = np.ones(len(batch.lengths), bool)
        for place, value in at.items():
            if not isinstance(graph.variable(place).domain, Listed):
                return None
            hits &= ((run.column(place).ids == value) & batch.real).any(axis=1)
        if (rows := np.flatnonzero(hits)).size:
            length = int(batch.lengths[rows[0]])
            return tuple(graph.vocab[i] for i in batch.ids[rows[0], :length])
    return None


def examined(model: Model) -> Examined:
    """The plan of a model beside its weights. Raises InputError for a model without a plan."""
    if model.graph is None or not model.alignment.variables:
        raise InputError(
            "the model holds no graph or no alignment to certify it by; compile it again, or load a whole directory"
        )
    plan = plan_of(model)
    if plan is None:
        raise InputError("the model was saved without a plan; compile it again")
    return weights.examined(plan, model)


def tolerance_of(plan: Examined, precision: Precision) -> float:
    """By how much, relative to its size, every weight may be off at once: the largest power of 2^½ that is proved."""

    def holds(steps: int) -> bool:
        shaken = replace(precision, weight_error=2.0 ** (-steps / 2))
        return all(link.holds for link in prove(plan, shaken))

    steps = _first(holds, 0, 2 * STEPS)
    return 0.0 if steps is None else float(2.0 ** (-steps / 2))


def _first(holds: Callable[[int], bool], low: int, high: int) -> int | None:
    """The least number from low to high that holds, if larger ones do too."""
    if not holds(high):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low
