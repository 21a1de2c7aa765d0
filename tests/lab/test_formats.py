"""Circuits in the formats of tools: read back by ourselves, and by readers written from what the tools do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import raspc
from raspc import lab, library
from raspc.errors import InputError, ModelFormatError
from raspc.lab import formats
from raspc.lab.edges import pair_name
from raspc.weights import Model

NAMES = ("reverse", "hist", "sort", "frac_prevs", "shuffle_dyck")


@pytest.fixture(scope="module")
def model() -> Model:
    """Two layers of one head."""
    return raspc.compile(library.reverse(), "abc", 5)


@pytest.fixture(scope="module")
def graph(model: Model) -> formats.ToolGraph:
    """The two edges that matter when tokens are resampled, with a null head."""
    return formats.tool_graph(model.circuit(), chosen=("input->a1.h0<v>", "a1.h0->logits"), min_heads=2)


@pytest.mark.parametrize("form", formats.FORMATS)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("level", [0, 2])
def test_what_is_written_is_read(form: str, name: str, level: int, tmp_path: Path) -> None:
    """Scores, circuit and shape, of several programs."""
    entry = library.get(name)
    model = raspc.compile(entry.program, entry.vocab, min(entry.max_seq_len, 5), causal=entry.causal, optimize=level)
    circuit = model.circuit()
    scores = {pair_name(pair): (-1) ** i * i / 7 for i, pair in enumerate(circuit.pairs)}
    varying = {pair_name(edge.pair) for edge in circuit.edges if edge.varies}
    graph = formats.tool_graph(circuit, scores, varying)
    formats.write(tmp_path / "graph.json", graph, form)
    found = formats.read(tmp_path / "graph.json", form)
    assert found == graph and found.scores == graph.scores
    assert set(found.chosen) == {name for name in found.edges if graph.edges[name].in_graph} != set()


def test_marks_follow_from_the_circuit(model: Model, graph: formats.ToolGraph) -> None:
    """All edges of the weights by default; embeddings are one node, and what has no edge is in no circuit."""
    all_there = formats.tool_graph(model.circuit())
    assert {"input->a0.h0<q>", "a0.h0->m0", "m0->a1.h0<q>", "a1.h0->logits"} <= set(all_there.chosen)
    assert len(all_there.chosen) == len(model.circuit().under("zero", pairs=8).effects)
    assert all_there.scores["a0.h0->m0"] == 1 and all_there.scores["input->logits"] == 0
    assert {name for name, mark in graph.nodes.items() if mark.in_graph} == {"input", "a1.h0"}
    assert graph.n_heads == 2 and not any("a1.h1" in name for name in graph.chosen)


def test_interference_is_no_edge(model: Model) -> None:
    """A Haar rotation rounds every zero; its graph is that of the model as it was compiled."""
    turned = raspc.rotate(model, 1, haar=True).circuit()
    assert any("interference" in edge.flags for edge in turned.edges)
    assert formats.tool_graph(turned).chosen == formats.tool_graph(model.circuit()).chosen


def test_neurons_and_biases_belong_to_their_parts(model: Model) -> None:
    """Of the scores of neurons the MLP has the one that is furthest from 0."""
    found = formats.tool_graph(
        model.circuit(), {"m0.n1->a1.h0<q>": -3.0, "m0.n2->a1.h0<q>": 2.0, "a0.bias->logits": 9.0}, ["tokens->m1.n0"],
        node_scores={"m0.n0": 1.0, "m0.bias": -2.0, "a0.bias": 5.0},
    )  # fmt: skip
    assert found.scores["m0->a1.h0<q>"] == -3 and max(found.scores.values()) == 0
    assert found.chosen == ("input->m1",)
    assert found.nodes["m0"].score == -2 and found.nodes["a0.h0"].score == 0


@pytest.mark.parametrize(
    "wrong",
    [{"scores": {"m0->m0": 1.0}}, {"scores": {"nonsense": 1.0}}, {"scores": {"m0->m1": float("nan")}},
     {"chosen": "m0->m1"}, {"chosen": ["a0.h7->m0"]}, {"node_scores": {"m9": 1.0}}, {"scores": {"m0->m1": "x"}}],
)  # fmt: skip
def test_wrong_names_and_scores_are_told(model: Model, wrong: dict[str, Any]) -> None:
    """One error of ours."""
    with pytest.raises(InputError):
        formats.tool_graph(model.circuit(), **wrong)


# --- readers written from the tools ---------------------------------------------------------------------


def eap_ig_edges(n_layers: int, n_heads: int) -> Iterator[str]:
    """What `Graph.from_model` of EAP-IG makes of a config: every edge, in its order."""
    residual = ["input"]
    for layer in range(n_layers):
        heads = [f"a{layer}.h{head}" for head in range(n_heads)]
        for node in residual:
            for head in heads:
                for letter in "qkv":
                    yield f"{node}->{head}<{letter}>"
        residual += heads
        for node in residual:
            yield f"{node}->m{layer}"
        residual.append(f"m{layer}")
    for node in residual:
        yield f"{node}->logits"


def eap_ig_from_json(text: str) -> tuple[dict[str, bool], dict[str, tuple[float, bool]]]:
    """As `Graph.from_json` of EAP-IG and MIB: names index the nodes and edges that the config has."""
    data = json.loads(text)
    assert list(data) == ["cfg", "nodes", "edges"]
    assert set(data["cfg"]) >= {"n_layers", "n_heads", "parallel_attn_mlp", "d_model"}
    edges = dict.fromkeys(eap_ig_edges(data["cfg"]["n_layers"], data["cfg"]["n_heads"]), (0.0, False))
    nodes = dict.fromkeys([*(name.split("->")[0] for name in edges), "logits"], False)
    for name, node in data["nodes"].items():
        nodes[name]
        nodes[name] = node["in_graph"]
    for name, edge in data["edges"].items():
        edges[name]
        edges[name] = (float(edge["score"]), bool(edge["in_graph"]))
    return nodes, edges


def test_eap_ig_reads_it(graph: formats.ToolGraph, tmp_path: Path) -> None:
    """Every edge that its graph has is there, by its name, and no other."""
    formats.write(tmp_path / "graph.json", graph)
    text = (tmp_path / "graph.json").read_text()
    nodes, edges = eap_ig_from_json(text)
    assert list(json.loads(text)["edges"]) == list(edges) == list(graph.edges)
    assert {name for name, (_, inside) in edges.items() if inside} == set(graph.chosen)
    assert {name for name, inside in nodes.items() if inside} == {"input", "a1.h0", "logits"}


def test_older_eap_ig_is_read(graph: formats.ToolGraph, tmp_path: Path) -> None:
    """Nodes as truth values, and edges that are left out."""
    data = formats.eap_graph(graph)
    data["nodes"] = {name: node["in_graph"] for name, node in data["nodes"].items()}
    data["edges"] = {name: edge for name, edge in data["edges"].items() if edge["in_graph"]}
    (tmp_path / "old.json").write_text(json.dumps(data))
    found = formats.read(tmp_path / "old.json")
    assert found.chosen == graph.chosen and found.nodes == graph.nodes


def acdc_graph(n_layers: int, n_heads: int) -> dict[Any, str]:
    """The edges of ACDC's correspondence, `TLACDCCorrespondence.setup_from_model`, by its types."""
    whole, edges = (None,), {}
    upstream = [("blocks.0.hook_resid_pre", whole)]
    for layer in range(n_layers):
        block, new = f"blocks.{layer}", []
        for head in range(n_heads):
            own = (None, None, head)
            new.append((f"{block}.attn.hook_result", own))
            for letter in "qkv":
                edges[f"{block}.attn.hook_result", own, f"{block}.attn.hook_{letter}", own] = "placeholder"
                edges[f"{block}.attn.hook_{letter}", own, f"{block}.hook_{letter}_input", own] = "placeholder"
                edges |= {(f"{block}.hook_{letter}_input", own, *sender): "addition" for sender in upstream}
        upstream += new
        edges |= {(f"{block}.hook_mlp_in", whole, *sender): "addition" for sender in upstream}
        edges[f"{block}.hook_mlp_out", whole, f"{block}.hook_mlp_in", whole] = "placeholder"
        upstream.append((f"{block}.hook_mlp_out", whole))
    edges |= {(f"blocks.{n_layers - 1}.hook_resid_post", whole, *sender): "addition" for sender in upstream}
    return edges


