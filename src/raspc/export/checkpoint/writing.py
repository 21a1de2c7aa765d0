"""A directory that `from_pretrained` loads: a program as a checkpoint of a stock family.

    config.json, model.safetensors   the weights, for `transformers` and all that read its format
    generation_config.json           of a language model: greedy, to the end of the answer or the longest input
    tokenizer.json, …                plain text to the program's tokens
    README.md                        what it computes, how to run it, what is proved, its limits
    raspc.json                       the values behind tokens, answers and dimensions, for those who study it

No file holds code. They are written without `transformers`, which need not be installed.
"""

from __future__ import annotations

from math import frexp, log2
from os import PathLike
from pathlib import Path
from typing import Any

from raspc import jsonvalues, values
from raspc.certify.proof.knobs import smallest
from raspc.errors import InputError, wrong_kind
from raspc.export.checkpoint import chat, labels, safetensors, tokenizer
from raspc.export.checkpoint.card import card
from raspc.export.checkpoint.vocabulary import vocabulary
from raspc.stock.convert import family_of, stock_of
from raspc.target.families import FAMILIES
from raspc.target.stock import Stock
from raspc.values import Value
from raspc.version import VERSION
from raspc.weights import Model
from raspc.weights.files import fresh_directory, write_files

OPTIONS = ("exit", "norm_scale", "step_sharpness", "stop")
LEAST, MOST = 1.0, 2.0**60
"""The range of a scale."""

FACTS = "raspc.json"
"""What tells a directory of ours from others: a checkpoint is written over one of ours alone."""


def convert(
    model: Model,
    path: str | PathLike[str] | None = None,
    dtype: str | None = None,
    *,
    family: str,
    exit: str | None = None,
    norm_scale: float | None = None,
    step_sharpness: float | None = None,
    stop: Value | None = None,
) -> Stock | Path:
    """The model as a checkpoint of a family; its parameters alone where no path is given.

    `exit`: "lm" (answers are tokens) or "labels" (a label for each token); without one the first that the family has:
    a decoder generates, an encoder labels. `norm_scale`, `step_sharpness`: see `stock_of`; without them the smallest
    that are proved. `stop`: the token that ends what a language model writes; without one that of the program, if it
    was compiled with one.

    Raises InputError where the model does not fit the family, or text would not tell its tokens apart, or the path
    cannot be written or holds what is no checkpoint of ours.
    """
    check_dtype(model, dtype)
    check_knobs(norm_scale=norm_scale, step_sharpness=step_sharpness)
    knobs = knobs_of(model, family, norm_scale, step_sharpness)
    stock = stock_of(model, family, exit, dtype, **knobs, stop=stop_of(model) if stop is None else stop)
    if path is None:
        return stock
    contents = files(model, stock, stop)
    with fresh_directory(path, marker=FACTS) as building:
        write_files(building, contents)
    return Path(path)


def knobs_of(
    model: Model, family: str, norm_scale: float | None = None, step_sharpness: float | None = None
) -> dict[str, float | None]:
    """What is given; where nothing is, the smallest knobs that are proved, of a model that has a plan and a proof."""
    given = {"norm_scale": norm_scale, "step_sharpness": step_sharpness}
    known = model.config.held is None and model.plan is not None and model.certificate is not None
    if not known or any(given.values()) or not (model.certificate and model.certificate.proved) or model.plan is None:
        return given
    found = smallest(model, model.plan, family_of(family).name)
    held = None if found is None else found.model.config.held
    return given if held is None else {"norm_scale": held.norm_scale, "step_sharpness": held.step_sharpness}


def check_dtype(model: Model, dtype: str | None) -> None:
    """Raises InputError for another number format than that of the model: answers of a cast model are wrong."""
    if dtype not in (None, model.precision.dtype):
        raise InputError(
            f"a checkpoint has the number format that the model was compiled for, {model.precision.dtype}; "
            f"compile the program with dtype={dtype!r}"
        )


