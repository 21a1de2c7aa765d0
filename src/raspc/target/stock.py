"""A compiled program as the parameters of a stock architecture: what lies between the converter and the files.

The converter (`raspc.stock`) makes a `Stock`; whoever writes a checkpoint, a GGUF file or a tokenizer reads it, and
needs nothing else of the model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from raspc.values import Value

Array = npt.NDArray[np.float32]

EXITS = ("lm", "labels")
"""How answers leave a stock model: as the ids of tokens, or as the columns of a token classifier."""


class Answer(NamedTuple):
    """One column of the logits that means something.

    `column`: which; with the exit `lm` it is the id of the token that is the answer. `value`: the answer. `says`: of
    the exit `labels` what the column holds: "value" (the value wins where this column is the largest), "number" (the
    column is the answer itself, as a regression), or "special" (the value wins where this column exceeds ½).
    """

    column: int
    value: Value
    says: str = "value"


@dataclass(frozen=True, eq=False)
class Stock:
    """A model in the parameters of a stock architecture.

    `family`: the name of the family, such as "llama". `architecture`: the class of `transformers` that loads it.
    `exit`: one of `EXITS`. `params`: name → float32 array, with the names and the shapes of that class's
    `state_dict()`. `config`: the fields of its `config.json`, as JSON; ids of BOS and PAD, `architectures` and
    `model_type` among them, but neither `id2label` nor `eos_token_id` nor the dtype. `dtype`: the number format in
    which the answers hold; every parameter is a number of that format.

    `tokens`: the value that each row of the embeddings stands for, in id order: the program's vocabulary, BOS, PAD;
    then, with the exit `lm`, the answers that are no tokens. After these comes one row for words that are unknown,
    `unk_id`, which no program has an answer for; then rows that fill up to what a class needs, which mean nothing.
    `n_inputs`: how many of `tokens` a program takes as input, the first ones; those after them are answers alone.
    `answers`: what the columns of the logits mean; with `lm`, columns that are none of these are far below.
    `n_ctx`: the longest input, BOS counted. `causal`: whether a position sees no later one.
    `labels`: a name for each dimension of the residual stream. `step_sharpness`: K of relu(z) = act(K·z)/K. `notes`:
    what a model card is to say of how it was made and how far it goes, a sentence each. `ends`: whether every input
    that is longer is answered with the stop (`raspc.stock.ending`).
    """

    family: str
    architecture: str
    exit: str
    params: Mapping[str, Array]
    config: Mapping[str, Any]
    dtype: str
    tokens: tuple[Value, ...]
    n_inputs: int
    bos_id: int
    pad_id: int
    unk_id: int
    answers: tuple[Answer, ...]
    n_ctx: int
    causal: bool
    labels: tuple[str, ...]
    step_sharpness: float = 1.0
    notes: tuple[str, ...] = ()
    ends: bool = False