def test_acdc_reads_it(model: Model) -> None:
    """Its edges are those of ACDC's graph; of all that there are, and with those inside parts."""
    everything = formats.tool_graph(model.circuit(), chosen=list(eap_ig_edges(2, 1)))
    theirs = acdc_graph(2, 1)
    plain = formats.acdc_tuples(everything)
    assert plain.keys() == {edge for edge, kind in theirs.items() if kind == "addition"}
    assert formats.acdc_tuples(everything, placeholders=True).keys() == theirs.keys()
    assert len(plain) == len(everything.edges)


def test_acdc_files_may_have_edges_inside_parts_and_tables_apart(graph: formats.ToolGraph, tmp_path: Path) -> None:
    """Placeholders are passed over; tokens and positions are one input."""
    formats.write(tmp_path / "acdc.json", graph, "acdc")
    data = json.loads((tmp_path / "acdc.json").read_text())
    apart = []
    for edge in data["edges"]:
        if edge["sender"] == "blocks.0.hook_resid_pre":
            apart += [edge | {"sender": "hook_embed"}, edge | {"sender": "hook_pos_embed", "in_graph": False}]
        else:
            apart.append(edge)
    own = [None, None, 0]
    inside = {"receiver": "blocks.1.attn.hook_q", "sender": "blocks.1.hook_q_input"}
    apart.append(inside | {"receiver_index": own, "sender_index": own, "score": 1.0, "in_graph": True})
    (tmp_path / "apart.json").write_text(json.dumps(data | {"edges": apart}))
    assert formats.read(tmp_path / "apart.json", "acdc") == graph


