"""Hugging Face: a directory for `AutoModelForTokenClassification.from_pretrained` and `AutoTokenizer`.

A bidirectional model becomes a stock architecture, with no remote code: MobileBERT without bottleneck, with
`no_norm` normalisation and ReLU, is our transformer exactly. Its width is heads · d_head, so null dimensions
and null heads fill it up; d_head is kept, so that scores are scaled by the same number. A causal model has no
such relative, and carries its code beside it (`trust_remote_code=True`).

The tokenizer splits at white space, adds BOS, and knows UNK, whose embedding is zero: it has one more id than
the model. `id2label` gives the values of a categorical output.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from raspc import jsonvalues
from raspc.errors import InputError
from raspc.export import cards
from raspc.export.renaming import renamed, torch_names
from raspc.run.plain import Array
from raspc.target import Layer, Names, Widths
from raspc.values import Value
from raspc.version import VERSION
from raspc.weights import Config, Model
from raspc.weights.files import fresh_directory

MARKER = "tokenizer_config.json"
UNK = "[UNK]"


def convert(model: Model, path: str | PathLike[str] | None = None, dtype: str = "float32") -> Path:
    """Write the directory; returns its path.

    Raises InputError without a path, since this target is a directory, and for one that cannot be written.
    """
    if path is None:
        raise InputError("huggingface is exported as a directory; give it a path")
    with fresh_directory(path, marker=MARKER) as building, quiet():
        write = _write_causal if model.config.causal else _write_bidirectional
        write(model, getattr(torch, dtype), building)
        tokenizer(model.config).save_pretrained(building)
        (building / "README.md").write_text(card(model, dtype), encoding="utf-8")
    return Path(path)


def card(model: Model, dtype: str = "float32") -> str:
    """The model card: what it computes, how to run it, its tokens and answers, program, certificate, dimensions."""
    config, name = model.config, cards.name_of(model)
    causal = ", trust_remote_code=True" if config.causal else ""
    words = tokens_of(config.vocab)
    text = " ".join(word for i, word in enumerate(words) if i not in (config.bos_id, config.pad_id))
    code = "its own code, which lies beside the weights" if config.causal else "no code but that of transformers"
    answers = [str(label) for label in _labels(config)["id2label"].values()]
    return (
        "\n\n".join(
            [
                "---\nlibrary_name: transformers\npipeline_tag: token-classification\n"
                "tags: [raspc, RASP, compiled, interpretability]\n---",
                f"# {name}",
                f"The weights of this model were not trained. raspc {VERSION} compiled them from a program, `{name}`, "
                f"in the language RASP (Weiss, Goldberg, Yahav 2021). It needs {code}.",
                "## How to run it",
                "```python\nfrom transformers import AutoModelForTokenClassification, AutoTokenizer\n\n"
                f'tokenizer = AutoTokenizer.from_pretrained("PATH"{causal})\n'
                f'model = AutoModelForTokenClassification.from_pretrained("PATH"{causal})\n'
                f'logits = model(**tokenizer({text[: cards.MOST_COLUMNS]!r}, return_tensors="pt")).logits\n```',
                "## What goes in, and what comes out",
                f"Tokens, with spaces between them, up to {config.max_seq_len}: {cards.listed(words)}.",
                f"Each token gets one of: {cards.listed(answers)}.",
                "## The program",
                f"```\n{cards.program(model.program)}\n```",
                "## What is proved",
                cards.certificate(model.certificate)
                + ("" if dtype == model.precision.dtype else f" This copy is in {dtype}, of which nothing is proved."),
                "## What its dimensions hold",
                cards.labels(model.residual_labels),
            ]
        )
        + "\n"
    )


@contextmanager
def quiet() -> Iterator[None]:
    """No progress bars, which say nothing about models as small as ours."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]


def tokens_of(values: Sequence[Value]) -> list[str]:
    """A distinct word without white space for each value: its text, or its JSON where that is not enough."""
    plain = [str(value) for value in values]
    return [
        text if text and plain.count(text) == 1 and not any(map(str.isspace, text)) else _escaped(value)
        for text, value in zip(plain, values, strict=True)
    ]


