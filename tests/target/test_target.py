"""What a target says of its parameters: the names that users know, and what follows from sizes."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.hand_built import MODELS, random_config, random_model

import raspc
from raspc import library
from raspc.compiler import compile_graph
from raspc.errors import ModelFormatError
from raspc.graph.build import build
from raspc.numbers.options import Level, Options
from raspc.numbers.precision import PRECISIONS
from raspc.target import PLAIN, READERS, WRITERS, Layer, Names, Target
from raspc.target.target import UNSCALED
from raspc.weights import shapes

OTHER = replace(
    PLAIN,
    name="other",
    names=Names(
        token_embed="model.embed_tokens.weight",
        pos_embed="model.embed_positions.weight",
        modules=Layer(*(f"model.layers.{{i}}.{role}" for role in Layer._fields)),
        output="lm_head",
        weight=".weight",
        bias=".bias",
    ),
)
"""A family with names of its own."""


def test_the_plain_names_and_shapes_are_those_that_tracr_users_know() -> None:
    """Written out by hand, in the order of the forward pass; every size differs, so that no axis is mistaken."""
    found = PLAIN.parameters(random_config(n_layers=1))
    assert list(found.items()) == [
        ("token_embed/embeddings", (8, 13)),
        ("pos_embed/embeddings", (7, 13)),
        ("transformer/layer_0/attn/query/w", (13, 6)),
        ("transformer/layer_0/attn/query/b", (6,)),
        ("transformer/layer_0/attn/key/w", (13, 6)),
        ("transformer/layer_0/attn/key/b", (6,)),
        ("transformer/layer_0/attn/value/w", (13, 6)),
        ("transformer/layer_0/attn/value/b", (6,)),
        ("transformer/layer_0/attn/linear/w", (6, 13)),
        ("transformer/layer_0/attn/linear/b", (13,)),
        ("transformer/layer_0/mlp/linear_1/w", (13, 11)),
        ("transformer/layer_0/mlp/linear_1/b", (11,)),
        ("transformer/layer_0/mlp/linear_2/w", (11, 13)),
        ("transformer/layer_0/mlp/linear_2/b", (13,)),
        ("unembed/w", (13, 4)),
        ("unembed/b", (4,)),
    ]


@pytest.mark.parametrize("name", MODELS)
def test_a_model_has_the_parameters_of_its_target(name: str) -> None:
    """`shapes`, the parameters and the target say the same, in the same order."""
    model = random_model(**MODELS[name])
    assert model.config.target is PLAIN
    assert list(model.params) == list(PLAIN.parameters(model.config)) == list(shapes(model.config))
    assert all(model.params[name].shape == shape for name, shape in PLAIN.parameters(model.config).items())


def test_a_layer_is_called_by_its_number() -> None:
    """In every name of it."""
    names = PLAIN.names.layer(12)
    assert names.query == ("transformer/layer_12/attn/query/w", "transformer/layer_12/attn/query/b")
    assert PLAIN.names.layers(13)[12] == names
    assert len(set(PLAIN.names.maps(13))) == 13 * 6 + 1
    assert OTHER.names.layer(3).linear_1.w == "model.layers.3.linear_1.weight"
    assert OTHER.names.unembed == ("lm_head.weight", "lm_head.bias")


@pytest.mark.parametrize("sizes", [{}, MODELS["widths of their own"]], ids=["one width", "widths of their own"])
@pytest.mark.parametrize("target", [PLAIN, OTHER], ids=["plain", "other"])
def test_what_reads_and_writes_the_stream_has_it_as_an_axis(target: Target, sizes: dict[str, Any]) -> None:
    """The first axis of what reads it, the last of what writes it; and no other parameter has it there."""
    config = random_config(**sizes)
    found = target.parameters(config)
    assert {name for name, shape in found.items() if shape[0] == config.d_model and len(shape) == 2} == set(
        target.reading(config.widths)
    )
    assert {name for name, shape in found.items() if shape[-1] == config.d_model} == set(target.writing(config.widths))
    assert set(READERS) | set(WRITERS) == set(Layer._fields)


def test_a_layer_has_no_parameters_for_what_it_does_not_have() -> None:
    """Of four layers the first has no neurons, the second no heads; shapes are those of each layer."""
    found = PLAIN.parameters(random_config(**MODELS["widths of their own"]))
    of = {i: [name.split("/", 2)[2] for name in found if f"layer_{i}/" in name] for i in range(4)}
    assert {name.split("/")[0] for name in of[0]} == {"attn"}
    assert {name.split("/")[0] for name in of[1]} == {"mlp"}
    assert of[2] == of[3] == [*of[0], *of[1]]
    assert [found[f"transformer/layer_{i}/attn/query/w"] for i in (0, 2, 3)] == [(13, 6), (13, 3), (13, 4)]
    assert [found[f"transformer/layer_{i}/mlp/linear_2/w"] for i in (1, 2, 3)] == [(7, 13), (11, 13), (2, 13)]


def test_a_family_without_biases_or_positions_has_no_parameters_for_them() -> None:
    """Nor are they among what writes the stream."""
    bare = replace(PLAIN, has_biases=False, has_positions=False)
    config = random_config()
    expected = {n: s for n, s in PLAIN.parameters(config).items() if len(s) == 2 and n != PLAIN.names.pos_embed}
    assert bare.parameters(config) == expected
    assert set(bare.writing(config.widths)) | set(bare.reading(config.widths)) == set(expected)
    assert set(bare.of_layers(config.widths)) == {name for name in expected if name.startswith("transformer/")}


def test_scores_are_divided_by_the_root_of_the_width() -> None:
    """Bit for bit as the forward pass has always done; or not at all."""
    for d_head in range(1, 70):
        assert PLAIN.score_divisor(d_head) == np.sqrt(d_head)
        assert PLAIN.score_scale(d_head) == 1 / math.sqrt(d_head)
    assert replace(PLAIN, scales_scores=False).score_scale(5) == 1.0


def test_a_config_says_the_activation_of_its_target() -> None:
    """Another is refused, with what is needed."""
    assert random_config().activation == PLAIN.activation == "relu"
    with pytest.raises(ModelFormatError, match="activation must be 'relu', found 'gelu'"):
        replace(random_config(), activation="gelu")


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", ["hist", "sort", "shuffle_dyck1"])
def test_a_target_that_does_not_scale_scores_is_compiled_for(name: str, dtype: str) -> None:
    """Scores, counts and their proof take from it what products are divided by, and so does the forward pass."""
    found = library.get(name)
    graph = build(found.program, found.vocab, 5)
    options = Options(Level.COMPACT, PRECISIONS[dtype], target="unscaled")
    model, plain = compile_graph(graph, options=options), compile_graph(graph, options=replace(options, target="plain"))
    assert model.plan is not None and model.plan.target is model.config.target is UNSCALED
    assert model.certificate is not None and model.certificate.verdict == "proved"
    assert raspc.check(model).ok
    if dtype == "float32":  # the division by √d_head is in the weights, as none comes after
        query = PLAIN.names.layer(0).query.w
        assert 0 < abs(model.params[query]).max() < abs(plain.params[query]).max()
