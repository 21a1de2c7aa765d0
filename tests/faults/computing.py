"""Faults in how neurons compute and in how heads score."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from tests.faults.records import Patch, both, entry, wrapped
from tests.passes import test_mutations as M
from tests.passes import test_switches as W

from raspc.blocks.lower import _Lowering
from raspc.blocks.neurons import cells, chains, choosing, cubes, folds, gated, grid, lone, parabolas, ramps, steps
from raspc.blocks.scores import penalty, selection, steep
from raspc.blocks.scores.penalty import Factors

# -- neurons ---------------------------------------------------------------------------------------------------------


def changed_design(**changes: Any) -> Any:
    """A design with some of its parts changed, if there is one."""

    def change(original: Any, *args: Any, **options: Any) -> Any:
        found = original(*args, **options)
        return found and replace(found, **{name: f(found) for name, f in changes.items()})

    return change


def both_add(original: Any, change: Any) -> Any:
    """The second neuron of each step takes nothing back."""
    return np.abs(original(change)) * np.sign(np.repeat(change, 2, axis=0))


def without_an_axis(original: Any, self: Any, place: int, groups: Any, design: Any) -> Any:
    """Neurons that read all of their variables but the last."""
    weights = (*design.weights[:-1], np.zeros_like(design.weights[-1]))
    return original(self, place, groups, replace(design, weights=weights))


def without_base(original: Any, *args: Any) -> Any:
    """Neurons that forget what they always add."""
    block = original(*args)
    bias = {space: np.zeros_like(added) for space, added in block.write.bias.items()}
    return replace(block, write=replace(block.write, bias=bias))


def classes_exchanged(original: Any, given: Any) -> Any:
    """The special case and all others change places."""
    found = original(given)
    return found and replace(found, classes=found.classes[::-1])


def late_feet(original: Any, along: Any, column: Any) -> Any:
    """Ramps that begin at the value that they are to lift."""
    for sign, foot, slope, lead in original(along, column):
        yield sign, foot + sign * lead, slope, lead


def steeper_parts(original: Any, design: Any, x: Any) -> Any:
    """Parts are taken for a little more than what is written."""
    found = original(design, x)
    return found * np.where(np.arange(found.shape[1]) == 1, 1.25, 1.0)


NEURONS: dict[str, Patch] = {
    "thresholds of steps": wrapped(steps, "staircases", M.late_steps),
    "slopes of steps": wrapped(steps, "staircases", changed_design(slopes=lambda found: found.slopes / 8)),
    "what steps begin with": wrapped(steps, "staircases", changed_design(first=lambda found: found.first + 1)),
    "second halves of steps": wrapped(steps, "alternating", both_add),
    "a gate": wrapped(cells, "gate", M.shifted_gate),
    "a gate by squares": wrapped(cells, "gate", W.squares_only),
    "cells that are never shut": wrapped(choosing, "cells", changed_design(bias=lambda found: found.bias + 1)),
    "what cells add": wrapped(choosing, "cells", changed_design(out=lambda found: -found.out)),
    "cubes of another class": wrapped(cubes, "leaves", W.next_class),
    "cubes that are never shut": wrapped(choosing, "cubes", changed_design(bias=lambda found: found.bias + 1)),
    "squares that are half as steep": wrapped(parabolas, "_polynomials", W.wider),
    "where a chain bends": wrapped(chains, "_bent", W.late_bends),
    "what a chain adds": wrapped(chains, "_bent", changed_design(out=lambda found: found.out * 1.25)),
    "where ramps begin": wrapped(parabolas, "_ramps", changed_design(bias=lambda found: found.bias + 1)),
    "what parts of ramps write": wrapped(parabolas, "_written", steeper_parts),
    "where a strip bends": wrapped(folds, "_ramps", changed_design(bias=lambda found: found.bias + 1)),
    "values that are merged": wrapped(grid, "merged", W.too_alike),
    "gates that stay open": wrapped(gated, "_gated", W.open_gates),
    "a sum of conditions": wrapped(lone, "_weights", M.forgotten_condition),
    "which case is special": wrapped(lone, "_special", classes_exchanged),
    "feet of ramps": wrapped(ramps, "_knots", late_feet),
    "a variable that is read": wrapped(_Lowering, "neurons", without_an_axis),
    "what neurons always add": wrapped(_Lowering, "neurons", without_base),
}


# -- scores ----------------------------------------------------------------------------------------------------------


def exchanged_sides(original: Any, *args: Any) -> Any:
    """Factors of keys and of queries change places where both have as many values."""
    for found in original(*args):
        yield Factors(found.queries, found.keys) if found.keys.shape == found.queries.shape else found


def never_competing(original: Any, k: Any, q: Any, competing: bool) -> Any:
    """Squares without the one that all keys of a query share, also where BOS competes."""
    return original(k, q, False)


def next_number(original: Any, *args: Any) -> Any:
    """Keys are numbered one too high."""
    found = original(*args)
    return found and (found[0] + 1, found[1])


def strict(original: Any, found: Any, n: int) -> Any:
    """≤ is scored as <, and < as ≤."""
    names = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
    return original(replace(found, relation=names.get(found.relation, found.relation)), n)


def dull(original: Any, *args: Any) -> float:
    """A step of the penalty takes next to nothing."""
    return 1.0


def rolled_queries(original: Any, self: Any, place: int) -> Any:
    """Score directions of queries and of keys that do not belong together."""
    query, key = original(self, place)
    maps = {space: np.roll(matrix, 1, axis=1) for space, matrix in query.maps.items()}
    return replace(query, maps=maps, bias=np.roll(query.bias, 1)), key


def nothing_undefined(original: Any, selected: Any, merging: bool = True) -> Any:
    """Keys that are selected alike but for the last query share a direction."""
    same = selected.copy()
    same[..., -1] = same[..., 0]
    return original(same, merging)


SCORES: dict[str, Patch] = {
    "a term of a penalty": wrapped(selection, "candidates", M.fewer_columns),
    "a weak penalty": wrapped(selection, "candidates", M.weaker),
    "keys scored as queries": wrapped(selection, "candidates", exchanged_sides),
    "a conjunct": wrapped(selection, "selects_of", M.dropped_conjunct),
    "squares where BOS competes": wrapped(penalty, "_squares", never_competing),
    "one square": wrapped(penalty, "_squares", W.first_only),
    "numbers of keys": wrapped(penalty, "natural_numbers", next_number),
    "numbers of partners": wrapped(penalty, "_matching", W.shifted_classes),
    "the low digit": both(
        wrapped(penalty, "_digits", W.high_digit), lambda patch: patch.setattr(penalty, "DIGITS_FROM", 3)
    ),
    "the low flags": both(wrapped(penalty, "_flags", W.high_flags), W.few_values),
    "a score direction": wrapped(penalty, "_by_key", W.first_only),
    "keys that are selected alike": wrapped(penalty, "_by_key", nothing_undefined),
    "a direction of low rank": wrapped(penalty, "factored", W.too_few),
    "a steep feature": wrapped(steep, "_features", M.not_as_steep),
    "a steep comparison": wrapped(steep, "compared", M.off_by_one),
    "steep < and ≤": wrapped(steep, "factors", strict),
    "a relation": entry(steep.RELATIONS, "<", np.not_equal),
    "sharpness": wrapped(_Lowering, "sharpness", dull),
    "queries of other keys": wrapped(_Lowering, "scores", rolled_queries),
}
