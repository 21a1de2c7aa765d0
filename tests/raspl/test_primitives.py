"""Each primitive of RASP-L against a reference on arrays, interpreted on random inputs and compiled."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tests.agreement import some_inputs
from tests.raspl import reference

import raspc
from raspc import InvalidProgram, rasp, raspl

VOCAB, LONGEST = (-2, 0, 1, 3), 6

Program = Callable[[Any, Any], Any]
"""Of a library of primitives and the input: a program, which either library can run."""

PROGRAMS: dict[str, Program] = {
    "full": lambda r, x: r.full(x, 7),
    "indices": lambda r, x: r.indices(x),
    "tok_map": lambda r, x: r.tok_map(x, lambda v: v / 2),
    "tok_map of truth values": lambda r, x: r.tok_map(x, lambda v: v > 0),
    "seq_map": lambda r, x: r.seq_map(x, r.indices(x), lambda v, i: v * i / 2),
    "sel_width": lambda r, x: r.sel_width(r.select(x, r.indices(x), r.leq)),
    "select by a function": lambda r, x: r.sel_width(r.select(x, x, lambda k, q: (k + q) % 3 == 1)),
    "aggr_mean": lambda r, x: r.aggr_mean(r.select(x, x, r.lt), x, -7),
    "aggr_max": lambda r, x: r.aggr_max(r.select(x, x, r.gt), x, -7),
    "aggr_min": lambda r, x: r.aggr_min(r.select(x, x, r.geq), r.indices(x), -7),
    "aggr": lambda r, x: r.aggr(r.select(x, x, r.leq), x),
    "aggr by the greatest": lambda r, x: r.aggr(r.select(x, 0, r.gt), r.indices(x), 5, reduction="max"),
    "kqv": lambda r, x: r.kqv(x, x, r.indices(x), r.equals),
    "kqv of none": lambda r, x: r.kqv(x, 3, x, r.gt, default=9),
    "kqv by the greatest": lambda r, x: r.kqv(x, 1, x, r.leq, default=-9, reduction="max"),
    "kqv by the least": lambda r, x: r.kqv(x, x, x, r.geq, reduction="min"),
    "shift_right": lambda r, x: r.shift_right(x, 2, default=5),
    "shift_right by none": lambda r, x: r.shift_right(x, 0),
    "shift_right to the left": lambda r, x: r.shift_right(x, -1, 8),
    "cumsum": lambda r, x: r.cumsum(x),
    "cumsum of truth values": lambda r, x: r.cumsum(x == 1),
    "where": lambda r, x: r.where(x > 0, x, -x),
    "where both may be 0": lambda r, x: r.where(x, r.indices(x), x - 1),
    "mask": lambda r, x: r.mask(x, x > 0, 4),
    "maximum": lambda r, x: r.maximum(x),
    "minimum": lambda r, x: r.minimum(x),
    "seq_max": lambda r, x: r.seq_max(-x),
    "seq_min": lambda r, x: r.seq_min(-x),
    "argmax": lambda r, x: r.argmax(x),
    "argmin": lambda r, x: r.argmin(x),
    "num_prev": lambda r, x: r.num_prev(x, x),
    "num_prev of another": lambda r, x: r.num_prev(x, r.indices(x)),
    "has_seen": lambda r, x: r.has_seen(x, 1),
    "has_seen of the next": lambda r, x: r.has_seen(x, x + 1),
    "firsts": lambda r, x: r.firsts(x, x),
    "firsts of none": lambda r, x: r.firsts(x, x + 2, default=-5),
    "lasts": lambda r, x: r.lasts(x, -x),
    "index_select": lambda r, x: r.index_select(x, x, default=6),
    "first_true": lambda r, x: r.first_true(x),
    "first_true of truth values": lambda r, x: r.first_true(x > 0, default=9),
    "mode": lambda r, x: r.mode(x),
    "binary_mode": lambda r, x: r.binary_mode(x),
    "induct": lambda r, x: r.induct(x, x, 1),
    "induct further": lambda r, x: r.induct(x, -x, 2, default=4),
    "induct_kqv": lambda r, x: r.induct_kqv(x, r.shift_right(x, 1), r.indices(x), 1, default=-1),
    "induct_prev": lambda r, x: r.induct_prev(x, x, -1, default=5),
    "lt, gt, geq by name": lambda r, x: r.seq_map(x, r.indices(x), r.lt) + r.seq_map(x, x, r.geq) * 2
    + r.seq_map(x, r.full(x, 0), r.gt) * 4,
}  # fmt: skip


def wanted(program: Program, xs: list[int]) -> list[int]:
    """What the reference says of an input."""
    return [int(v) for v in program(reference, np.array(xs))]


@pytest.mark.parametrize("name", PROGRAMS)
def test_interpreted_as_the_reference(name: str) -> None:
    """On 300 random inputs up to 12 tokens, some of them with numbers that few of the others have."""
    program, rng = PROGRAMS[name](raspl, rasp.tokens), random.Random(name)
    for i in range(300):
        xs = rng.choices(VOCAB if i % 2 else range(-4, 9), k=rng.randint(1, 12))
        assert raspc.interpret(program, xs) == wanted(PROGRAMS[name], xs), xs


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_causal_model_of_it(name: str) -> None:
    """It is proved, and answers as the reference does, on short inputs and random long ones; no warning is given."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = raspc.compile(PROGRAMS[name](raspl, rasp.tokens), VOCAB, LONGEST, optimize=2)
    assert model.config.causal
    assert model.certificate is not None and model.certificate.verdict == "proved"
    inputs = list(some_inputs(VOCAB, LONGEST, 84))
    for xs, (_, *found) in zip(inputs, model.apply_batch([["BOS", *xs] for xs in inputs]).decoded, strict=True):
        assert found == wanted(PROGRAMS[name], xs), xs


