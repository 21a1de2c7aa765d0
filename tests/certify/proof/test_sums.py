"""Sums: how large they may be, what is proved of them, and that no fault in their heads is called proved."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.agreement import differences, some_inputs

import raspc
from raspc import rasp
from raspc.graph.nodes import Listed, Sum
from raspc.rasp import Comparison
from raspc.weights import Model

T = rasp.tokens
ALL = rasp.Select(T, T, Comparison.TRUE)
SAME = rasp.Select(T, T, Comparison.EQ)
TOTAL = rasp.Sum(SAME, T)
KEY, VALUE, OUT = (f"transformer/layer_0/attn/{name}" for name in ("query/b", "value/w", "linear/w"))


def model_of(program: rasp.SOp = TOTAL, longest: int = 6) -> Model:
    """A compact model over tokens of both signs."""
    return raspc.compile(program, (-2, 1, 3), longest, optimize=2)


def edited(model: Model, name: str, edit: Callable[[Any], Any]) -> Model:
    """The model with one of its arrays changed."""
    params = {key: np.array(array) for key, array in model.params.items()}
    params[name] = np.asarray(edit(params[name]), np.float32)
    return replace(model, params=params, certificate=None)


def largest(array: Any, by: float) -> Any:
    """The largest weight of an array, times a factor."""
    found = np.array(array)
    found.flat[np.abs(found).argmax()] *= by
    return found


FAULTS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "BOS scores less": (KEY, lambda bias: np.where(bias == bias.max(), 5.0, bias)),
    "BOS scores a little more": (KEY, lambda bias: np.where(bias == bias.max(), bias + 0.1, bias)),
    "numbers twice as large": (VALUE, lambda weights: largest(weights, 2.0)),
    "numbers a little too large": (VALUE, lambda weights: largest(weights, 1.1)),
    "the sum is written with another factor": (OUT, lambda weights: largest(weights, 0.9)),
    "the sum is taken away": (OUT, lambda weights: -weights),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_not_proved(fault: str) -> None:
    """Whatever is changed in the weights of a head that adds; the model as it was made is proved."""
    model = model_of()
    assert raspc.certificate(model).verdict == "proved"
    wrong = edited(model, *FAULTS[fault])
    assert raspc.certificate(wrong).verdict == "fails"
    assert differences(TOTAL, wrong, some_inputs((-2, 1, 3), 6, 100, 0), False)


def test_a_graph_that_lacks_a_sum_is_not_proved() -> None:
    """The value set is worked out again: a sum that it lacks could come."""
    model = model_of()
    graph = model.plan.graph
    place = next(place for place, node in enumerate(graph.nodes) if isinstance(node, Sum))
    node = graph.nodes[place]
    assert isinstance(node, Sum) and isinstance(node.domain, Listed)
    fewer = replace(node, domain=Listed((*node.domain.values[:-1], 99)))
    nodes = tuple(fewer if i == place else one for i, one in enumerate(graph.nodes))
    wrong = replace(model, plan=replace(model.plan, graph=replace(graph, nodes=nodes)), certificate=None)
    found = raspc.certificate(wrong)
    assert not any(link.holds for link in found.links if link.kind == "value set")
    assert found.verdict != "proved"


@pytest.mark.parametrize("longest, numbers", [(20, (1, 2, 3)), (64, (0, 1, 9)), (12, (-3, 0, 1, 7))])
def test_whole_numbers_are_exact(longest: int, numbers: tuple[int, ...]) -> None:
    """Ints come out as ints, proved, in one layer, at a size that grows with the largest sum."""
    model = raspc.compile(rasp.Sum(ALL, T), numbers, longest)
    assert model.certificate is not None and model.certificate.verdict == "proved"
    assert model.config.n_layers == 1 and model.config.d_mlp == 1
    assert sum(np.size(array) for array in model.params.values()) < 12 * longest * max(map(abs, numbers))
    rng = np.random.default_rng(0)
    for _ in range(20):
        xs = [int(x) for x in rng.choice(numbers, longest)]
        found = model.apply(["BOS", *xs]).decoded[1:]
        assert found == [sum(xs)] * longest and all(type(x) is int for x in found)


def test_twice_the_mean_times_the_length() -> None:
    """What took 3.2 GB as a function of means is a small model of sums."""
    mean = rasp.Aggregate(ALL, T)
    model = raspc.compile(2 * mean * rasp.length - rasp.length, (1, 2, 3), 20)
    assert sum(np.size(array) for array in model.params.values()) < 100_000
    xs = [3, 1, 2] * 6 + [1, 1]
    assert model.apply(["BOS", *xs]).decoded[1:] == [2 * sum(xs) - len(xs)] * len(xs)


@pytest.mark.parametrize("level", [1, 2])
def test_a_product_that_rounds_is_read_as_a_sum(level: int) -> None:
    """Of -100, 1 and 50 a mean times the length is not always the sum to the last digit; it is compared as one."""
    mean = rasp.Aggregate(ALL, T)
    model = raspc.compile(mean * rasp.length == T, [-100, 1, 50], 8, optimize=level)
    assert model.certificate is not None and model.certificate.proved and raspc.check(model, limit=2000).ok
    assert sum(array.size for array in model.params.values()) < 300


@pytest.mark.parametrize("level", [1, 2])
def test_many_values_of_large_sums_come_as_a_list(level: int) -> None:
    """Numbers that neurons make of sums up to 800 round by more than is promised of small ones: they are listed."""
    mean = rasp.Aggregate(ALL, T)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", raspc.UncertainProgram)
        model = raspc.compile(2 * mean * rasp.length - rasp.length, [-100, 1, 50], 8, optimize=level)
    assert model.config.output.kind == "categorical" and len(model.config.output.values) > 256
    assert raspc.check(model, limit=2000).ok


def test_sums_beyond_one_head_are_refused() -> None:
    """The message says which sum, how large it may be, and what to do."""
    with pytest.raises(
        raspc.UnsupportedProgram, match=r"sums up to 51,200 .*needed sums up to about 7,\d\d\d; .*digits"
    ):
        raspc.compile(rasp.Sum(ALL, T), (0, 1, 100), 512)


@pytest.mark.parametrize("order", [np.sort, lambda xs: -np.sort(-xs), lambda xs: xs])
def test_whatever_the_order_of_summation(order: Callable[[Any], Any]) -> None:
    """Numbers of both signs that cancel, in any order, leave exactly what is left."""
    model = raspc.compile(rasp.Sum(ALL, T), (-9, 1, 9), 48)
    assert model.certificate is not None and model.certificate.verdict == "proved"
    xs = [int(x) for x in order(np.array([-9, 9] * 23 + [1, 1]))]
    assert model.apply(["BOS", *xs]).decoded[1:] == [2] * 48


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_narrow_formats_count_digits(dtype: str) -> None:
    """Their probabilities are rounded too far, so the keys with each binary digit are counted; and where these counts
    are too many, the sum is refused."""
    model = raspc.compile(TOTAL, (-2, 1, 3), 6, dtype=dtype)
    assert model.certificate is not None and model.certificate.verdict == "proved"
    assert not differences(TOTAL, model, some_inputs((-2, 1, 3), 6, 60, 0), False)
    with pytest.raises(raspc.UnsupportedProgram, match="add numbers of fewer digits over fewer keys"):
        raspc.compile(TOTAL, (0, 1, 10**6), 8, dtype=dtype)


def test_words_are_no_numbers() -> None:
    """A sum of words alone is refused; one that may add a word is undefined there, and the input is shown."""
    with pytest.raises(raspc.UnsupportedProgram, match="none is a finite number"):
        raspc.compile(rasp.Sum(ALL, T), "ab", 3)
    with pytest.raises(raspc.RaspcError, match="map it to 0 first"):
        raspc.compile(rasp.Sum(ALL, T), ("a", 1), 3)
    counted = rasp.Sum(rasp.Select(T, T, lambda k, q: k != "a"), T)
    model = raspc.compile(counted, ("a", 1, 2), 3)
    assert model.apply(["BOS", 2, "a", 2]).decoded[1:] == [4, 4, 4]
    assert math.isclose(raspc.interpret(counted, ["a"])[0], 0)
