"""The config: a strict record that JSON carries."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.hand_built import MODELS, random_config, random_model

from raspc import jsonvalues
from raspc.errors import InputError, ModelFormatError
from raspc.weights import Config, Output, Params, shapes


@pytest.mark.parametrize("sizes", MODELS.values(), ids=list(MODELS))
def test_a_config_comes_back_from_json(sizes: dict[str, Any]) -> None:
    """Through bytes, with NaN, tuples and None in the vocabulary."""
    config = random_config(**sizes)
    data = jsonvalues.dumps(config.to_json())
    again = Config.from_json(jsonvalues.loads(data))
    assert jsonvalues.dumps(again.to_json()) == data
    assert again.output == config.output


def test_the_json_has_the_fields_of_the_contract() -> None:
    """DESIGN, the public contract."""
    assert set(random_config().to_json()) == {
        "format_version", "made_by", "target", "n_layers", "n_heads", "d_model", "d_head", "d_mlp", "n_ctx", "d_vocab",
        "d_vocab_out", "causal", "activation", "vocab", "bos_id", "pad_id", "output",
    }  # fmt: skip
    assert Output("numerical", (None,)).to_json() == {"kind": "numerical", "specials": [None]}
    assert Output("categorical", (1,)).to_json() == {"kind": "categorical", "values": [1]}


BAD_FIELDS = [
    ("n_layers", 0), ("n_layers", -1), ("n_layers", 10**6), ("n_heads", 10**12), ("d_model", "4"),
    ("d_head", True), ("d_mlp", 2.0), ("n_ctx", None), ("d_vocab", 3), ("d_vocab_out", 9), ("causal", 1),
    ("activation", "gelu"), ("activation", []), ("vocab", "abc"), ("vocab", [1, True]), ("bos_id", 99),
    ("bos_id", -1), ("pad_id", "x"), ("output", None), ("output", {"kind": "numerical"}),
    ("output", {"kind": [], "values": []}), ("output", {"kind": "categorical", "values": [1, 1.0, 2, 3]}),
    ("format_version", 3), ("format_version", 1), ("format_version", True), ("made_by", 3), ("target", "gpt2"),
    ("target", []), ("unknown", 1), ("n_heads", [1, 1]), ("d_mlp", []), ("n_heads", {"0": 1}), ("d_head", "33"),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), BAD_FIELDS)
def test_a_bad_field_is_named(field: str, value: object) -> None:
    """One error that names the field."""
    obj = random_config().to_json() | {field: value}
    with pytest.raises(ModelFormatError, match=field):
        Config.from_json(obj)


BAD_WIDTHS = [
    ({"n_heads": [1, 1, 1]}, "n_heads must have a number for each of 2 layers, found 3"),
    ({"d_mlp": [1]}, "d_mlp must have a number for each of 2 layers, found 1"),
    ({"d_mlp": []}, "d_mlp must have a number for each of 2 layers, found 0"),
    ({"d_mlp": 4}, "n_heads, d_head, d_mlp must be numbers, or all of them lists; of lists there are n_heads, d_head"),
    ({"n_heads": [0, 1]}, "layer 0 must have both heads and a width of heads, or neither"),
    ({"d_head": [3, 0]}, "layer 1 must have both heads and a width of heads, or neither"),
    ({"d_mlp": [1, -1]}, "d_mlp must be an integer from 1 .* or a list"),
    ({"d_mlp": [1, 2.0]}, "d_mlp must be an integer from 1 .* or a list"),
    ({"d_mlp": [1, True]}, "d_mlp must be an integer from 1 .* or a list"),
    ({"d_mlp": [1, [1]]}, "d_mlp must be an integer from 1 .* or a list"),
    ({"d_mlp": [1, None]}, "d_mlp must be an integer from 1 .* or a list"),
    ({"d_head": [3, 10**12]}, "d_head must be an integer from 1 .* or a list"),
    ({"n_layers": 10**6}, "n_layers must be at most"),
]


@pytest.mark.parametrize(("fields", "words"), BAD_WIDTHS, ids=[words[:40] for _, words in BAD_WIDTHS])
def test_bad_widths_of_layers_are_told(fields: dict[str, Any], words: str) -> None:
    """Lists of another length, mixed with numbers, of what is no size, or with heads of no width."""
    sizes = {"n_heads": (1, 1), "d_head": (3, 3), "d_mlp": (0, 5)}
    obj = random_config(**sizes).to_json() | fields
    with pytest.raises(ModelFormatError, match=words):
        Config.from_json(obj)


def test_widths_are_told_by_layer() -> None:
    """Of any model; a reader that knows one width alone says what to do about others."""
    assert random_config().widths == ((2, 3, 11),) * 2
    assert random_config().width_for("a reader") == (2, 3, 11)
    own = random_config(**MODELS["widths of their own"])
    assert own.widths == ((2, 3, 0), (0, 0, 7), (3, 1, 11), (1, 4, 2))
    assert (own.uniform, random_config().uniform) == (False, True)
    assert own.to_json()["d_mlp"] == [0, 7, 11, 2]
    with pytest.raises(InputError, match=r"a reader needs one width for all layers.*without uniform=False"):
        own.width_for("a reader")


def test_a_missing_field_is_named() -> None:
    """Nothing has a default in a file."""
    obj = random_config().to_json()
    for field in obj:
        with pytest.raises(ModelFormatError, match=field):
            Config.from_json({name: value for name, value in obj.items() if name != field})


@given(st.dictionaries(st.text(), st.integers() | st.none()) | st.integers() | st.lists(st.none()))
def test_anything_else_raises_the_one_error(obj: object) -> None:
    """Never a TypeError or KeyError."""
    with pytest.raises(ModelFormatError):
        Config.from_json(obj)


def test_all_faults_are_listed_at_once() -> None:
    """A person mends a file once."""
    with pytest.raises(ModelFormatError, match=r"n_heads.*d_model"):
        replace(random_config(), n_heads=0, d_model=0)


def test_params_answer_flat_and_by_module() -> None:
    """Tracr's users, Haiku and TransformerLens look up by module; we by flat name."""
    params = random_model().params
    assert isinstance(params, Params)
    query = params["transformer/layer_1/attn/query/w"]
    assert params["transformer/layer_1/attn/query"]["w"] is query
    assert params.modules()["token_embed"].keys() == {"embeddings"}
    assert {name: array.shape for name, array in params.items()} == shapes(random_config())
    assert not query.flags.writeable
    assert query.dtype == np.float32


def test_params_that_do_not_fit_are_named() -> None:
    """Missing, unknown, misshapen or infinite."""
    config = random_config()
    arrays = dict(random_model().params)
    for change, words in (
        ({"unembed/b": None}, "unembed/b is missing"),
        ({"extra": np.zeros(1)}, "extra is unknown"),
        ({"unembed/b": np.zeros(99)}, r"unembed/b has shape \(99,\)"),
        ({"unembed/b": np.full(4, np.nan)}, "unembed/b holds NaN"),
    ):
        broken = {name: array for name, array in (arrays | change).items() if array is not None}
        with pytest.raises(ModelFormatError, match=words):
            Params(broken, config)
