"""Gated neurons that multiply: a product of two numbers, a sum times itself, and one of several sums, in one or two."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.stock.stocked import logits_of

import raspc
from raspc import InputError, ModelFormatError, rasp
from raspc.attempts import has_products, size_in
from raspc.certify.proof.loose import Loose
from raspc.certify.proof.multiplied import _Factors, _of_activation
from raspc.numbers.precision import PRECISIONS
from raspc.rasp import Comparison, SOp
from raspc.run.arrays import NUMPY
from raspc.stock.convert import fitting, stock_of
from raspc.stock.ending import ending_of
from raspc.stock.model import gated_of
from raspc.target.families import FAMILIES
from raspc.weights import Model, sampling

pytestmark = pytest.mark.filterwarnings("ignore::raspc.UncertainProgram")  # of programs that a causal mask changes
T, PLACE = rasp.tokens, rasp.indices
GATED = tuple(name for name, family in FAMILIES.items() if family.gate is not None)
BEFORE = rasp.Aggregate(rasp.Select(PLACE, PLACE - 1, Comparison.EQ), T, default=0)
"""The token before, and 0 at the first position."""


def count(of: int) -> SOp:
    """How often a token has come so far."""
    return rasp.SelectorWidth(rasp.Select(T.is_in([of]), True, Comparison.EQ))


PROGRAMS: dict[str, SOp] = {
    "product of digits": T * BEFORE,
    "product and sums": rasp.map(lambda x, y: 2 * x * y - 3 * x + y * y - 5, T, BEFORE),
    "signs on both sides": rasp.map(lambda x, y: (x - 2) * (y - 3), T, BEFORE),
    "square of a difference": rasp.map(lambda x, y: (x - y) ** 2, T, BEFORE),
    "product with a sum": T * rasp.Sum(rasp.Select(T, T, Comparison.TRUE), T),
    "product of counts": count(1) * count(2),
    "one of two counts": rasp.where(T == 3, count(1), count(2)),
    "product that is added up": rasp.Sum(rasp.Select(T, T, Comparison.TRUE), T * BEFORE),
}


LENGTHS = {"product of counts": 14, "one of two counts": 9}
"""Below, counts need not be decoded."""


def compiled(program: SOp, family: str = "llama", digits: int = 4, length: int = 5, **options: Any) -> Model:
    """A program over a few digits for a family."""
    return raspc.compile(program, range(digits), length, causal=True, target=family, **{"optimize": 2, **options})


def right(model: Model, program: SOp, inputs: Sequence[Sequence[int]]) -> None:
    """A model answers as the interpreter does, in the parameters of its family and as the plain model in them."""
    for tokens in inputs:
        wanted = raspc.interpret(program, list(tokens), causal=True)
        for one in (model, model.plain):
            assert one.apply(["BOS", *tokens]).decoded[1:] == wanted


def some_inputs(model: Model, many: int = 12) -> list[list[int]]:
    """Random inputs without BOS."""
    return [list(row[1:]) for row in sampling.inputs_of(model)[-many:]]


@pytest.mark.parametrize("name", PROGRAMS)
def test_products_make_a_model_smaller(name: str, tmp_path: Path) -> None:
    """It is proved, smaller than without them, right, and the same once it is saved and read again."""
    length = LENGTHS.get(name, 5)
    model = compiled(PROGRAMS[name], length=length)
    without = compiled(PROGRAMS[name], length=length, disabled_passes=["products"])
    assert has_products(model) and not has_products(without)
    assert model.certificate.verdict == "proved"
    assert size_in(model) < size_in(without) or without.certificate.verdict != "proved"
    right(model, PROGRAMS[name], some_inputs(model, 6))
    model.save(tmp_path / "model")
    again = raspc.load(tmp_path / "model")
    assert again.config == model.config and raspc.certificate(again).verdict == "proved"
    right(again, PROGRAMS[name], some_inputs(model, 3))


@pytest.mark.parametrize("family", GATED)
def test_every_gated_family_multiplies(family: str) -> None:
    """One neuron computes the product; the family's class gives the logits that NumPy does."""
    pytest.importorskip("transformers")
    model = compiled(PROGRAMS["product of digits"], family)
    assert model.certificate.verdict == "proved" and [one.size for one in gated_of(model)] == [1]
    batch = sampling.inputs_of(model)[-40:]
    stock, ids = stock_of(model, family, "labels"), model.encode_batch(batch)
    theirs, ours, real = logits_of(stock, model, batch), model.logits(ids), ids != model.config.pad_id
    assert np.allclose(ours[real], theirs[real][:, [answer.column for answer in stock.answers]], atol=2e-3)


