"""Small programs, each with the inputs that it is compiled for: together they use all that a compiler makes."""

from __future__ import annotations

import importlib

import pytest
from tests.faults.records import Shown, both, wrapped
from tests.passes.test_mutations import (
    AFTER_NEURONS,
    ALL,
    AT,
    AT_COUNT,
    BEFORE,
    COUNT,
    EARLIER_SAME,
    LAST_BEFORE,
    LESS,
    MEAN_SO_FAR,
    OVERLAPPING,
    PREVIOUS,
    PREVIOUS_AND_NEXT,
    PRODUCT,
    RARER,
    SAME,
    SMALLER,
    I,
    L,
    T,
)  # fmt: skip
from tests.passes.test_switches import (
    AS_OFTEN,
    ATTRIBUTE,
    BACK,
    BY_COUNT,
    BY_RANK,
    FALL_BACKS,
    MAXIMUM,
    MIRRORED,
    PARTNERS,
    WORDS,
    few,
    three_keys,
)  # fmt: skip

from raspc import library, rasp
from raspc.blocks.neurons import parabolas
from raspc.blocks.reading import left
from raspc.blocks.storage import decoding
from raspc.rasp import Comparison

LESS_THAN_SOME = rasp.numerical(T * I)
WORD_OR_NUMBER = rasp.Aggregate(rasp.Select(I, I - 1, Comparison.EQ), rasp.Map({0: "a", 1: 5, 2: None}.get, T))
THREE = wrapped(importlib.import_module("raspc.passes.share_counts"), "counted_by_one_head", three_keys)
"""Heads of narrow formats that count up to three keys, so that short inputs share their counts out too."""


def in_parts(patch: pytest.MonkeyPatch) -> None:
    """Sums of ramps are to round so little that two dozen of them are shared out."""
    patch.setattr(parabolas, "ROUNDS", 8e-5)


NO_NUMBER = wrapped(left, "number_share", lambda original, *args: None)
"""Counts that are shares of attention, whoever reads them."""
BY_SHARES = both(
    NO_NUMBER,
    wrapped(decoding, "_chained", lambda original, *args: None),
)
"""Counts that are decoded by steps, whoever reads them."""
TOKEN_AND_PLACE = rasp.SequenceMap(lambda x, i: (x, i), PREVIOUS, BACK)
STEPS = [rasp.Map(dict(enumerate(row)).get, T) for row in ((1, 0, -1), (0, 1, -2), (0, 2, -4))]
BALANCED = rasp.map(lambda *found: not any(found), *(rasp.Aggregate(ALL, rasp.numerical(s)) != 0 for s in STEPS))
AROUND = rasp.SequenceMap(
    lambda x, y: (x, y),
    *(rasp.Aggregate(rasp.Select(I, place, Comparison.EQ), BALANCED, default=None) for place in (I - 1, I + 1)),
)
MEAN_OR_NONE = rasp.numerical(rasp.Aggregate(SAME & BEFORE, I, default=None))

PROGRAMS: dict[str, Shown] = {
    "previous": Shown(PREVIOUS),
    "both sides": Shown(PREVIOUS_AND_NEXT),
    "mirrored": Shown(MIRRORED, longest=5),
    "count": Shown(COUNT),
    "as often": Shown(AS_OFTEN, longest=9),
    "earlier same": Shown(EARLIER_SAME),
    "smaller": Shown(SMALLER),
    "rarer": Shown(RARER),
    "at count": Shown(AT_COUNT),
    "by rank": Shown(BY_RANK),
    "by count": Shown(BY_COUNT, longest=6, causal=True, given=NO_NUMBER),
    "product": Shown(PRODUCT),
    "times index": Shown(LESS_THAN_SOME),
    "remainder": Shown(rasp.map(lambda x, i: (x * i) % 3, T, I)),
    "count times token": Shown(rasp.map(lambda c, x: c * x % 4, COUNT, T)),
    "token and place": Shown(TOKEN_AND_PLACE),
    "balanced": Shown(BALANCED),
    "around": Shown(AROUND),
    "after neurons": Shown(AFTER_NEURONS),
    "overlapping": Shown(OVERLAPPING),
    "either": Shown(rasp.Aggregate(SAME | BEFORE, I, default=-1)),
    "either and either": Shown(rasp.Aggregate((SAME | BEFORE) & (AT | LESS), I, default=-1)),
    "mean so far": Shown(MEAN_SO_FAR),
    "mean above one": Shown(rasp.Map(lambda x: x > 1, MEAN_SO_FAR)),
    "mean before": Shown(rasp.Aggregate(BEFORE, T, default=-3)),
    "mean or none": Shown(MEAN_OR_NONE),
    "word or number": Shown(WORD_OR_NUMBER),
    "unlike": Shown(rasp.SelectorWidth(rasp.Select(T, T, Comparison.NEQ)), tuple(range(10)), 3),
    "partners": Shown(rasp.Aggregate(PARTNERS, I), WORDS, 3),
    "attribute": Shown(rasp.SelectorWidth(ATTRIBUTE), tuple(range(4)), 3),
    "rank": Shown(rasp.SelectorWidth(LESS) + EARLIER_SAME),
    "difference": Shown(rasp.SequenceMap(lambda x, y: x - y, COUNT, I)),
    "minus": Shown(COUNT - I),
    "length": Shown(rasp.SequenceMap(lambda n, i: n - i, L, I)),
    "counted before": Shown(rasp.SelectorWidth(BEFORE), causal=True),
    "earlier under a mask": Shown(rasp.Aggregate(rasp.Select(T, T + 1, Comparison.EQ), I, default=-1), causal=True),
    "length under a mask": Shown(rasp.SequenceMap(lambda n, x: n * x, L, T), causal=True),
    "constants": Shown(rasp.SequenceMap(lambda c, x: c + x, rasp.ConstantSOp([3, 1, 2, 0], check_length=False), T)),
    "not same": Shown(rasp.Aggregate(~SAME, I, default=-1)),
    "difference of means": Shown(rasp.numerical(MEAN_SO_FAR - rasp.Aggregate(ALL, T * T) + 0.5), (0.137, 0.711, 3), 5),
    "all": Shown(L, (0,), 40),
    "remainder by squares": Shown(MAXIMUM, (1, 2, 3, 4), 5),
    "sorted": Shown(library.sort(), (1, 2, 3), 4),
    "sorted in parts": Shown(library.sort(), (1, 2, 3), 24, given=in_parts),
    "by frequency": Shown(library.sort_freq(), ("a", "b", "c"), 4),
    "most frequent": Shown(library.most_freq(), ("a", "b", "c"), 4),
    "brackets": Shown(library.shuffle_dyck(["()"]), ("(", ")"), 5),
    "majority": Shown(2 * rasp.SelectorWidth(rasp.Select(T, rasp.Full(1), Comparison.EQ)) - L, (0, 1), 4),
    "before by a sum": Shown(rasp.SelectorWidth(rasp.Select(T + 2 * I, T + 2 * I, Comparison.LT)), longest=5),
    "fall-backs": Shown(FALL_BACKS, ("a", "b", "c", "d")),
    "mirrored by a share": Shown(MIRRORED, longest=5, given=BY_SHARES),
    "rarer by a share": Shown(RARER, given=BY_SHARES),
    "count by threes": Shown(COUNT, given=THREE),
    "many counted": Shown(COUNT, (0, 1), 40, given=few),
    "last before": Shown(LAST_BEFORE),
    "least before": Shown(rasp.Aggregate(rasp.best(BEFORE, T, "min"), T, default=-1)),
    "sum before": Shown(rasp.Sum(BEFORE, T)),
}
