"""Faults that only narrow formats show, and faults in saving a model."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from tests.faults.records import Patch, both, wrapped
from tests.passes import test_mutations as M

from raspc.blocks.lower import _Lowering
from raspc.blocks.neurons import steps
from raspc.graph import nodes
from raspc.numbers import shares
from raspc.weights import saving

planning = importlib.import_module("raspc.plan.planning")


def yes(original: Any, *args: Any) -> bool:
    """Whatever is asked, it is so."""
    return True


def any_width(original: Any, *args: Any, **options: Any) -> Any:
    """Heads whose 1/√width is no power of two."""
    found = original(*args, **options)
    width = found.heads.d_head + 1
    return replace(found, heads=replace(found.heads, d_head=width, area=width * found.heads.n_heads))


def half_step(original: Any, *args: Any) -> Any:
    """Thresholds on the multiples that sums have, not between them."""
    found = original(*args)
    return found and replace(found, thresholds=found.thresholds - found.gap / 2)


def any_score(original: Any, n: int, precision: Any) -> Any:
    """A score of BOS that makes no power of two of the sum."""
    found = original(n, precision)
    return found and found._replace(raised=found.raised * 1.3)


NARROW: dict[str, Patch] = {
    "a score of BOS": wrapped(_Lowering, "width_head", M.with_head(log_sink=lambda head: head.log_sink + 0.25)),
    "M is no power of two": wrapped(shares, "_evenly", any_score),
    "no score of BOS is tried": both(
        wrapped(shares, "keeps", yes), lambda patch: patch.setattr(shares, "_evenly", shares._evenly.__wrapped__)
    ),
    "width of heads": wrapped(planning, "lay_out", any_width),
    "steps on the lattice": wrapped(steps, "_steps_on_lattice", half_step),
    "a small range": wrapped(_Lowering, "sharpness", lambda original, *args: 4.0),
}


# -- saving ----------------------------------------------------------------------------------------------------------


def saved_weights(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Patch:
    """The weights that are written are not those of the model."""

    def changed(original: Any, model: Any) -> Any:
        found = change({name: np.array(array) for name, array in model.params.items()})
        return original(replace(model, params=found))

    return wrapped(saving, "_weights_bytes", changed)


def each(change: Callable[[Any], Any]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """A change of every array."""
    return lambda params: {name: change(array) for name, array in params.items()}


def as_half(array: Any) -> Any:
    """What float16 makes of an array."""
    return np.clip(array, -65504, 65504).astype(np.float16).astype(np.float32)


def exchanged(one: str, other: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Two parameters of each layer are written under each other's name."""

    def change(params: dict[str, Any]) -> dict[str, Any]:
        names = {name: name.replace(one, "\0").replace(other, one).replace("\0", other) for name in params}
        return {name: params[names[name]] for name in params}

    return change


def square_transposed(array: Any) -> Any:
    """Written column by column, and read row by row."""
    return np.ascontiguousarray(array.T.reshape(array.shape)) if array.ndim == 2 else array


def saved_graph(change: Callable[[Any], Any]) -> Patch:
    """The graphs that are written have other nodes."""

    def changed(original: Any, graph: Any) -> Any:
        return original(replace(graph, nodes=tuple(map(change, graph.nodes))))

    return wrapped(saving, "to_json", changed)


def inverted(node: Any) -> Any:
    """A selector that selects what it should not."""
    return replace(node, cells=np.where(node.cells < 0, -1, 1 - node.cells).astype(np.int8)) if isinstance(
        node, nodes.Select) else node  # fmt: skip


def first_cell(node: Any) -> Any:
    """A table whose first cell is that of the last."""
    if not isinstance(node, nodes.Table) or not node.cells.size:
        return node
    cells = node.cells.copy()
    cells.flat[0] = cells.flat[-1]
    return replace(node, cells=cells)


def other_default(node: Any) -> Any:
    """The default is another value that the aggregate can have."""
    if not isinstance(node, nodes.Aggregate) or not node.may_be_empty or not isinstance(node.domain, nodes.Listed):
        return node
    others = [value for value in node.domain.values if value != node.default and value is not None]
    return replace(node, default=others[0]) if others else node


def saved_config(**changes: Callable[[Any], Any]) -> Patch:
    """The config that is written says something else."""

    def changed(original: Any, model: Any) -> Any:
        config = replace(model.config, **{name: change(model.config) for name, change in changes.items()})
        return original(replace(model, config=config))

    return wrapped(saving, "to_files", changed)


def turned_words(config: Any) -> Any:
    """The tokens in the other order."""
    return (*config.vocab[:-2][::-1], *config.vocab[-2:])


def turned_answers(config: Any) -> Any:
    """The answers in the other order."""
    return replace(config.output, values=config.output.values[::-1])


SAVING: dict[str, Patch] = {
    "weights as float16": saved_weights(each(as_half)),
    "small weights are dropped": saved_weights(each(lambda array: np.where(np.abs(array) < 0.6, 0, array))),
    "weights without sign": saved_weights(each(np.abs)),
    "queries under the name of keys": saved_weights(exchanged("query", "key")),
    "arrays by columns": saved_weights(each(square_transposed)),
    "selectors in the file": saved_graph(inverted),
    "tables in the file": saved_graph(first_cell),
    "defaults in the file": saved_graph(other_default),
    "tokens in the file": saved_config(vocab=turned_words),
    "answers in the file": saved_config(output=turned_answers),
}
