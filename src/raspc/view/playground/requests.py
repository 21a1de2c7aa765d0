"""What the browser may ask for, read with suspicion: RASP text or a library program's name, never Python."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from raspc import typed
from raspc.errors import InputError

ACTIONS = ("compile", "check", "view", "onnx")


@dataclass(frozen=True)
class Limits:
    """Bounds on one job. `seconds` of wall-clock and of processor time; `memory` in bytes; `body` of a request."""

    seconds: float = 30.0
    memory: int = 4 * 2**30
    disk: int = 256 * 2**20
    nodes: int = 1000
    source: int = 64 * 2**10
    vocab: int = 128
    length: int = 128
    where: int = 2**10
    inputs: int = 20_000
    body: int = 128 * 2**10
    kept: int = 16


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True)
class Compile:
    """A program, as text or by its name in the library, and how to compile it.

    `where`: a regular expression over tokens, or "" where it is for every input. `generate`: the program writes: it
    goes on from `prompts`, another expression, until it writes `stop`; "" for any prompt, and for none.
    """

    source: str
    library: str
    vocab: tuple[Any, ...]
    max_seq_len: int
    causal: bool
    optimize: int
    partial: bool = False
    where: str = ""
    generate: bool = False
    stop: str = ""
    prompts: str = ""


def read_compile(obj: Mapping[str, Any], limits: Limits = DEFAULT_LIMITS) -> Compile:
    """The request in JSON data. Raises InputError for anything else."""
    source, library = _text(obj, "source", limits.source), _text(obj, "library", 100)
    vocab = vocabulary(_text(obj, "vocab", limits.source))
    if not 1 <= len(vocab) <= limits.vocab:
        raise InputError(f"vocabulary: found {len(vocab)} tokens; the playground takes 1 to {limits.vocab}")
    length = _whole(obj, "max_seq_len", 1, limits.length)
    optimize = _whole(obj, "optimize", 0, 2)
    causal, partial = (_truth(obj, name) for name in ("causal", "partial"))
    where, stop, prompts = (_text(obj, name, limits.where).strip() for name in ("where", "stop", "prompts"))
    generate = _truth(obj, "generate")
    if generate and where:
        raise InputError("inputs: a program that writes is for what its prompts lead to; leave it empty")
    return Compile(source, library, vocab, length, causal, optimize, partial, where, generate, stop, prompts)


def vocabulary(text: str) -> tuple[Any, ...]:
    """The tokens that were typed, by the rule of the command line. Raises InputError for what are none."""
    found = typed.vocabulary(text.strip())
    if any(not isinstance(item, str | int | float) for item in found):
        raise InputError("vocabulary: tokens are strings, numbers or booleans")
    return tuple(found)


def _text(obj: Mapping[str, Any], name: str, most: int) -> str:
    value = obj.get(name, "")
    if not isinstance(value, str):
        raise InputError(f"{name} must be a string")
    if len(value) > most:
        raise InputError(f"{name}: found {len(value):,} characters; the playground takes at most {most:,}")
    return value


def _truth(obj: Mapping[str, Any], name: str) -> bool:
    value = obj.get(name, False)
    if not isinstance(value, bool):
        raise InputError(f"{name} must be true or false")
    return value


def _whole(obj: Mapping[str, Any], name: str, least: int, most: int) -> int:
    value = obj.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise InputError(f"{name.replace('_', ' ')}: found {value!r}; the playground takes {least} to {most}")
    return value
