"""The circuit says what the weights are, and names it as the program does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.lab.circuits import random_models

import raspc
from raspc import lab, library
from raspc.compress import rotate
from raspc.lab.activations import acts_of
from raspc.lab.circuits import Circuit
from raspc.lab.engine import Engine
from raspc.weights.model import Model

SAVED = sorted(filter(Path.is_dir, (Path(__file__).parent.parent / "saved").glob("format*/*")))


@pytest.fixture(scope="module")
def readable() -> Model:
    """`reverse` with a direction for each value of everything."""
    return raspc.compile(library.reverse(), "abc", 5, optimize=0)


@pytest.fixture(scope="module")
def plain() -> Model:
    """`reverse` as it comes."""
    return raspc.compile(library.reverse(), "abc", 5)


@pytest.fixture(scope="module")
def compact() -> Model:
    """`sort_unique` at level 2: dimensions are used again."""
    return next(model for _, model in random_models(range(2, 3), (2,)))


def test_random_programs() -> None:
    """Edges sum to the weights, what is no edge is 0, the graph of edges is the model, names are the program's."""
    looked_at = 0
    for seed, model in random_models(range(100)):
        granularity = ("component", "direction", "neuron")[seed // 3 % 3]
        assert model.circuit(granularity).faults() == [], (seed, granularity)
        looked_at += 1
    assert looked_at >= 90


@pytest.mark.slow
def test_many_random_programs() -> None:
    """The same of 1,000 programs at every level, by components and by directions."""
    looked_at = set()
    for seed, model in random_models(range(1000), (0, 1, 2), wide=True):
        for granularity in ("component", "direction") if model.config.d_mlp <= 400 else ("component",):
            assert model.circuit(granularity).faults() == [], (seed, granularity)
        looked_at.add(seed)
    assert len(looked_at) >= 950


def test_the_edges_of_reverse(plain: Model) -> None:
    """Each line of the program is a path: where to look is computed, then looked up."""
    circuit = plain.circuit()
    told = {edge.name: (edge.variable, edge.rank, sorted(edge.flags)) for edge in circuit.edges if edge.varies}
    assert told == {
        "tokens->a1.h0<v> tokens": ("tokens", 2, ["varying"]),
        "positions->m0 indices": ("indices", 1, ["positional"]),
        "positions->a1.h0<k> indices": ("indices", 2, ["positional"]),
        "a0.h0->m0 length.share": ("length", 1, ["varying"]),
        "m0->a1.h0<q> opposite": ("opposite", 1, ["varying"]),
        "a1.h0->logits reverse": ("reverse", 2, ["varying"]),
    }
    assert circuit.node("a1.h0").variables == ("reverse",) and circuit.node("a1.h0").selectors == ("mirrored",)
    assert {edge.variable for edge in circuit.edges if not edge.varies} == {"bos"}


def test_rank_is_what_is_read(plain: Model) -> None:
    """`opposite` lies in five directions; the head reads one number of it, which is 0 along `opposite:2`."""
    (edge,) = plain.circuit().of("opposite")
    assert len(plain.spaces["opposite"].labels) == 5 and edge.rank == 1 and edge.matrix.shape == (8, 3)
    read = {label for e in plain.circuit("direction").of("opposite") for label in e.labels}
    assert read == {*edge.labels} == {f"opposite:{i}" for i in (0, 1, 3, 4)}


def test_one_source_for_where_a_variable_lives(readable: Model) -> None:
    """The labels, the alignment and the spaces agree that `last` lives in directions of its own."""
    space = readable.spaces["last"]
    assert space.variable == "last" and (space.code == np.eye(5)).all()
    assert tuple(readable.residual_labels[dim] for dim in space.dims) == space.labels
    assert [s.name for s in readable.alignment.variables["last"].spaces] == ["last"]
    assert readable.alignment.variables["last"].neurons == readable.alignment.variables["length"].neurons
    assert [s.name for s in readable.spaces.of("length")] == ["length.share", "length"]
    for name, facts in readable.alignment.spaces.items():
        assert readable.spaces[name].dims == tuple(range(*facts.dims))
        assert all(label.startswith(readable.spaces[name].variable) for label in readable.spaces[name].labels)


def test_unread_and_inert(readable: Model) -> None:
    """A space that nobody reads, and the neurons that write it, are told."""
    circuit = readable.circuit("neuron")
    assert circuit.unread == ("length", "last")
    inert = {edge.reader for edge in circuit.edges if "inert" in edge.flags}
    assert inert == {node.name for node in circuit.nodes if node.variables == ("length", "last")}


def test_void_edges_cancel() -> None:
    """What an earlier tenant left in a direction, and what clears it, carry numbers that add up to 0 on every input."""
    seen = 0
    for _, model in random_models(range(24), (2,)):
        circuit = model.circuit("direction")
        void: dict[tuple[str, str], list[lab.Edge]] = {}
        for edge in circuit.edges:
            if "void" in edge.flags:
                void.setdefault((edge.reader, edge.channel), []).append(edge)
        acts = acts_of(model, circuit.seen.batch, by_neuron=True)
        for edges in void.values():
            carried = [acts[edge.writer] @ edge.matrix for edge in edges]
            assert np.abs(sum(carried)).max() <= 1e-9 * max(1.0, max(np.abs(c).max() for c in carried))
            assert any("clearing" in edge.flags for edge in edges)
            seen += len(edges)
    assert seen > 15


def test_the_graph_of_edges_is_the_model(plain: Model) -> None:
    """Run along its edges the circuit gives every activation of the model, and without an edge another answer."""
    circuit, ids = plain.circuit(), plain.encode_batch([["BOS", *"abcab"], ["BOS", *"cca"]])
    engine = Engine(circuit, merged=False)
    logits, acts = engine.run(ids)
    assert np.allclose(logits, plain.trace_ids(ids, np.float64).unembedded, atol=1e-12)
    nothing = {name: np.zeros_like(act) for name, act in acts.items()}
    cut, _ = engine.run(ids, nothing, [("m0", "a1.h0", "q")])
    assert (cut.argmax(-1) != logits.argmax(-1)).any()


@pytest.mark.parametrize("level", [0, 1])
@pytest.mark.parametrize("turned", ["permuted", "rotated", "both"])
def test_through_changes_of_basis(level: int, turned: str) -> None:
    """Exactly the same edges, under other numbers of heads and neurons and in another basis."""
    model = raspc.compile(library.sort(), [1, 2, 3], 4, optimize=level)
    other = lab.permute(model, 1) if turned != "rotated" else model
    other = rotate(other, 3) if turned != "permuted" else other
    before, after = (m.circuit("direction") for m in (model, other))
    assert after.faults() == [] and len(before.edges) == len(after.edges)
    alike = [sorted((e.channel, e.variable, e.labels, e.rank, e.weight) for e in c.edges) for c in (before, after)]
    assert alike[0] == alike[1]
    moved = [e.key for e in before.edges] != [e.key for e in after.edges]
    assert moved == (turned != "rotated")
    for space in after.spaces.values():
        held = space.basis @ space.basis.T
        assert (held == np.eye(len(held))).all()


def test_a_haar_rotation_is_graded(plain: Model) -> None:
    """In a basis that float32 rounds, what was 0 is nearly so, and told apart from the edges that there are."""
    before, after = plain.circuit(), rotate(plain, 3, haar=True).circuit()
    known = [edge for edge in after.edges if "interference" not in edge.flags]
    assert {edge.key[:5] for edge in known} == {edge.key[:5] for edge in before.edges}
    noise = [edge.weight for edge in after.edges if "interference" in edge.flags]
    assert noise and max(noise) < 1e-3 and after.faults() == []


def test_compressed(plain: Model) -> None:
    """Subspaces are images under W; what directions that are not orthogonal add is told as interference."""
    from raspc.compress import compress

    narrow = compress(plain, plain.config.d_model - 3, method="svd", faithfulness=False)
    circuit = narrow.circuit()
    assert circuit.faults() == []
    w = np.asarray(narrow.report.w)
    assert np.allclose(circuit.spaces["opposite"].basis, w[list(plain.spaces["opposite"].dims)])
    kept = {edge.key[:5] for edge in circuit.edges if "interference" not in edge.flags}
    assert kept <= {edge.key[:5] for edge in plain.circuit().edges} and len(kept) < len(circuit.edges)


def test_permuted_models_are_saved(plain: Model, tmp_path: Path) -> None:
    """With what computes what; they answer as before, and are permuted once only."""
    model = lab.permute(raspc.compile(library.sort(), [1, 2, 3], 4), 1)
    model.save(tmp_path / "m")
    loaded = raspc.load(tmp_path / "m")
    assert loaded.circuit().faults() == [] and loaded.apply(["BOS", 3, 1, 2]).decoded[1:] == [1, 2, 3]
    assert raspc.check(loaded).ok
    with pytest.raises(raspc.InputError, match="permuted before"):
        lab.permute(loaded, 2)


@pytest.mark.parametrize("path", SAVED, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_saved_models(path: Path) -> None:
    """Models of every format have a circuit that is true of them, or are told to have none."""
    model = raspc.load(path)
    if model.plan is None and path.parent.name == "format1":
        try:
            circuit = model.circuit()
        except raspc.InputError as error:
            assert "holds no plan" in str(error)
            return
    else:
        circuit = model.circuit()
    assert [fault for fault in circuit.faults() if "does not hold" not in fault or not model.precision.narrow] == []


# -- faults that are planted ----------------------------------------------------------------------


def test_a_dropped_edge_is_found(plain: Model) -> None:
    """Whichever it is."""
    circuit = plain.circuit("direction")
    for i in range(len(circuit.edges)):
        assert replace(circuit, edges=circuit.edges[:i] + circuit.edges[i + 1 :]).faults()


def swapped(circuit: Circuit, one: str, other: str) -> Circuit:
    """The circuit with two nodes in each other's places."""
    names = {one: other, other: one}
    edges = tuple(
        replace(e, writer=names.get(e.writer, e.writer), reader=names.get(e.reader, e.reader)) for e in circuit.edges
    )
    return replace(circuit, edges=edges)


def test_a_swapped_head_is_found() -> None:
    """In the edges, and in what the nodes are said to compute."""
    a, b = (rotated_sum(by) for by in (1, 2))
    model = raspc.compile(a + b, [0, 1, 2], 4)
    circuit = model.circuit()
    heads = [node for node in circuit.nodes if node.kind == "head" and node.variables]
    one, other = next((h, g) for h in heads for g in heads if h.name < g.name and h.layer == g.layer)
    assert circuit.faults() == [] and swapped(circuit, one.name, other.name).faults()
    names = {one.name: other.variables, other.name: one.variables}
    nodes = tuple(replace(node, variables=names.get(node.name, node.variables)) for node in circuit.nodes)
    assert any("not said to compute" in fault for fault in replace(circuit, nodes=nodes).faults())


def rotated_sum(by: int) -> raspc.rasp.SOp:
    """The token that stands so many places before, times a number."""
    from raspc import rasp

    before = rasp.Select(rasp.indices, rasp.indices - by, rasp.Comparison.EQ)
    return (rasp.Aggregate(before, rasp.tokens, 0) * by).named(f"before_{by}")


def test_a_misnamed_variable_is_found(plain: Model) -> None:
    """A space that is said to hold another variable, and an edge that is said to carry one."""
    circuit = plain.circuit()
    spaces = dict(circuit.spaces) | {"opposite": replace(circuit.spaces["opposite"], variable="indices")}
    found = replace(circuit, spaces=type(circuit.spaces)(spaces)).faults()
    assert any("opposite does not hold indices" in fault for fault in found)
    edges = tuple(replace(e, variable="tokens") if e.variable == "opposite" else e for e in circuit.edges)
    assert any("its space holds opposite" in fault for fault in replace(circuit, edges=edges).faults())


def test_a_changed_weight_is_stray(plain: Model) -> None:
    """A weight that the plan does not account for is an edge that is told as such."""
    params = {name: np.array(array) for name, array in plain.params.items()}
    params["transformer/layer_1/mlp/linear_1/w"][0, 3] = params["transformer/layer_1/mlp/linear_2/w"][3, 0] = 1.0
    circuit = replace(plain, params=params, certificate=None).circuit()
    assert [edge.pair for edge in circuit.edges if "stray" in edge.flags] == [("m1", "logits", "out")]


def test_what_cannot_be_told(plain: Model) -> None:
    """A model without a plan, one that was turned twice, another granularity: each is refused in words."""
    with pytest.raises(raspc.InputError, match="holds no plan"):
        replace(plain, plan=None, program=None, graph=None).circuit()
    with pytest.raises(raspc.InputError, match="rotated more than once"):
        rotate(rotate(plain, 1), 2).circuit()
    with pytest.raises(raspc.InputError, match="'component', 'neuron', 'direction'"):
        plain.circuit("layer")
    with pytest.raises(raspc.InputError, match="no node"):
        plain.circuit().node("a9.h9")
    with pytest.raises(raspc.InputError, match="no value of opposite"):
        plain.spaces["opposite"].vector("x")
