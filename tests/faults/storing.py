"""Faults in what is stored and read: the answer, what neurons are asked to compute, and how features are read."""

from __future__ import annotations

import importlib
from dataclasses import replace
from typing import Any

import numpy as np
from tests.faults.records import Patch, wrapped
from tests.passes import test_mutations as M
from tests.passes import test_switches as W

from raspc.blocks import lower
from raspc.blocks.lower import _Lowering
from raspc.blocks.reading import features as F
from raspc.blocks.reading import left
from raspc.blocks.storage import answer, decoding, functions
from raspc.blocks.stream import Stream

storing = importlib.import_module("raspc.blocks.storage.storing")


def next_answer(original: Any, known: Any) -> Any:
    """Each value has the logits of the next one."""
    found, asked = original(known)
    return (found if known.numerical else np.roll(found, 1, axis=1)), asked


def doubled(original: Any, node: Any) -> Any:
    """A number comes out twice as large."""
    found = original(node)
    return found * np.array([2.0, *[1.0] * (found.shape[1] - 1)])


def rolled(original: Any, known: Any, place: int, code: Any) -> Any:
    """Neurons compute the code of the next value."""
    return original(known, place, np.roll(code, 1, axis=0))


def rolled_choice(original: Any, ways: Any, outputs: Any, *rest: Any, **options: Any) -> Any:
    """The same of a function of several variables."""
    return original(ways, np.roll(outputs, 1, axis=0), *rest, **options)


def next_share(original: Any, *args: Any) -> Any:
    """The share of attention of a count is taken for that of the next."""
    found = original(*args)
    return found and replace(found, code=np.roll(found.code, 1))


def no_bos(original: Any, *args: Any) -> Any:
    """BOS scores no more than a key or two, so that counts saturate."""
    found = original(*args)
    return found and replace(found, raised=2.0)


def without_constant(original: Any, *args: Any) -> Any:
    """A read forgets what it has to add."""
    return np.zeros_like(original(*args))


def nothing_cancelled(original: Any, self: Any, maps: Any, constant: Any) -> None:
    """What is read at BOS is left as it is."""


def without_bias(original: Any, self: Any, maps: Any, node: Any, columns: Any) -> Any:
    """A sum of numbers without what is added to them."""
    return original(self, maps, replace(node, bias=0.0), columns)


def other_sign(original: Any, self: Any, maps: Any, node: Any, columns: Any) -> Any:
    """A sum of numbers in which the last has the other sign."""
    return original(self, maps, replace(node, coefs=(*node.coefs[:-1], -node.coefs[-1])), columns)


def zero_at_bos(original: Any, self: Any, place: int, groups: Any, at_bos: Any, **options: Any) -> None:
    """Spaces are taken to hold nothing at BOS."""
    original(self, place, groups, np.zeros_like(at_bos), **options)


def one_direction(original: Any, known: Any, place: int) -> Any:
    """The last two values of a variable share a direction."""
    found = original(known, place)
    code = found.code.copy()
    if len(code) > 1:
        code[-1] = code[-2]
    return replace(found, code=code)


DEMANDS: dict[str, Patch] = {
    "the answer of the next value": wrapped(storing, "answer_of", next_answer),
    "logits without squares": wrapped(answer, "number_logits", W.no_square),
    "a number twice as large": wrapped(answer, "_number", doubled),
    "what a count is decoded to": wrapped(decoding, "staircase", lambda original, ready, place, code: original(
        ready, place, np.roll(code, 1, axis=0))),
    "what a function comes to": wrapped(functions, "choose", rolled_choice),
    "the share of a count": wrapped(left, "share_of", next_share),
    "a plain count of the next": wrapped(left, "number_share", next_share),
    "keys that count twice": wrapped(left, "number_share", W.twice_as_much),
    "a stretch that counts twice": wrapped(lower, "stretches_of", W.first_twice),
    "BOS is not raised": wrapped(left, "number_share", no_bos),
    "two values in one direction": wrapped(importlib.import_module("raspc.blocks.storage.forms"), "readable_group",
                                           one_direction),
    "ramps of a count": wrapped(decoding, "ramps", M.low_ramps),
    "ramps of a sum": wrapped(functions, "ramps_along", M.low_ramps),
    "what a pick moves": wrapped(lower, "moved", M.next_value),
    "a block that is read is dead": wrapped(lower, "living", W.shorter),
}  # fmt: skip

READS: dict[str, Patch] = {
    "weights of a feature": wrapped(F, "express", M.negated_weights),
    "a sum that is none": wrapped(F, "additive", M.first_hub),
    "parts of a sum": wrapped(F, "additive", W.rolled_parts),
    "the constant of a read": wrapped(Stream, "gather", without_constant),
    "reads at BOS": wrapped(Stream, "cancel", nothing_cancelled),
    "what is added to a sum": wrapped(Stream, "gather_affine", without_bias),
    "a sign of a sum": wrapped(Stream, "gather_affine", other_sign),
    "what is stored at BOS": wrapped(Stream, "open", zero_at_bos),
    "what is embedded": wrapped(_Lowering, "embed", W.wrong_code),
}
