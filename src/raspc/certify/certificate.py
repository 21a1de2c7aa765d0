"""The certificate: every decision of a model with the margin that it needs and the margin that it has.

`proved`: every margin follows from sound bounds (see `bounds`). Where a bound is too coarse to decide, the
model is run against its program instead, and the certificate says that it was measured, not proved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from raspc.blocks import features as F
from raspc.blocks.demand import Demands
from raspc.blocks.lower import Lowered
from raspc.blocks.readiness import Group
from raspc.blocks.spaces import BOS, Head, Neurons
from raspc.certify.bounds import (
    PRECISIONS,
    Bound,
    Held,
    Link,
    Precision,
    bound,
    embedded,
    head_error,
    neuron_error,
    score_bounds,
)
from raspc.certify.check import ABSOLUTE, check
from raspc.errors import CertificateError
from raspc.graph.nodes import Floats, Graph, Interval
from raspc.weights.model import Model

MEASURED = 500
"""How many inputs a model is run on, at most, where a bound does not decide."""
MEASURED_PAIRS = 1 << 22
"""How many (query, key) pairs these inputs may have in all, so that long ones are few."""


@dataclass(frozen=True)
class Certificate:
    """What is known of a model in one precision. `links`: its decisions, the weakest first."""

    dtype: str
    max_seq_len: int
    proved: bool
    holds: bool
    links: tuple[Link, ...]
    assumptions: tuple[str, ...]
    measured: Mapping[str, Any] | None = None
    summation: str = "any order"

    @property
    def weakest(self) -> Link | None:
        """The decision whose margin is used up most."""
        return self.links[0] if self.links else None

    def to_json(self) -> dict[str, Any]:
        """The certificate as JSON data."""
        return {
            "dtype": self.dtype,
            "summation": self.summation,
            "max_seq_len": self.max_seq_len,
            "holds": self.holds,
            "proved": self.proved,
            "measured": None if self.measured is None else dict(self.measured),
            "assumptions": list(self.assumptions),
            "links": [link.to_json() for link in self.links],
        }


def certify(model: Model, graph: Graph, needs: Demands, lowered: Lowered, dtype: str = "float32") -> Certificate:
    """The certificate of a model; measured where it cannot be proved.

    Raises CertificateError if a margin does not hold.
    """
    links = prove(graph, needs, lowered, model.config.d_head, PRECISIONS[dtype])
    proved = all(link.holds for link in links)
    found = Certificate(dtype, graph.max_seq_len, proved, proved, links, graph.notes)
    if proved:
        return found
    report = check(model, limit=max(16, min(MEASURED, MEASURED_PAIRS // (graph.max_seq_len + 1) ** 2)))
    if not report.ok:
        weakest = found.weakest
        assert weakest is not None
        raise CertificateError(
            f"in {dtype} the margins do not hold at length {graph.max_seq_len}: the weakest link is the {weakest.kind} "
            f"of {weakest.name}, which needs {weakest.needed:.3g} of {weakest.present:.3g} {weakest.unit}; the input "
            f"{list(report.tokens or ())!r} shows it; shorten the maximum length, or compile with certify=False"
        )
    measured = {"inputs": report.checked, "exhaustive": report.exhaustive, "max_error": report.max_error}
    return replace(found, holds=True, measured=measured)


def prove(graph: Graph, needs: Demands, lowered: Lowered, d_head: int, precision: Precision) -> tuple[Link, ...]:
    """All decisions of a model, the weakest first."""
    prover = _Prover(graph, needs, lowered, d_head, precision)
    for block in lowered.blocks:
        prover.head(block) if isinstance(block, Head) else prover.neurons(block)
    prover.output()
    return tuple(sorted(prover.links, key=lambda link: (-link.used, link.name, link.kind)))


class _Prover:
    """Walks the blocks in order, with bounds on all that the stream holds."""

    def __init__(self, graph: Graph, needs: Demands, lowered: Lowered, d_head: int, precision: Precision) -> None:
        self.graph, self.needs, self.lowered = graph, needs, lowered
        self.d_head, self.precision, self.n = d_head, precision, graph.max_seq_len
        self.groups = {g.space: (place, g) for place, groups in lowered.home.items() for g in groups}
        tables = {**lowered.embeddings, **lowered.positions}
        self.stream = {space: embedded(code, precision) for space, code in tables.items()}
        self.links: list[Link] = []

    def code(self, space: str) -> Any:
        """All that a space can hold at a real position."""
        place, group = self.groups[space]
        domain = self.graph.variable(place).domain
        return group.code if not isinstance(domain, Interval) else _extremes(domain, group)

    def head(self, head: Head) -> None:
        scores = score_bounds(head, self.stream, self.d_head, self.n, self.precision)
        self.links.append(Link("separation", head.name, scores.needed, scores.present, "steps of the penalty"))
        value = self.value(head)
        error, grain = head_error(head, scores, value, self.n, self.precision)
        for space, matrix in head.write.maps.items():
            picked = np.abs(matrix)
            self.stream[space] = Held(
                self.code(space),
                error @ picked,
                np.where(picked.any(axis=0), (grain[:, None] * picked).sum(axis=0), 0.0),
            )

    def value(self, head: Head) -> Bound:
        """What the head reads at keys; BOS holds the default, whose size counts as well."""
        found = bound(head.value, self.stream, self.precision)
        default = np.abs(head.value.bias + head.value.maps.get(BOS, np.zeros((1, head.value.width)))[0])
        return replace(found, size=np.maximum(found.size, default))

    def neurons(self, block: Neurons) -> None:
        read = bound(block.read, self.stream, self.precision)
        written, needed = neuron_error(block, read, self.precision)
        steps = np.flatnonzero(block.slack > 0)
        if len(steps):
            worst = steps[(needed[steps] / block.slack[steps]).argmax()]
            self.links.append(
                Link("staircase", block.name, float(needed[worst]), float(block.slack[worst]), "half-widths of a ramp")
            )
        for space, (error, grain) in written.items():
            self.stream[space] = Held(self.code(space), error, grain)

    def output(self) -> None:
        """The margin of the answer: half the least lead of a logit, or the error that a number may have."""
        label = self.graph.labels[self.graph.output]
        read = bound(self.lowered.output, self.stream, self.precision)
        if self.needs.numerical_output:
            self.links.append(Link("number", label, float(read.error[0]), ABSOLUTE, "absolute error"))
            if len(read.error) > 1:
                self.links.append(Link("special values", label, float(read.error[1:].max()), 0.5, "of an indicator"))
            return
        lead = _least_lead(self.needs.output)
        self.links.append(Link("answer", label, float(2 * read.error.max(initial=0.0)), lead, "logits"))


def _extremes(domain: Interval, group: Group) -> Floats:
    """The ends of an interval and its special values, as rows of a code."""
    ends = np.zeros((2, F.size(domain)))
    ends[:, 0] = domain.lo, domain.hi
    return np.vstack([ends @ group.code, group.code[1:]])


def _least_lead(logits: Floats) -> float:
    """The least distance from a right logit to the best wrong one."""
    if len(logits) < 2:
        return float("inf")
    wrong = logits - np.where(np.eye(len(logits), dtype=bool), np.inf, 0.0)
    return float((np.diag(logits) - wrong.max(axis=1)).min())
