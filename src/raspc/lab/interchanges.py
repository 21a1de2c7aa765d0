"""Interchange accuracy (Geiger et al. 2021): does swapping a subspace swap a variable, as it does in the program?

Somebody's alignment says: this variable is that subspace of the stream, after that stage. For pairs of inputs of one
length the subspace is taken from the source, its positions shuffled, while the base runs; the program does the same
with the variable. Where it has a value for that, the answers are compared.

An alignment that is given enough room scores well on any model. So each score stands beside three controls: random
subspaces as large; the alignment with its labels exchanged; and whether variables that are *not* aligned stay.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raspc import arguments
from raspc.blocks.spaces import reads_of
from raspc.certify.checking.answers import model_ids
from raspc.certify.checking.judging import expected_numbers
from raspc.errors import InputError
from raspc.graph.evaluate import Batch, Column, run_graph
from raspc.lab.activations import Floats, inputs_for, most_inputs
from raspc.lab.forcing import Forced, Ground
from raspc.lab.frame import as_plain
from raspc.lab.held import ELEMENTWISE, Held
from raspc.lab.program import beyond, place_of, replaced
from raspc.lab.spaces import Living
from raspc.lab.tasks import DTYPES
from raspc.lab.under import pairs_of
from raspc.numbers.precision import PRECISIONS
from raspc.numbers.promise import tolerance
from raspc.run import forward as run
from raspc.run.plain import Ids, hidden, prepare
from raspc.run.trace import Recorder, Trace
from raspc.weights.model import Model

RANDOM = 4
"""How many random subspaces are tried for each variable."""


@dataclass(frozen=True, eq=False)
class Subspace:
    """The span of the rows of `basis` [k, d_model], in the stream after a stage: −1 the embedding, 2l the attention of
    layer l, 2l + 1 its MLP."""

    stage: int
    basis: Floats


@dataclass(frozen=True)
class Interchange:
    """One variable of an alignment. Shares are of answers; None where there is none to compare.

    `accuracy`: of all possible answers; `changed`: of those that the swap changes in the program, which are `count`.
    Controls: `random`: the same as `changed` of random subspaces as large, the mean of four; `shuffled`: of the
    subspace of another variable of the alignment; `untouched`: of the values of variables that are not aligned, those
    that stay.
    """

    variable: str
    dims: int
    stages: tuple[int, ...]
    accuracy: float | None
    changed: float | None
    count: int
    random: float | None
    shuffled: float | None
    untouched: float | None


@dataclass(frozen=True)
class Interchanges:
    """The scores of an alignment. `pairs`: how many bases were run, with a source each, in `dtype`, by `seed`."""

    rows: tuple[Interchange, ...]
    pairs: int
    exhaustive: bool
    seed: int
    dtype: str

    @property
    def accuracy(self) -> float:
        """The mean over variables."""
        return float(np.mean([row.accuracy for row in self.rows if row.accuracy is not None] or [np.nan]))

    def __getitem__(self, variable: str) -> Interchange:
        for row in self.rows:
            if row.variable == variable:
                return row
        raise InputError(f"{variable!r} is not aligned; there are {', '.join(row.variable for row in self.rows)}")

    def to_json(self) -> dict[str, Any]:
        """The scores as JSON data."""
        return asdict(self)


Alignment = Mapping[str, Any]
"""For each variable a `Subspace`, a space of `model.spaces`, a pair (stage, basis), or several of these."""


def true_alignment(model: Model) -> dict[str, tuple[Subspace, ...]]:
    """Where the compiler put each variable that is read from its own directions alone.

    A function of others that its readers read off those is not among them: no subspace is that variable.
    """
    model = as_plain(model)
    ground = Ground(model)
    graph, lowered = ground.graph, ground.frame.plan.lowered
    found = {}
    for place, groups in lowered.home.items():
        spaces = [ground.spaces[group.space] for group in groups]
        if any(space.is_read for space in spaces) and _is_read_alone(ground, place, {s.name for s in spaces}):
            found[graph.labels[place]] = tuple(Subspace(s.from_stage, s.basis) for s in spaces)
    return found


def _is_read_alone(ground: Ground, place: int, spaces: set[str]) -> bool:
    """Whether all who depend on a variable read it, and not what it is a function of."""
    if not isinstance(ground.graph[place], ELEMENTWISE):
        return True
    plan = ground.frame.plan
    for site in ground.sites:
        for demand in site.demands:
            if any(place in ground.cones[part.place] and part.place != place for part in demand.parts):
                return False
        inner = ground.between(site, Forced({place: Column(np.zeros((0, 0), np.int32))}, np.zeros((0, 0), bool), {}))
        if inner and all(part.place != place for demand in site.demands for part in demand.parts):
            return False
    read = [r.maps for block in plan.lowered.blocks for r in reads_of(block)] + [plan.lowered.output.maps]
    return any(spaces & set(maps) for maps in read)


def iia(
    model: Model, alignment: Alignment | None = None, *, pairs: int = 512, seed: int = 0, dtype: str = "float64"
) -> Interchanges:
    """The interchange accuracy of an alignment, with its controls; of the true one, if none is given.

    `alignment`: see `Alignment`. A rotation R whose first k columns are to be a variable after a stage is
    `{name: Subspace(stage, R[:, :k].T)}`. `pairs`: the most pairs of inputs that are run.

    Raises InputError for a variable that the program does not have, and a basis or a stage that does not fit the model.
    """
    model = as_plain(model)
    ground = Ground(model)
    aligned = true_alignment(model) if alignment is None else alignment
    arguments.an(Mapping, "alignment", aligned, "a subspace for each variable, by name")
    if not aligned:
        raise InputError("the alignment holds no variable; needed at least one")
    places = {
        ground.graph.labels[place_of(ground.graph, name)]: _subspaces(model, name, at) for name, at in aligned.items()
    }
    question = Pairs(ground, pairs, seed, dtype)
    labels = list(places)
    rng = np.random.default_rng(seed)
    rows = []
    for i, label in enumerate(labels):
        own, other = places[label], places[labels[(i + 1) % len(labels)]]
        accuracy, changed, count, untouched = question.score(label, own, set(labels))
        drawn = [question.score(label, _random(own, rng), set())[1] for _ in range(RANDOM if count else 0)]
        shuffled = question.score(label, other, set())[1] if len(labels) > 1 else None
        dims = sum(np.linalg.matrix_rank(s.basis) for s in own)
        known = [value for value in drawn if value is not None]
        rows.append(
            Interchange(
                label, int(dims), tuple(s.stage for s in own), accuracy, changed, count,
                float(np.mean(known)) if known else None, shuffled, untouched,
            )
        )  # fmt: skip
    return Interchanges(tuple(rows), question.count, question.exhaustive, seed, dtype)


def _subspaces(model: Model, name: str, at: Any) -> tuple[Subspace, ...]:
    """What an alignment says of one variable. Raises InputError for what is no subspace of the model's stream."""
    if isinstance(at, Living):
        return (Subspace(at.from_stage, at.basis),)
    if isinstance(at, Subspace):
        found: tuple[Subspace, ...] = (at,)
    elif isinstance(at, tuple | list) and len(at) == 2 and isinstance(at[0], int | np.integer):
        found = (Subspace(int(at[0]), _basis(name, at[1])),)
    elif isinstance(at, tuple | list) and at:
        found = tuple(one for part in at for one in _subspaces(model, name, part))
    else:
        raise InputError(f"{name}: found {type(at).__name__}, needed a Subspace, a space, or (stage, basis)")
    for one in found:
        if one.basis.size and not np.isfinite(one.basis).all():
            raise InputError(f"{name}: found a basis with NaN or an infinity, needed finite numbers")
        if one.basis.ndim != 2 or one.basis.shape[1] != model.config.d_model:
            raise InputError(f"{name}: found a basis of shape {one.basis.shape}, needed (k, {model.config.d_model})")
        if not -1 <= one.stage < 2 * model.config.n_layers:
            raise InputError(
                f"{name}: found the stage {one.stage}, needed one from −1 to {2 * model.config.n_layers - 1}"
            )
    return found


