"""The model object: what it takes, what it answers, and how it says no."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.hand_built import random_config, random_model

from raspc.errors import InputError, ModelFormatError
from raspc.weights import Model, Output, encoders


def test_equal_values_are_one_token() -> None:
    """True, 1, 1.0 and NumPy's 1; any NaN; a tuple that holds equal values."""
    encode = random_model().input_encoder.encode
    ids = [encode(["BOS", value])[1] for value in (1, True, 1.0, np.int64(1), np.float32(1))]
    assert ids == [0] * 5
    assert encode(["BOS", float("nan")]) == encode(["BOS", -float("nan")]) == [6, 5]
    assert encode(["BOS", ("a", 2.5)]) == [6, 2]


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        ([], "opens with BOS: found nothing"),
        ([1], "opens with BOS: found 1"),
        (["PAD"], "opens with BOS"),
        (["BOS", 2], "token 2 at position 0 is not in the vocabulary"),
        (["BOS", [1]], r"token \[1\] at position 0"),
        (["BOS", 1, "BOS"], "found BOS .* at position 1"),
        (["BOS", "PAD", 1], "found PAD .* at position 0 before a token"),
        (["BOS", 1, "PAD", 1, "PAD"], "found PAD .* at position 1 before a token"),
        (["BOS", *[1] * 7], "7 tokens after BOS is too long: this model takes at most 6"),
    ],
)
def test_a_bad_input_gets_a_clear_line(tokens: list[Any], words: str) -> None:
    """From `apply`, and from `apply_batch` with the number of the input; positions are counted without BOS."""
    model = random_model()
    with pytest.raises(InputError, match=words):
        model.apply(tokens)
    with pytest.raises(InputError, match=f"input 1 of the batch: .*{words}"):
        model.apply_batch([["BOS"], tokens])


def test_bos_alone_and_empty_batches() -> None:
    """The input of length 0 has an answer; a batch of none has none."""
    model = random_model()
    assert model.apply(["BOS"]).decoded == ["BOS"]
    assert model.apply_batch([]).decoded == []
    assert model.apply_batch([["BOS"], ["BOS", 1]]).decoded[0] == ["BOS"]


def decode(output: Output, logits: list[list[float]]) -> list[Any]:
    """The answers to one input of as many tokens as there are rows, after BOS."""
    config = random_config(output=output)
    rows = np.array([[[9.0] * output.width, *logits]], np.float32)
    return encoders.decode_logits(config, rows, np.array([[6] + [0] * len(logits)]))[0][1:]


def test_a_categorical_answer_is_the_argmax() -> None:
    """Tuples and None are answers like others."""
    output = Output("categorical", ("yes", None, (1, "x")))
    assert decode(output, [[1, 0, 0], [0, 2, 1], [-3, -2, -1]]) == ["yes", None, (1, "x")]


def test_a_numerical_answer_is_a_float_unless_a_special_wins() -> None:
    """Above one half; the larger of two."""
    output = Output("numerical", (None, "_"))
    answers = decode(output, [[2.5, 0, 0.5], [2.5, 0.51, 0], [7, 0.6, 0.9], [-1, 0, 0]])
    assert answers == [2.5, None, "_", -1.0]
    assert [type(answer) for answer in answers] == [float, type(None), str, float]
    assert decode(Output("numerical"), [[3.0]]) == [3.0]


def test_encoders_have_tracrs_attributes() -> None:
    """As Tracr's users and TransformerLens read them."""
    model = random_model()
    encoder = model.input_encoder
    assert (encoder.bos_token, encoder.pad_token, encoder.vocab_size) == ("BOS", "PAD", 8)
    assert (encoder.bos_encoding, encoder.pad_encoding, encoder.enforce_bos) == (6, 7, True)
    assert encoder.encoding_map["two words"] == 1
    assert encoder.decode([0, 3, 6]) == [1, None, "BOS"]
    with pytest.raises(InputError, match="8"):
        encoder.decode([8])
    outputs = model.output_encoder
    assert isinstance(outputs, encoders.CategoricalEncoder)
    assert outputs.decode(outputs.encode([(1, "x"), 3.0])) == [(1, "x"), 3]
    numbers = random_model(output=Output("numerical")).output_encoder
    assert numbers.decode(numbers.encode([1.5])) == [1.5]


def test_model_config_has_tracrs_names() -> None:
    """Sizes as Tracr's users read them."""
    found = random_model(causal=True).model_config
    assert (found.num_heads, found.num_layers, found.key_size, found.mlp_hidden_size) == (2, 2, 3, 11)
    assert (found.causal, found.layer_norm, found.activation_function, found.dropout_rate) == (
        True,
        False,
        "relu",
        0,
    )


def test_labels_must_be_one_a_dimension() -> None:
    """Or none at all: then they are numbered."""
    model = random_model()
    with pytest.raises(ModelFormatError, match="2 residual labels, needed 13"):
        Model(model.config, model.params, ["a", "b"])
    assert Model(model.config, model.params).residual_labels[0] == "residual:0"


def test_a_large_batch_is_split_and_joined() -> None:
    """Pieces give what the whole gives."""
    model = random_model(n_ctx=65)
    batch = [["BOS", *[1, None] * 32]] * 700 + [["BOS", 1]]
    found = model.apply_batch(batch)
    assert model._rows_at_once(65) < 700
    assert len(found.decoded) == 701
    assert found.decoded[-1] == model.apply(["BOS", 1]).decoded
    assert found.decoded[0] == found.decoded[699] == model.apply(batch[0]).decoded
