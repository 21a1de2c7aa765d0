"""Saved models, graphs and texts as someone who means harm would write them; what the suite and `fuzz_load` share."""

from __future__ import annotations

import copy
import hashlib
import io
import json
import random
import warnings
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout, suppress
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import raspc
from raspc import InputError, UncertainProgram, jsonvalues, library
from raspc.certify.checking.check import check
from raspc.cli.app import status
from raspc.cli.facts import facts
from raspc.errors import ModelFormatError, UnsupportedProgram
from raspc.graph import Graph
from raspc.weights import Limits, Model, load, saving

FILES = (saving.CONFIG, *saving.HASHED)

JUNK: tuple[Any, ...] = (
    None, True, False, -1, 0, 1, 2, 3, 7, 255, 256, 2**31, 2**63, -(2**63), 10**12, -(10**30), 0.5, -0.0, 1e300, 5e-324,
    "", "a", "token", "gate", "and", "or", "table", "%1", "BOS", "mlp", "attention", "\ud800", [], {}, [[]],
    [0, 10**12],
    {"range": [0, 10**12]}, {"values": []}, {"tuple": [1, [2]]}, {"tuple": [{"tuple": []}]}, {"float": "nan"},
    {"float": "inf"}, {"lo": 0, "hi": 1, "specials": []},
)  # fmt: skip
"""What a field may hold that ought to hold something else."""

MOST_PLACES = 10_000
"""Objects with more places are not made larger."""

PROGRAMS = ("hist", "reverse", "sort", "frac_prevs", "first_occurrence")
OWN_WIDTHS = ("reverse", "shuffle_dyck")
"""Programs whose models have layers without heads or neurons."""


@cache
def originals() -> tuple[Mapping[str, bytes], ...]:
    """The files of a few sound models, readable and compact, with words, numbers and None as answers.

    Layers have one width, or each its own.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UncertainProgram)
        found = [_compiled(name, level) for name, level in zip(PROGRAMS, (1, 2, 0, 1, 2), strict=True)]
        found += [_compiled(name, 2, uniform=False) for name in OWN_WIDTHS]
        return tuple(map(saving.to_files, found))


def _compiled(name: str, level: int, uniform: bool = True) -> Model:
    entry = library.get(name)
    return raspc.compile(entry.program, entry.vocab, 4, causal=entry.causal, optimize=level, uniform=uniform)


def forged(held: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files with a hash that fits them, if the config is JSON at all."""
    try:
        config = json.loads(held[saving.CONFIG])
        config.pop("hash", None)
        digest = hashlib.sha256(jsonvalues.dumps(config))
        for name in saving.HASHED:
            digest.update(hashlib.sha256(held[name]).digest())
        return {**held, saving.CONFIG: jsonvalues.dumps(config | {"hash": digest.hexdigest()})}
    except (ValueError, AttributeError, TypeError, RecursionError, UnsupportedProgram):
        return dict(held)