def _basis(name: str, given: Any) -> Floats:
    """A basis as an array. Raises InputError for what holds no numbers."""
    try:
        return np.atleast_2d(np.asarray(given, np.float64))
    except (TypeError, ValueError):
        raise InputError(f"{name}: the basis is no array of numbers, needed a row for each direction") from None


def _random(own: Sequence[Subspace], rng: np.random.Generator) -> tuple[Subspace, ...]:
    """Subspaces of the same sizes in random directions."""
    return tuple(Subspace(s.stage, rng.normal(size=s.basis.shape)) for s in own)


class Pairs:
    """Pairs of inputs, and what program and model make of them."""

    def __init__(self, ground: Ground, most: int, seed: int, dtype: str) -> None:
        arguments.whole("pairs", most, 1)
        arguments.whole("seed", seed, 0)
        self.ground, self.model, self.dtype = ground, ground.model, float_format(dtype)
        seen = inputs_for(self.model.as_written, most_inputs(self.model), seed)
        base, source, order, self.exhaustive = pairs_of(seen, "shuffle", most, seed)
        self.count, self.order = len(base), order
        self.base, self.source = (_rows(seen.batch, rows) for rows in (base, source))
        self.ids, self.theirs = (model_ids(self.model, batch) for batch in (self.base, self.source))
        self.plain = run_graph(ground.graph, self.base)
        self.ran = run_graph(ground.graph, self.source)
        self.trace = self.run(self.theirs, lambda stage, x: x)

    def run(self, ids: Ids, edit: Callable[[int, Any], Any]) -> Trace[Any]:
        """A run in which `edit` may replace the stream after each stage."""
        recorder: Recorder[Any] = Recorder()
        stage = -2

        def see(name: str, x: Any) -> Any:
            nonlocal stage
            if name in ("input_embeddings", "residuals"):
                stage += 1
                x = edit(stage, x)
            return recorder(name, x)

        weights = prepare(self.model.params, self.model.config, self.dtype)
        run.forward(weights, ids, hidden(weights.config, ids), weights.how, see)
        return recorder.trace()

    def score(
        self, label: str, own: Sequence[Subspace], aligned: set[str]
    ) -> tuple[float | None, float | None, int, float | None]:
        """Accuracy over all possible answers, over those that change, how many these are; what stays untouched."""
        place = self.ground.graph.labels.index(label)
        goal, counted = self.goal(label)
        before = self.plain.column(self.ground.graph.output)
        trace = self.run(self.ids, self._swap(own))
        right, differs = self._right(trace.unembedded[:, 1:], goal), self._differs(goal, before) & counted
        stays = self._untouched(own, place, aligned, trace) if aligned else None
        accuracy = float(right[counted].mean()) if counted.any() else None
        return accuracy, float(right[differs].mean()) if differs.any() else None, int(differs.sum()), stays

    def goal(self, label: str) -> tuple[Column, NDArray[np.bool_]]:
        """What the program answers with a variable swapped, and [input, position] where it has an answer."""
        graph = self.ground.graph
        place = graph.labels.index(label)
        column = self._shuffled(self.ran.column(place))
        told = replaced(graph, self.base, Forced({place: column}, self.base.real, {}))
        gone = told.undefined | beyond(graph, told, self.base) | self.ran.undefined | self.plain.undefined
        return told.column(graph.output), self.base.real & ~gone[:, None]

    def _shuffled(self, column: Column) -> Column:
        order = self.order[:, 1 : 1 + column.ids.shape[1]] - 1
        ids = np.take_along_axis(column.ids, order, axis=1)
        return Column(ids, None if column.numbers is None else np.take_along_axis(column.numbers, order, axis=1))

    def _swap(self, own: Sequence[Subspace]) -> Callable[[int, Any], Any]:
        real = np.zeros(self.ids.shape, bool)
        real[:, 1:] = self.base.real
        streams = [self.trace.input_embeddings, *self.trace.residuals]

        def edit(stage: int, x: Any) -> Any:
            for one in own:
                if one.stage == stage:
                    theirs = np.take_along_axis(streams[stage + 1], self.order[..., None], axis=1)
                    moved = (theirs - x) @ projection(one.basis).astype(x.dtype)
                    x = np.where(real[..., None], x + moved, x)
            return x

        return edit

    def _untouched(self, own: Sequence[Subspace], place: int, aligned: set[str], trace: Trace[Any]) -> float | None:
        """Of variables that the alignment does not name, how many values stay, right after the last swap."""
        graph, stage = self.ground.graph, max(one.stage for one in own)
        stream = np.asarray([trace.input_embeddings, *trace.residuals][stage + 1], np.float64)[:, 1:]
        stored = self.ground.stored(stage + 1)
        nothing = np.zeros(self.base.ids.shape, bool)
        held = Held(graph, self.base, stream, stored, {}, nothing, nothing.copy())
        kept = []
        for other in stored:
            written = max(space.from_stage for space, _ in stored[other])
            if other == place or graph.labels[other] in aligned or written > min(one.stage for one in own):
                continue
            found, right = held.column(other), self.plain.column(other)
            if found.numbers is None:
                kept.append((found.ids == right.ids)[self.base.real])
        return float(np.concatenate(kept).mean()) if kept else None

    def _right(self, logits: Any, goal: Column) -> NDArray[np.bool_]:
        """[input, position]: whether the model gives the answer."""
        if self.model.config.output.kind == "categorical":
            return np.asarray(logits.argmax(axis=-1) == goal.ids)
        special, which, numbers = expected_numbers(goal, self.ground.graph.variable(self.ground.graph.output).domain)
        indicators = logits[..., 1:]
        says = (indicators > 0.5).any(axis=-1) if indicators.shape[-1] else np.zeros(goal.ids.shape, bool)
        answer = indicators.argmax(axis=-1) if indicators.shape[-1] else np.zeros(goal.ids.shape, int)
        near = np.abs(logits[..., 0] - numbers) <= tolerance(numbers, PRECISIONS["float32"])
        return np.asarray((says == special) & np.where(special, answer == which, near))

    @staticmethod
    def _differs(goal: Column, before: Column) -> NDArray[np.bool_]:
        found = goal.ids != before.ids
        if goal.numbers is not None and before.numbers is not None:
            found = found | (np.abs(goal.numbers - before.numbers) > 0.02)
        return np.asarray(found)


def float_format(dtype: Any) -> np.dtype[Any]:
    """The format in which a model is run. Raises InputError for one that is not float64 or float32."""
    try:
        found = np.dtype("float64" if dtype is None else dtype)
    except (TypeError, ValueError, SyntaxError):  # of a text that is no name at all, such as half a surrogate
        found = np.dtype(bool)
    if found.name not in DTYPES:
        raise InputError(f"dtype is {dtype!r}, needed one of {', '.join(map(repr, DTYPES))}")
    return found


def projection(basis: Floats) -> Floats:
    """[d_model, d_model]: onto the span of the rows."""
    _, s, v = np.linalg.svd(np.asarray(basis, np.float64), full_matrices=False)
    kept = v[s > 1e-9 * max(float(s.max(initial=0.0)), 1e-30)]
    found: Floats = kept.T @ kept
    return found


def _rows(batch: Batch, rows: Ids) -> Batch:
    return Batch(batch.ids[rows], batch.lengths[rows], batch.causal)
