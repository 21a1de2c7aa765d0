"""Gains and embeddings as Gemma stores them: less 1, and divided by the root of the width, in each format."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.stock.stocked import differences, logits_of

import raspc
from raspc import InputError, library, rasp
from raspc.numbers.precision import PRECISIONS, Precision
from raspc.run import stock as running
from raspc.run.rounded import rounding_of
from raspc.stock import convert, sizes, storing
from raspc.stock.convert import stock_of
from raspc.stock.frame import RMS, fitting
from raspc.stock.model import stocked
from raspc.target.families import FAMILIES
from raspc.weights import Model, sampling

pytestmark = pytest.mark.filterwarnings("ignore")  # of programs that a causal mask changes
GEMMA = FAMILIES["gemma"].norms
NARROW = ("bfloat16", "float16")
PROGRAMS: dict[str, tuple[Any, Any]] = {
    "shift_by": (library.shift_by(1), "abc"),
    "length": (rasp.length, "abc"),
    "hist": (library.get("hist").program, "abc"),
    "N=2": (rasp.tokens + 1, range(2)),
}
"""Programs that were refused."""


def gemma(name: str, dtype: str, **options: Any) -> Model:
    """One of them, as a Gemma."""
    program, vocab = PROGRAMS[name]
    return raspc.compile(program, vocab, 5, causal=True, target="gemma", dtype=dtype, **options)


@pytest.mark.parametrize("dtype", NARROW)
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_narrow_gemma_is_proved(name: str, dtype: str) -> None:
    """And its class gives the same answers in the format."""
    pytest.importorskip("transformers")
    model = gemma(name, dtype)
    assert model.certificate.verdict == "proved"
    assert differences(stock_of(model, "gemma"), model) == []


@pytest.mark.parametrize("name", ["sort", "most_freq"])
def test_ranks_and_counts_of_a_narrow_llama_are_proved(name: str) -> None:
    """A number and its square are read where each rounds least, and the steepest activation is asked as well."""
    program = library.get(name)
    model = raspc.compile(
        program.program, program.vocab, program.max_seq_len, causal=True, target="llama", dtype="float16", optimize=2
    )
    assert model.certificate is not None and model.certificate.verdict == "proved"


@pytest.mark.parametrize(("dtype", "lacking"), [("bfloat16", {9, 10}), ("float16", {12, 13, 16}), ("float32", set())])
def test_what_gains_a_format_has(dtype: str, lacking: set[int]) -> None:
    """2⁸ − 1 is a number of bfloat16; 2¹¹ − 1 is stored as 2¹¹, and 2¹¹ + 1 is near enough; 2⁹ + 1 is not."""
    precision = PRECISIONS[dtype]
    assert {i for i in range(17) if not storing.has_gain(2.0**i, GEMMA, precision)} == lacking
    assert all(storing.has_gain(2.0**i, FAMILIES["llama"].norms, precision) for i in range(17))
    assert storing.gain_error(2.0**11, GEMMA, PRECISIONS["bfloat16"]) == 2.0**-11
    assert storing.gain_error(2.0**11, GEMMA, PRECISIONS["float16"]) == 0


def normed(precision: Precision, scale: float, numbers: Any, off: float = 0.0) -> Any:
    """Rows of a frame with these numbers, what the norm of a Gemma gives of them in NumPy, and the gain less 1.

    `off`: what is added to that gain.
    """
    frame = fitting(RMS, 1, scale, 2)
    rows = frame.embedding(numbers[:, None]).astype(np.float32)
    gain = np.full(frame.width, off + storing.gain_of(scale, GEMMA, precision), np.float32)
    return rows, running._normed(rows, GEMMA, gain + np.float32(1), None, rounding_of(precision)), gain


@pytest.mark.parametrize(("dtype", "scale"), [("bfloat16", 2.0**8), ("bfloat16", 2.0**11), ("float16", 2.0**14)])
def test_a_gain_that_is_off_is_rounded_away(dtype: str, scale: float) -> None:
    """Every number of the format between ½ and 4 comes back, from NumPy and from the class of transformers."""
    torch, gemmas = pytest.importorskip("torch"), pytest.importorskip("transformers.models.gemma.modeling_gemma")
    precision = PRECISIONS[dtype]
    numbers = np.concatenate([np.arange(2.0**precision.bits, 2.0 ** (precision.bits + 1)) * 2.0**i for i in (0, 1, 2)])
    numbers *= 2.0 ** (-precision.bits - 1)
    rows, ours, gain = normed(precision, scale, precision.round(numbers))
    norm, kind = gemmas.GemmaRMSNorm(rows.shape[1], GEMMA.eps), getattr(torch, dtype)
    norm.weight.data = torch.tensor(gain)
    with torch.no_grad():
        theirs = norm.to(kind)(torch.tensor(rows).to(kind)).float().numpy()
    assert (ours == rows).all() and (theirs == rows).all()


def test_a_gain_that_is_off_by_more_is_not() -> None:
    """The next number of bfloat16 in place of 2⁸ − 1 makes other numbers of some."""
    rows, ours, _ = normed(PRECISIONS["bfloat16"], 2.0**8, np.arange(128.0, 256.0) / 128, off=1.0)
    assert (ours != rows).any()


def test_a_wide_frame_is_proved_with_the_gain_that_it_has() -> None:
    """The proof counts what the gain is off by: 2¹¹ of bfloat16 leaves a factor that is rounded away."""
    pytest.importorskip("transformers")
    plain = gemma("hist", "bfloat16").plain
    wide = stocked(plain, "gemma", 2.0**5, 2.0**11)
    assert set(np.asarray(wide.params["model.norm.weight"]).tolist()) == {2.0**11}
    found = raspc.certificate(wide)
    assert found.proved and next(link.needed for link in found.links if link.kind == "norm") > 2.0**-11
    assert differences(stock_of(wide, "gemma"), wide) == []


@pytest.mark.parametrize(("dtype", "exponent"), [("bfloat16", 9), ("bfloat16", 10), ("float16", 12), ("float16", 13)])
def test_a_planted_gain_that_the_format_lacks_is_refused(
    dtype: str, exponent: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A converter that takes such a scale makes a model that is not proved: what its norm is off by may be stored."""
    plain = gemma("hist", dtype).plain
    for module in (storing, convert, sizes):
        monkeypatch.setattr(module, "has_gain", lambda *_: True)
    links = raspc.certificate(stocked(plain, "gemma", 2.0**5, 2.0**exponent)).links
    assert not next(link for link in links if link.kind == "norm").holds


