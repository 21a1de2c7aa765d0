"""Layer norms in narrow formats: a mirrored frame leaves numbers as they are, and dust where nothing should be."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.stock.stocked import compiled, differences

from raspc import UncertainProgram
from raspc.certify.proof import framed, weights
from raspc.certify.proof.dusty import stored
from raspc.certify.proof.tightness import Tightness, tightness
from raspc.certify.proof.weights import examined
from raspc.numbers.precision import PRECISIONS
from raspc.run import stock as running
from raspc.stock.convert import stock_of
from raspc.stock.frame import MIRRORED, fitting
from raspc.stock.model import frame_of
from raspc.stock.sizes import Extent
from raspc.target.families import FAMILIES
from raspc.weights import Model

pytestmark = pytest.mark.filterwarnings("ignore")  # of programs that a causal mask changes
NARROW = ["bfloat16", "float16"]
CENTRED = [name for name, family in FAMILIES.items() if family.norms.centred]


class Halved:
    """A model in its own format whose numbers are half of the difference of both sides."""

    def __init__(self, model: Model) -> None:
        self.model, self.half = model, frame_of(model).half

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)

    def trace_ids(self, ids: Any) -> Any:
        """The trace, rounded as the format does."""
        ready = running.prepared(self.model.params, self.model.config, precision=self.model.precision)
        found = running.trace(ready, np.asarray(ids))
        streams = [np.asarray(x, np.float64) for x in (found.input_embeddings, *found.residuals)]
        first, *rest = ((x[..., : self.half] - x[..., self.half :]) / 2 for x in streams)
        return replace(found, input_embeddings=first, residuals=rest)


def seen_in(model: Model, monkeypatch: pytest.MonkeyPatch, part: float = 1.0) -> tuple[Tightness, ...]:
    """Bounds and errors seen, for each space, where each norm takes out a mean that is as far off as it can be.

    NumPy adds the numbers of these models up without rounding; other software does not. `part`: how much of that.
    """
    found, rng, sound = framed.loose_of(model), np.random.default_rng(0), running._normed
    assert found.dust is not None
    most = part * found.dust.mean / found.dust.norms

    def normed(x: Any, norms: Any, gain: Any, bias: Any, store: Any) -> Any:
        off = most * rng.choice([-1.0, -0.1, 0.3, 1.0], (*x.shape[:-1], 1)).astype(np.float32)
        return sound(x - x.mean(-1, keepdims=True) + off, replace(norms, kind="rms"), gain, None, store)

    monkeypatch.setattr(running, "_normed", normed)
    shown: Any = Halved(model)
    return tightness(shown, examined(model.plan, model), model.precision)


@pytest.mark.parametrize(("name", "level"), [("contains", 2), ("sort", 1), ("token_after_last", 2), ("mode", 2)])
@pytest.mark.parametrize("family", ["gpt2", "bert"])
def test_no_error_is_larger_than_its_bound(
    family: str, name: str, level: int, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    """What is stored differs from its code by nothing, or by dust."""
    model = compiled(name, family, optimize=level, dtype="bfloat16")
    found = seen_in(model, monkeypatch)
    assert [one for one in found if one.seen > one.bound] == []
    assert any(one.bound == 0 for one in found)


def test_a_bound_without_dust_is_exceeded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The check above sees it where the mean is taken for 0."""
    sound = framed.loose_of

    def forgotten(model: Model) -> Any:
        found = sound(model)
        return replace(found, dust=None if found.dust is None else replace(found.dust, mean=0.0))

    model = compiled("sort", "gpt2", dtype="bfloat16")
    monkeypatch.setattr(weights, "loose_of", forgotten)
    assert any(one.seen > one.bound for one in seen_in(model, monkeypatch))


@pytest.mark.parametrize("dtype", NARROW)
def test_dust_is_gone_once_a_number_is_stored(dtype: str) -> None:
    """Numbers of the format, and others, off by up to so much: stored they are off by no more than is said."""
    precision, rng = PRECISIONS[dtype], np.random.default_rng(0)
    numbers = np.concatenate([[0.0, 1.0, 0.5, 255.0], precision.round(rng.normal(0, 8, 400)), rng.normal(0, 8, 100)])
    dust = 2.0 ** rng.uniform(-24, -2, (60, len(numbers)))
    moved = numbers + dust * rng.choice([-1.0, 1.0, 0.3], dust.shape)
    bound = stored(np.broadcast_to(numbers, dust.shape), dust, precision)
    assert (np.abs(precision.round(moved) - numbers) <= bound).all()
    assert (bound == 0).any() and (bound[:, 1:4] == 0).any() and not (bound[:, 0] == 0).any()


