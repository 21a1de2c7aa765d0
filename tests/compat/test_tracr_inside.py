"""Tracr's inside: the craft of a model, the values of its s-ops, and what says where else the answer is."""

from __future__ import annotations

import random
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import raspc
import raspc.compat.tracr
from raspc import UncertainProgram
from raspc.compat.tracr.compiler import compile_rasp_to_model, lib, nodes
from raspc.compat.tracr.compiler.basis_inference import infer_bases
from raspc.compat.tracr.compiler.rasp_to_graph import ExtractRaspGraphOutput, extract_rasp_graph
from raspc.compat.tracr.craft.bases import BasisDirection, VectorInBasis, VectorSpaceWithBasis
from raspc.compat.tracr.craft.transformers import MLP, AttentionHead, MultiAttentionHead, SeriesWithResiduals
from raspc.compat.tracr.craft.vectorspace_fns import Linear, ScalarBilinear
from raspc.compat.tracr.elsewhere import ELSEWHERE, NoSuchStage
from raspc.compat.tracr.rasp import rasp

PROGRAMS: dict[str, Any] = {
    "reverse": lib.make_reverse(rasp.tokens),
    "hist": lib.make_hist(),
    "frac_prevs": lib.make_frac_prevs(rasp.tokens == "a"),
    "shift": lib.shift_by(1, rasp.tokens),
    "pair_balance": lib.make_pair_balance(rasp.tokens, "a", "b"),
    "map": rasp.Map(str.upper, rasp.tokens).named("one"),
}