def test_auto_circuit_names(graph: formats.ToolGraph, tmp_path: Path) -> None:
    """With letters, or without, when the channels of a head are one edge."""
    names = formats.auto_circuit_names(graph)
    assert {name for name, mark in names.items() if mark.in_graph} == {"Resid Start->A1.0.V", "A1.0->Resid End"}
    joint = formats.auto_circuit_names(graph, separate_qkv=False)
    assert {name for name, mark in joint.items() if mark.in_graph} == {"Resid Start->A1.0", "A1.0->Resid End"}
    data = {"cfg": formats.eap_graph(graph)["cfg"], "edges": {n: vars(mark) for n, mark in joint.items()}}
    (tmp_path / "joint.json").write_text(json.dumps(data))
    found = formats.read(tmp_path / "joint.json", "auto-circuit")
    assert set(found.chosen) == {*graph.chosen, "input->a1.h0<q>", "input->a1.h0<k>"}


# --- InterpBench ----------------------------------------------------------------------------------------


def test_a_case_holds_the_model(model: Model, graph: formats.ToolGraph, tmp_path: Path) -> None:
    """Run from its files alone, in ten lines of NumPy, it gives the logits of the model."""
    pytest.importorskip("torch")
    formats.write_case(tmp_path / "case", model, graph, case_id="reverse", description="reverses", min_heads=2)
    case = formats.read_case(tmp_path / "case")
    assert case.graph == graph and case.meta["case_id"] == "reverse" and case.config["n_heads"] == 2
    ids = model.encode_batch([["BOS", *"abca"], ["BOS", *"bbac"]])
    np.testing.assert_allclose(hooked_forward(case.config, case.state, ids), model.logits(ids), atol=1e-4)
    assert not list((tmp_path / "case").glob("*.pkl"))


def hooked_forward(config: Any, w: Any, ids: Any) -> Any:
    """A `HookedTransformer` without norms, bidirectional."""
    x = w["embed.W_E"][ids] + w["pos_embed.W_pos"][: ids.shape[1]]
    for layer in range(config["n_layers"]):
        name = f"blocks.{layer}.attn"
        q, k, v = (
            np.einsum("bpd,hde->bhpe", x, w[f"{name}.W_{s}"]) + w[f"{name}.b_{s}"][:, None] for s in "QKV"
        )  # fmt: skip
        scores = q @ k.swapaxes(-1, -2) / np.sqrt(config["d_head"])
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        z = scores / scores.sum(-1, keepdims=True) @ v
        x = x + np.einsum("bhpe,hed->bpd", z, w[f"{name}.W_O"]) + w[f"{name}.b_O"]
        name = f"blocks.{layer}.mlp"
        x = x + np.maximum(x @ w[f"{name}.W_in"] + w[f"{name}.b_in"], 0) @ w[f"{name}.W_out"] + w[f"{name}.b_out"]
    return x @ w["unembed.W_U"] + w["unembed.b_U"]


def test_cases_of_other_models_are_refused(model: Model, graph: formats.ToolGraph, tmp_path: Path) -> None:
    """A graph of another shape; a stock model; layers of widths of their own."""
    with pytest.raises(InputError, match="the graph is of"):
        formats.write_case(tmp_path / "a", model, graph)
    with pytest.raises(InputError, match="target="):
        formats.write_case(tmp_path / "b", raspc.compile(library.get("hist").program, "ab", 4, target="bert"))
    narrow = raspc.compile(library.reverse(), "abc", 5, uniform=False)
    with pytest.raises(InputError, match="uniform=False"):
        formats.tool_graph(narrow.circuit())


# --- what may come from anywhere ------------------------------------------------------------------------

