"""Circuits, spaces and interventions of models in the parameters of stock families, by modules of `transformers`."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import raspc
from raspc import lab, library
from raspc.errors import InputError
from raspc.stock.model import frame_of
from raspc.target.families import FAMILIES
from raspc.weights import Model
from raspc.weights.params import Params

pytestmark = pytest.mark.filterwarnings("ignore::raspc.UncertainProgram")


def compiled(name: str, family: str, level: int = 1) -> Model:
    """A program of the library, short."""
    entry = library.get(name)
    causal = FAMILIES[family].causal
    return raspc.compile(entry.program, entry.vocab, 4, causal=causal, target=family, optimize=level)


@pytest.mark.parametrize("family", FAMILIES)
def test_circuits_are_those_of_the_program(family: str) -> None:
    """Held against the weights and runs; edges are those of the plain model that the parameters hold."""
    for name in ("hist", "sort"):
        model = compiled(name, family, 2 if family in ("llama", "bert") else 1)
        circuit = model.circuit()
        assert circuit.faults() == [] and circuit.stock is model
        assert [edge.name for edge in circuit.edges] == [edge.name for edge in model.plain.circuit().edges]


@pytest.mark.parametrize("family", FAMILIES)
def test_modules_hold_what_nodes_read_and_write(family: str) -> None:
    """The weights of the named module at the named places are those of the circuit, up to one factor."""
    model = compiled("hist", family)
    circuit, kind = model.circuit(), FAMILIES[family]
    matrices, d = circuit_matrices(circuit), frame_of(model).held
    for node in circuit.nodes:
        for channel in node.channels:
            found = circuit.module(node.name, channel)
            w = weight(model, found.module, kind.rows_are_inputs and node.kind != "unembedding")
            theirs, ours = (
                frame_of(model).unread(w[:, list(found.at)].astype(np.float64))[0],
                matrices[node.name, channel],
            )
            assert proportional(theirs, ours), (node.name, channel)
        if node.kind in ("head", "mlp"):
            found = circuit.module(node.name)
            w = weight(model, found.module, kind.rows_are_inputs)
            assert proportional(w[list(found.at)][:, :d], matrices[node.name, ""]), node.name


def weight(model: Model, module: str, rows_are_inputs: bool) -> Any:
    """[in, out]."""
    array = np.asarray(model.params[f"{module}.weight"])
    return array if rows_are_inputs else array.T


def circuit_matrices(circuit: lab.Circuit) -> dict[tuple[str, str], Any]:
    """What nodes read in each channel [stream, numbers], and write [numbers, stream], in the plain model."""
    from raspc.lab.frame import framed
    from raspc.lab.wires import inputs_of, outputs_of

    frame = framed(circuit.model)
    reads = {(found.node, found.channel): found.array for found in inputs_of(frame, False)}
    return reads | {(found.node, ""): found.array for found in outputs_of(frame, False)}


def proportional(one: Any, other: Any) -> bool:
    """Whether two matrices are the same but for a factor."""
    assert one.shape == other.shape
    if not other.any():
        return not one.any()
    factor = np.abs(one).max() / np.abs(other).max()
    return factor > 0 and bool(np.allclose(one, factor * other, atol=1e-5 * np.abs(one).max()))


def test_names_are_those_of_hugging_face() -> None:
    """As a user reads them."""
    circuit = compiled("hist", "llama").circuit()
    assert circuit.module("a0.h0", "q").module == "model.layers.0.self_attn.q_proj"
    assert circuit.module("a0.h0").module == "model.layers.0.self_attn.o_proj"
    assert circuit.module("m0", "in").module == "model.layers.0.mlp.gate_proj"
    assert circuit.module("m0").module == "model.layers.0.mlp.down_proj"
    assert circuit.module("tokens").module == "model.embed_tokens"
    assert circuit.module("logits", "out").module == "score"
    fused = compiled("hist", "gpt2").circuit()
    assert {fused.module("a0.h0", side).module for side in "qkv"} == {"transformer.h.0.attn.c_attn"}
    assert len({fused.module("a0.h0", side).at for side in "qkv"}) == 3
    plain = raspc.compile(library.reverse(), "abc", 5).circuit()
    assert plain.module("m0", "in").module == "layers.0.mlp.linear_1"
    assert plain.module("positions").module == "pos_embed"
    with pytest.raises(InputError, match="its channels: 'q', 'k', 'v'"):
        plain.module("a0.h0", "in")
    with pytest.raises(InputError, match="writes to no stream"):
        plain.module("logits")


def test_what_no_edge_tells_of_is_a_fault() -> None:
    """Planted: a norm's gain, and a weight that the program does not have."""
    model = compiled("hist", "llama")
    for name, place in (("model.norm.weight", (0,)), ("model.layers.0.mlp.up_proj.weight", (0, 0))):
        arrays = {key: np.array(model.params[key]) for key in model.params}
        arrays[name][place] += 1
        changed = replace(model, params=Params(arrays, model.config))
        assert any(name in fault for fault in changed.circuit().faults()), name


@pytest.mark.parametrize(
    ("family", "name"), [("llama", "sort"), ("gpt2", "hist"), ("bert", "sort"), ("t5", "sort"), ("gpt_neox", "hist")]
)
def test_interventions_agree_with_the_program(family: str, name: str) -> None:
    """Every variable by another input's values; the model gives what the program gives."""
    model, base, other = compiled(name, family), ["BOS"], ["BOS"]
    base += [token for token in model.config.vocab if token not in ("BOS", "PAD")][:3] * 2
    base, other = base[:4], [base[0], *reversed(base[1:4])]
    possible = 0
    for label in model.graph.labels:
        try:
            out = model.patch(other, [label])(base)
        except InputError:
            continue
        possible += not out.impossible
        assert out.impossible or out.decoded == out.expected, label
    assert possible >= 2
    for told in (ablated := model.ablate(["tokens"], "resample"), ablated(base)):
        assert f"in the plain model that the parameters of {family} hold" in repr(told)
    assert all(row.accuracy == 1 for row in lab.iia(model, pairs=60).rows)


@pytest.mark.parametrize("family", ["llama", "gpt2", "bert"])
def test_variables_by_name_in_transformers(family: str, tmp_path: Path) -> None:
    """Hooks of one's own on the module that `lab.module_sites` names, in the class of `transformers`: the answers of
    the intervention."""
    pytest.importorskip("transformers")
    torch = pytest.importorskip("torch")
    import transformers

    model = compiled("hist", family)
    model.to(family, tmp_path / "m", exit=FAMILIES[family].exits[-1])
    network = getattr(transformers, FAMILIES[family].classes[FAMILIES[family].exits[-1]][0]).from_pretrained(
        tmp_path / "m", attn_implementation="eager"
    )
    tokens = ["BOS", *[t for t in model.config.vocab if t not in ("BOS", "PAD")][:2] * 2]
    value = model.spaces["hist"].values[-1]
    expected = model.intervene({"hist": value})(tokens)
    sites = lab.module_sites(model, ["hist"])
    handles = [site.of(network).register_forward_hook(partial(put, site, value)) for site in sites]
    logits = network(torch.tensor(model.encode_batch([tokens]))).logits.detach().numpy()
    for handle in handles:
        handle.remove()
    columns = logits[0, 1:, : len(model.config.output.values)].argmax(-1)
    assert [model.config.output.values[i] for i in columns] == expected.expected[1:] == [value] * 4


def put(site: lab.ModuleSite, value: Any, _: Any, x: Any, out: Any) -> Any:
    """A hook of PyTorch."""
    return site.forced(out, value)