def _escaped(value: Value) -> str:
    text = json.dumps(jsonvalues.encode(value), separators=(",", ":"))
    return "".join(f"\\u{ord(char):04x}" if char.isspace() else char for char in text)


def tokenizer(config: Config) -> Any:
    """A word-level tokenizer: white space splits, BOS is added, an unknown word becomes UNK."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    words = tokens_of(config.vocab)
    unknown = UNK if UNK not in words else f"[UNK:{len(words)}]"
    ids = {word: i for i, word in enumerate([*words, unknown])}
    bos, pad = words[config.bos_id], words[config.pad_id]
    core = Tokenizer(models.WordLevel(ids, unk_token=unknown))
    core.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    core.post_processor = processors.TemplateProcessing(single=[bos, "$A"], special_tokens=[(bos, config.bos_id)])
    fast: Any = PreTrainedTokenizerFast
    return fast(
        tokenizer_object=core, bos_token=bos, pad_token=pad, unk_token=unknown, padding_side="right",
        model_max_length=config.n_ctx, model_input_names=["input_ids", "attention_mask"],
        clean_up_tokenization_spaces=False,
    )  # fmt: skip


def _labels(config: Config) -> dict[str, Any]:
    """What the columns of the logits are called."""
    words = tokens_of(config.output.values)
    if config.output.kind == "numerical":
        words = ["number", *(f"is:{word}" for word in words)]
    return {"id2label": dict(enumerate(words)), "label2id": {word: i for i, word in enumerate(words)}}


def _ids(config: Config) -> dict[str, Any]:
    return {"vocab_size": config.d_vocab + 1, "bos_token_id": config.bos_id, "pad_token_id": config.pad_id}


def _write_bidirectional(model: Model, dtype: torch.dtype, directory: Path) -> None:
    from transformers import MobileBertForTokenClassification

    config = model.config
    _write(
        MobileBertForTokenClassification(mobilebert_config(config)),
        mobilebert_state(config, model.params), dtype, directory,
    )  # fmt: skip


def _write(found: Any, state: Mapping[str, Tensor], dtype: torch.dtype, directory: Path) -> None:
    """Save a model whose every parameter is in `state` or is a part that our transformer lacks."""
    idle = {name: _idle(name, value) for name, value in found.state_dict().items() if name not in state}
    found.load_state_dict({**state, **idle})
    found.to(dtype).save_pretrained(directory)


def _idle(name: str, value: Tensor) -> Tensor:
    """A parameter of MobileBERT that our transformer lacks, with numbers that do nothing."""
    if "LayerNorm.weight" in name:
        return torch.ones_like(value)
    if any(part in name for part in ("LayerNorm.bias", "token_type_embeddings", "embedding_transformation")):
        return torch.zeros_like(value)
    raise InputError(f"the installed transformers has another MobileBERT, with {name}; needed one like 5.23's")


def heads_of(config: Config) -> int:
    """How many heads of width d_head the stream is wide: ours, and null ones."""
    n_heads, d_head, _ = config.width_for("Hugging Face")
    return max(n_heads, math.ceil(config.d_model / d_head))


def mobilebert_config(config: Config) -> Any:
    """The stock configuration under which MobileBERT is our transformer."""
    from transformers import MobileBertConfig

    heads, widths = heads_of(config), config.width_for("Hugging Face")
    width = heads * widths.d_head
    return MobileBertConfig(
        num_hidden_layers=config.n_layers, num_attention_heads=heads, hidden_size=width, embedding_size=width,
        intra_bottleneck_size=width, intermediate_size=widths.d_mlp, max_position_embeddings=config.n_ctx,
        hidden_act=config.activation, normalization_type="no_norm", use_bottleneck=False,
        use_bottleneck_attention=False, key_query_shared_bottleneck=False, trigram_input=False,
        num_feedforward_networks=1, classifier_activation=False, type_vocab_size=1,
        hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, classifier_dropout=0.0,
        **_ids(config), **_labels(config),
    )  # fmt: skip


MOBILEBERT_NAMES = torch_names(
    "mobilebert.embeddings.word_embeddings",
    "mobilebert.embeddings.position_embeddings",
    Layer(
        query="mobilebert.encoder.layer.{i}.attention.self.query",
        key="mobilebert.encoder.layer.{i}.attention.self.key",
        value="mobilebert.encoder.layer.{i}.attention.self.value",
        linear="mobilebert.encoder.layer.{i}.attention.output.dense",
        linear_1="mobilebert.encoder.layer.{i}.intermediate.dense",
        linear_2="mobilebert.encoder.layer.{i}.output.dense",
    ),
    "classifier",
)
"""What MobileBERT calls our parameters."""


def mobilebert_state(config: Config, params: Mapping[str, Any]) -> dict[str, Tensor]:
    """The parameters under MobileBERT's names, padded with zeros to its width, and with a row for UNK."""
    heads, widths = heads_of(config), config.width_for("Hugging Face")
    return _state(config, params, MOBILEBERT_NAMES, widths._replace(n_heads=heads), heads * widths.d_head)


