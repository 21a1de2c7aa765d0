"""A checkpoint as one GGUF file, which llama.cpp and what is built on it run.

The names of tensors are those of the library `gguf`. Two things differ from the files of transformers: llama.cpp turns
pairs of neighbours where Llama's rotary embedding turns halves; and the tokenizer is a list of words that are cut out
of the text before anything else.

Numbers are float32: llama.cpp keeps norms and biases so in any file, and rounds its own activations in others.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from raspc.errors import InputError, InternalError
from raspc.export.checkpoint.writing import stop_id
from raspc.export.checkpoint.vocabulary import vocabulary
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


@dataclass(frozen=True)
class Layout:
    """How llama.cpp has a family.

    `architecture`: its name there. `sizes`: of a field of the config, the method of the library's writer that writes
    it. `changes`: what is done to parameters whose name holds a text.
    """

    architecture: str
    sizes: Mapping[str, str]
    changes: Mapping[str, Change] = field(default_factory=dict)


_SIZES = {
    "hidden_size": "add_embedding_length",
    "intermediate_size": "add_feed_forward_length",
    "num_attention_heads": "add_head_count",
    "num_key_value_heads": "add_head_count_kv",
    "rms_norm_eps": "add_layer_norm_rms_eps",
    "rope_theta": "add_rope_freq_base",
    "head_dim": "add_rope_dimension_count",
    "num_hidden_layers": "add_block_count",
}
_LLAMA = Layout("llama", _SIZES, {"q_proj": _queries, "k_proj": _keys})
_NO_MERGE = "\ue000 \ue001"
"""llama.cpp refuses a tokenizer without merges; this one never happens, as neither of the two is a word."""

LAYOUTS: Mapping[str, Layout] = MappingProxyType(
    {"llama": _LLAMA, "mistral": _LLAMA, "qwen2": Layout("qwen2", _SIZES)}
)
"""The families that can be written, by name. Of the others llama.cpp looks gelu up in a table of float16, or ties the
head to the embeddings, or does not know them."""

OPTIONS = ("family", "exit", "norm_scale", "step_sharpness", "stop")


def convert(
    model: Model,
    path: str | PathLike[str] | None = None,
    dtype: str | None = None,
    family: str = "llama",
    exit: str = "lm",
    stop: Value | None = None,
    **knobs: Any,
) -> Path:
    """Write the model as a checkpoint of a family in one file; returns its path.

    Raises InputError without a path, for a family or an exit that llama.cpp does not have, and for one that
    `raspc.export.checkpoint.writing.convert` refuses.
    """
    if path is None:
        raise InputError("gguf is exported as a file; give it a path, such as model.gguf")
    if family not in LAYOUTS:
        raise InputError(f"llama.cpp does not compute {family!r} as exactly; pass family= one of {', '.join(LAYOUTS)}")
    if exit != "lm":
        raise InputError("llama.cpp gives tokens alone; export gguf with exit='lm', or a directory with exit='labels'")
    stock = stock_of(model, family, exit, dtype=dtype, **knobs)
    write_file(path, written(stock, stop))
    return Path(path)


def written(stock: Stock, stop: Value | None = None) -> bytes:
    """The bytes of the file. Raises InputError where text does not tell tokens apart, or for `stop`."""
    import gguf

    layout = LAYOUTS[stock.family]
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "model.gguf"
        writer: Any = gguf.GGUFWriter(path, layout.architecture)
        _write_sizes(writer, stock, layout)
        _write_words(writer, stock, stop)
        for name, array in _tensors(stock, layout):
            writer.add_tensor(name, np.ascontiguousarray(array, np.float32))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        return path.read_bytes()


def _write_sizes(writer: Any, stock: Stock, layout: Layout) -> None:
    config = _flat(stock.config)
    writer.add_name(f"raspc {stock.family}")
    writer.add_file_type(0)  # all numbers are float32
    writer.add_context_length(stock.n_ctx + SPARE)
    for name, method in layout.sizes.items():
        getattr(writer, method)(config[name])
    writer.add_key_length(config["head_dim"])
    writer.add_value_length(config["head_dim"])


def _flat(config: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a config, with those that lie deeper or follow from others."""
    found = {**config, **config.get("rope_parameters", {})}
    return {"head_dim": found["hidden_size"] // found["num_attention_heads"], **found}


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
    writer.add_token_merges([_NO_MERGE])
    writer.add_bos_token_id(words.bos)
    writer.add_pad_token_id(words.pad)
    writer.add_unk_token_id(words.unknown)
    writer.add_eos_token_id(words.pad if end is None else end)  # without one, llama.cpp takes the id 11
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(False)
    writer.add_add_space_prefix(False)


def _tensors(stock: Stock, layout: Layout) -> Iterator[tuple[str, Array]]:
    """The parameters under the names of llama.cpp."""
    import gguf

    arch = next(found for found, name in gguf.MODEL_ARCH_NAMES.items() if name == layout.architecture)
    names = gguf.get_tensor_name_map(arch, len(stock.params))  # at most so many layers
    for name, array in stock.params.items():
        found = names.get_name(name, try_suffixes=(".weight", ".bias"))
        if found is None:
            raise InternalError(f"gguf: {name} has no name in llama.cpp's {layout.architecture}")
        change = next((change for part, change in layout.changes.items() if part in name), None)
        yield found, array if change is None else change(array, stock.config)
