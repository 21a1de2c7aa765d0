"""A plan comes back from its files as it was, and a file that fits no plan is refused with the place."""

from __future__ import annotations

import json
import random
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from numpy.typing import NDArray
from tests.wild import Wild, wild_programs

import raspc
from raspc import jsonvalues, library, rasp
from raspc.errors import ModelFormatError
from raspc.numbers.options import Level, Options
from raspc.numbers.precision import PRECISIONS
from raspc.plan.codec import Arrays, Held, from_plain, narrowed, to_plain
from raspc.plan.files import ARRAYS, PLAN, from_files, to_files
from raspc.plan.fitting import plan_faults
from raspc.plan.plan import Plan
from raspc.plan.planning import planned


class Colour(Enum):
    """A choice."""

    RED = "red"


@dataclass(frozen=True, eq=False)
class Leaf:
    """A class of a union."""

    number: float


@dataclass(frozen=True, eq=False)
class Twig:
    """Another class of it."""

    leaves: tuple[Leaf | Twig, ...]
    colour: Colour | None
    held: NDArray[np.float64]
    names: dict[int, str]


def round_trip(value: Any) -> Any:
    """Through JSON and arrays."""
    arrays = Arrays()
    data = jsonvalues.loads(jsonvalues.dumps(to_plain(value, type(value), arrays)))
    return from_plain(data, type(value), Held(arrays.held))


def test_classes_arrays_and_mappings_come_back() -> None:
    """With infinities, None, numbers as keys, and the class of each member of a union."""
    held = np.array([0.0, 0.5, np.inf])
    twig = Twig((Leaf(float("inf")), Twig((), None, held, {})), Colour.RED, held[None], {3: "a", -1: "b"})
    found = round_trip(twig)
    assert found.leaves[0].number == float("inf")
    assert isinstance(found.leaves[1], Twig) and found.leaves[1].colour is None
    assert found.colour is Colour.RED and found.names == {3: "a", -1: "b"}
    assert found.held.dtype == np.float64 and np.array_equal(found.held, held[None])


@pytest.mark.parametrize(
    ("numbers", "kind"),
    [([0, 1], "int8"), ([300], "int16"), ([1 << 20], "int32"), ([0.5], "float32"), ([0.1], "float64"), ([], "int8")],
)
def test_arrays_are_stored_small(numbers: list[float], kind: str) -> None:
    """In the first type that has every number; equal arrays are one."""
    assert narrowed(np.array(numbers, np.float64)).dtype == kind
    arrays = Arrays()
    assert [arrays.place(np.array(numbers, np.float64)) for _ in range(3)] == [0, 0, 0]


BROKEN: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "a field that is missing": (lambda o: o.pop("colour"), "plan: needed an object"),
    "a field that is unknown": (lambda o: o.update(x=1), "plan: needed an object"),
    "a class that is none": (lambda o: o["leaves"][0].update({"is": "Branch"}), r"plan.leaves\[0\]: needed one of"),
    "a string for a number": (lambda o: o["leaves"][0].update(number="x"), r"plan.leaves\[0\].number: needed float"),
    "no colour": (lambda o: o.update(colour="blue"), "plan.colour: needed one of"),
    "an array that is none": (lambda o: o["held"].update(array=9), "plan.held: there is no array 9"),
    "an array by name": (lambda o: o["held"].update(array="0"), "plan.held: needed the number"),
    "names in a list": (lambda o: o.update(names=["a"]), "plan.names: needed a list of pairs"),
    "leaves in an object": (lambda o: o.update(leaves={}), "plan.leaves: needed a list"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_fault_names_its_place(name: str) -> None:
    """In the file, by field."""
    change, words = BROKEN[name]
    arrays = Arrays()
    obj = to_plain(Twig((Leaf(1.0),), Colour.RED, np.zeros(2), {1: "a"}), Twig, arrays)
    change(obj)
    with pytest.raises(ModelFormatError, match=words):
        from_plain(obj, Twig, Held(arrays.held))


def files_again(plan: Plan) -> tuple[Plan, dict[str, bytes]]:
    """The plan from its files, and these."""
    files = to_files(plan)
    found = from_files(files[PLAN], files[ARRAYS], plan.graph, plan.program)
    assert found is not None
    return found, files


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("level", list(Level))
def test_every_plan_of_the_library(level: Level, dtype: str) -> None:
    """Written again it is the same bytes; the model that is made of it is the same; it fits."""
    for entry in library.PROGRAMS.values():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = raspc.compile(
                entry.program, entry.vocab, 4, entry.causal, optimize=level.value, dtype=dtype, certify=False
            )
        assert model.plan is not None
        again, files = files_again(model.plan)
        assert to_files(again) == files
        assert list(plan_faults(again, model.config.d_vocab_out, vars(model.config))) == []
        assert again.size == model.plan.size and again.options == model.plan.options


@settings(max_examples=25)
@given(wild_programs())
def test_plans_of_random_programs(wild: Wild) -> None:
    """The same for what nobody wrote."""
    try:
        from raspc.graph.build import build

        graph = build(wild.build(), wild.vocab, wild.max_seq_len, wild.causal)
        plan = planned(graph, Options(Level.COMPACT))
    except raspc.RaspcError:
        return
    again, files = files_again(plan)
    assert to_files(again) == files


def test_a_plan_that_does_not_fit_is_told() -> None:
    """Each part with what is wrong of it."""
    doubled = rasp.map(lambda count: count * count % 3, library.hist())
    model = raspc.compile(doubled, "abc", 4, optimize=2)
    plan, width, sizes = model.plan, model.config.d_vocab_out, vars(model.config)
    assert plan is not None

    def told(plan: Plan) -> str:
        return "; ".join(plan_faults(plan, width, sizes))

    assert told(plan) == ""
    assert "storage has" in told(replace(plan, storage=replace(plan.storage, variables=plan.storage.variables[:-1])))
    assert "the answer" in told(replace(plan, storage=replace(plan.storage, answer=plan.storage.answer[:1])))
    assert "other blocks" in told(replace(plan, schedule=replace(plan.schedule, stages=(0,))))
    assert "d_mlp" in told(replace(plan, layout=replace(plan.layout, d_mlp=99)))
    assert "outside the stream" in told(
        replace(plan, layout=replace(plan.layout, start=dict.fromkeys(plan.layout.start, 99)))
    )
    assert "another value" in told(replace(plan, storage=replace(plan.storage, answer=plan.storage.answer.T[:1])))
    assert "the target other" in told(replace(plan, options=replace(plan.options, target="other")))
    other = raspc.compile(doubled, "abc", 5, optimize=2).plan
    assert other is not None
    assert told(replace(other, graph=plan.graph))


def test_mutated_files_are_refused_or_fit() -> None:
    """Of 300 plans with a few places changed each gives one error of ours, or a plan that fits."""
    from tests import hostile

    model = raspc.compile(library.sort(), range(3), 3, optimize=2)
    plan = model.plan
    assert plan is not None
    files = to_files(plan)
    refused = 0
    for seed in range(300):
        rng = random.Random(seed)
        data = json.dumps(hostile.mutated(json.loads(files[PLAN]), rng)).encode()
        try:
            found = from_files(data, files[ARRAYS], plan.graph, plan.program)
            refused += bool(found is None or list(plan_faults(found, model.config.d_vocab_out, vars(model.config))))
        except ModelFormatError:
            refused += 1
    assert refused > 200


def test_precisions_are_written_whole() -> None:
    """All formats, with options."""
    for precision in PRECISIONS.values():
        options = Options(Level.NAMED, replace(precision, summation="pairwise"), ("reuse",))
        assert round_trip(options) == options
