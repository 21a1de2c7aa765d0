"""Stock families: each program of the library in each, run by the family's class in transformers."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from functools import partial
from math import lcm
from typing import Any

import numpy as np

import raspc
from benchmarks.measure import Table
from raspc import library
from raspc.library import Program
from raspc.numbers.precision import PRECISIONS, Precision
from raspc.numbers.promise import tolerance
from raspc.stock.convert import stock_of
from raspc.target.families import FAMILIES
from raspc.target.stock import Stock
from raspc.weights import Model, encoders, sampling

LEVELS, INPUTS = (1, 2), 60
HEADERS = (
    "family", "programs", "-O", "wrong/total", "largest logit error", "proved", "d_model factor", "parameters",
    "seconds to convert", "wider than the goal",
)  # fmt: skip


def table() -> Table:
    """For each family and level: all programs together; a factor is a geometric mean, a time the longest."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rows = [row(family, level) for family in FAMILIES for level in LEVELS]
    return Table(f"Stock families: the library, compiled for each, {INPUTS} inputs a program, float32", HEADERS, rows)


def row(family: str, level: int) -> tuple[str, ...]:
    """All programs that a family holds."""
    found = list(filter(None, (measured(family, level, program) for program in library.PROGRAMS.values())))
    wrong, total, error, proved, factor, size, spent, wide = map(np.array, zip(*found, strict=True))
    return (
        family, str(len(found)), str(level), f"{wrong.sum()}/{total.sum()}", f"{error.max():.1e}",
        f"{proved.sum()} of {len(found)}", f"{np.exp(np.log(factor).mean()):.2f}", f"{size.sum():,}",
        f"{spent.max():.3f}", f"{wide.sum()} of {len(found)}",
    )  # fmt: skip


NARROW_HEADERS = ("family", "-O", "proved", "measured", "refused", "wrong/total", "measured are", "refused are")


def narrow_table(dtype: str, families: Sequence[str] = tuple(FAMILIES), levels: Sequence[int] = LEVELS) -> Table:
    """For each family and level: how many programs are proved in a narrow format, and which are not."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rows = [narrow_row(dtype, family, level) for family in families for level in levels]
    return Table(f"Stock families: the library, compiled for {dtype}, {INPUTS} inputs a program", NARROW_HEADERS, rows)


def narrow_row(dtype: str, family: str, level: int) -> tuple[str, ...]:
    """All programs in one family and format: wrong answers are those of its class in transformers, in that format."""
    found = {name: measured(family, level, program, dtype) for name, program in library.PROGRAMS.items()}
    held = {name: one for name, one in found.items() if one is not None}
    measured_ones = [name for name, one in held.items() if not one[3]]
    refused = [name for name in found if name not in held]
    wrong, total = (sum(one[place] for one in held.values()) for place in (0, 1))
    counts = (len(held) - len(measured_ones), len(measured_ones), len(refused))
    return (
        family, str(level), *map(str, counts), f"{wrong}/{total}", ", ".join(measured_ones), ", ".join(refused),
    )  # fmt: skip


def measured(family: str, level: int, program: Program, dtype: str = "float32") -> tuple[Any, ...] | None:
    """What a row adds up: wrong inputs, inputs, error, whether it is proved, …; None where it does not fit."""
    try:
        model = raspc.compile(
            program.program, program.vocab, program.max_seq_len, FAMILIES[family].causal, optimize=level,
            target=family, dtype=dtype,
        )  # fmt: skip
    except (raspc.UnsupportedProgram, raspc.CertificateError):  # BERT's norms leave pair_balance too coarse a number
        return None
    began = time.perf_counter()
    try:
        stock = stock_of(model, family, FAMILIES[family].exits[-1])
    except raspc.InputError:  # OPT has no class for numbers that are no tokens
        return None
    spent = time.perf_counter() - began
    batch = sampling.inputs_of(model)[-INPUTS:]
    ids = model.encode_batch(batch)
    real, columns = ids != model.config.pad_id, [answer.column for answer in stock.answers]
    logits, own = logits_of(stock, ids)[..., columns], model.plain.logits(ids)
    lengths = np.array([len(tokens) for tokens in batch])
    given = encoders.decode_logits(model.config, logits, ids, lengths)
    expected = model.plain.apply_batch(batch).decoded
    right = partial(same, precision=model.precision)
    wrong = sum(not all(map(right, *pair)) for pair in zip(given, expected, strict=True))
    size = sum(array.size for array in stock.params.values())
    proved = model.certificate is not None and model.certificate.verdict == "proved"
    factor = model.config.d_model / model.plain.config.d_model
    wide = model.config.d_model > goal(model)
    return wrong, len(batch), float(np.abs(logits - own)[real].max()), proved, factor, size, spent, wide


BESIDE = {"rms": 4, "layer": 7}
"""How many dimensions a family may have beside those of a program, but for what its class needs to be even."""


def goal(model: Model) -> int:
    """The next multiple that the class allows of the width of the program and these; it is as wide as its heads."""
    plain, family = model.plain.config, FAMILIES[model.config.family]
    n_heads, d_head, _ = plain.widths[0]
    steps = lcm(n_heads if family.own_width else d_head, 2)
    least = max(plain.d_model + BESIDE[family.norms.kind], 0 if family.own_width else n_heads * d_head)
    return -(-least // steps) * steps


def logits_of(stock: Stock, ids: Any) -> Any:
    """The logits of the class of transformers."""
    import torch
    import transformers

    transformers.logging.set_verbosity_error()
    fields = {name: value for name, value in stock.config.items() if name != "model_type"}
    labels = {"num_labels": len(stock.answers)} if stock.exit == "labels" else {}
    config = transformers.AutoConfig.for_model(stock.config["model_type"], **fields, **labels, eos_token_id=None)
    found = getattr(transformers, stock.architecture)(config).eval()
    found.load_state_dict({name: torch.tensor(array) for name, array in stock.params.items()}, strict=False)
    found = found.to(getattr(torch, stock.dtype))
    with torch.no_grad():
        given = torch.tensor(ids)
        return found(input_ids=given, attention_mask=(given != stock.pad_id).long()).logits.float().numpy()


def same(one: Any, other: Any, precision: Precision = PRECISIONS["float32"]) -> bool:
    """Equal answers; numbers as near as is promised in the format."""
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= float(tolerance(other, precision))
    return bool(one == other)
