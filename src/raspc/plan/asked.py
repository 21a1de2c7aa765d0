"""The arguments of a compile, checked: every fault is said before any work is done."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

import numpy as np

from raspc import arguments
from raspc import values as V
from raspc.errors import InvalidProgram, wrong_kind
from raspc.numbers.memory import bytes_of
from raspc.numbers.options import JOINT, Level, Options
from raspc.numbers.precision import Precision
from raspc.plan.switches import checked
from raspc.target import PLAIN
from raspc.target.families import FAMILIES

CLOSE = ("squares", "renumber", "digits", "number_answers", "gated_lines")
"""What reads many values off one number: it is small, and what noise does to it grows with the number."""
SHARED = ("square_gates", "distinct_rows")
"""Choices by which values share a direction that neurons square or scores compare."""
MOST_MARGIN = 1e4
LEVELS = (*(level.value for level in Level), "size")


def check_arguments(
    tokens: tuple[Any, ...], bos: Any, pad: Any, optimize: int | str, causal: bool, where: Any = None,
    generate: bool = False, stop: Any = None, prompts: Any = None, uniform: bool = True, total: bool = False,
) -> None:  # fmt: skip
    """BOS and PAD are two, and no tokens of the vocabulary; the level is one; prompts are of a program that writes.

    Raises InvalidProgram with all faults; TypeError where `causal`, `generate`, `uniform` or `total` is no truth value.
    """
    for name, truth in (("causal", causal), ("generate", generate), ("uniform", uniform), ("total", total)):
        if not isinstance(truth, int | np.bool_):
            raise wrong_kind(name, truth, "True or False")
    faults = [fault for name, mark in (("BOS", bos), ("PAD", pad)) if (fault := _fault_of(name, mark, tokens))]
    if not faults and V.same(bos, pad):
        faults.append(f"BOS and PAD are both {bos!r}; choose two different tokens")
    if generate and where is not None:
        faults.append("where and generate exclude each other; say with prompts= what the program goes on from")
    if not generate and (stop is not None or prompts is not None):
        faults.append("stop and prompts are for a program that writes; pass generate=True as well")
    if optimize not in LEVELS:
        faults.append(f"the option level is {optimize!r}; there are {LEVELS}")
    if faults:
        raise InvalidProgram(faults)


def options_of(
    optimize: int | str,
    precision: Precision,
    disabled_passes: Collection[str],
    solver: bool,
    verify: bool,
    memory: int | str,
    target: str = PLAIN.name,
    uniform: bool = True,
    sharpness: float = 1.0,
    margin: float | None = None,
    total: bool = False,
) -> Options:
    """What was asked for, as one value. Raises InvalidProgram for a pass, a size, or a part that there is not.

    A `total` model does without what rests on several variables together. With a `margin` codes have room, so that what
    packs them closely is left out. A stock family squares what its stream holds, so that steep scores, which make
    numbers large, are left out for it.
    """
    given_up = (*(() if solver else ("solver",)), *(("steep",) if target in FAMILIES else ()))
    without = checked(
        (*checked(disabled_passes), *given_up, *(CLOSE if margin is not None else ()), *(JOINT if total else ()))
    )
    level, objective = (Level.COMPACT, "size") if optimize == "size" else (Level(optimize), "layers")
    return Options(
        level, precision, without, verify=verify, memory=bytes_of(memory), objective=objective, target=target,
        uniform=uniform, sharpness=part_of("sharpness", sharpness, 1.0) or 1.0,
        margin=None if margin is None else part_of("margin", margin, MOST_MARGIN, least=1.0),
    )  # fmt: skip


def roomier(options: Options) -> Options:
    """The same where codes have room, as with a margin of 1."""
    return replace(options.leaving_out(CLOSE), margin=1.0)


def plainest(options: Options) -> Options:
    """The same, and nothing but indicators is read by neurons that list values, and by scores."""
    return roomier(options.leaving_out(SHARED))


def part_of(argument: str, given: Any, most: float, least: float = 0.0) -> float:
    """A number from `least` to `most`. Raises InvalidProgram for another, TypeError for what is no number."""
    found = float(arguments.an((int, float, np.integer, np.floating), argument, given, "a number"))
    if not least <= found <= most:
        raise InvalidProgram(f"{argument} is {given!r}; needed a number from {least:g} to {most:g}")
    return found


def checked_target(target: Any, causal: bool, uniform: bool = True, writes: bool = False) -> str:
    """The target, plain or a stock family.

    Raises InvalidProgram for an unknown one, for one of another mask, and for widths of their own in a stock family.
    """
    name: str = arguments.an(str, "target", target, "the name of a target").replace("-", "_")
    if name == PLAIN.name:
        return name
    if name not in FAMILIES:
        raise InvalidProgram(f"the target is {target!r}; there are {', '.join((PLAIN.name, *FAMILIES))}")
    if not uniform:
        raise InvalidProgram(f"all layers of {name} have one width; leave out uniform=False (--no-uniform)")
    if FAMILIES[name].causal and not causal:
        raise InvalidProgram(f"{name} sees no later positions; pass causal=True, or the target bert or t5")
    if writes and not FAMILIES[name].causal:
        raise InvalidProgram(f"{name} sees later positions, so it cannot write; choose another target, such as llama")
    if causal and not FAMILIES[name].causal:
        raise InvalidProgram(f"{name} sees later positions; pass causal=False, or another target such as llama")
    return name


def _fault_of(name: str, mark: Any, tokens: tuple[Any, ...]) -> str:
    """Why a token cannot be BOS or PAD; nothing where it can."""
    try:
        taken = V.key(mark) in {V.key(token) for token in tokens}
    except TypeError:
        return f"{name} {mark!r} cannot be hashed; choose a string"
    return f"{name} {mark!r} is in the vocabulary; choose another {name} token" if taken else ""
