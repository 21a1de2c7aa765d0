"""Models in stock classes, without a file between: what tests of the converter run."""

from __future__ import annotations

from typing import Any

import numpy as np

import raspc
from raspc import library
from raspc.target.families import FAMILIES
from raspc.target.stock import Stock
from raspc.weights import Model, sampling


def compiled(name: str, family: str, **options: Any) -> Model:
    """A program of the library, compiled for a family."""
    program = library.get(name)
    causal = FAMILIES[family].causal
    return raspc.compile(
        program.program, program.vocab, program.max_seq_len, causal=causal, target=family, **options
    )  # fmt: skip


def stock_class(stock: Stock) -> Any:
    """The model in the class of `transformers`, every parameter of which is given."""
    import torch
    import transformers

    fields = {name: value for name, value in stock.config.items() if name != "model_type"}
    labels = {"num_labels": len(stock.answers)} if stock.exit == "labels" else {}
    config = transformers.AutoConfig.for_model(stock.config["model_type"], **fields, **labels, eos_token_id=None)
    found = getattr(transformers, stock.architecture)(config)
    missing, unexpected = found.load_state_dict(
        {name: torch.tensor(array) for name, array in stock.params.items()}, strict=False
    )
    tied = {"transformer.encoder.embed_tokens.weight"} if stock.family == "t5" else set()
    assert set(missing) <= tied and not unexpected
    return found.to(getattr(torch, stock.dtype)).eval()


def logits_of(stock: Stock, model: Model, batch: list[Any]) -> Any:
    """The logits [batch, position, column] of inputs that are padded on the right."""
    import torch

    ids = torch.tensor(model.encode_batch(batch))
    with torch.no_grad():
        found = stock_class(stock)(input_ids=ids, attention_mask=(ids != stock.pad_id).long()).logits
    return found.float().numpy()


def differences(stock: Stock, model: Model, count: int = 60) -> list[Any]:
    """Inputs on which the stock class and the model give different answers."""
    batch = sampling.inputs_of(model)[-count:]
    logits, expected = logits_of(stock, model, batch), model.apply_batch(batch).decoded
    return [
        tokens
        for row, tokens in enumerate(batch)
        if not all(
            _same(_answer(stock, logits[row, i]), expected[row][i]) for i in range(1, len(tokens))
        )
    ]  # fmt: skip


def _answer(stock: Stock, logits: Any) -> Any:
    """What one position says."""
    if stock.answers[0].says == "number":
        special = [answer.value for answer in stock.answers[1:] if logits[answer.column] > 0.5]
        return special[0] if special else float(logits[0])
    named = {answer.column: answer.value for answer in stock.answers}
    return named.get(int(np.argmax(logits)), "no answer")


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= 1e-4 * abs(other) + 1e-5
    return bool(one == other)
