"""Parity of a checkpoint: a stock class of transformers, loaded from the files, gives the logits and the answers.

The streams are not compared, as a stock model keeps constants beside them and may add a bias a layer earlier.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from importlib import metadata, util
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from raspc.errors import InputError
from raspc.export import CONVERTERS
from raspc.export.checkpoint import writing
from raspc.export.checkpoint.vocabulary import text_of
from raspc.parity.activations import numpy
from raspc.parity.report import MATCH, MISMATCH, BackendReport, Mismatch, ParityReport
from raspc.run.plain import Array, Ids
from raspc.target.stock import Answer, Stock
from raspc.values import Value, same
from raspc.weights import Model, sampling

TOLERANCE = 1e-3
"""How far a logit may be off, relative to the largest: a layer norm rounds each sum that it scales."""
INPUTS = 200
BEYOND, RANDOM = 512, 8
"""So far beyond the longest input the stop is asked for, at most, on so many random inputs, and as many repeated."""
NEEDED = ("torch", "transformers", "tokenizers")
CLASSES = {"lm": "AutoModelForCausalLM", "labels": "AutoModelForTokenClassification"}
"""What loads a checkpoint of an exit."""


def run(
    model: Model,
    family: str,
    inputs: Sequence[Sequence[Value]] | None = None,
    tolerance: float = TOLERANCE,
    exit: str | None = None,
) -> ParityReport:
    """Write a checkpoint of a family, load it with transformers, and compare it with the model on inputs.

    Answers must be equal, and logits differ by at most `tolerance` times the largest (or 1, if that is more). Inputs
    are padded into one batch and masked; without them, all short ones and random long ones are run.

    Raises InputError for a family that is unknown or cannot hold the model, and where transformers is not installed.
    """
    if CONVERTERS.get(family) is None or "family" not in CONVERTERS[family].given:
        known = [name for name, found in CONVERTERS.items() if "family" in found.given]
        raise InputError(f"unknown family {family!r}; known are {', '.join(known)}")
    if missing := [name for name in NEEDED if util.find_spec(name) is None]:
        raise InputError(
            f"parity with {family} needs {' and '.join(missing)}, not installed here; pip install 'raspc[huggingface]'"
        )
    chosen = sampling.inputs_of(model, INPUTS) if inputs is None else [list(tokens) for tokens in inputs]
    stock = writing.convert(model, family=family, exit=exit)
    assert isinstance(stock, Stock)
    found = model.apply_batch(chosen)
    loaded = _loaded(model, stock, found.ids, chosen)
    report = _report(stock, chosen, found.decoded, found.unembedded, loaded, tolerance)
    return ParityReport((report,), tolerance, len(chosen), (report.name,))


class Loaded(NamedTuple):
    """What transformers makes of the files: logits [input, position, column]; the first text misread, and an input
    beyond the longest that is not answered with the stop, where they should be."""

    logits: Array
    misread: int | None
    going_on: tuple[Value, ...] | None


def _loaded(model: Model, stock: Stock, ids: Ids, inputs: Sequence[Sequence[Value]]) -> Loaded:
    """The files, as transformers loads them, for padded ids [input, position]."""
    import torch
    import transformers

    from raspc.export.huggingface import quiet

    with tempfile.TemporaryDirectory() as folder, quiet(), torch.inference_mode():
        for name, data in writing.files(model, stock).items():
            (Path(folder) / name).write_bytes(data)
        loaded: Any = getattr(transformers, CLASSES[stock.exit]).from_pretrained(folder, dtype="auto")
        given = {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy((ids != stock.pad_id) * 1)}
        logits = numpy(loaded.eval()(**given).logits.float())
        going_on = _going_on(loaded, stock, writing.stop_id(stock, writing.stop_of(model))) if stock.ends else None
        return Loaded(logits, _misread(folder, stock, ids, inputs), going_on)


def _going_on(loaded: Any, stock: Stock, stop: int | None) -> tuple[Value, ...] | None:
    """An input beyond the longest that is not answered with the stop; random tokens are asked, and repeated ones."""
    import torch

    n, tokens = stock.n_ctx, [i for i in range(stock.n_inputs) if i not in (stock.bos_id, stock.pad_id)]
    longest = n + min(3 * n, BEYOND)
    drawn = np.random.default_rng(0).choice(tokens, (RANDOM if n <= BEYOND else 1, longest))
    ids = np.vstack([drawn, np.repeat(np.array(tokens)[:RANDOM, None], longest, axis=1)])
    ids[:, 0] = stock.bos_id
    said = numpy(loaded(input_ids=torch.from_numpy(ids)).logits.float())[:, n:].argmax(-1)
    for row, place in np.argwhere(said != stop).tolist():
        return tuple(stock.tokens[i] for i in ids[row, : n + place + 1].tolist())
    return None


def _misread(folder: str, stock: Stock, ids: Ids, inputs: Sequence[Sequence[Value]]) -> int | None:
    """The first input whose text the tokenizer splits into other ids; words with white space in them are not asked."""
    import transformers

    read: Any = transformers.AutoTokenizer.from_pretrained(folder)
    for row, tokens in enumerate(inputs):
        words = [text_of(token) for token in tokens[1:]]
        plain = words and not any(map(str.isspace, "".join(words)))
        if plain and read(" ".join(words))["input_ids"] != ids[row, : len(tokens)].tolist():
            return row
    return None


def _report(
    stock: Stock,
    inputs: Sequence[Sequence[Value]],
    expected: Sequence[Sequence[Value]],
    plain: Array,
    loaded: Loaded,
    tolerance: float,
) -> BackendReport:
    logits = loaded.logits
    columns = [answer.column for answer in stock.answers]
    comparable = len(columns) == plain.shape[-1]  # numbers that leave as tokens have no logits of their own
    worst, row_of_worst, allowed, first = 0.0, 0, 0.0, None
    if comparable:
        real = np.arange(1, plain.shape[1])[None, :] < np.array([len(tokens) for tokens in inputs])[:, None]
        off = np.abs(logits[:, 1:, columns] - plain[:, 1:]).max(-1, initial=0.0) * real
        allowed = tolerance * max(1.0, float(np.abs(plain[:, 1:][real]).max(initial=0.0)))
        row_of_worst, worst = int(off.max(1).argmax()), float(off.max(initial=0.0))
        if not worst <= allowed:
            first = Mismatch("logits", worst, allowed, tuple(inputs[row_of_worst]))
    unequal = _unequal(stock, inputs, expected, logits, tolerance)
    if unequal is not None and first is None:
        first = Mismatch("decoded tokens", float("inf"), 0.0, tuple(inputs[unequal]))
    if loaded.misread is not None and first is None:
        first = Mismatch("the ids of its text", float("inf"), 0.0, tuple(inputs[loaded.misread]))
    if loaded.going_on is not None and first is None:
        first = Mismatch("the stop beyond the longest input", float("inf"), 0.0, loaded.going_on)
    return BackendReport(
        f"{stock.architecture}", metadata.version("transformers"), MISMATCH if first else MATCH,
        {"unembedded": worst} if comparable else {}, unequal is None, first,
    )  # fmt: skip


def _unequal(
    stock: Stock,
    inputs: Sequence[Sequence[Value]],
    expected: Sequence[Sequence[Value]],
    logits: Array,
    tolerance: float,
) -> int | None:
    """The first input whose answers differ."""
    for row, tokens in enumerate(inputs):
        said = decoded(stock, logits[row, 1 : len(tokens)])
        if not all(_equal(*pair, tolerance) for pair in zip(said, expected[row][1 : len(tokens)], strict=True)):
            return row
    return None


def decoded(stock: Stock, logits: Array) -> Iterator[Value]:
    """The answers that logits [position, column] say; `...` where the largest is none."""
    values = [answer for answer in stock.answers if answer.says == "value"]
    specials = [answer for answer in stock.answers if answer.says == "special"]
    by_column = {answer.column: answer.value for answer in values}
    for row in logits:
        if values:
            yield by_column.get(int(row.argmax()), ...)
        else:
            yield _number(stock.answers, specials, row)


def _number(answers: Sequence[Answer], specials: Sequence[Answer], row: Array) -> Value:
    """The number, unless the sign of a special value exceeds ½."""
    largest = max(specials, key=lambda answer: float(row[answer.column]), default=None)
    if largest is not None and row[largest.column] > 0.5:
        return largest.value
    return float(row[next(answer.column for answer in answers if answer.says == "number")])


def _equal(one: Value, other: Value, tolerance: float) -> bool:
    """One value; of a number that is no value of a list, one within the tolerance."""
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= tolerance * max(1.0, abs(other))
    return same(one, other)
