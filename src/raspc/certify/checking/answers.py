"""What a program or a model answers to a batch, in one form for both, so that any two can be compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raspc import values as V
from raspc.graph.domain import EVERYTHING
from raspc.graph.domain import Domain as InputDomain
from raspc.graph.evaluate import NUMBER, Batch, Column, decoded, run_graph
from raspc.graph.nodes import Aggregate, Best, Domain, Floats, Graph, Ids, Listed, Select, Sum, Table
from raspc.graph.permitted import permits
from raspc.graph.scores import all_ranked
from raspc.weights.encoders import decode_logits
from raspc.weights.model import Model

Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Answers:
    """[B, T]: the number of a special value, or −1 and a number; [B]: which inputs have an answer."""

    special: Ids
    numbers: Floats
    defined: Bools


@dataclass
class Codes:
    """Numbers for the values that are not numbers: equal ones, whoever answers them, get the same."""

    known: dict[Any, int] = field(default_factory=dict)

    def of(self, pool: Sequence[Any]) -> tuple[Ids, Floats]:
        """For each value its code, or −1 and the number that it is."""
        codes = [-1 if V.is_number(v) else self.known.setdefault(V.key(v), len(self.known)) for v in pool]
        numbers = [float(v) if V.is_number(v) else 0.0 for v in pool]
        return np.array([*codes, -1], np.int32), np.array([*numbers, 0.0], np.float64)

    def column(self, column: Column, domain: Domain, defined: Bools) -> Answers:
        """A column of a graph. The last entry of a pool stands for what is no value."""
        pool = domain.values if isinstance(domain, Listed) else domain.specials
        codes, numbers = self.of(pool)
        places = np.where(column.ids >= 0, column.ids, len(pool))
        held = numbers[places] if column.numbers is None else np.where(column.ids == NUMBER, column.numbers, 0.0)
        return Answers(codes[places], held, defined)

    def logits(self, model: Model, logits: Any, defined: Bools) -> Answers:
        """The logits [B, T, column] of a model, BOS left out."""
        codes, numbers = self.of(model.config.output.values)
        if model.config.output.kind == "categorical":
            places = logits.argmax(axis=-1)
            return Answers(codes[places], numbers[places], defined)
        indicators = logits[:, :, 1:]
        if not indicators.shape[-1]:
            return Answers(np.full(logits.shape[:2], -1, np.int32), logits[:, :, 0].astype(np.float64), defined)
        places = np.where(indicators.max(axis=-1) > 0.5, indicators.argmax(axis=-1), len(numbers) - 1)
        held = np.where(places < len(numbers) - 1, numbers[places], logits[:, :, 0].astype(np.float64))
        return Answers(codes[places], held, defined)


def differing(a: Answers, b: Answers, real: Bools, absolute: float, relative: float) -> Bools:
    """[B]: the inputs on which the answers differ, or one alone has an answer."""
    finite = np.isfinite(a.numbers) & np.isfinite(b.numbers)
    x, y = np.where(finite, a.numbers, 0.0), np.where(finite, b.numbers, 0.0)
    near = finite & (np.abs(x - y) <= absolute + relative * np.maximum(np.abs(x), np.abs(y)))
    same = near | (a.numbers == b.numbers) | (np.isnan(a.numbers) & np.isnan(b.numbers))
    wrong = ((a.special != b.special) | ~same) & real
    return np.asarray((wrong.any(axis=1) & a.defined & b.defined) | (a.defined != b.defined))


@dataclass(frozen=True, eq=False)
class Side:
    """One of two things to be compared: a model with its graph, if it has one, or a program's graph alone.

    `places`: for each token of the vocabulary that both share, its id here.
    """

    graph: Graph | None
    model: Model | None
    places: Ids
    dtype: Any = None

    @property
    def causal(self) -> bool:
        """Whether later keys are hidden."""
        return self.model.config.causal if self.model else bool(self.graph and self.graph.causal)

    def answers(self, batch: Batch, codes: Codes) -> Answers:
        """The answers to inputs of shared tokens."""
        own = self.own(batch)
        if self.model is None:
            assert self.graph is not None
            run = run_graph(self.graph, own)
            domain = self.graph.variable(self.graph.output).domain
            return codes.column(run.column(self.graph.output), domain, ~run.undefined)
        logits = self.model.logits(model_ids(self.model, own), self.dtype)
        return codes.logits(self.model, logits[:, 1:], self.defined(own))

    def defined(self, own: Batch) -> Bools:
        """A model of a program for a part of the inputs answers something on the rest: it is no answer."""
        if self.graph is None or not may_be_undefined(self.graph):
            return np.ones(len(own.lengths), bool)
        return ~run_graph(self.graph, own).undefined

    @property
    def where(self) -> InputDomain:
        """Which inputs it is for."""
        return EVERYTHING if self.graph is None else self.graph.where

    def permits(self, batch: Batch) -> Bools:
        """[B]: which inputs of shared tokens it is for."""
        return permits(self.where, () if self.graph is None else self.graph.vocab, self.own(batch))

    def own(self, batch: Batch) -> Batch:
        """The batch in the ids and under the mask of this side."""
        ids = np.where(batch.ids >= 0, self.places[np.maximum(batch.ids, 0)], batch.ids).astype(np.int32)
        return replace(batch, ids=ids, causal=self.causal)

    def shown(self, batch: Batch, row: int) -> tuple[Any, ...] | None:
        """The answer to one input as values; None where there is no answer."""
        length = int(batch.lengths[row])
        own = self.own(Batch(batch.ids[row : row + 1, :length], batch.lengths[row : row + 1], batch.causal))
        if not self.defined(own)[0]:
            return None
        return _from_model(self.model, own, self.dtype) if self.model else _from_graph(self.graph, own)


def _from_model(model: Model, own: Batch, dtype: Any) -> tuple[Any, ...]:
    ids = model_ids(model, own)
    return tuple(decode_logits(model.config, model.logits(ids, dtype), ids)[0][1:])


def _from_graph(graph: Graph | None, own: Batch) -> tuple[Any, ...]:
    assert graph is not None
    column = run_graph(graph, own).column(graph.output)
    return tuple(decoded(column, graph.variable(graph.output).domain, 0, int(own.lengths[0])))


def may_be_undefined(graph: Graph) -> bool:
    """Whether some node leaves room for an input on which the program is undefined."""
    return graph.exact_length is not None or any(map(_leaves_room(graph), graph.nodes))


def _leaves_room(graph: Graph) -> Callable[[Any], bool]:
    def room(node: Any) -> bool:
        if isinstance(node, Table | Select):
            return bool((node.cells < 0).any())
        if isinstance(node, Best):
            return not all_ranked(graph.variable(node.score).listed)
        promised = isinstance(node, Aggregate) and node.single
        return promised or (isinstance(node, Aggregate | Sum) and bool(graph.variable(node.source).domain.specials))

    return room


def model_ids(model: Model, batch: Batch) -> Any:
    """The model's ids for a batch of the graph: BOS in front, PAD behind; both number tokens alike."""
    ids = np.where(batch.ids < 0, model.config.pad_id, batch.ids).astype(np.intp)
    return np.hstack([np.full((len(ids), 1), model.config.bos_id, np.intp), ids])
