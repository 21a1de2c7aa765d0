"""Prints the sections that are named, or all, as Markdown tables."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Sequence

import numpy as np

from benchmarks import (
    backends,
    batch,
    certificate,
    growth,
    idioms,
    large,
    library,
    optimiser,
    process,
    rasp_text,
    text,
    tracr_compile,
)
from benchmarks.measure import Table

SECTIONS: dict[str, Callable[[], Table]] = {
    "process": process.table,
    "batch": batch.table,
    "certificate": certificate.table,
    "backends": backends.table,
    "large": large.table,
    "library": library.table,
    "optimiser": optimiser.table,
    "growth": growth.table,
    "idioms": idioms.table,
    "rasp_text": rasp_text.table,
    "text": text.table,
    "tracr_compile": tracr_compile.table,
    "tracr": tracr_compile.table,
}


def main(names: Sequence[str]) -> None:
    """Prints the sections of these names."""
    if unknown := set(names) - set(SECTIONS):
        raise SystemExit(f"unknown section {sorted(unknown)[0]}: there are {', '.join(SECTIONS)}")
    print(f"Python {platform.python_version()}, NumPy {np.__version__}, {platform.machine()}\n")
    for name in names or SECTIONS:
        print(SECTIONS[name](), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
