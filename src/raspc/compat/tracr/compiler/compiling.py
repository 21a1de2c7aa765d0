"""`tracr.compiler.compiling`: the door to the compiler."""

from __future__ import annotations

from collections.abc import Iterable

import raspc
from raspc.compat.tracr.compiler.assemble import AssembledTransformerModel
from raspc.errors import InputError
from raspc.rasp import SOp, Value

COMPILER_BOS = "compiler_bos"
COMPILER_PAD = "compiler_pad"


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
    for name, token in (("BOS", compiler_bos), ("PAD", compiler_pad)):
        if token in tokens:
            raise InputError(
                f"the {name} token {token!r} is in the vocabulary; choose another compiler_{name.lower()}"
            )
    model = raspc.compile(
        program, tokens, max_seq_len, causal=causal, bos=compiler_bos, pad=compiler_pad, partial=True
    )
    return AssembledTransformerModel.of(model)