def check_knobs(**knobs: float | None) -> None:
    """Raises InputError for a scale that is no power of two, and TypeError for one that is no number."""
    for name, value in knobs.items():
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise wrong_kind(name, value, "a power of two, such as 256")
        if not LEAST <= value <= MOST or frexp(value)[0] != 0.5:
            raise InputError(f"{name}={value!r}: needed a power of two from 1 to 2⁶⁰, such as 256")


def files(model: Model, stock: Stock, stop: Value | None = None) -> dict[str, bytes]:
    """The bytes of each file. Raises InputError where text does not tell tokens or answers apart, or for `stop`."""
    stop = stop_of(model) if stop is None and stock.exit == "lm" else stop
    words, end = vocabulary(stock), stop_id(stock, stop)
    ids = {"bos_token_id": stock.bos_id, "pad_token_id": stock.pad_id, "eos_token_id": end}
    generates = stock.exit == "lm"
    read = tokenizer.files(words, stock.n_ctx, *(("left", chat.template(model)) if generates else ("right",)))
    tokenizer.check(read["tokenizer.json"], stock)
    config = {**stock.config, **ids, **labels.settings(stock), "dtype": stock.dtype}
    found = {
        "config.json": tokenizer.written(config),
        "model.safetensors": safetensors.written(stock.params, stock.dtype),
        **read,
        "README.md": card(model, stock, words, stop).encode(),
        FACTS: jsonvalues.dumps(facts(stock), indent=1),
    }
    greedy = {"do_sample": False, "max_length": longest_text(stock), **ids}
    return found | ({"generation_config.json": tokenizer.written(greedy)} if generates else {})


def longest_text(stock: Stock) -> int:
    """How many tokens a text has at most, with BOS and with the last one, which is written and never read."""
    return stock.n_ctx + 1


def stop_of(model: Model) -> Value | None:
    """The token at which the program was compiled to stop, where it writes."""
    return None if model.writing is None else model.writing.stop


def stop_id(stock: Stock, stop: Value | None) -> int | None:
    """The id of the token that ends a text. Raises InputError for one that the checkpoint never writes."""
    if stop is None:
        return None
    found = next((answer for answer in stock.answers if values.same(answer.value, stop)), None)
    if found is None or stock.exit != "lm":
        known = ", ".join(repr(answer.value) for answer in stock.answers[:12])
        raise InputError(f"stop={stop!r} is nothing that this checkpoint writes; needed one of {known or 'no token'}")
    return found.column


def scale_of(stock: Stock) -> float:
    """The constant that keeps the norms still, which is what they multiply by."""
    norms = FAMILIES[stock.family].norms
    gain = float(stock.params[f"{norms.attention.format(i=0)}.weight"][0]) + norms.from_one
    return float(2.0 ** round(log2(gain)))  # Gemma stores 2**11 - 1 as 2**11 in bfloat16


def facts(stock: Stock) -> dict[str, Any]:
    """What the checkpoint means, with values as they are in the program: 1 is a number here and a text elsewhere."""
    return {
        "made_by": f"raspc {VERSION}",
        "family": stock.family, "architecture": stock.architecture, "exit": stock.exit, "dtype": stock.dtype,
        "n_ctx": stock.n_ctx, "causal": stock.causal, "norm_scale": scale_of(stock),
        "step_sharpness": stock.step_sharpness,
        "tokens": [jsonvalues.encode(value) for value in stock.tokens], "n_inputs": stock.n_inputs,
        "bos_id": stock.bos_id, "pad_id": stock.pad_id, "unk_id": stock.unk_id,
        "answers": [
            {"column": answer.column, "value": jsonvalues.encode(answer.value), "says": answer.says}
            for answer in stock.answers
        ],
        "residual_labels": list(stock.labels), "notes": list(stock.notes),
    }  # fmt: skip
