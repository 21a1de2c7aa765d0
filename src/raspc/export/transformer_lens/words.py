"""What a lens model is asked in: text whose words are parted by white space, or ids; both must be known to it."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from raspc.errors import InputError
from raspc.export import huggingface
from raspc.weights import Model


def tokenizer(model: Model) -> Any:
    """The tokenizer of the model: it puts BOS in front; a program that writes ends with its stop, others with PAD.

    A word that it does not know gets an id that the model does not have, and is refused by it: `checked`.
    """
    found, config = huggingface.tokenizer(model.config), model.config
    words = huggingface.tokens_of(config.vocab)
    end = config.pad if model.writing is None else model.writing.stop
    found.eos_token = words[config.vocab.index(end)]
    found.add_bos_token = True  # so that TransformerLens takes it as it is
    return found


def checked(ids: Tensor, d_vocab: int) -> Tensor:
    """The ids. Raises InputError for one that is no token of the model, as an unknown word's is."""
    if ids.numel() and not 0 <= int(ids.min()) <= int(ids.max()) < d_vocab:
        raise InputError(
            f"found an id that is no token of the model, as an unknown word gets; needed 0 to {d_vocab - 1}: words of "
            "the vocabulary, parted by spaces"
        )
    return ids
