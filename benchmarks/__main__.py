"""Prints the sections that are named, or all, as Markdown tables."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from benchmarks import (
    backends,
    batch,
    certificate,
    checking,
    generate,
    growth,
    idioms,
    laboratory,
    large,
    library,
    memories,
    optimiser,
    pages,
    process,
    products,
    programs,
    random_sizes,
    rasp_text,
    readable,
    reliability,
    running,
    sharpness,
    sizes,
    targets,
    text,
    torchwright,
    total,
    tracr_compile,
    widths,
)

SECTIONS: dict[str, Callable[[], object]] = {
    "sharpness": sharpness.main,
    "process": process.table,
    "pages": pages.table,
    "batch": batch.table,
    "certificate": certificate.table,
    "check": checking.table,
    "backends": backends.table,
    "large": large.table,
    "running": running.table,
    "readable": readable.table,
    "library": library.table,
    "optimiser": optimiser.table,
    "generate": lambda: f"{generate.table()}\n{memories.table()}",
    "memories": memories.table,
    "generate --in transformers": generate.in_transformers,
    "generate --compile": generate.compiles,
    "growth": lambda: f"{sizes.table()}\n{random_sizes.table()}\n{growth.table()}",
    "growth --axis program": programs.table,
    "widths": widths.table,
    "idioms": idioms.table,
    "lab": laboratory.table,
    "rasp_text": rasp_text.table,
    "reliability": reliability.table,
    "products": products.table,
    "targets": targets.table,
    "targets --dtype bfloat16": partial(targets.narrow_table, "bfloat16"),
    "targets --dtype float16": partial(targets.narrow_table, "float16"),
    "text": text.table,
    "torchwright": torchwright.table,
    "total": total.table,
    "tracr_compile": tracr_compile.table,
    "tracr": tracr_compile.table,
}


WORDS = (" --axis program", " --in transformers", " --dtype bfloat16", " --dtype float16", " --compile")
MARKS = {chr(number): words for number, words in enumerate(WORDS)}
"""What follows the name of a section, and what stands for it while names are told apart."""


def main(names: Sequence[str]) -> None:
    """Prints the sections of these names."""
    names = with_axes(names)
    if unknown := set(names) - set(SECTIONS):
        raise SystemExit(f"unknown section {sorted(unknown)[0]}: there are {', '.join(SECTIONS)}")
    print(f"Python {platform.python_version()}, NumPy {np.__version__}, {platform.machine()}\n")
    for name in names or SECTIONS:
        print(SECTIONS[name](), flush=True)


def with_axes(names: Sequence[str]) -> list[str]:
    """The sections, those of two or three words being one: `growth --axis program` grows with programs, not sizes."""
    joined = " ".join(names)
    for mark, axis in MARKS.items():
        joined = joined.replace(axis, mark)
    return ["".join(MARKS.get(letter, letter) for letter in name) for name in joined.split()]


if __name__ == "__main__":
    main(sys.argv[1:])