@pytest.mark.parametrize("dtype", NARROW)
@pytest.mark.parametrize("held", [3, 30, 120])
def test_a_layer_norm_of_torch_leaves_numbers_as_they_are(dtype: str, held: int) -> None:
    """Whatever stands in the stream: what is not small is the same, bit for bit, and what is 0 is dust."""
    torch = pytest.importorskip("torch")
    precision, rng = PRECISIONS[dtype], np.random.default_rng(held)
    x = precision.round(rng.normal(0, 1, (200, held)) * (rng.random((200, held)) < 0.2))
    extent = Extent(np.abs(x).max(axis=0), float((x**2).sum(axis=1).max()), float(np.abs(x).sum(axis=1).max()))
    scale = 2.0 ** np.ceil(np.log2(extent.squares * 2.0 ** (precision.bits + 2) / (2 * held)) / 2 + 0.1)
    frame = fitting(MIRRORED, held, scale, 2)
    assert framed.is_rounded_away(frame, FAMILIES["gpt2"], extent, precision)
    dust = framed._dust(frame, FAMILIES["gpt2"], extent, 1)
    rows, kind = frame.embedding(x), getattr(torch, dtype)
    gain = torch.full((frame.width,), scale, dtype=kind)
    given = torch.tensor(rows, dtype=kind)
    found = torch.nn.functional.layer_norm(given, (frame.width,), gain, torch.zeros_like(gain), 1e-5)
    there, large = found.double().numpy(), np.abs(rows) >= 4.2 * dust.mean / precision.unit
    assert (there[large] == rows[large]).all() and large.any()
    assert np.abs(there[rows == 0]).max() <= dust.mean * (1 + precision.unit)
    halved = (there[:, : frame.half] - there[:, frame.half :]) / 2
    code = rows[:, : frame.half]
    assert (np.abs(halved - code) <= dust.of(code, np.zeros_like(code), True, precision)).all()


@pytest.mark.parametrize("dtype", NARROW)
def test_gelu_is_relu_in_a_narrow_format(dtype: str) -> None:
    """Of every number of the format, however the function is written: near by the bound, and equal from 16 on."""
    torch = pytest.importorskip("torch")
    act = pytest.importorskip("transformers.activations").ACT2FN
    every = torch.arange(-(2**15), 2**15, dtype=torch.int32).to(torch.int16).view(getattr(torch, dtype))
    numbers = every[every.double().abs() < 2.0**100]
    x = numbers.double().numpy()
    for form in ("gelu_new", "gelu", "gelu_pytorch_tanh"):
        off = np.abs(act[form](numbers).double().numpy() - np.maximum(x, 0))
        assert off.max() <= framed.NARROW_BESIDE_RELU
        assert (off <= np.abs(x)).all() and not off[np.abs(x) >= 16].any()


@pytest.mark.parametrize("family", CENTRED)
@pytest.mark.parametrize(("name", "dtype"), [("hist", "bfloat16"), ("hist", "float16"), ("majority", "bfloat16")])
def test_a_layer_norm_in_a_narrow_format_is_proved(family: str, name: str, dtype: str) -> None:
    """And its class in transformers gives the answers."""
    pytest.importorskip("transformers")
    for level in (1, 2):
        model = compiled(name, family, optimize=level, dtype=dtype)
        assert model.certificate.verdict == "proved" or (dtype, level) == ("float16", 2)
        assert model.config.d_model <= 2 * model.plain.config.d_model + 8 + model.plain.config.d_head
        assert model.config.held is not None and model.config.held.frame == MIRRORED
        for exit in FAMILIES[family].exits:
            assert differences(stock_of(model, family, exit), model) == []


def test_what_is_only_measured_is_told() -> None:
    """With how many inputs it was measured on."""
    with pytest.warns(UncertainProgram, match=r"sort as a gpt2 in bfloat16 is not proved but measured, on \d+ inputs"):
        assert compiled("sort", "gpt2", dtype="bfloat16").certificate.verdict == "measured"
