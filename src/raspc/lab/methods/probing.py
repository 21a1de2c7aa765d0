"""Linear probes with controls (Alain and Bengio 2017; Hewitt and Liang 2019): can a variable be read off the stream?

A probe that reads well shows that something is there, not that anybody uses it. So its accuracy stands beside that of a
control task, in which each kind of input position has a random label, beside the most frequent label, and beside
whether the model reads the variable's own directions at all.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from raspc import arguments
from raspc.certify.checking.answers import model_ids
from raspc.errors import InputError
from raspc.graph.evaluate import run_graph
from raspc.graph.nodes import Graph, Variable
from raspc.lab.activations import Floats, inputs_for, most_inputs
from raspc.lab.interchanges import float_format
from raspc.lab.program import place_of
from raspc.run.plain import Ids
from raspc.weights.model import Model

RIDGE = 1e-6


@dataclass(frozen=True)
class Probe:
    """How well a linear map reads a variable after a stage, on inputs that it was not fitted on.

    `control`: the same for random labels of (token, position); `selectivity`: the accuracy less that. `majority`: the
    share of the most frequent value. `is_read`: whether a part of the model reads the variable's own directions; None
    where it has none. `rows`: positions that it was fitted on; `inputs`, `seed`, `dtype`: of the runs.
    """

    variable: str
    stage: int
    accuracy: float
    control: float
    majority: float
    is_read: bool | None
    rows: int
    inputs: int
    seed: int
    dtype: str

    @property
    def selectivity(self) -> float:
        """Accuracy less that of the control task."""
        return self.accuracy - self.control

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self) | {"selectivity": self.selectivity}


def probe(model: Model, variable: str, stage: int, *, seed: int = 0, dtype: str = "float64") -> Probe:
    """A probe for a variable that is listed, by ridge regression on indicators; half of the inputs are held out.

    Stages count as in an alignment: −1 the embedding, 2l the attention of layer l, 2l + 1 its MLP.

    Raises InputError for a variable or a stage that the model does not have, and for values that are not listed.
    """
    arguments.an(Model, "model", model, "a compiled model")
    arguments.whole("stage", stage, -1, 2 * model.config.n_layers - 1)
    arguments.whole("seed", seed, 0)
    graph = model.tabulated
    label = variable_of(graph, variable)
    seen = inputs_for(model.as_written, most_inputs(model), seed)
    ids = model_ids(model, seen.batch)
    if len(ids) < 2:
        raise InputError("the model has but one input; a probe is fitted on half of the inputs and needs two")
    column = run_graph(graph, seen.batch).column(graph.labels.index(label))
    if column.numbers is not None:
        raise InputError(f"{label}: its values are not listed; a probe needs a variable with a list of values")
    real = ids[:, 1:] != model.config.pad_id
    order = np.random.default_rng(seed).permutation(len(ids))
    train, test = np.array_split(order, 2)
    stream = _stream(model, ids, stage, dtype)[:, 1:]
    labels, control = column.ids.astype(np.intp), _control(ids, seed, int(column.ids.max()) + 1)
    spaces = [space for space in model.spaces.values() if space.variable == label]
    counts = np.bincount(labels[real])
    return Probe(
        label, stage, _read(stream, labels, real, train, test), _read(stream, control, real, train, test),
        float(counts.max() / counts.sum()), any(space.is_read for space in spaces) if spaces else None,
        int(real[train].sum()), len(ids), seed, dtype,
    )  # fmt: skip


def variable_of(graph: Graph, name: str) -> str:
    """The label of a variable.

    Raises TypeError for what is no name, InputError for a name that the program does not have, and for a selector.
    """
    place = place_of(graph, arguments.an(str, "variable", name, "the name of a variable"))
    if not isinstance(graph[place], Variable):
        raise InputError(f"{graph.labels[place]} is a selector; needed a variable")
    return graph.labels[place]


def _stream(model: Model, ids: Ids, stage: int, dtype: str) -> Floats:
    trace = model.trace_ids(ids, float_format(dtype))
    return np.asarray([trace.input_embeddings, *trace.residuals][stage + 1], np.float64)


def _control(ids: Ids, seed: int, values: int) -> Ids:
    """A random label for each token at each position."""
    drawn = np.random.default_rng((seed, 1)).integers(0, max(2, values), (int(ids.max()) + 1, ids.shape[1]))
    return drawn[ids, np.arange(ids.shape[1])][:, 1:]


def _read(stream: Floats, labels: Ids, real: Any, train: Ids, test: Ids) -> float:
    """The accuracy on held-out inputs."""
    x, y = stream[train][real[train]], labels[train][real[train]]
    with_one = np.hstack([x, np.ones((len(x), 1))])
    goal = np.eye(int(labels.max()) + 1)[y]
    gram = with_one.T @ with_one + RIDGE * len(x) * np.eye(with_one.shape[1])
    weights = np.linalg.solve(gram, with_one.T @ goal)
    held = stream[test][real[test]]
    found = (np.hstack([held, np.ones((len(held), 1))]) @ weights).argmax(axis=1)
    return float((found == labels[test][real[test]]).mean())
