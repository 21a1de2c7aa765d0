"""Interventions by the names of the program: variables and selectors forced, patched from another input, or ablated.

    model.intervene({"opposite": 3})        # what the model answers where opposite is 3 everywhere
    model.patch(["BOS", "a", "b"], ["opposite"])   # where it is what it is on that input
    model.ablate(["opposite"], "mean")      # where its subspace holds its mean

Each gives a function of an input. What is right is what the *program* gives with that variable replaced; the answer of
that is `expected`, and where the program has none the output is marked `impossible`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from raspc import arguments, doors
from raspc.certify.checking.answers import model_ids
from raspc.errors import InputError
from raspc.graph.evaluate import Batch, Bools, Column, run_graph
from raspc.graph.nodes import UNDEFINED
from raspc.lab.activations import inputs_for, most_inputs
from raspc.lab.forcing import Edits, Forced, Ground, watched
from raspc.lab.frame import as_plain
from raspc.lab.program import Counterfactual, column_of, counterfactual, is_pattern, pattern_of, place_of
from raspc.lab.spaces import Living
from raspc.run import forward as run
from raspc.run.plain import Ids, hidden
from raspc.run.trace import Recorder, Trace
from raspc.values import Value
from raspc.weights.encoders import decode_logits
from raspc.weights.model import Model, ModelOutput

ABLATIONS = ("zero", "mean", "resample")


@dataclass(frozen=True, eq=False, repr=False)
class Intervened(ModelOutput):
    """The answer under an intervention, and the activations; of a stock model those of the plain one that it holds.

    `expected`: what the program gives with the variable replaced, BOS in front; None where that is `impossible`: the
    program has no value for the combination that was forced, or the subspace holds what stands for no value. `graded`:
    the model was compressed, or rotated by a Haar matrix, so that what it gives agrees with that to a degree only.
    `interference`: the `Circuit.interference` of such a model; 0 for others. `told`: what was done, for a person.
    """

    expected: list[Value] | None = None
    impossible: bool = False
    graded: bool = False
    interference: float = 0.0
    told: str = ""

    def __repr__(self) -> str:
        return str(doors.through("intervened_text")(self))


Forcing = Callable[[Batch], Forced]
"""What is forced on a batch."""


@dataclass(frozen=True, eq=False)
class Intervention:
    """A model of which something is forced: call it on an input, with BOS or without, as the model itself.

    `told`: for a person. `forcing`: what is forced on a batch.
    """

    ground: Ground
    told: str
    forcing: Forcing

    @property
    def model(self) -> Model:
        """The model."""
        return self.ground.model

    def __call__(self, tokens: Sequence[Value]) -> Intervened:
        """The answer to one input, and every activation. Raises InputError for one that the model cannot take."""
        ids, batch = _batch(self.model, [tokens])
        edits = self.edits(batch, ids)
        trace = traced(self.model, ids, edits)
        told = self.counterfactual(batch, edits.forced)
        found = _output(self.model, trace, ids, told, edits.raising)
        return replace(found, graded=self.graded, interference=self.ground.interference, told=self.told)

    @property
    def graded(self) -> bool:
        """Whether the model agrees with the program to a degree only."""
        return not self.ground.frame.exact

    def decoded(self, inputs: Sequence[Sequence[Value]]) -> tuple[list[list[Value]], list[list[Value] | None]]:
        """The answers to many inputs of one length, and what the program gives, None where it is impossible."""
        ids, batch = _batch(self.model, inputs)
        edits = self.edits(batch, ids)
        logits = traced(self.model, ids, edits).unembedded
        told = self.counterfactual(batch, edits.forced)
        found = decode_logits(self.model.config, logits, ids)
        gone = told.impossible | edits.raising.any(axis=1)
        bos = self.model.config.bos
        return found, [None if no else [bos, *row] for no, row in zip(gone, told.answers, strict=True)]

    def edits(self, batch: Batch, ids: Ids) -> Edits:
        """What is changed in a run on a batch: for hooks of any framework."""
        return Edits(self.ground, batch, self.forcing(batch), hidden(self.model.config, ids))

    def counterfactual(self, batch: Batch, forced: Forced) -> Counterfactual:
        """What the program gives."""
        return counterfactual(self.ground.graph, batch, forced)

    def __repr__(self) -> str:
        return f"<{self.told}>"


def intervene(model: Model, values: Mapping[str, Any], positions: Sequence[int] | None = None) -> Intervention:
    """The model with variables and selectors forced.

    `values`: for a variable a value of it, or a list with one for each position; for a selector a matrix (a row for
    each query), or a function of the positions of query and key. `positions`: of tokens, counted from 0 without BOS, at
    which variables are forced; all, if not given.

    Raises InputError for a name that the program does not have, what is no value of a variable, or a variable or
    selector that cannot be forced in this model; the last two when it is called.
    """
    ground = _ground(model)
    places = _places(ground, values)
    where = _positions(positions)

    def forcing(batch: Batch) -> Forced:
        columns = {
            place: column_of(ground.graph, place, value, batch)
            for place, value in places.items()
            if not is_pattern(ground.graph, place)
        }
        patterns = {
            place: pattern_of(ground.graph, place, value, batch)
            for place, value in places.items()
            if is_pattern(ground.graph, place)
        }
        return Forced(columns, where(batch), patterns)

    told = ", ".join(f"{name} = {value!r}" if not callable(value) else f"{name} = …" for name, value in values.items())
    return Intervention(ground, _in_plain(model, told), forcing)


def patch(
    model: Model, source: Sequence[Value], names: Sequence[str], positions: Sequence[int] | None = None
) -> Intervention:
    """The model with variables and selectors as they are on another input of the same length, with BOS or without.

    What they are there is what the program says; the model holds the same. Raises InputError as `intervene` does, and
    for a base of another length.
    """
    ground, names = _ground(model), arguments.names("names", names)
    places = _places(ground, dict.fromkeys(names))
    _, theirs = _batch(model, [source])
    ran, where = run_graph(ground.graph, theirs), _positions(positions)

    def forcing(batch: Batch) -> Forced:
        if (batch.lengths != theirs.lengths[0]).any():
            raise InputError(
                f"the source has {theirs.lengths[0]} tokens; needed a base of as many, found {batch.lengths[0]}"
            )
        return _taken(ground, places, ran, np.zeros(len(batch.lengths), np.intp), batch, where(batch))

    return Intervention(ground, _in_plain(model, f"{', '.join(names)} from {list(source)!r}"), forcing)


def _taken(ground: Ground, places: Mapping[int, Any], ran: Any, rows: Any, batch: Batch, where: Bools) -> Forced:
    """Columns and matrices of some inputs of another run."""
    columns, patterns, width = {}, {}, batch.ids.shape[1]
    for place in places:
        if is_pattern(ground.graph, place):
            patterns[place] = ran.matrix(place).transpose(1, 2, 0)[rows][:, :width, :width]
        else:
            column = ran.column(place)
            numbers = None if column.numbers is None else column.numbers[rows][:, :width]
            columns[place] = Column(column.ids[rows][:, :width], numbers)
    return Forced(columns, where, patterns)


def ablate(model: Model, names: Sequence[str], how: str = "zero", seed: int = 0) -> Intervention:
    """The model without some variables: "zero" or "mean" in their subspaces, or "resample": what they are on another
    input of the same length, drawn with the seed.

    Zero and the mean are no values of the program: what it gives is not said then. Raises InputError for a variable
    that is stored nowhere (with "resample" it is forced at its readers), and as `intervene` does.
    """
    ground, names = _ground(model), arguments.names("names", names)
    arguments.whole("seed", seed, 0)
    if how not in ABLATIONS:
        raise InputError(f"how is {how!r}, needed one of {', '.join(map(repr, ABLATIONS))}")
    places = _places(ground, dict.fromkeys(names))
    told = _in_plain(model, f"{', '.join(names)} by {how}")
    if how == "resample":
        return Intervention(ground, told, _resampled(ground, places, seed))
    return Erased(ground, told, lambda batch: Forced({}, batch.real, {}), _spaces(ground, names), how)


def _resampled(ground: Ground, places: Mapping[int, Any], seed: int) -> Forcing:
    def forcing(batch: Batch) -> Forced:
        domain = inputs_for(ground.graph, most_inputs(ground.model), seed).batch
        rng = np.random.default_rng(seed)
        rows = np.array([_other(domain, int(length), rng) for length in batch.lengths], np.intp)
        return _taken(ground, places, run_graph(ground.graph, domain), rows, batch, batch.real)

    return forcing


def _other(domain: Batch, length: int, rng: np.random.Generator) -> int:
    """An input of this length. Raises InputError where none was drawn."""
    found = np.flatnonzero(domain.lengths == length)
    if not len(found):
        raise InputError(f"no input of {length} tokens was drawn to resample from")
    return int(rng.choice(found))


@dataclass(frozen=True, eq=False)
class Erased(Intervention):
    """A model in whose stream some subspaces hold nothing, or their mean, from where they are written."""

    spaces: tuple[Living, ...] = ()
    how: str = "zero"

    def __call__(self, tokens: Sequence[Value]) -> Intervened:
        """The answer to one input."""
        ids, _ = _batch(self.model, [tokens])
        trace = self.trace(ids)
        decoded = decode_logits(self.model.config, trace.unembedded, ids)[0]
        return Intervened(
            **vars(trace), decoded=decoded, tokens=_tokens(self.model, ids), expected=None, impossible=True,
            graded=self.graded, interference=self.ground.interference, told=self.told,
        )  # fmt: skip

    def trace(self, ids: Ids) -> Trace[Any]:
        """A run, with the subspaces overwritten after the stages that write them, at the positions of tokens."""
        recorder: Recorder[Any] = Recorder()
        stage = -2

        def see(name: str, x: Any) -> Any:
            nonlocal stage
            if name in ("input_embeddings", "residuals"):
                stage += 1
                x = self.overwritten(stage, x, ids)
            return recorder(name, x)

        weights = self.model.weights
        run.forward(weights, ids, hidden(weights.config, ids), weights.how, see)
        return recorder.trace()

    def overwritten(self, stage: int, x: Any, ids: Ids) -> Any:
        """The stream after a stage: −1 is the embedding."""
        for space in self.spaces:
            if space.from_stage == stage:
                kept = self.means[space.name] if self.how == "mean" else np.zeros((1, len(space.basis)))
                new = x - (x @ space.reader - kept[: x.shape[1]]) @ space.basis
                real = (ids != self.model.config.pad_id) & (ids != self.model.config.bos_id)
                x = np.where(real[..., None], new, x).astype(x.dtype)
        return x

    @cached_property
    def means(self) -> dict[str, Any]:
        """Of each subspace the mean of what it holds over inputs, at each position [position, k]."""
        batch = inputs_for(self.ground.graph, most_inputs(self.model)).batch
        ids = model_ids(self.model, batch)
        trace = self.model.trace_ids(ids)
        streams, real = [trace.input_embeddings, *trace.residuals], ids != self.model.config.pad_id
        count = np.maximum(real.sum(axis=0), 1)[:, None]
        return {
            space.name: ((streams[space.from_stage + 1] @ space.reader) * real[..., None]).sum(axis=0) / count
            for space in self.spaces
        }


def _spaces(ground: Ground, names: Sequence[str]) -> tuple[Living, ...]:
    """The spaces of variables. Raises InputError for one that has none."""
    found: list[Living] = []
    for name in names:
        label = ground.graph.labels[place_of(ground.graph, name)]
        own = ground.spaces.of(label)
        if not own:
            raise InputError(
                f"{label} is stored nowhere in this model, so that it has no subspace; use how='resample', "
                "or compile at level 0"
            )
        found += own
    return tuple(found)


def _ground(model: Model) -> Ground:
    return Ground(as_plain(model))


def _in_plain(model: Model, told: str) -> str:
    """What is done, and in which model: of one in the parameters of a stock family in the plain one that they hold."""
    return (
        told
        if model.config.held is None
        else f"{told}, in the plain model that the parameters of {model.config.family} hold"
    )


def _places(ground: Ground, values: Mapping[str, Any]) -> dict[int, Any]:
    arguments.an(Mapping, "values", values, "a value for each name to force, as {'opposite': 1}")
    if not values:
        raise InputError("found nothing to force; needed at least one name")
    return {place_of(ground.graph, name): value for name, value in values.items()}


def _positions(positions: Sequence[int] | None) -> Callable[[Batch], Bools]:
    """Where variables are forced. Raises InputError for what is no list of positions."""
    if positions is not None:
        positions = arguments.items("positions", positions, "a list of positions of tokens, counted from 0 without BOS")
    if positions is not None and any(not isinstance(p, int) or isinstance(p, bool) or p < 0 for p in positions):
        raise InputError(f"positions are {positions!r}, needed numbers from 0, of tokens without BOS")

    def where(batch: Batch) -> Bools:
        if positions is None:
            return batch.real
        if any(position >= int(batch.lengths.max()) for position in positions):
            raise InputError(f"position {max(positions)} is behind the end of an input of {batch.lengths.max()} tokens")
        return batch.real & np.isin(np.arange(batch.ids.shape[1]), list(positions))

    return where


def _batch(model: Model, inputs: Sequence[Sequence[Value]]) -> tuple[Ids, Batch]:
    """Ids for the model, and the batch for the program. Raises InputError for inputs that the model cannot take."""
    rows = [arguments.items("tokens", tokens, "a sequence of tokens, with BOS or without") for tokens in inputs]
    opened = [[model.config.bos, *model.bare(row)] for row in rows]
    one = len(opened) == 1  # whose faults need no number
    ids = np.array([model.input_encoder.encode(opened[0])] if one else model.encode_batch(opened))
    real = (ids != model.config.pad_id)[:, 1:]
    tokens = np.where(real, ids[:, 1:], UNDEFINED).astype(np.int32)
    return ids, Batch(tokens, real.sum(axis=1).astype(np.int64), model.config.causal)


def traced(model: Model, ids: Ids, edits: Edits) -> Trace[Any]:
    """Every activation of a run with edits, in the model's own weights."""
    weights = model.weights
    return run.trace(watched(weights, edits), ids, hidden(weights.config, ids), weights.how)


def _output(model: Model, trace: Trace[Any], ids: Ids, told: Counterfactual, raising: Bools) -> Intervened:
    decoded = decode_logits(model.config, trace.unembedded, ids)[0]
    impossible = bool(told.impossible[0] or raising.any())
    expected = None if impossible else [model.config.bos, *told.answers[0]]
    given = _tokens(model, ids)
    return Intervened(**vars(trace), decoded=decoded, tokens=given, expected=expected, impossible=impossible)


def _tokens(model: Model, ids: Ids) -> list[Value]:
    """The input, with BOS."""
    return [model.config.vocab[i] for i in ids[0]]
