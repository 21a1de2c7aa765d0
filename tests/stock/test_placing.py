"""Positions that T5 makes by biases: buckets, tables of any kind, whole programs, faults in the weights, and limits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.stock.stocked import compiled, differences
from tests.stock.test_model import edited

import raspc
from raspc import InputError, ModelFormatError, RaspcError, lab, library, rasp
from raspc.certify.checking.variables import first_difference, trace_variables
from raspc.numbers.precision import PRECISIONS
from raspc.stock import naming
from raspc.stock.convert import stock_of
from raspc.stock.model import strays, told_of
from raspc.stock.placing import bends_of
from raspc.target.distances import MARGIN, biases_for, bucket_of, buckets_for, farthest_for
from raspc.weights import Model
from raspc.weights.config import Config

BIASES = "transformer.encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight"
FIRST, SECOND = (f"transformer.encoder.block.{i}.layer." for i in (0, 1))


@pytest.mark.parametrize("n_ctx", [2, 3, 7, 8, 9, 33, 129, 300])
def test_buckets_are_those_of_the_class(n_ctx: int) -> None:
    """Every distance of an input has a bucket of its own, the one that `transformers` gives it."""
    torch = pytest.importorskip("torch")
    t5 = pytest.importorskip("transformers.models.t5.modeling_t5").T5Attention
    away, buckets = np.arange(1 - n_ctx, n_ctx), buckets_for(n_ctx)
    theirs = t5._relative_position_bucket(
        torch.tensor(away), bidirectional=True, num_buckets=buckets, max_distance=farthest_for(n_ctx)
    )  # fmt: skip
    ours = bucket_of(away, buckets)
    assert ours.tolist() == theirs.tolist() and len(set(ours.tolist())) == len(away)
    assert biases_for(n_ctx).shape == (buckets, (n_ctx - 1).bit_length())


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 12), st.integers(1, 4), st.data())
def test_any_table_is_a_chain_of_bends(n: int, width: int, data: st.DataObject) -> None:
    """Neurons max(0, place − j) make every table of whole numbers, beside the number of the place."""
    cells = st.lists(st.integers(-9, 9), min_size=width, max_size=width)
    table = np.array([[0] * width, *data.draw(st.lists(cells, min_size=n, max_size=n))], float)
    first = data.draw(st.integers(0, width - 1))
    at, out = bends_of(table, first)
    places = np.arange(n + 1.0)
    found = np.maximum(0.0, places[:, None] - at) @ out
    found[:, first] += places
    assert np.array_equal(found, table) and len(at) <= n


@pytest.mark.parametrize("level", [1, 2])
@pytest.mark.parametrize("name", ["reverse", "shift_by", "sort_freq", "mode"])
def test_programs_that_read_positions_are_proved(name: str, level: int) -> None:
    """One layer, in which nothing reads them, makes them; the class of `transformers` gives the same answers."""
    pytest.importorskip("transformers")
    model = compiled(name, "t5", optimize=level)
    kinds = {link.kind for link in model.certificate.links}
    assert model.certificate.proved and "digit" in kinds and strays(model) == {}
    assert model.plain.params["pos_embed/embeddings"].any() and model.config.tells_by_distance
    assert differences(stock_of(model, "t5"), model) == []


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_narrow_formats_make_positions_of_whole_numbers(dtype: str) -> None:
    """Every digit, place and bend is a number of the format."""
    pytest.importorskip("transformers")
    model = compiled("sort", "t5", dtype=dtype)
    assert model.certificate.proved and differences(stock_of(model, "t5"), model) == []


@pytest.mark.parametrize("n", [7, 8, 40])
def test_lengths_around_powers_of_two_and_beyond_the_usual_buckets(n: int) -> None:
    """As many heads as the longest input has binary digits."""
    pytest.importorskip("transformers")
    model = raspc.compile(library.reverse(), "ab", n, target="t5", optimize=2)
    held, told = model.config.held, told_of(model)
    assert held is not None and told is not None and told.lead == MARGIN
    assert model.config.widths[0].n_heads - held.n_heads == n.bit_length()
    assert differences(stock_of(model, "t5"), model) == []


def test_a_position_is_the_answer() -> None:
    """A program without any block has one layer, which makes them."""
    model = raspc.compile(rasp.indices, "ab", 5, target="t5")
    assert model.certificate.proved and model("abba") == [0, 1, 2, 3]
    assert raspc.compile(rasp.indices, "ab", 1, target="t5")("a") == [0]


def test_a_model_is_saved_with_its_biases(tmp_path: Path) -> None:
    """`config.json` says which neurons make positions, where there are any."""
    model = compiled("shift_by", "t5")
    model.save(tmp_path / "model")
    again = raspc.load(tmp_path / "model")
    assert again.config == model.config and again.params[BIASES].shape == (buckets_for(model.config.n_ctx), 5)
    assert raspc.certificate(again).proved and raspc.check(again).ok
    assert all(np.array_equal(again.plain.params[name], array) for name, array in model.plain.params.items())
    said = model.config.to_json()["held"]
    assert said["positions_to"] > 0 and "positions_to" not in compiled("hist", "t5").config.to_json()["held"]
    for change in ({"positions_to": 99}, {"positions_from": -1}, {"positions_from": said["positions_to"] + 1}):
        with pytest.raises(ModelFormatError, match="held"):
            Config.from_json(model.config.to_json() | {"held": said | change})


def change(where: Any, value: Any) -> Any:
    """An edit of an array."""
    return lambda array: array.__setitem__(where, value)


FAULTS: dict[str, tuple[str, Any]] = {
    "a bias that is too small": (BIASES, change((3, 1), -10.0)),
    "a bias of the wrong sign": (BIASES, change((3, 1), 256.0)),
    "two distances for one another": (BIASES, lambda a: a.__setitem__([2, 3], a[[3, 2]])),
    "a bias of another head": (BIASES, change((3, 0), -256.0)),
    "a bias of a bucket that no input has": (BIASES, change((-1, 2), 0.0)),
    "no biases": (BIASES, lambda a: a.__imul__(0)),
    "a query that asks nothing": (f"{FIRST}0.SelfAttention.q.weight", change((slice(4, None),), 0.0)),
    "a key that tokens have": (f"{FIRST}0.SelfAttention.k.weight", change((4, 1), 512.0)),
    "a value of BOS": (f"{FIRST}0.SelfAttention.v.weight", lambda a: a.__setitem__(slice(4, None), abs(a[4:]))),
    "digits that weigh more": (f"{FIRST}0.SelfAttention.o.weight", lambda a: a.__imul__(2)),
    "a head that writes later": (f"{SECOND}0.SelfAttention.o.weight", change((0, 5), 1.0)),
    "a bend elsewhere": (f"{FIRST}1.DenseReluDense.wi.weight", lambda a: a.__setitem__(1, a[2])),
    "a bend of another size": (f"{FIRST}1.DenseReluDense.wo.weight", lambda a: a.__imul__(2)),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_refused_by_the_certificate(fault: str) -> None:
    """Wherever a weight that makes positions is edited, the proof does not hold."""
    model = compiled("shift_by", "t5")
    assert model.config.d_head == 4 and model.config.held is not None and model.config.held.n_heads == 1
    assert raspc.certificate(edited(model, *FAULTS[fault])).verdict == "fails"


def test_positions_that_are_claimed_but_not_made_are_refused() -> None:
    """What a config says of heads and neurons that make positions is held against the weights."""
    model = compiled("shift_by", "t5")
    for other in ({"positions_from": 1}, {"positions_to": 3}):
        held = replace(model.config.held, **other)
        claimed = replace(model, config=replace(model.config, held=held), params=dict(model.params))
        assert raspc.certificate(claimed).verdict == "fails"


def told_off(model: Model) -> float:
    """How far off the table of positions can be that is made."""
    from raspc.certify.proof.weights import examined

    off = examined(model.plan, model).off_places
    return float(off.max())


def test_a_norm_that_is_not_still_leaves_positions_a_little_off() -> None:
    """The certificate knows by how much: not at all where the norm is the identity."""
    model = compiled("shift_by", "t5")
    assert 0 < told_off(model) < 0.1
    from raspc.stock.model import stocked

    assert told_off(stocked(model.plain, "t5", 1.0)) == 0.0


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"max_seq_len": 300, "dtype": "bfloat16"}, "makes positions of the numbers of places, of which bfloat16"),
        ({"max_seq_len": 5, "causal": True}, "t5 sees later positions; pass causal=False"),
    ],
)  # fmt: skip
def test_what_t5_cannot_hold_is_refused_in_one_line(options: dict[str, Any], says: str) -> None:
    """Whole numbers above 256 are none of bfloat16; a causal program is none of an encoder."""
    with pytest.raises(RaspcError, match=says) as refusal:
        raspc.compile(library.shift_by(1), "abc", target="t5", **options)
    assert "\n" not in str(refusal.value)


def test_constants_of_a_frame_are_numbers_of_the_format() -> None:
    """However many positions there are: in float16 they were larger than its largest number."""
    model = raspc.compile(rasp.where(rasp.indices > 3, rasp.tokens, "c"), "abc", 64, target="t5", dtype="float16")
    assert model.certificate is not None and model.certificate.verdict == "proved"


def test_what_float16_cannot_hold_says_what_to_do() -> None:
    """For fewer tokens, or in another format."""
    with pytest.raises(
        InputError, match="w holds a number that float16 lacks, whose largest is 65,504; compile for fewer"
    ):
        naming._stored("w", np.array([7e4]), PRECISIONS["float16"])


def test_other_exports_of_its_plain_model_say_what_to_do() -> None:
    """The plain model, whose table of positions T5 makes, is there for pages and circuits."""
    model = compiled("shift_by", "t5")
    with pytest.raises(InputError, match=r"has the parameters of t5.*compile it"):
        model.to("npz")
    assert model.circuit().faults() == []
    assert model.apply(["BOS", "a", "b"]).decoded == model.plain.apply(["BOS", "a", "b"]).decoded


def test_a_trace_shows_positions_from_the_stage_on_that_makes_them() -> None:
    """What the first layer holds of them before is the number of a place, which is no value of theirs."""
    model = compiled("reverse", "t5")
    found = trace_variables(model, list("abc"))
    shown = [stage for stage, variables in sorted(found.held.items()) if "indices" in variables]
    assert shown[0] == 1 and all(found.held[stage]["indices"] == [0, 1, 2] for stage in shown)
    assert first_difference(model, list("abc")) is None
    assert model.spaces["indices"].from_stage == 1 and model.plain.spaces["indices"].from_stage == -1


def test_positions_are_no_module_s_output() -> None:
    """Attention and an MLP make them together; neurons of theirs are none of the circuit's."""
    model = compiled("double_hist", "t5")
    with pytest.raises(InputError, match=r"made by attention and an MLP together.*model\.intervene"):
        lab.module_sites(model, ["indices"])
    held, circuit = model.config.held, model.circuit()
    assert held is not None and 0 < held.positions_from < held.d_mlp
    assert circuit.module("m0").at == tuple(range(held.positions_from))
