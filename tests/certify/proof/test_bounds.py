"""Bounds are bounds: against float32 with every sum in an order of its own, and on sums made to go wrong."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.certify.proof.any_order import Shuffled

import raspc
from raspc import library, rasp
from raspc.blocks.neurons.design import evened
from raspc.blocks.neurons.grid import Grid
from raspc.blocks.neurons.steps import line
from raspc.blocks.spaces import BOS, Head, Read, Write
from raspc.certify.checking.answers import model_ids
from raspc.certify.proof import attention as A
from raspc.certify.proof.bounds import Held, Reading, read_stream
from raspc.certify.proof.meaning import Meaning
from raspc.certify.proof.prove import bounds_of
from raspc.certify.proof.rounding import grain_of, swept_up
from raspc.certify.proof.selecting import apart
from raspc.graph.build import build
from raspc.graph.evaluate import Batch, run_graph
from raspc.graph.nodes import Listed, Select
from raspc.numbers.precision import PRECISIONS
from raspc.numbers.shares import share_of
from raspc.study.certifying import certificate, examined
from raspc.weights.model import Model

SINGLE = PRECISIONS["float32"]
ADDED = ("most_freq", "cumulative_sum", "dyck1_ptf", "dyck2_ptf", "dyck3_ptf")
"""Programs that take sums of widths for equal, or give one as the answer."""
ONE, STEP = np.float32(1), 2.0**-24
pytestmark = pytest.mark.filterwarnings("ignore::raspc.UncertainProgram")


@lru_cache
def compiled(name: str, level: int, large: bool) -> Model:
    """A program of the library at its own size, or with eight tokens and 16 positions."""
    entry = library.get(name)
    more = [token for token in (*range(8), *"abcdefgh") if isinstance(token, type(entry.vocab[0]))]
    vocab = list(dict.fromkeys([*entry.vocab, *more]))[:8] if large else entry.vocab
    length = 16 if large else entry.max_seq_len
    return raspc.compile(entry.program, vocab, length, entry.causal, optimize=level, partial=True)


@pytest.mark.parametrize("large", [False, True], ids=["own size", "8 tokens, 16 positions"])
@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("name", ADDED)
def test_sums_of_widths_that_must_be_equal_are_proved(name: str, level: int, large: bool) -> None:
    """Their shares are multiples of one power of two, so that sums of them do not round."""
    model = compiled(name, level, large)
    assert model.certificate["proved"] and model.certificate["summation"] == "any order"
    assert raspc.check(model, limit=100).ok


CASES = [(name, level, False) for name in (*ADDED, "sort_freq", "double_hist", "shuffle_dyck") for level in (0, 1, 2)]
CASES += [(name, 2, True) for name in (*ADDED, "sort", "mode")]


@pytest.mark.parametrize(("name", "level", "large"), CASES)
def test_in_no_order_of_summation_is_an_error_larger_than_its_bound(name: str, level: int, large: bool) -> None:
    """Space by space; and the answers are those of the program."""
    model = compiled(name, level, large)
    plan = examined(model)
    graph, bounds = plan.graph, bounds_of(plan, SINGLE)
    ids = np.random.default_rng(level).integers(0, len(graph.vocab), (20, graph.max_seq_len)).astype(np.int32)
    ids[:6] %= 2
    batch = Batch(ids, np.full(len(ids), graph.max_seq_len), graph.causal)
    run = run_graph(graph, batch)
    for seed, positive_first in ((0, False), (1, True)):
        *stages, logits = Shuffled(model, seed, positive_first).stages(model_ids(model, batch))
        for place, groups in plan.lowered.home.items():
            values = run.column(place).ids
            for group in groups if isinstance(graph.variable(place).domain, Listed) else ():
                held = stages[plan.written[group.space] + 1][:, 1:, plan.dims[group.space]]
                off = np.abs(held - group.code[np.maximum(values, 0)]).max(axis=-1, initial=0.0)
                off = np.where((values >= 0) & ~run.undefined[:, None], off, 0.0)
                assert off.max() <= bounds[group.space]
        assert_same(model, logits, model.logits(model_ids(model, batch)))


def assert_same(model: Model, one: NDArray[np.float32], other: NDArray[np.float32]) -> None:
    """The same answers at all positions but BOS."""
    one, other = one[:, 1:], other[:, 1:]
    if model.config.output.kind == "numerical":
        assert np.allclose(one, other, rtol=1e-4, atol=1e-5)
    else:
        assert (one.argmax(-1) == other.argmax(-1)).all()


# -- reads -------------------------------------------------------------------------------------------

ranks = st.integers(0, 2**17)
slopes = st.integers(-3, 13).map(lambda power: 2.0**power)


@st.composite
def reads(draw: st.DrawFn) -> tuple[list[NDArray[np.float64]], NDArray[np.float64], NDArray[np.float64]]:
    """Codes [values, 1] of some variables, multiples of 2^−24; weights [variable, width]; biases [width]."""
    count, width = draw(st.integers(1, 3)), draw(st.integers(1, 4))
    codes = [np.array(draw(st.lists(ranks, min_size=2, max_size=5)))[:, None] * STEP for _ in range(count)]
    weights = np.array([[draw(slopes) * draw(st.sampled_from([1, -1, 3])) for _ in range(width)] for _ in codes])
    bias = np.array([draw(st.integers(-(2**12), 2**12)) / 2 ** draw(st.integers(0, 8)) for _ in range(width)])
    return codes, weights, bias


@given(reads(), st.randoms(use_true_random=False), st.booleans())
def test_a_sum_rounds_no_more_than_its_bound(
    given_: tuple[list[NDArray[np.float64]], NDArray[np.float64], NDArray[np.float64]],
    random: Random,
    fired: bool,
) -> None:
    """Whatever the values and the order are; where no rounding is claimed there is none, unless nothing fires."""
    codes, weights, bias = given_
    stream = {str(i): Held(i, code, np.zeros_like(code), np.array([STEP]), np.zeros(1)) for i, code in enumerate(codes)}
    read = Read({str(i): weights[i : i + 1] for i in range(len(codes))}, bias)
    bound = read_stream(read, stream, {str(i): np.zeros(1) for i in range(len(codes))}, SINGLE, fired)
    for _ in range(4):
        rows = [int(random.random() * len(code)) for code in codes]
        for j in range(len(bias)):
            terms = [*(code[row, 0] * weights[i, j] for i, (code, row) in enumerate(zip(codes, rows, strict=True)))]
            terms.append(bias[j])
            random.shuffle(terms)
            found = np.float32(0)
            for term in terms:
                found += np.float32(term)
            exact = sum(terms)
            if fired:
                found, exact = max(found, np.float32(0)), max(exact, 0.0)
            assert abs(float(found) - exact) <= bound.rounding[j]


def test_partial_sums_reach_no_further_than_one_side() -> None:
    """σ·x − c with x up to 1 and c up to σ: 2σ in all, yet no partial sum is above σ."""
    code = np.array([0.5 + STEP, 0.75, 1.0])[:, None]
    stream = {"x": Held(0, code, np.zeros_like(code), np.array([STEP]), np.zeros(1))}
    read = Read({"x": np.array([[-64.0, 64.0, 64.0]])}, np.array([60.0, -60.0, 60.0]))
    found = read_stream(read, stream, {"x": np.zeros(1)}, SINGLE)
    assert found.rounding[0] == found.rounding[1] == 0.0 and found.rounding[2] > 0


@given(
    st.lists(st.integers(-(2**20), 2**20), min_size=1, max_size=6),
    st.lists(st.floats(0, 2.0**-6), min_size=1, max_size=4),
    st.randoms(use_true_random=False),
)
def test_small_terms_beside_an_exact_sum(whole: list[int], small: list[float], random: Random) -> None:
    """Each addition at most doubles what they make of it."""
    terms = [np.float32(term) for term in (*whole, *small)]
    random.shuffle(terms)
    found = np.float32(0)
    for term in terms:
        found += term
    off = float(sum(np.float32(term) for term in small)) * (1 + 1e-6)
    assert abs(float(found) - sum(whole)) <= off + float(swept_up(np.array(off), np.array(float(len(terms)))))


# -- steps and shares --------------------------------------------------------------------------------


def test_steps_that_are_made_as_steep_as_the_steepest_are_the_same_steps() -> None:
    """At every value, with slack no smaller, and one slope for all."""
    position = np.array([0.0, 1.0, 1.5, 3.5, 3.625, 8.0])
    grid = Grid((0,), np.arange(6, dtype=np.int32), np.eye(6))
    design = line(grid, [position], 0.0)
    assert design is not None
    even = evened(design)

    def outputs(found: type(design)) -> NDArray[np.float64]:  # type: ignore[valid-type]
        hidden = np.maximum(found.features[0] @ found.weights[0] + found.bias, 0)
        return hidden @ found.out + found.base  # type: ignore[no-any-return]

    assert np.array_equal(outputs(design), np.eye(6)) and np.array_equal(outputs(even), np.eye(6))
    assert (even.slack >= design.slack).all() and len(np.unique(np.abs(even.weights[0]))) == 1


@pytest.mark.parametrize(("n", "added"), [(5, 1), (10, 1), (16, 1), (16, 2), (20, 1), (5, 0), (64, 0)])
def test_shares_that_are_left_of_one_are_multiples_of_one_number(n: int, added: int) -> None:
    """1 − p for every float32 p that a softmax can give for them; further apart than any error of p."""
    share = share_of(np.arange(n + 1.0), n, added, SINGLE, lattice=True)
    assert share is not None and share.added == 1.0
    p = (1 - share.code).astype(np.float32)
    near = np.concatenate([np.nextafter(p, np.float32(0)), p, np.minimum(np.nextafter(p, np.float32(2)), ONE)])
    left = (ONE - near).astype(np.float64)
    assert (grain_of(left) >= STEP).all() and np.array_equal(left, 1 - near.astype(np.float64))
    assert np.diff(share.code).min() > 64 * (n + 8) * STEP


def test_long_inputs_are_counted_by_what_tokens_get() -> None:
    """Shares that are too near for the error of 1 − p are small numbers, right to a part of themselves."""
    share = share_of(np.arange(65.0), 64, 1, SINGLE, lattice=True)
    assert share is not None and share.added == 0.0 and share.at_key == 1.0


# -- scores ------------------------------------------------------------------------------------------


def head(query: Read, key: Read) -> Head:
    """A head that averages, of these scores."""
    value = Read({}, np.ones(1))
    return Head("mean", "some", query, key, value, Write({}), -1.0, 32.0, "mean", False)


def looked(read: Read, stream: dict[str, Held]) -> Reading:
    """A read of spaces that hold nothing at BOS."""
    return read_stream(read, stream, {BOS: np.ones(1), **{space: np.zeros(1) for space in stream}}, SINGLE)


def test_all_conjuncts_round_where_one_of_them_does() -> None:
    """Scores are one sum: what is exact alone is not so beside a term that is no multiple of the same number."""
    code = np.array([0.0, 1.0])[:, None]
    exact = Held(0, code, np.zeros_like(code), np.array([1.0]), np.zeros(1))
    rough = Held(1, code, np.zeros_like(code), np.zeros(1), np.zeros(1))
    read = Read({"a": np.array([[1000.0, 0.0]]), "b": np.array([[0.0, 1.0]])}, np.zeros(2))
    always = Read({BOS: np.full((1, 2), -1000.0)}, np.full(2, 1000.0))
    graph = build(rasp.tokens, (0, 1), 2)
    select = Select(key=0, query=0, cells=np.array([[0, 0], [1, 1]], np.int8))

    def tie(**stream: Held) -> float:
        key, query, own = looked(read, stream), looked(always, stream), head(always, read)
        noise = A.score_noise(own, query, key, SINGLE, competing=False)
        parts = [(query.columns(cut), key.columns(cut)) for cut in (slice(0, 1), slice(1, 2))]
        one = [(q, replace(k, seen={0: next(iter(k.seen.values()))})) for q, k in parts]
        found = [apart(Meaning(graph), select, q, k, slice(0, 1), noise) for q, k in one]
        return A.score_bounds(own, query, key, found, A.Sink(0, 0), 2.0, 8, SINGLE).tie

    assert tie(a=exact, b=exact) == 0.0
    assert tie(a=exact, b=rough) >= 1e6 * SINGLE.sum_unit


# -- BOS ---------------------------------------------------------------------------------------------


BROKEN = [("most_freq", 0, "attn/value/w"), ("most_freq", 0, "attn/linear/b"), ("most_freq", 0, "mlp/linear_1/w"),
          ("most_freq", 1, "mlp/linear_1/w"), ("dyck1_ptf", 0, "attn/value/w"), ("hist", 0, "attn/value/w"),
          ("hist", 0, "attn/linear/w")]  # fmt: skip


@pytest.mark.parametrize(("name", "layer", "part"), BROKEN)
def test_weights_that_are_wrong_at_bos_are_noticed(name: str, layer: int, part: str) -> None:
    """What is moved from BOS, what is added to it, and what keeps neurons silent there."""
    model = compiled(name, 1, False)
    params = {key: np.array(array) for key, array in model.params.items()}
    array = params[f"transformer/layer_{layer}/{part}"]
    row = array[int(model.alignment["bos"])] if part in ("attn/value/w", "mlp/linear_1/w") else array
    assert row.any()
    row *= 0.5
    broken = replace(model, params=params)
    assert not certificate(broken).proved and not raspc.check(broken, limit=2000).ok


def test_the_direction_of_bos_is_read_by_a_read() -> None:
    """A value that is moved from BOS alone is 1 there and 0 elsewhere, by the weights that are there."""
    found = read_stream(Read({BOS: np.array([[0.75]])}, np.zeros(1)), {}, {BOS: np.ones(1)}, SINGLE)
    assert found.there[0] == 0.75 and found.there_error[0] == 0.0