def test_a_planted_gain_is_refused() -> None:
    """One number of one norm that is the next of the format is no part of the program."""
    model = gemma("hist", "bfloat16")
    params = {name: np.array(array) for name, array in model.params.items()}
    params["model.norm.weight"][0] += 1
    links = raspc.certificate(replace(model, params=params)).links
    failed = [link for link in links if not link.holds]
    assert {(link.kind, link.name) for link in failed} == {("stray weights", "model.norm.weight")}


def test_a_planted_root_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Embeddings for a root that is not rounded to the format are others in the format."""
    plain = gemma("hist", "bfloat16").plain
    with monkeypatch.context() as patch:
        patch.setattr(storing, "root_of", lambda width, precision: 2.0 * width**0.5)
        wrong = stocked(plain, "gemma", 2.0**5, 2.0**6)
    assert raspc.certificate(stocked(plain, "gemma", 2.0**5, 2.0**6)).proved
    assert not raspc.certificate(wrong).proved


@pytest.mark.parametrize("dtype", NARROW)
def test_embeddings_are_those_of_the_class(dtype: str) -> None:
    """The root is stored in the format, as is each product: NumPy has the logits of transformers, number by number."""
    pytest.importorskip("transformers")
    model = gemma("shift_by", dtype)
    batch = sampling.inputs_of(model)[-20:]
    stock = stock_of(model, "gemma", "labels")
    ours = running.logits(
        running.prepared(stock.params, model.config, precision=model.precision), model.encode_batch(batch)
    )
    theirs = logits_of(stock, model, batch)
    real = model.encode_batch(batch) != model.config.pad_id
    assert (ours == theirs)[real].all()


@pytest.mark.parametrize("dtype", NARROW)
def test_a_root_that_is_a_power_of_two_gives_every_number(dtype: str) -> None:
    """So there is a width for any embeddings; other roots miss some numbers."""
    precision = PRECISIONS[dtype]
    numbers = precision.round(np.arange(2.0 ** (precision.bits - 1), 2.0**precision.bits))
    for width in (4, 16, 64):
        table = storing.scaled(numbers, width, precision)
        assert (storing.given(table, width, precision) == numbers).all()
    with pytest.raises(ValueError, match="root of 32"):
        storing.scaled(numbers, 32, precision)


def test_no_number_times_the_root_of_58_is_1() -> None:
    """So a Gemma of that width has no indicators in float32; other widths have them."""
    with pytest.raises(ValueError, match="root of 58"):
        storing.scaled(np.ones((1, 1)), 58, PRECISIONS["float32"])
    assert storing.scaled(np.ones((1, 1)), 60, PRECISIONS["float32"])[0, 0] > 0


def test_embeddings_that_no_width_gives_are_refused() -> None:
    """Half of the smallest number of float16 is none, whatever the width is."""
    model = raspc.compile(rasp.tokens, "ab", 3, causal=True, dtype="float16")
    found = convert.fitting(model, FAMILIES["gemma"])
    found.token_embed[1, 0] = 2.0**-24
    with pytest.raises(InputError, match=r"gemma multiplies embeddings by the root .* float16; compile it for float32"):
        convert.framed(found, FAMILIES["gemma"], found.unembed, "lm", PRECISIONS["float16"], 64.0, 32.0)


@pytest.mark.parametrize(
    ("dtype", "scale", "says"),
    [("bfloat16", 512, "at most 256, or at least 2048"), ("float16", 2.0**20, "at most 32768$")],
)
def test_a_norm_scale_that_the_format_lacks_is_refused(dtype: str, scale: float, says: str) -> None:
    """In one line that says which are fine."""
    model = raspc.compile(rasp.tokens, "ab", 3, causal=True, dtype=dtype)
    with pytest.raises(InputError, match=f"gemma stores a gain less 1, and {dtype} lacks .*; needed {says}"):
        stock_of(model, "gemma", norm_scale=scale)
