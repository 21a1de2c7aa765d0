"""The circuit of a compiled model: which part reads what of which other part, under the names of the program."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from raspc import arguments, doors
from raspc.errors import InputError, wrong_kind
from raspc.lab.activations import Seen, acts_of, inputs_for, most_inputs
from raspc.lab.edges import Edge, edges_of
from raspc.lab.flags import flagged, living_columns
from raspc.lab.frame import Frame, Matrix, framed
from raspc.lab.nodes import ModulePart, Node, nodes_of
from raspc.lab.spaces import Spaces, living
from raspc.lab.wires import GRANULARITIES, Granularity, Input, Output, Tenancy, inputs_of, outputs_of
from raspc.weights.model import Model

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Pair = tuple[str, str, str]
"""(writer, reader, channel)."""
ROUNDING = 1e-6
"""A weight that was 0 before a turn, and is now so much smaller than the others of its part, is rounding."""

NEEDED = "a list of inputs, each a list of tokens without BOS"


@dataclass(frozen=True, eq=False, repr=False)
class Circuit:
    """The nodes of a model and the edges between them: see `Node` and `Edge`.

    `granularity`: "component" (heads and whole MLPs; an edge for each space), "neuron" (neurons too), or "direction"
    (neurons, and an edge for each direction). `spaces`: where each variable lives. `seen`: the inputs by which it is
    told what varies. `sizes`: how many numbers each channel (node, channel) reads; `rows`: how many each node writes.
    `stock`: the model in whose parameters, of a stock family, the `model` was found.

    The matrices of all edges of a pair sum to the product of the weights, and a pair without edges has product 0.
    """

    model: Model = field(repr=False)
    granularity: Granularity
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    spaces: Spaces
    seen: Seen = field(repr=False)
    sizes: Mapping[tuple[str, str], int] = field(repr=False)
    rows: Mapping[str, int] = field(repr=False)
    stock: Model | None = field(default=None, repr=False)

    def node(self, name: str) -> Node:
        """The node with this name. Raises InputError for a name that no node has."""
        found = next((node for node in self.nodes if node.name == name), None)
        if found is None:
            raise InputError(f"the circuit has no node {name!r}; it has {', '.join(n.name for n in self.nodes[:12])} …")
        return found

    @cached_property
    def pairs(self) -> dict[Pair, tuple[Edge, ...]]:
        """The edges of each (writer, reader, channel): what tools call one edge."""
        found: dict[Pair, list[Edge]] = {}
        for edge in self.edges:
            found.setdefault(edge.pair, []).append(edge)
        return {pair: tuple(edges) for pair, edges in found.items()}

    def into(self, reader: str, channel: str | None = None) -> tuple[Edge, ...]:
        """The edges that lead to a node, in one channel or in all."""
        return tuple(e for e in self.edges if e.reader == reader and channel in (None, e.channel))

    def out_of(self, writer: str) -> tuple[Edge, ...]:
        """The edges that come from a node."""
        return tuple(e for e in self.edges if e.writer == writer)

    def of(self, variable: str) -> tuple[Edge, ...]:
        """The edges through which a variable is read."""
        return tuple(e for e in self.edges if e.variable == variable)

    def matrix(self, writer: str, reader: str, channel: str) -> Matrix:
        """The sum of the edges of a pair: W·R, as it is in the weights; zeros for a pair without edges."""
        found = self.pairs.get((writer, reader, channel), ())
        total = np.zeros((self.rows[writer], self.sizes[reader, channel]))
        for edge in found:
            total += edge.matrix
        return total

    @cached_property
    def interference(self) -> float:
        """The largest weight of an edge that is interference, as a part of the largest of all others; 0 for none."""
        return interference_in(self.edges)

    @cached_property
    def unread(self) -> tuple[str, ...]:
        """The spaces that somebody writes and nobody reads."""
        return tuple(name for name, space in self.spaces.items() if not space.is_read)

    def under(
        self, corruption: str, inputs: Any = "all", *, pairs: int = 4096, seed: int = 0, embeddings: str = "one"
    ) -> Any:
        """Which edges matter where others are corrupted, by "zero", "mean", "resample" or "shuffle": a `Truth`.

        See `raspc.lab.under.under`, which says what it takes and raises.
        """
        asked = {"pairs": pairs, "seed": seed, "embeddings": embeddings}
        return doors.through("under")(self, corruption, inputs, **asked)

    def faults(self) -> list[str]:
        """What is not true of the circuit, held against the weights and the program; nothing, if all is right."""
        found: list[str] = doors.through("faults")(self)
        return found

    def module(self, node: str, channel: str | None = None) -> ModulePart:
        """The module in which a node is found, and which of its numbers: see `raspc.lab.modules`.

        Of the one that reads in a channel it is what that module gives, else what the module reads that writes for the
        node. Raises InputError for a node or a channel that there is not.
        """
        found: ModulePart = doors.through("module_of")(self, self.node(node), channel)
        return found

    def table(self) -> str:
        """The edges as a text table."""
        return str(doors.through("table")(self))

    def to_json(self) -> dict[str, Any]:
        """Nodes, edges and spaces as JSON data, without matrices."""
        found: dict[str, Any] = doors.through("circuit_json")(self)
        return found

    def to_dot(self) -> str:
        """The circuit as Graphviz text: `dot -Tsvg`."""
        return str(doors.through("to_dot")(self))

    def to_svg(self) -> str:
        """The circuit as a picture."""
        return str(doors.through("to_svg")(self))

    def plot(self) -> Figure:
        """The circuit as a Matplotlib figure. Raises InputError where Matplotlib is missing."""
        found: Figure = doors.through("plot_circuit")(self)
        return found

    def save(self, path: str | PathLike[str]) -> None:
        """Write the circuit, as the ending says: `.html`, `.svg`, `.json`, `.dot` or `.gv` (Graphviz), `.txt`.

        Raises InputError for another ending, or a path that cannot be written.
        """
        doors.through("write_circuit")(self, path)

    def __str__(self) -> str:
        return self.table()

    def __repr__(self) -> str:
        by = f"by {self.granularity}s"
        return f"<circuit {by}: {len(self.nodes)} nodes, {len(self.edges)} edges; print it, or .save('circuit.html')>"

    def _repr_html_(self) -> str:
        return str(doors.through("circuit_html")(self))


def circuit(model: Model, granularity: str = "component", inputs: Sequence[Sequence[Any]] | None = None) -> Circuit:
    """The circuit of a model; `inputs`: by which it is told what varies, without BOS; by default all, or 1,024.

    Raises InputError for a model whose plan or basis is not known, another granularity, or a circuit that is too large.
    """
    if granularity not in GRANULARITIES:
        raise InputError(f"granularity is {granularity!r}, needed one of {', '.join(map(repr, GRANULARITIES))}")
    frame = framed(model)
    seen = seen_of(model, inputs)
    found = circuit_of(frame, granularity, seen)
    return found if model.config.held is None else replace(found, stock=model)


def seen_of(model: Model, inputs: Sequence[Sequence[Any]] | None, most: int | None = None) -> Seen:
    """The inputs that are asked for; else all, or so many. Raises InputError for one that the model cannot take."""
    if inputs is None:
        return inputs_for(model.as_written, most_inputs(model) if most is None else most)
    if isinstance(inputs, str):
        raise wrong_kind("inputs", inputs, NEEDED)
    rows = arguments.rows("inputs", inputs, NEEDED)
    if not any(rows):
        raise InputError("inputs: found no token in them; needed one input of at least one token")
    ids = model.encode_batch([[model.config.bos, *tokens] for tokens in rows])
    from raspc.graph.evaluate import Batch
    from raspc.graph.nodes import UNDEFINED

    tokens = np.where(ids[:, 1:] == model.config.pad_id, UNDEFINED, ids[:, 1:]).astype(np.int32)
    return Seen(Batch(tokens, (tokens != UNDEFINED).sum(axis=1), model.config.causal), False)


def circuit_of(frame: Frame, granularity: Granularity, seen: Seen) -> Circuit:
    """The circuit of a model in its frame."""
    by_neuron, spaces = granularity != "component", living(frame)
    tenancy = Tenancy.of(frame, spaces)
    nodes = tuple(nodes_of(frame, spaces, tenancy, by_neuron))
    outputs, inputs = list(outputs_of(frame, by_neuron)), list(inputs_of(frame, by_neuron))
    edges = _graded(frame, list(edges_of(outputs, inputs, tenancy, granularity)), granularity, spaces)
    rows, sizes = _sizes(outputs, inputs)
    heads = {node.name: 1 for node in nodes if node.kind == "head"}
    alive = living_columns(edges, sizes, rows, heads)
    acts = acts_of(frame.model, seen.batch, by_neuron)
    told = tuple(flagged(edges, nodes, acts, seen.batch.lengths, alive))
    return Circuit(frame.model, granularity, nodes, told, spaces, seen, sizes, rows)


def interference_of(frame: Frame) -> float:
    """The same of a model, without its circuit."""
    spaces = living(frame)
    outputs, inputs = list(outputs_of(frame, by_neuron=False)), list(inputs_of(frame, by_neuron=False))
    found = list(edges_of(outputs, inputs, Tenancy.of(frame, spaces), "component"))
    return interference_in(_graded(frame, found, "component", spaces))


def interference_in(edges: Sequence[Edge]) -> float:
    """The same among some edges."""
    largest = {True: 0.0, False: 0.0}
    for edge in edges:
        is_interference = "interference" in edge.flags
        largest[is_interference] = max(largest[is_interference], _largest(edge.matrix))
    return largest[True] / largest[False] if largest[True] else 0.0


def _sizes(outputs: Sequence[Output], inputs: Sequence[Input]) -> tuple[dict[str, int], dict[tuple[str, str], int]]:
    rows = {output.node: len(output.array) for output in outputs}
    return rows, {(found.node, found.channel): found.array.shape[1] for found in inputs}


def _graded(frame: Frame, edges: Sequence[Edge], granularity: Granularity, spaces: Spaces) -> list[Edge]:
    """Of a model in another basis: which edges were 0 as it was compiled, and are interference or a stray weight."""
    if frame.exact and frame.model.alignment.rotation is None:
        return list(edges)
    compiled, by_neuron = frame.compiled, granularity != "component"
    tenancy = Tenancy.of(compiled, spaces)
    known = edges_of(list(outputs_of(compiled, by_neuron)), list(inputs_of(compiled, by_neuron)), tenancy, granularity)
    keys = {edge.key if granularity == "direction" else edge.key[:5] for edge in known}
    is_rounding = _rounded(frame, by_neuron) if frame.exact else lambda edge: True

    def is_known(edge: Edge) -> bool:
        return (edge.key if granularity == "direction" else edge.key[:5]) in keys

    return [edge if is_known(edge) or not is_rounding(edge) else _as_interference(edge) for edge in edges]


def _rounded(frame: Frame, by_neuron: bool) -> Callable[[Edge], bool]:
    """Whether an edge is so small that it is rounding: a turn rounds a weight that takes all digits of float32."""
    wrote = {output.node: _largest(output.array) for output in outputs_of(frame, by_neuron)}
    read = {(one.node, one.channel): _largest(one.array) for one in inputs_of(frame, by_neuron)}

    def is_rounding(edge: Edge) -> bool:
        small = _largest(edge.write) < ROUNDING * wrote[edge.writer]
        return small or _largest(edge.read) < ROUNDING * read[edge.pair[1:]]

    return is_rounding


def _largest(array: Matrix) -> float:
    return float(np.abs(array).max(initial=0.0))


def _as_interference(edge: Edge) -> Edge:
    return replace(edge, flags=(edge.flags - {"stray"}) | {"interference"})