BROKEN: dict[str, Any] = {
    "no cfg": lambda d: d.pop("cfg"),
    "many layers": lambda d: d["cfg"].update(n_layers=10**9),
    "many heads": lambda d: d["cfg"].update(n_layers=4000, n_heads=4000),
    "no layers": lambda d: d["cfg"].update(n_layers=0),
    "a layer that is true": lambda d: d["cfg"].update(n_layers=True),
    "parallel": lambda d: d["cfg"].update(parallel_attn_mlp=True),
    "no edges": lambda d: d.update(edges=7),
    "an edge of nothing": lambda d: d["edges"].update({"m9->m10": {"score": 1.0, "in_graph": True}}),
    "no mark": lambda d: d["edges"].update({"input->m0": 3}),
    "a score of text": lambda d: d["edges"].update({"input->m0": {"score": "1", "in_graph": True}}),
    "a mark of text": lambda d: d["edges"].update({"input->m0": {"score": 1, "in_graph": "yes"}}),
    "a node of nothing": lambda d: d["nodes"].update({"m9": {"score": 1.0, "in_graph": True}}),
    "a node that is a list": lambda d: d["nodes"].update({"m0": []}),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_graph_is_one_error(how: str, graph: formats.ToolGraph, tmp_path: Path) -> None:
    """Whoever wrote it."""
    data = formats.eap_graph(graph)
    BROKEN[how](data)
    (tmp_path / "broken.json").write_text(json.dumps(data))
    with pytest.raises(ModelFormatError):
        formats.read(tmp_path / "broken.json")


@pytest.mark.parametrize("form", formats.FORMATS)
@pytest.mark.parametrize("text", ["", "[]", "7", '{"cfg": 1}', "{", '{"cfg": {"n_layers": NaN}}'])
def test_what_is_no_graph_is_one_error(form: str, text: str, tmp_path: Path) -> None:
    """Of every format."""
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(ModelFormatError):
        formats.read(tmp_path / "x.json", form)
    with pytest.raises(ModelFormatError):
        formats.read(tmp_path / "missing.json", form)


@pytest.mark.parametrize("name", ["A0.0->A1.0.X", "A0.0.Q->MLP 1", "MLP 1", "Resid End->MLP 0", "A5.0->MLP 1", "->"])
def test_wrong_names_of_auto_circuit_are_told(name: str, graph: formats.ToolGraph, tmp_path: Path) -> None:
    """Letters on senders, and parts that there are not."""
    data = {"cfg": formats.eap_graph(graph)["cfg"], "edges": {name: {"score": 1.0, "in_graph": True}}}
    (tmp_path / "x.json").write_text(json.dumps(data))
    with pytest.raises(ModelFormatError):
        formats.read(tmp_path / "x.json", "auto-circuit")


@pytest.mark.parametrize(
    "edge",
    [("blocks.0.hook_mlp_in", [None], "blocks.0.hook_mlp_in", [None]), ("x", [None], "hook_embed", [None]),
     ("blocks.0.hook_q_input", [None], "hook_embed", [None]),
     ("blocks.0.hook_q_input", [None, None, "0"], "hook_embed", []),
     ("blocks.0.hook_resid_post", [None], "hook_embed", [None]), (1, [None], "hook_embed", [None]),
     ("blocks.0.hook_mlp_in", [None], "blocks.1.hook_mlp_out", [None])],
)  # fmt: skip
def test_wrong_edges_of_acdc_are_told(edge: Any, graph: formats.ToolGraph, tmp_path: Path) -> None:
    """Hooks that nothing is sent to, indices without a head, edges backwards."""
    fields = ("receiver", "receiver_index", "sender", "sender_index")
    told = dict(zip(fields, edge, strict=True)) | {"score": None, "in_graph": True}
    (tmp_path / "x.json").write_text(json.dumps({"cfg": formats.eap_graph(graph)["cfg"], "edges": [told]}))
    with pytest.raises(ModelFormatError):
        formats.read(tmp_path / "x.json", "acdc")


@pytest.mark.parametrize("file", ["ll_model.safetensors", "ll_model_cfg.json", "edges.json", "meta.json"])
@pytest.mark.parametrize("data", [b"", b"[[1, 2]]", b"{}", b"\xff" * 40])
def test_a_broken_case_is_one_error(file: str, data: bytes, model: Model, tmp_path: Path) -> None:
    """Any of its files."""
    pytest.importorskip("torch")
    formats.write_case(tmp_path / "case", model)
    (tmp_path / "case" / file).write_bytes(data)
    if (file, data) == ("meta.json", b"{}"):  # nothing of it is needed
        return
    with pytest.raises(ModelFormatError):
        formats.read_case(tmp_path / "case")


def test_unknown_formats_and_kinds_are_told(graph: formats.ToolGraph, tmp_path: Path) -> None:
    """With the names of those that there are."""
    with pytest.raises(InputError, match="'eap', 'auto-circuit', 'acdc'"):
        formats.write(tmp_path / "x", graph, "pickle")
    with pytest.raises(TypeError, match="graph"):
        formats.write(tmp_path / "x", {}, "eap")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="circuit"):
        formats.tool_graph("reverse")  # type: ignore[arg-type]
    assert lab.formats is formats