@dataclass(frozen=True)
class _Sizes:
    """The sizes of a model that has room for more than the one that it holds, and no biases by distance."""

    widths: tuple[Widths, ...]
    d_model: int
    n_ctx: int
    d_vocab: int
    d_vocab_out: int
    buckets: int = 0


def _state(
    config: Config, params: Mapping[str, Any], names: Names, widths: Widths, d_model: int
) -> dict[str, Tensor]:  # fmt: skip
    """The parameters under other names, in the corners of zeros of these sizes; the last token is UNK."""
    layers = (widths,) * config.n_layers
    room = _Sizes(layers, d_model, config.n_ctx, config.d_vocab + 1, config.d_vocab_out)
    padded = {name: _padded(params[name], *shape) for name, shape in config.target.parameters(room).items()}
    return {name: torch.tensor(array).contiguous() for name, array in renamed(config, padded, names).items()}


def _padded(array: Array, *shape: int) -> Array:
    """The array in the corner of zeros."""
    found = np.zeros(shape, np.float32)
    found[tuple(slice(size) for size in array.shape)] = array
    return found


def _write_causal(model: Model, dtype: torch.dtype, directory: Path) -> None:
    """The weights, a config that names its code, and that code."""
    from raspc.export.huggingface_code.configuration_raspc import RaspcConfig
    from raspc.export.huggingface_code.modeling_raspc import RaspcForTokenClassification

    # With this, `save_pretrained` copies the two files and names them in config.json.
    classes: tuple[Any, Any] = (RaspcConfig, RaspcForTokenClassification)
    classes[0].register_for_auto_class()
    classes[1].register_for_auto_class("AutoModelForTokenClassification")
    config = model.config
    stated = RaspcConfig(
        n_layers=config.n_layers, d_model=config.d_model, n_ctx=config.n_ctx,
        **config.width_for("Hugging Face")._asdict(), **_ids(config), **_labels(config),
    )  # fmt: skip
    _write(RaspcForTokenClassification(stated), causal_state(config, model.params), dtype, directory)


CAUSAL_NAMES = torch_names(
    "token_embed",
    "pos_embed",
    Layer(
        query="layers.{i}.attn.query",
        key="layers.{i}.attn.key",
        value="layers.{i}.attn.value",
        linear="layers.{i}.attn.linear",
        linear_1="layers.{i}.linear_1",
        linear_2="layers.{i}.linear_2",
    ),
    "classifier",
)
"""What `modeling_raspc` calls them."""


def causal_state(config: Config, params: Mapping[str, Any]) -> dict[str, Tensor]:
    """The parameters under the names of `modeling_raspc`, with a row of zeros for UNK."""
    return _state(config, params, CAUSAL_NAMES, config.width_for("Hugging Face"), config.d_model)