def paths(obj: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a JSON object."""
    items = obj.items() if isinstance(obj, dict) else enumerate(obj) if isinstance(obj, list) else ()
    for step, inner in items:
        yield (*path, step)
        yield from paths(inner, (*path, step))


def at(obj: Any, path: tuple[Any, ...]) -> Any:
    """What is held at a place."""
    for step in path:
        obj = obj[step]
    return obj


def mutated(obj: Any, rng: random.Random) -> Any:
    """The object after a few changes, each at a place of its own: junk, nothing, something else, or nearly the same."""
    obj = copy.deepcopy(obj)
    for _ in range(rng.randint(1, 4)):
        places = list(islice(paths(obj), MOST_PLACES))
        if not places:
            return rng.choice(JUNK)
        if len(places) == MOST_PLACES:
            break  # copies of copies of it would take more memory than what is tested may
        path = rng.choice(places)
        _change(at(obj, path[:-1]), path[-1], copy.deepcopy(at(obj, rng.choice(places))), rng)
    return obj


def _change(holder: Any, step: Any, other: Any, rng: random.Random) -> None:
    old = holder[step]
    how = rng.choice(("junk", "remove", "copy", "nudge", "nudge", "rename", "repeat"))
    if how == "remove":
        del holder[step]
    elif how == "nudge" and isinstance(old, int | float):
        holder[step] = rng.choice((old + 1, old - 1, -old, old * 2, old + 2**32))
    elif how == "rename" and isinstance(holder, dict):
        holder[rng.choice(("kind", "args", "values", "x", "node", *holder))] = holder.pop(step)
    elif how == "repeat" and isinstance(holder, list):
        few = next(islice(paths(old), 20, None), None) is None
        holder.extend([copy.deepcopy(old)] * (rng.choice((1, 2, 100)) if few else 1))
    else:
        holder[step] = other if how == "copy" else rng.choice(JUNK)


def mutated_json(data: bytes, rng: random.Random) -> bytes:
    """JSON with mutated content; other bytes with some of them changed."""
    try:
        return json.dumps(mutated(json.loads(data), rng)).encode()
    except (ValueError, RecursionError):
        return mutated_bytes(data, rng)


def mutated_bytes(data: bytes, rng: random.Random) -> bytes:
    """Bytes overwritten, cut out or put in, somewhere near the start as often as anywhere."""
    for _ in range(rng.randint(1, 3)):
        start = rng.randint(0, min(len(data), rng.choice((8, 400, len(data)))))
        piece = rng.choice((b"", b"\xff", b"\x00" * 8, b"[", b"}", b'"', b"1e999", b"NaN", rng.randbytes(4)))
        data = data[:start] + piece + data[start + rng.choice((0, len(piece), 9)) :]
    return data


def mutated_files(held: Mapping[str, bytes], rng: random.Random) -> dict[str, bytes]:
    """A model with one or two of its files changed; mostly with a hash that fits."""
    changed = dict(held)
    for name in rng.sample(FILES, rng.choice((1, 1, 2))):
        change = mutated_bytes if name.endswith(".safetensors") or rng.random() < 0.1 else mutated_json
        changed[name] = change(changed[name], rng)
    return changed if rng.random() < 0.05 else forged(changed)


SMALL = Limits(weights=1 << 24)


def load_and_use(directory: Path) -> bool:
    """Whether a directory holds a model; one that does is run, checked and described.

    Anything but a ModelFormatError from loading, or an InputError from use, comes through.
    """
    try:
        model = load(directory, SMALL)
    except ModelFormatError as error:
        assert str(error) and len(str(error)) < 3000
        return False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # weights may be anything finite, and overflow
        use(model)
    return True


def use(model: Model) -> None:
    """What people do with a model that they were sent."""
    config = model.config
    model.apply([config.bos, *config.vocab[: min(2, config.max_seq_len)]][: 1 + (len(config.vocab) > 3)])
    facts(model)
    if isinstance(model.graph, Graph):
        str(model.graph)
        with suppress(InputError):
            check(model, limit=8, threads=1)


def write(directory: Path, held: Mapping[str, bytes]) -> None:
    """The files in a directory."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, data in held.items():
        (directory / name).write_bytes(data)


def commands(directory: Path, tokens: list[str]) -> Iterator[list[str]]:
    """Every command that takes a model, on one; files go beside it."""
    place, beside = str(directory), directory.parent
    yield from (["run", place, *tokens], ["run", place, "--trace", *tokens], ["check", place, "--limit", "50"])
    yield from (["certify", place], ["inspect", place], ["inspect", place, "--explain"], ["inspect", place, "--plan"])
    yield ["view", place, *tokens, "-o", str(beside / "page.html")]
    yield ["export", place, "--to", "npz", "-o", str(beside / "x.npz")]
    yield from (["diff", place, place, "--run", "--limit", "20"], ["parity", place])


def use_by_commands(directory: Path) -> int | None:
    """How many commands a directory was given to, each with an answer or one line of ours; None if it is no model."""
    try:
        model = load(directory, SMALL)
    except ModelFormatError:
        return None
    tokens = [str(token) for token in model.config.vocab[: min(2, model.config.max_seq_len)]]
    count = 0
    for args in commands(directory, tokens):
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()) as told:
            assert isinstance(status(args), int)
        assert "Traceback" not in told.getvalue(), args
        count += 1
    return count
