"""Random edits of models and of their files: each one is told by its number, and is the same whenever it is made."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np
from safetensors.numpy import load as arrays_of
from safetensors.numpy import save as bytes_of

import raspc
from raspc import jsonvalues
from raspc.weights import saving
from raspc.weights.params import Params

Random = random.Random
Arrays = dict[str, np.ndarray[Any, Any]]


# -- weights ---------------------------------------------------------------------------------------------------------


def one_number(rng: Random, array: Any) -> None:
    """One weight is another number."""
    at = tuple(rng.randrange(size) for size in array.shape)
    held = float(array[at])
    array[at] = rng.choice([0.0, -held, 2 * held, held / 2, held + 1, held - 1, rng.gauss(0, 1), held * (1 + 2.0**-12)])


def one_that_counts(rng: Random, array: Any) -> None:
    """The same of a weight that is not 0."""
    places = np.argwhere(array)
    if len(places):
        at = tuple(places[rng.randrange(len(places))])
        held = float(array[at])
        array[at] = rng.choice([0.0, -held, 2 * held, held / 2, held + 1, held - 1, rng.gauss(0, 1), held * 0.99])


def two_exchanged(rng: Random, array: Any) -> None:
    """Two rows, or two columns, change places."""
    axis = rng.randrange(array.ndim)
    if array.shape[axis] > 1:
        one, other = rng.sample(range(array.shape[axis]), 2)
        turned = np.moveaxis(array, axis, 0)
        turned[[one, other]] = turned[[other, one]]


def a_line(rng: Random, array: Any) -> None:
    """A row, or a column, is scaled, moved, emptied, or the same as another one."""
    turned = np.moveaxis(array, rng.randrange(array.ndim), 0)
    one, other = (rng.randrange(len(turned)) for _ in range(2))
    held = turned[one].copy()
    turned[one] = rng.choice(
        [0 * held, -held, 2 * held, held / 3, held + 1, turned[other].copy(), held + turned[other]]
    )


def all_shaken(rng: Random, array: Any) -> None:
    """Every weight is off by a part of itself."""
    noise = np.random.default_rng(rng.randrange(1 << 30)).standard_normal(array.shape)
    array += (array * noise * 10.0 ** -rng.randrange(1, 8)).astype(array.dtype)


OF_ARRAYS: tuple[Callable[[Random, Any], None], ...] = (
    one_number, one_that_counts, one_that_counts, two_exchanged, a_line, all_shaken,
)  # fmt: skip


def edited_arrays(rng: Random, arrays: Mapping[str, Any]) -> Arrays:
    """One or two of several arrays, edited."""
    found = {name: np.array(arrays[name]) for name in sorted(arrays)}  # a file names them in any order
    names = [name for name, array in found.items() if array.size and array.ndim]
    for name in rng.sample(names, min(len(names), rng.choice((1, 1, 1, 2)))):
        rng.choice(OF_ARRAYS)(rng, found[name])
    return found


def exchanged_parameters(rng: Random, arrays: Mapping[str, Any]) -> Arrays:
    """Two arrays of one shape change places."""
    pairs = [(a, b) for a in arrays for b in arrays if a < b and arrays[a].shape == arrays[b].shape]
    found = dict(arrays)
    if pairs:
        one, other = rng.choice(pairs)
        found[one], found[other] = arrays[other], arrays[one]
    return found


def edited_weights(model: raspc.Model, number: int) -> raspc.Model:
    """A model whose weights are edited, some of them; everything else says what it said before."""
    rng = Random(f"weights {number}")
    change = exchanged_parameters if rng.random() < 0.1 else edited_arrays
    return replace(model, params=Params(change(rng, dict(model.params)), model.config))


# -- files -----------------------------------------------------------------------------------------------------------

Spot = tuple[Any, Any]
"""A list or an object of JSON, and a place in it."""


def spots(obj: Any) -> Iterator[Spot]:
    """Every place in JSON data."""
    for key in range(len(obj)) if isinstance(obj, list) else list(obj):
        yield obj, key
        if isinstance(obj[key], dict | list):
            yield from spots(obj[key])


def other_value(rng: Random, held: Any, near: list[Any]) -> Any:
    """Another value, often of the same kind."""
    if isinstance(held, bool):
        return not held
    if isinstance(held, int | float):
        return rng.choice([held + 1, held - 1, -held, 0, 2 * held, held + 0.5, 1 << 40, *near])
    if isinstance(held, str):
        return rng.choice([held[:-1], held + "x", "", *near])
    if held is None:
        return rng.choice([0, 1, "", [], *near])
    return rng.choice([None, 0, [], {}, *near])


def one_value(rng: Random, obj: Any) -> None:
    """A value in place of another one."""
    found = list(spots(obj))
    holder, key = rng.choice(found)
    alike = [h[k] for h, k in rng.sample(found, min(40, len(found))) if type(h[k]) is type(holder[key])]
    holder[key] = deepcopy(other_value(rng, holder[key], alike[:4]))  # what holds this place would hold itself


def one_leaf(rng: Random, obj: Any) -> None:
    """The same of a plain value: a number, a word, a truth value."""
    found = [(holder, key) for holder, key in spots(obj) if not isinstance(holder[key], dict | list)]
    if found:
        holder, key = rng.choice(found)
        alike = [h[k] for h, k in rng.sample(found, min(40, len(found))) if type(h[k]) is type(holder[key])]
        holder[key] = deepcopy(other_value(rng, holder[key], alike[:4]))


def lists_of(obj: Any) -> list[list[Any]]:
    """All lists of two items or more."""
    return [h[k] for h, k in spots(obj) if isinstance(h[k], list) and len(h[k]) > 1]


def list_turned(rng: Random, obj: Any) -> None:
    """A list in another order, one item short, or with one twice."""
    if not (lists := lists_of(obj)):
        return
    chosen = rng.choice(lists)
    one, other = rng.sample(range(len(chosen)), 2)
    if rng.random() < 0.7:
        chosen[one], chosen[other] = chosen[other], chosen[one]
    elif rng.random() < 0.5:
        del chosen[one]
    else:
        chosen.insert(one, chosen[other])


OF_JSON = (one_leaf, one_leaf, one_leaf, one_value, list_turned)


def edited_json(rng: Random, data: bytes) -> bytes:
    """JSON with one or two edits, seldom in what it only says of itself."""
    obj = json.loads(data)
    said = {name: obj.pop(name) for name in ("certificate", "passes") if name in obj and rng.random() < 0.9}
    for _ in range(rng.choice((1, 1, 1, 2))):
        rng.choice(OF_JSON)(rng, obj)
    return jsonvalues.dumps(obj | said)


def rehashed(files: dict[str, bytes]) -> dict[str, bytes]:
    """The files with a hash that ties them together, as somebody would write it who means them to be read."""
    config = json.loads(files[saving.CONFIG])
    if isinstance(config, dict):
        config.pop("hash", None)
        config["hash"] = saving._hash(config, files)
    return files | {saving.CONFIG: jsonvalues.dumps(config)}


def edited_files(files: Mapping[str, bytes], number: int) -> dict[str, bytes]:
    """The files of a model, one of them edited; the hash is that of what is there now."""
    rng = Random(f"files {number}")
    name = rng.choice([*files, saving.WEIGHTS, saving.GRAPH])
    if name.endswith(".safetensors"):
        changed = bytes_of(edited_arrays(rng, arrays_of(files[name])))
    else:
        changed = edited_json(rng, files[name])
    return rehashed({**files, name: changed})
