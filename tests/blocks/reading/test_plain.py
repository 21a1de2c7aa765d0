"""Counts that are left as numbers: where all readers bear what these are off by, and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import raspc
from raspc import library, rasp
from raspc.blocks.reading.plain import OFF, OFF_FOLDED, folded, folded_answer, wanted_as_numbers
from raspc.blocks.reading.readiness import Readiness
from raspc.graph.build import build
from raspc.graph.nodes import Index
from raspc.numbers.options import SMALLEST, Level, Options
from raspc.numbers.precision import precision_of
from raspc.numbers.shares import as_number, stretches_of
from raspc.passes.count_in_stretches import count_in_stretches
from raspc.rasp import Comparison
from raspc.study.certifying import certificate

T, I = rasp.tokens, rasp.indices  # noqa: E741
SAME = rasp.SelectorWidth(rasp.Select(T, T, Comparison.EQ)).named("same")
SINGLE = precision_of("float32")

PLAIN = {
    "the answer": SAME,
    "three times the count, less one": 3 * SAME - 1,
    "a count and an index": SAME + I,
    "a query": library.reverse(),
    "words": rasp.map(str, SAME),
}
ZEROS = rasp.Select(T, rasp.Full(0), Comparison.EQ)
COPIED = rasp.Aggregate(rasp.Select(I, I - 1, Comparison.EQ), SAME, default=-1)
MOVED = {
    "a query that may find nothing": rasp.Aggregate(rasp.Select(I, SAME, Comparison.EQ), T, default=0),
    "a rank": rasp.Aggregate(rasp.best(ZEROS, SAME), T, default=9),
    "a rank that is moved": rasp.Aggregate(rasp.best(ZEROS, SAME, "min"), 2 * SAME, default=-1),
    "the answer, one before": COPIED,
    "a sum with what a pick moves, as a query": rasp.Aggregate(
        rasp.Select(I, SAME - COPIED, Comparison.EQ), T, default=9
    ),
}
STRICT = {
    "not a multiple": rasp.map(lambda c: c * c % 3, SAME),
    "an odd one that is moved": rasp.map(lambda c: c % 2, COPIED),
    "an order": rasp.Aggregate(rasp.Select(I, SAME, Comparison.LT), T),
    "what is averaged": rasp.Aggregate(rasp.Select(I, I, Comparison.LEQ), SAME),
    "an answer that is a number": rasp.numerical(SAME),
}


def found(program: rasp.SOp, longest: int = 8, options: Options = SMALLEST) -> Readiness:
    """What is told of a graph over three numbers."""
    return Readiness.of(build(program, (0, 1, 2), longest), options)


def plain(ready: Readiness) -> list[bool]:
    """Of each count whether it is left as the number that it is."""
    return [ready.share(place).is_number for place in ready.left if ready.is_count(place)]


@pytest.mark.parametrize("name", PLAIN)
def test_who_bears_an_eighth_gets_the_number(name: str) -> None:
    """All counts are numbers then; the model has no neurons for them, and is proved."""
    assert all(plain(found(PLAIN[name])))
    model = raspc.compile(PLAIN[name], (0, 1, 2), 6, optimize=2)
    assert model.certificate.verdict == "proved" and model.config.d_mlp == 1
    assert raspc.check(model, limit=300).ok


@pytest.mark.parametrize("name", MOVED)
def test_picks_pass_on_what_they_move(name: str) -> None:
    """Ranks bear a sixteenth, and a pick bears what its readers do: the count is a number, and all is proved."""
    assert all(plain(found(MOVED[name])))
    model = raspc.compile(MOVED[name], (0, 1, 2), 6, optimize=2)
    assert model.certificate.verdict == "proved"
    assert raspc.check(model, limit=300).ok
    counted = "transformer/layer_0/attn/linear/w"
    params = {**model.params, counted: np.asarray(model.params[counted] * 1.5, np.float32)}
    assert not certificate(replace(model, params=params)).proved


@pytest.mark.parametrize("name", STRICT)
def test_others_get_a_share(name: str) -> None:
    """One strict reader is enough."""
    assert not any(plain(found(STRICT[name])))


def test_beside_a_strict_reader_a_count_is_a_share() -> None:
    """What bears an error may be read off what is decoded for others."""
    mean = rasp.Aggregate(rasp.Select(I, I, Comparison.LEQ), SAME)
    both = rasp.SequenceMap(max, SAME, mean)
    assert not any(plain(found(both)))


def test_only_compact_models_of_wide_formats_have_plain_counts() -> None:
    """Elsewhere a person wants to see the values, or probabilities are rounded; and it can be left out."""
    assert all(plain(found(SAME)))
    assert not any(plain(found(SAME, options=Options(Level.NAMED))))
    assert not any(plain(found(SAME, options=SMALLEST.leaving_out(["plain_counts"]))))
    assert as_number(np.arange(5.0), 4, precision_of("bfloat16")) is None
    assert as_number(np.arange(5.0), 4, precision_of("tf32")) is None


def test_long_inputs_are_counted_by_shares() -> None:
    """The error grows with the square of the length: an eighth of a step is too far from about 1,400 on.

    The answer bears somewhat more, and is read by its row and its place there.
    """
    for longest, is_near, is_plain in ((1300, True, True), (1500, False, True), (2100, False, False)):
        counts = np.arange(1.0, longest + 1)
        share = as_number(counts, longest, SINGLE)
        assert share is not None and bool(share.noise.max() <= OFF) is is_near
        assert bool(wanted_as_numbers(found(SAME, longest).roots, SMALLEST)) is is_plain
        folded = folded_answer(found(SAME, longest).roots, SMALLEST)
        assert (folded is not None) is (is_plain and not is_near)


def in_stretches(longest: int) -> Readiness:
    """What is told of the number of equal tokens, which names the index where it is large."""
    return Readiness.of(count_in_stretches(build(SAME, (0, 1, 2), longest), SMALLEST), SMALLEST)


def test_many_keys_are_counted_in_stretches() -> None:
    """As few as keep the number near enough; none where one sum does, and no index where the count is small."""
    shares = {}
    for longest in (1300, 1900, 2100, 4096):
        ready = in_stretches(longest)
        (shares[longest],) = (ready.share(place) for place in ready.left)
        assert shares[longest].is_number and shares[longest].noise.max() <= OFF_FOLDED
        assert any(isinstance(node, Index) for node in ready.graph.nodes) is (longest > 1300)
    assert [share.stretches for share in shares.values()] == [None, None, 2, 5]
    for n, many in ((7, 3), (4096, 5)):
        inside = stretches_of(n, many)
        assert (inside.sum(axis=1) == 1).all() and inside.sum(axis=0).max() <= -(-n // many)
        assert (np.diff(inside.argmax(axis=1)) >= 0).all()


@given(st.integers(1, 3000), st.floats(-0.45, 0.45))
def test_rows_lead_as_the_number_does(count: int, off: float) -> None:
    """Neighbours lie 1 apart; the logits part all answers by 1, and bear an error of nearly ½ along the strip."""
    strip = folded(count)
    steps = np.abs(np.diff(strip.along)) + np.abs(np.diff(strip.row))
    assert (steps == 1).all() and len({*zip(strip.along, strip.row, strict=True)}) == count
    some = np.unique(np.r_[np.arange(0, count, 97), np.arange(500, min(count, 530))])
    places = np.arange(count, dtype=np.float64)
    along, row = (np.interp(some + off, places, column) for column in (strip.along, strip.row))
    logits = 2 * np.outer(along, strip.along) - strip.along**2 + 2 * np.outer(row, strip.row) - strip.row**2
    assert (logits.argmax(axis=1) == some).all()


def test_a_large_count_is_answered_by_its_row() -> None:
    """Over 1,400 keys: few dimensions, proved; what is a little wrong in weights is no longer proved."""
    model = raspc.compile(rasp.causal(SAME), "ab", 1420, optimize=2)
    assert model.certificate.proved and model.config.d_model <= 7 and model.config.d_mlp <= 8
    tokens = ["b", *["a"] * 1300, *["b"] * 119]
    expected = [1, *range(1, 1301), *range(2, 121)]
    assert model.apply(["BOS", *tokens]).decoded[1:] == expected
    for name, change in {
        "transformer/layer_0/mlp/linear_1/b": lambda x: x + 4,  # each bend some counts later
        "transformer/layer_0/mlp/linear_2/w": lambda x: x * (1 + 2.0**-9),  # and a little too steep
        "unembed/w": lambda x: np.roll(x, 1, axis=1),
    }.items():
        params = {**model.params, name: np.asarray(change(np.array(model.params[name])), np.float32)}
        assert not certificate(replace(model, params=params)).proved, name


def test_stretches_are_proved_by_their_weights() -> None:
    """Counts of 2,048 keys add up two stretches; where one of them is worth a little more, nothing is proved."""
    model = raspc.compile(rasp.causal(SAME), "ab", 2048, optimize=2)
    assert model.certificate.proved and model.config.d_model <= 8
    tokens = ["b"] * 2047 + ["a"]
    assert model.apply(["BOS", *tokens]).decoded[1:] == [*range(1, 2048), 1]
    name = "transformer/layer_0/attn/value/w"
    weights = np.array(model.params[name])
    largest = np.unravel_index(np.abs(weights).argmax(), weights.shape)
    weights[largest] *= 1 + 2.0**-10
    assert not certificate(replace(model, params={**model.params, name: weights})).proved


@pytest.mark.parametrize("n", [64, 512])
def test_what_a_softmax_leaves_is_as_near_as_is_said(n: int) -> None:
    """In float32, with the selected keys anywhere, and BOS first or last."""
    rng = np.random.default_rng(n)
    counts = np.arange(0.0, n + 1)
    share = as_number(counts, n, SINGLE)
    assert share is not None
    for d in [0, 1, n // 2, n]:
        scores = np.full(n + 1, -1e4, np.float32)
        scores[1 + rng.permutation(n)[:d]] = 0
        scores[0] = np.log(share.raised)
        values = np.full(n + 1, share.at_key, np.float32)
        values[0] = share.at_bos
        for order in (np.arange(n + 1), np.arange(n + 1)[::-1]):
            powers = np.exp((scores - scores.max())[order])
            total = np.float32(0)
            for power in powers:
                total += power
            left = np.float32(0)
            for term in powers / total * values[order]:
                left += term
            assert abs(float(left) - d) <= share.noise[d]