def test_other_targets_have_none() -> None:
    """A plain model, a family without gates, and a narrow format go through values."""
    program = PROGRAMS["product of digits"]
    plain = raspc.compile(program, range(4), 5, causal=True, optimize=2)
    others = [compiled(program, "gpt2"), compiled(program, dtype="bfloat16")]
    assert not any(map(has_products, (plain, *others)))


def test_a_circuit_knows_which_neurons_are_gone() -> None:
    """A neuron of the plain model in whose place one multiplies is in no module; the MLP has those of the family."""
    model = compiled(PROGRAMS["product of digits"])
    circuit = model.circuit("neuron")
    neuron = next(node for node in circuit.nodes if node.kind == "neuron")
    with pytest.raises(InputError, match="gated neuron that multiplies"):
        circuit.module(neuron.name)
    whole = model.circuit()
    assert len(whole.module(next(node.name for node in whole.nodes if node.kind == "mlp")).at) < 20


def test_a_file_of_another_width_is_refused(tmp_path: Path) -> None:
    """A config that says of the plain model what its plan does not is a fault of the file."""
    model = compiled(PROGRAMS["product of digits"], length=4)
    model.save(tmp_path / "model")
    path = tmp_path / "model" / "config.json"
    text = path.read_text()
    held = model.config.held
    assert held is not None and f'"d_mlp": {held.d_mlp}' in text
    path.write_text(text.replace(f'"d_mlp": {held.d_mlp}', '"d_mlp": 3'))
    with pytest.raises(ModelFormatError):
        raspc.load(tmp_path / "model").plain  # noqa: B018


small = st.integers(-3, 3)
tables = st.one_of(
    st.builds(lambda a, b, c, d: lambda x, y: a * x * y + b * x + c * y + d, small.filter(bool), small, small, small),
    st.builds(lambda a, b: lambda x, y: (x + a * y) ** 2 + b * y, st.sampled_from([-1, 1]), small),
    st.builds(lambda a, b, c: lambda x, y: a * y + b if x % 2 else c * y, small, small, small),
    st.builds(lambda a, b: lambda x, y: (x * x - a) * (y - b), small, small),
)


@settings(max_examples=12, deadline=None)
@given(tables, st.sampled_from(["llama", "gemma"]), st.integers(2, 6), st.data())
def test_any_polynomial(table: Any, family: str, digits: int, data: st.DataObject) -> None:
    """Whatever the compiler takes for it, it is proved and right."""
    program = rasp.map(table, T, BEFORE)
    model = compiled(program, family, digits, 4)
    assert model.certificate.verdict == "proved"
    right(model, program, [data.draw(st.lists(st.integers(0, digits - 1), min_size=1, max_size=4)) for _ in range(3)])


@pytest.mark.parametrize("name", ["silu", "gelu", "gelu_tanh"])
@pytest.mark.parametrize("sharpness", [2.0**5, 2.0**8, 2.0**12])
def test_an_activation_is_off_by_no_more_than_is_said(name: str, sharpness: float) -> None:
    """Of gates near 0 and far from it, which are off by little or by much, in float32."""
    beside = {"silu": 0.2785, "gelu": 0.17, "gelu_tanh": 0.1701}[name]
    loose = Loose(beside / sharpness, 104.0 / sharpness, sharpness)
    rng = np.random.default_rng(0)
    gate = np.concatenate([np.zeros(200), rng.uniform(-3, 3, 400), rng.integers(-4, 5, 200)])[None]
    error = 10.0 ** rng.uniform(-9, -0.5, gate.shape) * (rng.random(gate.shape) < 0.8)
    read = (gate + error * rng.uniform(-1, 1, gate.shape)).astype(np.float32)
    bound = _of_activation(
        _Factors(gate, gate, error + np.abs(read - gate) * 2.0**-20, error), loose, PRECISIONS["float32"]
    )
    with np.errstate(over="ignore"):
        given_ = NUMPY.activations[name](np.float32(sharpness) * read) / np.float32(sharpness)
    off = np.abs(given_.astype(np.float64) - np.maximum(gate, 0.0))
    slack = 2.0**-23 * (np.abs(gate) + error)  # of this test, which rounds gates to float32
    assert (off <= bound + slack).all()


def test_what_multiplies_writes_the_stop_too() -> None:
    """Beyond the longest input a product is no larger than its factors can be: the neuron outweighs it."""
    found = {}
    for without in ((), ("products",)):
        model = compiled(T * PLACE, disabled_passes=without)
        plain = fitting(model.plain, FAMILIES["llama"])
        found[has_products(model)] = ending_of(model.plain, FAMILIES["llama"], plain, plain.unembed, 2.0**20)
    assert found[True] is not None and found[False] is not None
