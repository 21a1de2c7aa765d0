"""Which models changed: a digest of the weights of many compiles, written before a change and compared after it.

    python -m tests.identical --write /tmp/before.json        at the revision before
    python -m tests.identical --against /tmp/before.json      at the revision after; exit 1 and the names that differ

The compiles: every program of the library and random ones, at every level, in float32 and in narrow formats. A
program that is refused has its refusal in place of a digest.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import sys
import warnings
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

from tests.fuzz import VOCABULARIES

import raspc
from raspc import library

RANDOM = 60
"""How many random programs there are, beside the library."""


def compiles() -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """A name, the program, and the arguments of `raspc.compile`."""
    for name, entry in library.PROGRAMS.items():
        options = {"vocab": entry.vocab, "max_seq_len": entry.max_seq_len, "causal": entry.causal}
        for level, dtype in [*product((0, 1, 2), ("float32", "bfloat16")), (2, "float16")]:
            yield f"{name} -O{level} {dtype}", entry.program, {**options, "optimize": level, "dtype": dtype}
    for seed in range(RANDOM):
        vocab, causal = VOCABULARIES[seed % len(VOCABULARIES)], seed % 3 == 0
        options = {"vocab": vocab, "max_seq_len": 3 + seed % 4, "causal": causal}
        program = library.random_program(random.Random(seed), 4 + seed % 12, **options)
        for level, dtype in [(0, "float32"), *product((1, 2), ("float32", "bfloat16"))]:
            yield f"random {seed} -O{level} {dtype}", program, {**options, "optimize": level, "dtype": dtype}


def digest(program: Any, options: dict[str, Any]) -> str:
    """Of all parameters with their names and shapes, as they are saved; or the refusal."""
    try:
        model = raspc.compile(program, certify=False, **options)
    except raspc.RaspcError as error:
        return f"refused: {type(error).__name__}"
    found = hashlib.sha256()
    for name, array in sorted(model.params.items()):
        found.update(f"{name} {array.shape} {array.dtype}".encode())
        found.update(array.tobytes())
    return found.hexdigest()


def main() -> int:
    """Write the digests, or compare them with those of a file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--against", type=Path)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    before = json.loads(args.against.read_text()) if args.against else {}
    found, changed = {}, []
    for name, program, options in compiles():
        found[name] = digest(program, options)
        if args.against and before.get(name) != found[name]:
            changed.append(f"{name}: {before.get(name, 'absent')[:40]} -> {found[name][:40]}")
    if args.write:
        args.write.write_text(json.dumps(found, indent=0))
    print("\n".join(changed) or f"{len(found)} compiles" + (", the same weights" if args.against else ""))
    return bool(changed)


if __name__ == "__main__":
    sys.exit(main())