def both(program: Any, **options: Any) -> Any:
    """A model and its craft."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UncertainProgram)
        return compile_rasp_to_model(
            program, {"a", "b"}, 4, compiler_bos="BOS", return_craft_model=True, **options
        )  # fmt: skip


@pytest.mark.parametrize("optimize", [0, 1, 2])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("name", PROGRAMS)
def test_the_craft_computes_what_the_model_computes(name: str, causal: bool, optimize: int) -> None:
    """The columns of the output, and in a readable model every direction under its residual label."""
    model, craft = both(PROGRAMS[name], causal=causal, optimize=optimize)
    rng = random.Random(name)
    for _ in range(5):
        tokens = ["BOS", *rng.choices("ab", k=rng.randint(1, 4))]
        stream = craft.apply(craft.embedded(tokens))
        ours = model.compiled.apply(tokens)
        columns = craft.output(stream).magnitudes
        assert np.allclose(columns[1:], ours.unembedded[0, 1:], atol=1e-4)
        if optimize < 2:
            place = {str(direction): i for i, direction in enumerate(stream.basis_directions)}
            wanted = stream.magnitudes[:, [place[label] for label in model.residual_labels]]
            assert np.allclose(wanted, ours.transformer_output[0], atol=1e-4)


def test_the_craft_has_the_heads_and_layers_of_the_model() -> None:
    """A layer of attention, then one of neurons; every head reads and writes named directions."""
    model, craft = both(PROGRAMS["reverse"])
    assert isinstance(craft, SeriesWithResiduals)
    attention = [block for block in craft.blocks if isinstance(block, MultiAttentionHead)]
    assert [block.num_heads for block in attention] == [1, 1] == [model.model_config.num_heads] * 2
    last = next(attention[1].heads())
    assert isinstance(last, AttentionHead) and last.as_multi().num_heads == 1
    token = BasisDirection("tokens", "a")
    output = BasisDirection(model.program.label, "a")
    moved = last.w_ov(last.w_ov.input_space.vector_from_basis_direction(token))
    assert moved.project([output]).magnitudes.tolist() == [1.0]
    pattern = last.attention(craft.blocks[0].apply(craft.embedded(["BOS", "a"])))
    assert np.allclose(pattern.sum(-1), 1)
    assert model.craft_model is model.craft_model


def test_what_the_craft_cannot_embed_is_refused() -> None:
    """A token that is none, no token, and more than there are positions."""
    _, craft = both(PROGRAMS["hist"])
    for bad in (["BOS", "?"], [], ["BOS", *"abaab"]):
        with pytest.raises(ValueError, match="found"):
            craft.embedded(bad)


def test_a_model_without_a_plan_has_no_craft() -> None:
    """As one that was saved without it; the error says what to do."""
    from dataclasses import replace

    from raspc.compat.tracr.compiler.lowered import craft_model

    model, _ = both(PROGRAMS["hist"])
    with pytest.raises(ValueError, match="compile it again"):
        craft_model(replace(model.compiled, plan=None), "hist")


def test_blocks_by_hand() -> None:
    """A head that averages, and neurons that add a step, on directions of their own."""
    x, y, one = (VectorSpaceWithBasis.from_names([name]) for name in ("x", "y", "one"))
    head = AttentionHead(ScalarBilinear(x, x, np.zeros((1, 1))), Linear(x, y, np.ones((1, 1))))
    hidden = VectorSpaceWithBasis.from_names(["h"])
    neurons = MLP(Linear(y, hidden, np.ones((1, 1))), Linear(hidden, one, -np.ones((1, 1))))
    both_of_them = MLP.combine_in_parallel(
        [neurons, MLP(Linear(y, VectorSpaceWithBasis.from_names(["g"]), -np.ones((1, 1))),
                      Linear(VectorSpaceWithBasis.from_names(["g"]), one, np.ones((1, 1))))]
    )  # fmt: skip
    stream = VectorInBasis(x.basis, np.array([[1.0], [3.0]]))
    series = SeriesWithResiduals([head.as_multi(), both_of_them])
    found = series.apply(stream)
    assert found.project(y).magnitudes.tolist() == [[2.0], [2.0]]
    assert found.project(one).magnitudes.tolist() == [[-2.0], [-2.0]]
    causal = AttentionHead(head.w_qk, head.w_ov, causal=True)
    assert causal.apply(stream).project(y).magnitudes.tolist() == [[1.0], [2.0]]
    two = MultiAttentionHead([head, MultiAttentionHead([head])])
    assert two.num_heads == 2 and two.as_multi() is two
    assert two.apply(stream).project(y).magnitudes.tolist() == [[4.0], [4.0]]
    with pytest.raises(ValueError, match="snd reads"):
        MLP(Linear(y, hidden, np.ones((1, 1))), Linear(y, one, np.ones((1, 1))))


def test_directions_are_added_and_taken_away() -> None:
    """Zeros for a space or for directions, a sum for a vector; what is removed is gone."""
    a, b = BasisDirection("a"), BasisDirection("b", 1)
    v, w = VectorInBasis([a], np.array([2.0])), VectorInBasis([b, a], np.array([3.0, 1.0]))
    assert v.add_directions([b]) == v.add_directions(VectorSpaceWithBasis([a, b])) == VectorInBasis([a, b], [2.0, 0.0])
    assert v.add_directions(w) == w.add_directions(v) == VectorInBasis([a, b], [3.0, 3.0])
    assert v.add_directions(w).remove_directions([b]) == VectorInBasis([a], [3.0])
    assert w.remove_directions(VectorSpaceWithBasis([a])) == VectorInBasis([b], [3.0])
    assert v.add_directions([a]) == v


def test_the_values_of_every_s_op() -> None:
    """`infer_bases` notes what each s-op can be; numbers have one direction, selectors nothing."""
    pytest.importorskip("networkx")
    program = rasp.numerical(lib.make_hist().named("n")) * 2
    out = extract_rasp_graph(program)
    assert isinstance(out, ExtractRaspGraphOutput)
    infer_bases(out.graph, out.sink, {"a", "b"}, 3)
    assert out.sink[nodes.VALUE_SET] == {2, 4, 6}
    assert [str(d) for d in out.sink[nodes.OUTPUT_BASIS]] == [f"{program.label}:{v}" for v in (2, 4, 6)]
    tokens = out.graph.nodes["tokens"]
    assert tokens[nodes.VALUE_SET] == {"a", "b"}
    assert [str(d) for d in tokens[nodes.OUTPUT_BASIS]] == ["tokens:a", "tokens:b"]
    by_kind = {type(node[nodes.EXPR]): node for node in out.graph.nodes.values()}
    assert nodes.VALUE_SET not in by_kind[rasp.Select]
    width = by_kind[rasp.SelectorWidth]
    assert width[nodes.VALUE_SET] == {1, 2, 3} and len(width[nodes.OUTPUT_BASIS]) == 1


@pytest.fixture
def installed() -> Iterator[None]:
    """`tracr` as a package of this process."""
    raspc.compat.tracr.install()
    yield
    raspc.compat.tracr.uninstall()


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("name", ELSEWHERE)
def test_a_stage_that_is_not_here_says_where_the_answer_is(name: str) -> None:
    """It can be imported, in both ways; whatever is looked for in it is a NotImplementedError with the place."""
    import importlib

    package, _, short = f"tracr.{name}".rpartition(".")
    module = importlib.import_module(f"tracr.{name}")
    scope: dict[str, Any] = {}
    exec(f"from {package} import {short} as found", scope)  # as a script would
    assert scope["found"] is module
    with pytest.raises(NotImplementedError, match=f"tracr.{name}.anything is not part of raspc: .+"):
        exec(f"from tracr.{name} import anything")
    with pytest.raises(NoSuchStage):
        module.anything()
    assert not hasattr(module, "__anything__")
