"""Faults in how a head ranks the keys that compete: ranks, the penalties beside them, and BOS between the two."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from tests.faults.records import Patch, wrapped
from tests.passes import test_mutations as M

from raspc.blocks.lower import _Lowering
from raspc.blocks.scores import ranking, selection


def without_a_digit(original: Any, *args: Any) -> Any:
    """Ranks without their last binary digit: two neighbours tie."""
    found = original(*args)
    return replace(found, keys=2 * np.floor(found.keys / 2))


def with_too_many_digits(original: Any, ready: Any, best: Any) -> Any:
    """Ranks so far up that the format has no number for every other one; penalties outweigh them as they should."""
    found, beyond = original(ready, best), 2.0**ready.precision.bits
    return replace(found, keys=found.keys + beyond, top=found.top + beyond, weight=found.weight + 2 * beyond)


def penalty_by_hair(original: Any, *args: Any) -> Any:
    """A key that is not selected beats one that is where it ranks highest."""
    found = original(*args)
    return replace(found, weight=1.0)


PICKS: dict[str, Patch] = {
    "a digit of a rank": wrapped(selection, "ranking_of", without_a_digit),
    "a rank with too many digits": wrapped(selection, "ranking_of", with_too_many_digits),
    "a rank of another score": wrapped(selection, "ranking_of", M.next_rank),
    "a rank outweighs a penalty": wrapped(selection, "ranking_of", M.light_penalties),
    "a penalty of one rank": wrapped(selection, "ranking_of", penalty_by_hair),
    "the least for the greatest": wrapped(ranking, "ranks", M.other_end),
    "no ranks": wrapped(selection, "best_of", M.unranked),
    "BOS above the ranks": wrapped(_Lowering, "aggregate_head", M.with_head(sink=lambda head: 2.5)),
    "BOS below the others": wrapped(_Lowering, "aggregate_head", M.with_head(sink=lambda head: -6.0)),
    "ranks of one step": wrapped(_Lowering, "sharpness", lambda original, *args: 0.5),
}
