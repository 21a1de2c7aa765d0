"""`tracr.compiler.compiling`: the door to the compiler."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from raspc.compat.tracr.compiler.assemble import AssembledTransformerModel
from raspc.compiler import compile
from raspc.errors import InputError
from raspc.rasp import SOp, Value

COMPILER_BOS = "compiler_bos"
COMPILER_PAD = "compiler_pad"

_compiled: ContextVar[list[AssembledTransformerModel] | None] = ContextVar("compiled", default=None)


def compile_rasp_to_model(
    program: SOp,
    vocab: Iterable[Value],
    max_seq_len: int,
    causal: bool = False,
    compiler_bos: str = COMPILER_BOS,
    compiler_pad: str = COMPILER_PAD,
    mlp_exactness: int = 100,
) -> AssembledTransformerModel:
    """Compile a program for a vocabulary and all inputs of up to `max_seq_len` tokens, BOS not counted.

    The model is exact. `mlp_exactness` is accepted and has no effect: `raspc` chooses every slope from the
    gaps that it has to tell apart, and proves that they suffice. A program that is undefined on some inputs
    compiles for the others, with a warning.

    Raises InputError, a ValueError, where BOS or PAD is in the vocabulary; UnsupportedProgram or
    InvalidProgram for what cannot be compiled.
    """
    tokens = list(vocab)
    for name, token in (("bos", compiler_bos), ("pad", compiler_pad)):
        if token in tokens:
            raise InputError(f"the {name.upper()} token {token!r} is in the vocabulary; choose another compiler_{name}")
    model = compile(program, tokens, max_seq_len, causal=causal, bos=compiler_bos, pad=compiler_pad, partial=True)
    assembled = AssembledTransformerModel.of(model, program)
    if (models := _compiled.get()) is not None:
        models.append(assembled)
    return assembled


@contextmanager
def recorded() -> Iterator[list[AssembledTransformerModel]]:
    """Collects the models that are compiled inside, as a script that is run for its weights compiles them."""
    models: list[AssembledTransformerModel] = []
    token = _compiled.set(models)
    try:
        yield models
    finally:
        _compiled.reset(token)
