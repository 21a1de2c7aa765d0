"""Faults in what BOS does, in schedules and layouts, and in how the weights are put together."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from tests.faults.records import Patch, both, wrapped
from tests.passes import test_mutations as M
from tests.passes import test_switches as W

from raspc.blocks.lower import _Lowering
from raspc.layout import heads, placement
from raspc.weights import assemble, making

planning = importlib.import_module("raspc.plan.planning")


# -- BOS and defaults ------------------------------------------------------------------------------------------------


def with_default(change: Callable[[Any], Any]) -> Callable[..., Any]:
    """Another code of what an empty selection gives."""
    return lambda original, self, place, node, groups, read, default: original(
        self, place, node, groups, read, change(default)
    )


def exchanged_values(original: Any, self: Any, place: int, node: Any, raw: Any, share: Any) -> Any:
    """BOS is averaged as a key is, and a key as BOS."""
    head = original(self, place, node, raw, share)
    there = {space: -matrix for space, matrix in head.value.maps.items()}
    return replace(head, value=replace(head.value, maps=there, bias=np.array([share.at_bos])))


def scores_changed(change: Callable[..., None]) -> Callable[..., Any]:
    """What a head scores, changed once it is there: `change(query, key, head, bos)`."""

    def changed(original: Any, query: Any, key: Any, head: Any, layout: Any, *rest: Any) -> None:
        original(query, key, head, layout, *rest)
        change(query, key, head, layout.start["bos"])

    return changed


def no_sink_of_its_own(query: Any, key: Any, head: Any, bos: int) -> None:
    """As a query BOS attends to others."""
    query[0][bos, head.query.width] = 0.0


def unmarked(query: Any, key: Any, head: Any, bos: int) -> None:
    """As a key BOS has no score of its own."""
    key[0][bos, head.query.width] = 0.0


BOS: dict[str, Patch] = {
    "BOS above the selected": wrapped(_Lowering, "aggregate_head", M.with_head(sink=lambda head: 0.5)),
    "BOS below all": wrapped(_Lowering, "aggregate_head", M.with_head(sink=lambda head: -3.0)),
    "the score of BOS in a width": wrapped(_Lowering, "width_head", M.with_head(log_sink=lambda h: h.log_sink + 1.0)),
    "a width without BOS": wrapped(_Lowering, "width_head", M.with_head(log_sink=lambda head: 0.0)),
    "the values of a width": wrapped(_Lowering, "width_head", exchanged_values),
    "no default": wrapped(_Lowering, "aggregate_head", M.no_default),
    "the default of another value": wrapped(_Lowering, "aggregate_head", with_default(lambda code: np.roll(code, 1))),
    "a default twice": wrapped(_Lowering, "aggregate_head", with_default(lambda code: 2 * code)),
    "neurons at BOS": wrapped(_Lowering, "neurons", M.firing_at_bos),
    "BOS attends to others": wrapped(assemble, "_place_scores", scores_changed(no_sink_of_its_own)),
    "BOS is not marked as a key": wrapped(assemble, "_place_scores", scores_changed(unmarked)),
}


# -- schedule, placement, clearing, heads ----------------------------------------------------------------------------


def last_block_early(original: Any, *args: Any, **options: Any) -> Any:
    """The last block stands in the layer of what it reads."""
    found = original(*args, **options)
    schedules = found if isinstance(found, list) else [found]
    moved = [replace(one, stages=(*one.stages[:-1], max(one.stages[-1] - 2, one.stages[-1] % 2))) for one in schedules]
    return moved if isinstance(found, list) else moved[0]


def first_block_late(original: Any, *args: Any, **options: Any) -> Any:
    """The first block stands a layer after those that read it."""
    found = original(*args, **options)
    schedules = found if isinstance(found, list) else [found]
    moved = [replace(one, stages=(one.stages[0] + 2, *one.stages[1:])) if one.stages else one for one in schedules]
    return moved if isinstance(found, list) else moved[0]


def everywhere(change: Callable[..., Any]) -> Patch:
    """A fault of all ways to schedule."""
    return both(*(wrapped(planning, name, change) for name in ("greedy", "schedules", "solved")))


def all_in_one_layer(original: Any, *args: Any, **options: Any) -> Any:
    """A schedule without regard to what a block reads."""
    return (W.all_early if isinstance(original(*args, **options), list) else M.all_at_once)(original, *args, **options)


SCHEDULE: dict[str, Patch] = {
    "all in one layer": everywhere(all_in_one_layer),
    "a block too early": everywhere(last_block_early),
    "a block too late": everywhere(first_block_late),
}


def one_lower(original: Any, lowered: Any, *args: Any, **options: Any) -> Any:
    """The last space lies one dimension too low."""
    found = original(lowered, *args, **options)
    name = max(found.start, key=found.start.__getitem__)
    return replace(found, start={**found.start, name: found.start[name] - 1})


def last_on_tokens(original: Any, lowered: Any, *args: Any, **options: Any) -> Any:
    """Two spaces that live at once share their first dimension."""
    found = original(lowered, *args, **options)
    names = sorted((name for name in found.start if name != "bos"), key=found.start.__getitem__)
    return replace(found, start={**found.start, names[-1]: found.start[names[0]]}) if len(names) > 1 else found


PLACEMENT: dict[str, Patch] = {
    "a dimension used twice": wrapped(planning, "lay_out", M.overlapping),
    "a space one too low": wrapped(planning, "lay_out", one_lower),
    "a space on another": wrapped(planning, "lay_out", last_on_tokens),
    "dimensions that are read again": wrapped(placement, "_lives", W.next_root),
}


def swept(change: Callable[[Any], Any]) -> Callable[..., Any]:
    """What is cleared, changed sweep by sweep."""
    return lambda original, *args: {
        layer: tuple(map(change, sweeps)) for layer, sweeps in original(*args).items() if layer >= 0
    }


def one_further(sweep: Any) -> Any:
    """The dimension beside the one that should be cleared."""
    return replace(sweep, dim=sweep.dim + 1)


def sweep_weights(change: float) -> Callable[..., Any]:
    """Neurons that clear a dimension take another part of it away than all."""

    def changed(original: Any, blocks: Any, *rest: Any) -> Any:
        (inward, outward) = original(blocks, *rest)
        start = sum(block.read.width for block in blocks)
        outward[0][start:] *= change
        return [inward, outward]

    return changed


def at_the_end(original: Any, lives: Any, start: Any, loads: Any) -> Any:
    """All is cleared by the last layer, when it is too late."""
    found = [sweep for sweeps in original(lives, start, loads).values() for sweep in sweeps]
    return {len(loads) - 1: tuple(found)} if found else {}


CLEARING: dict[str, Patch] = {
    "nothing is cleared": wrapped(placement, "_sweeps", lambda original, *args: {}),
    "half is cleared": wrapped(assemble, "_mlp", sweep_weights(0.5)),
    "cleared twice over": wrapped(assemble, "_mlp", sweep_weights(2.0)),
    "added, not cleared": wrapped(assemble, "_mlp", sweep_weights(-1.0)),
    "negative numbers stay": wrapped(placement, "_sweeps", swept(lambda sweep: replace(sweep, size=1))),
    "the next dimension is cleared": wrapped(placement, "_sweeps", swept(one_further)),
    "cleared too late": wrapped(placement, "_sweeps", at_the_end),
}  # fmt: skip


def values_rolled(original: Any, lowered: Any, slots: Any, layout: Any, widths: Any, *rest: Any) -> Any:
    """The values of blocks that share a head stand one column further than where they are written from."""
    maps = original(lowered, slots, layout, widths, *rest)
    for place, slot in enumerate(slots):
        cut = slice(place * widths.d_head, place * widths.d_head + slot.stop - slot.start)
        if len(slot.blocks) > 1:
            maps[2][0][:, cut] = np.roll(maps[2][0][:, cut], 1, axis=1)
    return maps


def exchanged_heads(original: Any, lowered: Any, slots: Any, layout: Any, widths: Any, *rest: Any) -> Any:
    """Two heads of a layer write what the other one has moved."""
    maps = original(lowered, slots, layout, widths, *rest)
    if len(slots) > 1:
        out, d = maps[3][0], widths.d_head
        out[:d], out[d : 2 * d] = out[d : 2 * d].copy(), out[:d].copy()
    return maps


PACKING: dict[str, Patch] = {
    "heads that do not score alike share": wrapped(heads, "_scoring", M.all_alike),
    "parts of a split head": wrapped(heads, "_cut", W.last_columns),
    "values of a shared head": wrapped(assemble, "_attention", values_rolled),
    "heads that are exchanged": wrapped(assemble, "_attention", exchanged_heads),
}


# -- assembly --------------------------------------------------------------------------------------------------------


def weights(kind: str, change: Callable[[Any], Any], layers: slice = slice(None)) -> Patch:
    """The parameters whose name ends so, changed as they are put together."""

    def changed(original: Any, plan: Any, config: Any) -> Any:
        found = original(plan, config)
        names = [name for name in found if name.endswith(kind)][layers]
        return {**found, **{name: change(found[name]) for name in names}}

    return wrapped(making, "assemble", changed)


def zeroed(array: Any) -> Any:
    """Nothing at all."""
    return np.zeros_like(array)


def first_two_exchanged(array: Any) -> Any:
    """The first two rows change places."""
    return array[[1, 0, *range(2, len(array))]] if len(array) > 1 else array


def query_for_key(original: Any, plan: Any, config: Any) -> Any:
    """The maps to queries and to keys change places."""
    found = original(plan, config)
    other = {name: name.replace("query", "\0").replace("key", "query").replace("\0", "key") for name in found}
    return {name: found[other[name]] for name in found}


def neurons_overlap(original: Any, blocks: Any, *places: Any) -> Any:
    """The neurons of one block take the places of the last ones of the block before."""
    (inward, outward) = original(blocks, *places)
    if len(blocks) > 1:
        end = blocks[0].read.width
        for array in (inward[0].T, inward[1], outward[0]):
            array[end - 1] = array[end]
    return [inward, outward]


ASSEMBLY: dict[str, Patch] = {
    "positions": wrapped(assemble, "_embeddings", M.moved_positions),
    "directions that are written": wrapped(assemble, "_written", M.swapped_value_columns),
    "rows of tokens": weights("token_embed/embeddings", first_two_exchanged),
    "the bias of values": weights("value/b", zeroed),
    "the bias of queries": weights("query/b", zeroed),
    "the bias of keys": weights("key/b", zeroed),
    "the bias of heads": weights("attn/linear/b", zeroed),
    "the bias of neurons": weights("linear_1/b", zeroed),
    "what neurons add": weights("linear_2/b", zeroed),
    "the bias of the answer": weights("unembed/b", zeroed),
    "columns of the answer": weights("unembed/w", lambda array: np.roll(array, 1, axis=1)),
    "weak queries": weights("query/w", lambda array: array / 256),
    "queries for keys": wrapped(making, "assemble", query_for_key),
    "the last MLP": weights("linear_2/w", zeroed, slice(-1, None)),
    "neurons that overlap": wrapped(assemble, "_mlp", neurons_overlap),
}
