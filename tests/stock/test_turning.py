"""Positions that RoPE tells: the last or first key, and the key so many positions before, without a table of them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.stock.stocked import logits_of

import raspc
from raspc import ModelFormatError, library, rasp
from raspc.rasp import Comparison, SOp
from raspc.stock.convert import stock_of
from raspc.target.families import FAMILIES, HUGE_THETA
from raspc.target.rotation import Rotation, rotation_for
from raspc.weights import Model, Params

pytestmark = pytest.mark.filterwarnings("ignore::raspc.UncertainProgram")  # of programs that a causal mask changes
T, PLACE = rasp.tokens, rasp.indices
TURNING = tuple(name for name, family in FAMILIES.items() if family.rotary)


def before(by: int, of: SOp = T) -> SOp:
    """The token so many positions before, or what else stands there."""
    return rasp.Aggregate(rasp.Select(PLACE, PLACE - by, Comparison.EQ), of, default="?")


def last(some: str) -> SOp:
    """The last of some tokens."""
    return rasp.Aggregate(rasp.latest(rasp.Select(T.is_in(some), True, Comparison.EQ)), T, default="?")


def first(some: str) -> SOp:
    """The first of some tokens."""
    return rasp.Aggregate(rasp.earliest(rasp.Select(T.is_in(some), True, Comparison.EQ)), T, default="?")


PROGRAMS: dict[str, SOp] = {
    "memory": rasp.memory(rasp.Map(str.lower, T), T, T, default="?"),
    "induction": library.induction(),
    "last and first": last("ab") + first("cd"),
    "two shifts": before(1) + before(3),
    "a shift of a pick": before(1, first("cd")),
    "last of all": rasp.Aggregate(rasp.latest(rasp.Select(T, T, Comparison.TRUE)), T),
}


def compiled(program: SOp, length: int, family: str = "llama", **options: Any) -> Model:
    """A program over four letters for a family that turns."""
    return raspc.compile(program, "abcdAB", length, causal=True, target=family, **{"optimize": 2, **options})


def theta(model: Model) -> float:
    """The base of the rotation."""
    held = model.config.held
    assert held is not None
    return held.rope_theta


def right(model: Model, program: SOp, inputs: Sequence[Sequence[str]]) -> None:
    """A model answers as the interpreter does, in the parameters of its family and as the plain model in them."""
    for tokens in inputs:
        wanted = raspc.interpret(program, list(tokens), causal=True)
        for one in (model, model.plain):
            assert one.apply(["BOS", *tokens]).decoded[1:] == wanted


def some_inputs(length: int, many: int = 12) -> list[list[str]]:
    """Random inputs, half of them as long as can be."""
    draw = random.Random(0)
    return [draw.choices("abcdAB", k=length if i % 2 else draw.randint(1, length)) for i in range(many)]


@pytest.mark.parametrize("level", [1, 2])
@pytest.mark.parametrize("name", PROGRAMS)
def test_positions_are_told_by_turning(name: str, level: int, tmp_path: Path) -> None:
    """Nothing counts positions or stores them; all is proved, right, and the same once it is saved and read again."""
    model = compiled(PROGRAMS[name], 40, optimize=level)
    assert model.certificate.verdict == "proved" and theta(model) < HUGE_THETA
    assert model.config.n_layers == (2 if name in ("induction", "a shift of a pick") else 1)
    assert not any("count" in label or "length" in label for label in model.residual_labels)
    right(model, PROGRAMS[name], some_inputs(40))
    model.save(tmp_path / "model")
    again = raspc.load(tmp_path / "model")
    assert again.config == model.config and raspc.certificate(again).verdict == "proved"
    right(again, PROGRAMS[name], some_inputs(40, 4))


@pytest.mark.parametrize("family", TURNING)
def test_every_family_that_turns_does_so(family: str) -> None:
    """Its classes give the logits that NumPy does, for whole inputs."""
    pytest.importorskip("transformers")
    model = compiled(PROGRAMS["induction"], 200, family)
    assert model.certificate.verdict == "proved"
    batch = [["BOS", *tokens] for tokens in some_inputs(200, 6)]
    stock = stock_of(model, family, "labels")
    assert stock.config["rope_parameters"]["rope_theta"] == theta(model)
    theirs, ids = logits_of(stock, model, batch), model.encode_batch(batch)
    ours, real = model.logits(ids), ids != model.config.pad_id
    assert np.allclose(ours[real], theirs[real][:, [answer.column for answer in stock.answers]], atol=2e-3)
    right(model, PROGRAMS["induction"], [row[1:] for row in batch])


selectors = st.sampled_from([last("ab"), first("ab"), last("dA"), first("B"), before(1), before(2), before(5)])


@settings(max_examples=15, deadline=None)
@given(selectors, selectors, st.integers(2, 60), st.data())
def test_any_two_of_them(one: SOp, other: SOp, length: int, data: st.DataObject) -> None:
    """Heads that rank and heads that shift stand side by side, in one rotation."""
    program = one + other
    model = compiled(program, length)
    assert model.certificate.verdict == "proved" and theta(model) < HUGE_THETA
    letters = st.lists(st.sampled_from("abcdAB"), min_size=1, max_size=length)
    right(model, program, [data.draw(letters), *some_inputs(length, 3)])


@pytest.mark.parametrize("length", [8, 64, 1000, 16384, 32768])
@pytest.mark.parametrize("d_head", [16, 20, 40, 56, 128])
def test_a_base_is_found_for_any_length(d_head: int, length: int) -> None:
    """What programs use stands still, one pair turns by a radian at most, and a distance of 1 is told from others."""
    for shifts in ((), (1,), (1, 3)):
        found = rotation_for(d_head, length, shifts)
        assert found.frequencies[found.turning] * (length + 1) <= 2.0**-25 * 1.01
        assert found.frequencies[found.slow] * length <= 1.0
        assert (shifts and d_head == 16) or found.frequencies[found.slow] * length > 2.0**-5
        assert all(found.lead(by) > 1e-4 for by in shifts)


def test_other_readers_of_positions_want_them_counted() -> None:
    """A sum of positions is no rank, nor is one that people want to see; narrow formats round cosines."""
    rank = rasp.Aggregate(rasp.latest(rasp.Select(T, T, Comparison.EQ)), T)
    left = (PLACE - 1).named("left")
    seen = rasp.where(left > 1, rasp.Aggregate(rasp.Select(PLACE, left, Comparison.EQ), T), "?")
    for program, options in (
        (rasp.where(PLACE > 3, rank, "?"), {}),
        (seen, {}),
        (rank, {"dtype": "bfloat16"}),
        (rank, {"disabled_passes": ("rotation",)}),
    ):
        model = compiled(program, 8, **options)
        assert theta(model) == HUGE_THETA
        assert model.apply(["BOS", *"abAb"]).decoded[1:] == raspc.interpret(program, list("abAb"), causal=True)


@pytest.mark.parametrize("name", ["memory", "induction"])
def test_long_memories_are_small_and_proved(name: str) -> None:
    """Sixteen thousand positions, told in a model of a few thousand parameters."""
    model = compiled(PROGRAMS[name], 16_384)
    assert model.certificate.verdict == "proved" and sum(array.size for array in model.params.values()) < 12_000


def edited(model: Model, name: str, change: Any) -> Model:
    """The model with one array changed."""
    arrays = {key: np.array(array) for key, array in model.params.items()}
    change(arrays[name])
    return replace(model, params=Params(arrays, model.config))


QUERY, KEY = "model.layers.1.self_attn.q_proj.weight", "model.layers.1.self_attn.k_proj.weight"


def test_edited_pairs_are_refused() -> None:
    """Pairs that read a token, or that turn BOS as well, and a base or a plan that is not there, prove nothing."""
    model = compiled(PROGRAMS["induction"], 30)
    assert model.alignment.bos is not None and model.config.held is not None
    rotation = Rotation(theta(model), model.config.widths[0].d_head, 30)
    row, bos = rotation.slow + rotation.d_head // 2, model.alignment.bos
    assert np.asarray(model.params[KEY])[row, bos] != 0
    for name, change in (
        (KEY, lambda a: a.__setitem__((row, bos), 0.0)),
        (KEY, lambda a: a.__setitem__((row, bos + 1), 1.0)),
        (QUERY, lambda a: a.__setitem__(rotation.slow, 0.0)),
        (QUERY, lambda a: a.__setitem__((1, 0), 1.0)),
    ):
        assert raspc.certificate(edited(model, name, change)).verdict == "fails"
    other = replace(model.config, held=replace(model.config.held, rope_theta=theta(model) * 10))
    assert raspc.certificate(replace(model, config=other, params=dict(model.params))).verdict == "fails"
    with pytest.raises(ModelFormatError, match="planned"):
        _ = replace(model, plan=None).plain


def test_what_a_rotation_cannot_show_is_counted() -> None:
    """Where the proof finds pairs too coarse, as those of a base that is cut short, positions are counted instead."""
    program = PROGRAMS["memory"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("raspc.certify.proof.turned.PLACES", 2.0**20)
        model = compiled(program, 12)
        assert theta(model) == HUGE_THETA and model.certificate.verdict == "proved"
    right(model, program, some_inputs(12))
