"""A circuit as tools see a model: heads and whole MLPs, one node for all embeddings, and an edge to each later.

Nodes and edges are called as EAP-IG and MIB call them: `input`, `a0.h1`, `m0`, `logits`; `input->a0.h1<q>`,
`m0->logits`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from raspc import arguments
from raspc.errors import InputError
from raspc.lab.circuits import Circuit
from raspc.lab.edges import pair_name
from raspc.lab.engine import EMBEDDINGS, INPUT
from raspc.lab.wires import LOGITS, head_name, mlp_name

CHANNELS = ("q", "k", "v")
MOST_EDGES = 1 << 22
"""A graph with more edges is refused."""
_EDGE = re.compile(r"(?P<writer>[^<>\s]+)->(?P<reader>[^<>\s]+?)(<(?P<channel>[qkv])>)?")
_MLP = re.compile(r"(m\d+)(\.n\d+|\.bias)?")
_BIAS = re.compile(r"a\d+\.bias")


@dataclass(frozen=True)
class Marked:
    """What a tool says of an edge or a node: its score, if it has one, and whether it is in the circuit."""

    score: float | None = None
    in_graph: bool = False


@dataclass(frozen=True, eq=False)
class ToolGraph:
    """All edges of a model of this shape, and all nodes but `logits`, each with its mark; see the head of this file."""

    n_layers: int
    n_heads: int
    d_model: int
    edges: Mapping[str, Marked] = field(repr=False)
    nodes: Mapping[str, Marked] = field(repr=False)

    @cached_property
    def chosen(self) -> tuple[str, ...]:
        """The edges of the circuit."""
        return tuple(name for name, mark in self.edges.items() if mark.in_graph)

    @property
    def scores(self) -> dict[str, float]:
        """The edges that have a score."""
        return {name: mark.score for name, mark in self.edges.items() if mark.score is not None}

    @property
    def shape(self) -> tuple[int, int]:
        """(layers, heads)."""
        return self.n_layers, self.n_heads

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ToolGraph) and self._facts() == other._facts()

    __hash__ = None  # type: ignore[assignment]

    def _facts(self) -> tuple[object, ...]:
        return (*self.shape, self.d_model, dict(self.edges), dict(self.nodes))


def tool_graph(
    circuit: Circuit, scores: Mapping[str, float] | None = None, chosen: Collection[str] | None = None, *,
    node_scores: Mapping[str, float] | None = None, min_heads: int = 1,
) -> ToolGraph:  # fmt: skip
    """A circuit as tools see it.

    `scores`: of edges, called as above or as in a `Task`; without them 1 for an edge of the circuit and 0 for others.
    `chosen`: the names of the edges in the circuit; without them all that there are in the weights, interference apart:
    what a Haar rotation rounds, or a compression lets overlap, is no edge of the program. `node_scores`: of
    nodes; without them they have none. `min_heads`: that of `model.to("transformer_lens", min_heads=…)`.

    Neurons, and the bias of an MLP, belong to the MLP, which gets their largest score. The bias of attention belongs to
    no node in these tools.

    Raises InputError for a name that no edge has, a score that is no finite number, or layers of different widths.
    """
    arguments.an(Circuit, "circuit", circuit, "the circuit of a model")
    config = circuit.model.config
    arguments.whole("min_heads", min_heads, 0)
    heads = max(config.width_for("a tool's format").n_heads, min_heads)
    names = tuple(edges_of(config.n_layers, heads))
    there = chosen if chosen is not None else _meant(circuit)
    known = set(names)
    inside = {name for edge in _each("chosen", there) if (name := merged(edge, known)) is not None}
    told = _largest(scores, lambda name: merged(name, known)) if scores is not None else None
    marks = {
        name: Marked(float(name in inside) if told is None else told.get(name, 0.0), name in inside) for name in names
    }
    own = tuple(nodes_of(config.n_layers, heads))
    of_nodes = {} if node_scores is None else _largest(node_scores, lambda name: _node(name, set(own)))
    touched = {node for name in inside for node in parts(name)[:2]}
    nodes = {node: Marked(of_nodes.get(node, None if node_scores is None else 0.0), node in touched) for node in own}
    return ToolGraph(config.n_layers, heads, config.d_model, marks, nodes)


def _meant(circuit: Circuit) -> list[str]:
    """The pairs that are connected by more than interference."""
    is_meant = {pair: any("interference" not in edge.flags for edge in edges) for pair, edges in circuit.pairs.items()}
    return [pair_name(pair) for pair, meant in is_meant.items() if meant]


def nodes_of(n_layers: int, n_heads: int) -> Iterator[str]:
    """All that write, in the order of EAP-IG."""
    yield INPUT
    for layer in range(n_layers):
        yield from (head_name(layer, head) for head in range(n_heads))
        yield mlp_name(layer)


def edges_of(n_layers: int, n_heads: int) -> Iterator[str]:
    """All edges, in the order of EAP-IG. Raises InputError for too many."""
    count = sum(
        (1 + layer * (n_heads + 1)) * 3 * n_heads + 1 + layer * (n_heads + 1) + n_heads for layer in range(n_layers)
    )
    if count > MOST_EDGES:
        raise InputError(
            f"a graph of {n_layers} layers of {n_heads} heads has {count:,} edges, the limit is {MOST_EDGES:,}"
        )
    stream = [INPUT]
    for layer in range(n_layers):
        heads = [head_name(layer, head) for head in range(n_heads)]
        yield from (f"{writer}->{head}<{side}>" for writer in stream for head in heads for side in CHANNELS)
        stream += heads
        yield from (f"{writer}->{mlp_name(layer)}" for writer in stream)
        stream.append(mlp_name(layer))
    yield from (f"{writer}->{LOGITS}" for writer in stream)


def parts(name: str) -> tuple[str, str, str | None]:
    """(writer, reader, channel) of a name. Raises InputError for what is no name of an edge."""
    found = _EDGE.fullmatch(name) if isinstance(name, str) else None
    if found is None:
        raise InputError(f"{name!r} is no name of an edge, needed one as 'input->a0.h0<q>' or 'm0->logits'")
    return found["writer"], found["reader"], found["channel"]


def merged(name: str, known: Collection[str]) -> str | None:
    """The edge of whole parts that an edge belongs to; None where it comes from a bias of attention.

    Raises InputError for an edge that is not among the known ones.
    """
    writer, reader, channel = parts(name)
    if _BIAS.fullmatch(writer):
        return None
    found = f"{_whole(writer)}->{_whole(reader)}" + (f"<{channel}>" if channel else "")
    if found not in known:
        raise InputError(f"{name!r} is no edge of a model of this shape, which are called as 'input->a0.h0<q>'")
    return found


def _whole(node: str) -> str:
    if node in EMBEDDINGS:
        return INPUT
    found = _MLP.fullmatch(node)
    return node if found is None else found[1]


def _node(name: str, known: Collection[str]) -> str | None:
    if isinstance(name, str) and _BIAS.fullmatch(name):
        return None
    found = _whole(name) if isinstance(name, str) else name
    if found == LOGITS:
        return None
    if found not in known:
        raise InputError(f"{name!r} is no node of a model of this shape, which are called as 'a0.h0' or 'm0'")
    return found


def _largest(scores: Mapping[str, float], place: Callable[[str], str | None]) -> dict[str, float]:
    """For each name the score that is furthest from 0."""
    arguments.an(Mapping, "scores", scores, "a score for each name")
    found: dict[str, float] = {}
    for name, score in scores.items():
        where = place(name)
        value = _number(name, score)
        if where is not None and abs(value) >= abs(found.get(where, 0.0)):
            found[where] = value
    return found


def _number(name: str, score: object) -> float:
    try:
        value = float(score)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"the score of {name!r} is {score!r}, needed a finite number")
    return value


def _each(what: str, names: Collection[str]) -> Collection[str]:
    if isinstance(names, str) or not isinstance(names, Collection):
        raise InputError(f"{what} is {names!r}, needed the names of edges")
    return names
