"""A checkpoint that counts its positions answers whatever is longer than its longest input with the stop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, event, given, settings
from tests.stock.stocked import differences, stock_class
from tests.strategies import Case, cases

import raspc
from raspc import rasp
from raspc.errors import RaspcError
from raspc.export.checkpoint.writing import convert
from raspc.library import WRITERS
from raspc.stock import ending
from raspc.stock.convert import fitting, stock_of
from raspc.target.families import FAMILIES
from raspc.target.stock import Stock
from raspc.weights import Model

COUNTING = ("write_copy", "write_count", "write_sort", "write_recall")
FAR = 40
"""How far beyond the longest input is asked."""


@cache
def model_of(name: str, family: str = "llama") -> Model:
    """A program of the library that writes, as a checkpoint of a family."""
    writer = WRITERS[name]
    return raspc.compile(
        writer.program, writer.vocab, writer.max_seq_len, optimize=2, target=family, **writer.options()
    )  # fmt: skip


def stock_with_stop(model: Model, family: str = "llama") -> Stock:
    """Its parameters, with the exit of a language model and the stop of its program."""
    found = convert(model, family=family, exit="lm")
    assert isinstance(found, Stock)
    return found


def beyond(stock: Stock, rows: int = 24) -> Any:
    """What it writes at each place beyond its longest input, of random tokens and repeated ones."""
    import torch

    rng, tokens = np.random.default_rng(1), [i for i in range(stock.n_inputs) if i not in (stock.bos_id, stock.pad_id)]
    ids = rng.choice(tokens, (rows, stock.n_ctx + FAR))
    ids[: len(tokens)] = np.array(tokens[:rows])[:, None]
    ids[:, 0] = stock.bos_id
    with torch.no_grad():
        logits = stock_class(stock)(input_ids=torch.tensor(ids)).logits[:, stock.n_ctx :]
    return logits.argmax(-1).numpy()


def column(stock: Stock, stop: Any) -> int:
    """That of the stop."""
    return next(answer.column for answer in stock.answers if answer.value == stop)


@pytest.mark.parametrize("name", COUNTING)
def test_beyond_the_longest_input_there_is_the_stop(name: str) -> None:
    """At every place, whatever the tokens are; and no answer within the length changes."""
    pytest.importorskip("transformers")
    model = model_of(name)
    stock = stock_with_stop(model)
    assert stock.ends and ending.LABEL in stock.labels
    assert (beyond(stock) == column(stock, WRITERS[name].stop)).all()
    assert differences(stock, model) == []


@pytest.mark.parametrize("family", ["mistral", "qwen2", "gemma"])
def test_other_families_that_count(family: str) -> None:
    """All that have the norms of a Llama."""
    pytest.importorskip("transformers")
    model = model_of("write_recall", family)
    stock = stock_with_stop(model, family)
    assert stock.ends and (beyond(stock) == column(stock, ".")).all() and differences(stock, model) == []


def test_beside_neurons_that_multiply() -> None:
    """Which stand in the place of others, so that the neuron comes behind those of its layer that are used."""
    pytest.importorskip("transformers")
    T = rasp.tokens
    a, b = (rasp.SelectorWidth(rasp.Select(T, rasp.Full(one), rasp.Comparison.EQ)) for one in "ab")
    model = raspc.compile(rasp.causal(a * b + rasp.indices), "abc", 6, optimize=2, target="llama")
    stock = stock_of(model, "llama", "lm", stop=0)
    assert fitting(model.plain, FAMILIES["llama"]).gates.gated and stock.ends
    assert (beyond(stock) == column(stock, 0)).all() and differences(stock, model) == []


@pytest.mark.parametrize(("name", "family"), [("write_recall", "gpt2"), ("write_copy_unique", "llama")])
def test_where_nothing_is_counted_nothing_is_added(name: str, family: str) -> None:
    """With a table of positions, or where a rotation tells them; and of the exit labels."""
    stock = stock_with_stop(model_of(name, family), family)
    assert not stock.ends and ending.LABEL not in stock.labels
    assert not stock_of(model_of("write_copy"), "llama", "labels").ends


def test_the_neuron_is_silent_up_to_the_longest_input() -> None:
    """Its dimension holds 0 to the last digit there, and 1 or more beyond."""
    model = model_of("write_copy")
    torch = pytest.importorskip("torch")
    pytest.importorskip("transformers")
    stock = stock_with_stop(model)
    place, net = stock.labels.index(ending.LABEL), stock_class(stock)
    with torch.no_grad():
        ids = torch.tensor([[stock.bos_id, *[i % 3 for i in range(stock.n_ctx + 50)]]])
        streams = net(input_ids=ids, output_hidden_states=True).hidden_states[1:-1]
    for stream in streams:
        assert (stream[0, : stock.n_ctx, place] == 0).all() and (stream[0, stock.n_ctx :, place] >= 1).all()


Change = Callable[[Any], Any]
WITHIN = ("one place too early", "the other way round")
"""Faults that show within the length as well."""
FAULTS: dict[str, Change] = {
    "one place too early": lambda end: replace(end, offset=end.offset + end.slope * _step(end)),
    "far too late": lambda end: replace(end, offset=end.offset - end.slope * 3 * _step(end)),
    "the other way round": lambda end: replace(end, slope=-end.slope, offset=-end.offset),
    "a weight that other logits exceed": lambda end: replace(end, weight=end.weight * 2.0**-50),
}


def _step(end: Any) -> float:
    """How far apart two counts lie at the threshold, of a count that is left as the number that it is; see
    `write_copy`."""
    return 1.0 if end.slope > 0 else -1.0


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By `raspc parity --to llama`, which asks within the length and beyond it; the sound checkpoint passes."""
    pytest.importorskip("transformers")
    from raspc.parity.stock import run

    model, inputs = model_of("write_copy"), [["BOS", *"abcabc=abcab"], ["BOS", *"abcabc=abcabc"]]
    assert run(model, "llama", inputs).ok
    sound = ending.ending_of
    monkeypatch.setattr(ending, "ending_of", lambda *given: FAULTS[name](sound(*given)))
    report = run(model, "llama", inputs)
    assert not report.ok
    assert ("the stop beyond the longest input" in report.faults()[0]) == (name not in WITHIN)


@pytest.mark.filterwarnings("ignore")  # of programs that a causal mask changes, and of what is assumed of them
@settings(max_examples=12, suppress_health_check=list(HealthCheck))
@given(cases(6, 5))
def test_random_programs(case: Case) -> None:
    """Whatever it holds beyond its length, the first answer of its list as a stop wins there."""
    pytest.importorskip("transformers")
    try:
        model = raspc.compile(case.program, case.vocab, case.max_seq_len, causal=True, optimize=2, target="llama")
        stock = stock_of(model, "llama", "lm", stop=(stop := model.config.output.values[0]))
    except (RaspcError, IndexError):
        event("refused")
        return
    event("ends" if stock.ends else "counts nothing")
    if stock.ends:
        assert (beyond(stock, 6) == column(stock, stop)).all()
        assert differences(stock, model, 20) == []
