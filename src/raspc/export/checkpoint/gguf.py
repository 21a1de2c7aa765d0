"""A checkpoint as one GGUF file, which llama.cpp and what is built on it run.

The names of tensors are those of the library `gguf`. Two things differ from the files of transformers: llama.cpp turns
pairs of neighbours where Llama's rotary embedding turns halves; and the tokenizer is a list of words that are cut out
of the text before anything else.

Numbers are float32, as llama.cpp computes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from raspc.errors import InputError, InternalError
from raspc.export.checkpoint.chat import template
from raspc.export.checkpoint.vocabulary import vocabulary
from raspc.export.checkpoint.writing import check_knobs, knobs_of, stop_id, stop_of
from raspc.run.plain import Array
from raspc.stock.convert import stock_of
from raspc.target.stock import Stock
from raspc.values import Value
from raspc.weights import Model
from raspc.weights.files import write_file

SPARE = 1
"""llama.cpp needs room for one more position than the input has."""

Change = Callable[[Array, Mapping[str, Any]], Array]


def _unrotated(array: Array, config: Mapping[str, Any], heads: str) -> Array:
    """The rows of each head in the order in which llama.cpp pairs them: first of each half, second of each half, …"""
    halves = array.reshape(config[heads], 2, -1, *array.shape[1:])
    return halves.swapaxes(1, 2).reshape(array.shape)


def _queries(array: Array, config: Mapping[str, Any]) -> Array:
    return _unrotated(array, config, "num_attention_heads")


def _keys(array: Array, config: Mapping[str, Any]) -> Array:
    return _unrotated(array, config, "num_key_value_heads")


SIZES = {
    "hidden_size": "add_embedding_length",
    "intermediate_size": "add_feed_forward_length",
    "num_attention_heads": "add_head_count",
    "num_key_value_heads": "add_head_count_kv",
    "rms_norm_eps": "add_layer_norm_rms_eps",
    "rope_theta": "add_rope_freq_base",
    "head_dim": "add_rope_dimension_count",
    "num_hidden_layers": "add_block_count",
}
"""Of a field of the config, the method of the library's writer that writes it."""

CHANGES: Mapping[str, Change] = MappingProxyType({"q_proj": _queries, "k_proj": _keys})
"""What is done to parameters whose name holds a text."""

NO_MERGE = "\ue000 \ue001"
"""llama.cpp refuses a tokenizer without merges; this one never happens, as neither of the two is a word."""

ARCHITECTURE = "llama"
FAMILIES = ("llama", "mistral")
"""The families that llama.cpp computes in this way. Of others it looks gelu up in a table of float16, or gives heads no
width of their own, or ties the logits to the embeddings."""

OPTIONS = ("exit", "norm_scale", "step_sharpness", "stop")


def convert(
    model: Model,
    path: str | PathLike[str] | None = None,
    dtype: str | None = None,
    exit: str = "lm",
    stop: Value | None = None,
    **knobs: Any,
) -> Path:
    """Write the model as a Llama in one file; returns its path.

    Raises InputError without a path, for an exit that llama.cpp does not have, for a model in another format than
    float32, and for one that is no Llama: see `raspc.export.checkpoint.writing.convert`.
    """
    if path is None:
        raise InputError("gguf is exported as a file; give it a path, such as model.gguf")
    if exit != "lm":
        raise InputError("llama.cpp gives tokens alone; export gguf with exit='lm', or llama with exit='labels'")
    family = model.config.family if model.config.family in FAMILIES else FAMILIES[0]
    if (dtype or model.precision.dtype) != "float32" or model.precision.dtype != "float32":
        raise InputError("a GGUF file holds float32; compile the program with dtype='float32'")
    check_knobs(**knobs)
    stop = stop_of(model) if stop is None else stop
    stock = stock_of(model, family, exit, None, **knobs_of(model, family, **knobs), stop=stop)
    write_file(path, written(stock, stop, template(model)))
    return Path(path)


def written(stock: Stock, stop: Value | None = None, chat: str | None = None) -> bytes:
    """The bytes of the file. Raises InputError where text does not tell tokens apart, or for `stop`."""
    import gguf

    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "model.gguf"
        writer: Any = gguf.GGUFWriter(path, ARCHITECTURE)
        _write_sizes(writer, stock)
        _write_words(writer, stock, stop)
        if chat is not None:
            writer.add_chat_template(chat)
        for name, array in _tensors(stock):
            writer.add_tensor(name, np.ascontiguousarray(array, np.float32))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        return path.read_bytes()


def _write_sizes(writer: Any, stock: Stock) -> None:
    config = _flat(stock.config)
    writer.add_name(f"raspc {stock.family}")
    writer.add_file_type(0)  # all numbers are float32
    writer.add_context_length(stock.n_ctx + SPARE)
    for name, method in SIZES.items():
        getattr(writer, method)(config[name])
    writer.add_key_length(config["head_dim"])
    writer.add_value_length(config["head_dim"])


def _flat(config: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a config, with those of its rotary embedding beside them."""
    return {**config, **config.get("rope_parameters", {})}


def _write_words(writer: Any, stock: Stock, stop: Value | None) -> None:
    """A list of words that are cut out of the text, the longest first; what lies between them is dropped."""
    import gguf

    words, end = vocabulary(stock), stop_id(stock, stop)
    rows = int(stock.config["vocab_size"])
    texts = [*words.texts, *(f"<unused {i}>" for i in range(len(words.texts), rows))]
    kinds = [gguf.TokenType.USER_DEFINED] * len(words.texts) + [gguf.TokenType.UNUSED] * (rows - len(words.texts))
    for i in words.special:
        kinds[i] = gguf.TokenType.CONTROL
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(texts)
    writer.add_token_types(kinds)
    writer.add_token_merges([NO_MERGE])
    writer.add_bos_token_id(words.bos)
    writer.add_pad_token_id(words.pad)
    writer.add_unk_token_id(words.unknown)
    writer.add_eos_token_id(words.pad if end is None else end)  # without one, llama.cpp takes the id 11
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(False)
    writer.add_add_space_prefix(False)


def _tensors(stock: Stock) -> Iterator[tuple[str, Array]]:
    """The parameters under the names of llama.cpp."""
    import gguf

    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, len(stock.params))  # at most so many layers
    for name, array in stock.params.items():
        found = names.get_name(name, try_suffixes=(".weight", ".bias"))
        if found is None:
            raise InternalError(f"gguf: {name} has no name in llama.cpp's {ARCHITECTURE}")
        change = next((change for part, change in CHANGES.items() if part in name), None)
        yield found, array if change is None else change(array, stock.config)
