"""The arguments of a compile, checked: every fault is said before any work is done."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from raspc import values as V
from raspc.errors import InvalidProgram, wrong_kind
from raspc.numbers.memory import bytes_of
from raspc.numbers.options import Level, Options
from raspc.numbers.precision import Precision
from raspc.plan.switches import checked

LEVELS = (*(level.value for level in Level), "size")


def check_arguments(
    tokens: tuple[Any, ...], bos: Any, pad: Any, optimize: int | str, causal: bool, where: Any = None,
    generate: bool = False, stop: Any = None, prompts: Any = None,
) -> None:  # fmt: skip
    """BOS and PAD are two, and no tokens of the vocabulary; the level is one; prompts are of a program that writes.

    Raises InvalidProgram with all faults; TypeError where `causal` or `generate` is no truth value.
    """
    for name, truth in (("causal", causal), ("generate", generate)):
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
) -> Options:
    """What was asked for, as one value. Raises InvalidProgram for a pass or a size that there is not."""
    without = checked((*checked(disabled_passes), *(() if solver else ("solver",))))
    level, objective = (Level.COMPACT, "size") if optimize == "size" else (Level(optimize), "layers")
    return Options(level, precision, without, verify=verify, memory=bytes_of(memory), objective=objective)


def _fault_of(name: str, mark: Any, tokens: tuple[Any, ...]) -> str:
    """Why a token cannot be BOS or PAD; nothing where it can."""
    try:
        taken = V.key(mark) in {V.key(token) for token in tokens}
    except TypeError:
        return f"{name} {mark!r} cannot be hashed; choose a string"
    return f"{name} {mark!r} is in the vocabulary; choose another {name} token" if taken else ""