def test_every_primitive_has_a_program() -> None:
    """And every name of the room is one of the reference."""
    assert set(raspl.__all__) <= set(vars(reference))
    assert {name for name in raspl.__all__ if name not in ("select", "equals", "leq", "lt", "geq", "gt")} <= {
        name.split()[0] for name in PROGRAMS
    }
    assert dir(raspl) == sorted(raspl.__all__)


def test_a_program_says_that_it_is_causal() -> None:
    """Also where its selectors are joined with others; not beside one that looks ahead, nor beside the length."""
    count, ahead = raspl.cumsum(rasp.tokens), rasp.Select(rasp.tokens, rasp.tokens, raspl.equals)

    def is_causal(program: rasp.SOp) -> bool:
        return raspc.compile(program, VOCAB, 3).config.causal

    assert is_causal(count) and is_causal(raspl.tok_map(rasp.tokens, abs)) and is_causal(count.named("a") + 1)
    assert is_causal(raspl.sel_width(ahead)) and is_causal(raspl.kqv(count, 1, 1, raspl.equals) * count)
    assert is_causal(rasp.SelectorWidth(raspl.select(count, 1, raspl.equals) & ahead))
    assert not is_causal(count + rasp.SelectorWidth(ahead)) and not is_causal(count + rasp.length)
    assert not is_causal(rasp.SelectorWidth(raspl.select(count, 1, raspl.equals) | ahead))
    assert not is_causal(rasp.SelectorWidth(~raspl.select(count, 1, raspl.equals)))
    assert not is_causal(rasp.SelectorWidth(ahead))


@pytest.mark.parametrize("name", ["kqv", "mode", "induct", "argmin", "shift_right"])
def test_it_means_the_same_in_a_model_that_is_not_causal(name: str) -> None:
    """The mask is a part of the program."""
    program = PROGRAMS[name](raspl, rasp.tokens)
    model = raspc.compile(program, VOCAB, 5, causal=False, optimize=1)
    assert not model.config.causal and raspc.check(model, program=program).ok
    xs = [3, -2, 3, 1, 0]
    assert model.apply(["BOS", *xs]).decoded[1:] == wanted(PROGRAMS[name], xs)


def test_words_and_truth_values_are_kept() -> None:
    """What is no number is not cut; a mean of unequal words is refused as ever."""
    assert raspl.shift_right(rasp.tokens, 1, "-")("abc") == ["-", "a", "b"]
    assert raspl.tok_map(rasp.tokens, str.upper)("ab") == ["A", "B"]
    assert raspl.mode(rasp.tokens)("abcb") == ["a", "b", "c", "b"]
    with pytest.raises(raspc.InputError, match="average of unequal values"):
        raspl.kqv(rasp.tokens, rasp.tokens, rasp.tokens, raspl.leq)("ab")


WRONG: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "a reduction": (lambda: raspl.kqv(1, 1, rasp.tokens, raspl.equals, reduction="sum"), InvalidProgram,
                    'found \'sum\' as the reduction; needed "mean", "max" or "min"'),
    "a selector as a value": (lambda: raspl.cumsum(raspl.select(1, 1, raspl.equals)), InvalidProgram,
                              "found a selector where an s-op is needed"),
    "an s-op as a selector": (lambda: raspl.sel_width(rasp.tokens), InvalidProgram,
                              "sel_width: found an s-op where a selector is needed; `select` makes one"),
    "no mask": (lambda: raspl.select(1, 1, raspl.equals, causal=False), InvalidProgram, "look at no later position"),
    "a mask of a wrong kind": (lambda: raspl.select(1, 1, raspl.equals, causal="no"), TypeError, "select: causal is"),
    "no function": (lambda: raspl.tok_map(rasp.tokens, 3), InvalidProgram, "tok_map: found 3 where a function"),
    "no predicate": (lambda: raspl.select(1, 1, rasp.tokens), InvalidProgram, "found an s-op where a function"),
    "a function as a value": (lambda: raspl.maximum(max), InvalidProgram, "where an s-op is needed"),
    "no number": (lambda: raspl.full(rasp.tokens, float("nan")), InvalidProgram, "full: const is nan; values of"),
    "an endless default": (lambda: raspl.kqv(1, 1, 1, raspl.equals, default=-float("inf"), reduction="max"),
                           InvalidProgram, "aggr_max: default is -inf"),
    "half a step": (lambda: raspl.shift_right(rasp.tokens, 0.5), TypeError, "shift_right: n is 0.5"),
    "a word as an offset": (lambda: raspl.induct(1, 1, "1"), TypeError, "offset is '1', of type str; needed a whole"),
    "a list as a value": (lambda: raspl.where([1], 1, 2), InvalidProgram, "not a value of RASP"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_wrong_arguments(name: str) -> None:
    """One line that names the argument."""
    call, kind, message = WRONG[name]
    with pytest.raises(kind, match=message):
        call()


def test_messages_name_the_line_of_the_author() -> None:
    """Not a line of the library."""
    assert raspl.cumsum(rasp.tokens).told.startswith("selector_width (test_primitives.py:")
