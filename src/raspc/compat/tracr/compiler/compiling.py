"""`tracr.compiler.compiling`: the door to the compiler."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from raspc.compat.tracr.compiler.assemble import AssembledTransformerModel
from raspc.compat.tracr.compiler.shapes import SHAPES
from raspc.compiler import compile
from raspc.errors import InputError
from raspc.numbers.options import Level
from raspc.rasp import SOp, Value

COMPILER_BOS = "compiler_bos"
COMPILER_PAD = "compiler_pad"

LEVEL = "RASPC_OPTIMIZE"
"""The environment variable that says how far models are optimised where the script does not."""

LEVELS = tuple(level.value for level in Level)

_compiled: ContextVar[list[AssembledTransformerModel] | None] = ContextVar("compiled", default=None)


def compile_rasp_to_model(
    program: SOp,
    vocab: Iterable[Value],
    max_seq_len: int,
    causal: bool = False,
    compiler_bos: str = COMPILER_BOS,
    compiler_pad: str = COMPILER_PAD,
    mlp_exactness: int = 100,
    *,
    optimize: int | None = None,
    shape: str = "raspc",
    return_craft_model: bool = False,
) -> Any:
    """Compile a program for a vocabulary and all inputs of up to `max_seq_len` tokens, BOS not counted.

    The model, an `AssembledTransformerModel`, is exact. `mlp_exactness` is accepted and has no effect: `raspc` chooses
    every slope from the gaps that it has to tell apart, and proves that they suffice. A program that is undefined on
    some inputs compiles for the others, with a warning.

    `optimize`: the level, 0, 1 or 2; without it that of the environment variable RASPC_OPTIMIZE, or 1. `shape`: "tracr"
    for a model with Tracr's parameters and one head for each aggregate (`raspc.compat.tracr.compiler.shapes`).
    `return_craft_model`: give the pair of the model and its `craft_model`.

    Raises InputError, a ValueError, where BOS or PAD is in the vocabulary, or for a level or a shape that there is
    not; UnsupportedProgram or InvalidProgram for what cannot be compiled.
    """
    tokens = list(vocab)
    for name, token in (("BOS", compiler_bos), ("PAD", compiler_pad)):
        if token in tokens:
            raise InputError(
                f"Compiler {name} token must not be present in the vocab. Found {token!r}; "
                f"choose another compiler_{name.lower()}"
            )
    if shape not in SHAPES:
        raise InputError(f"shape is {shape!r}; there are {', '.join(map(repr, SHAPES))}")
    level = SHAPES[shape].checked(_level(optimize))
    model = compile(
        program, tokens, max_seq_len, causal=causal, bos=compiler_bos, pad=compiler_pad, partial=True,
        optimize=level, disabled_passes=SHAPES[shape].without,
    )  # fmt: skip
    assembled = AssembledTransformerModel.of(model, program, SHAPES[shape])
    if (models := _compiled.get()) is not None:
        models.append(assembled)
    return (assembled, assembled.craft_model) if return_craft_model else assembled


def _level(asked: int | None) -> int:
    """The level of the call, else of the environment, else 1. Raises InputError for one that there is not."""
    if asked is not None:
        return asked
    found = os.environ.get(LEVEL, "1").strip()
    if found not in map(str, LEVELS):
        raise InputError(f"the environment variable {LEVEL} is {found!r}; needed one of {LEVELS}")
    return int(found)


@contextmanager
def recorded() -> Iterator[list[AssembledTransformerModel]]:
    """Collects the models that are compiled inside, as a script that is run for its weights compiles them."""
    models: list[AssembledTransformerModel] = []
    token = _compiled.set(models)
    try:
        yield models
    finally:
        _compiled.reset(token)
