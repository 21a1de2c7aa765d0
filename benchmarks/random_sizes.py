"""Random programs of 8 to 40 operations: their sizes, beside those that an older revision wrote to a file.

python -m benchmarks.random_sizes --write /tmp/before.json      at the older revision (copy this file there)
python -m benchmarks.random_sizes --against /tmp/before.json    at the newer one: means, and what became larger
"""

from __future__ import annotations

import argparse
import json
import random
import warnings
from collections.abc import Iterator, Mapping
from math import exp, log
from pathlib import Path
from typing import Any

import raspc
from benchmarks.measure import Table
from raspc import library

PROGRAMS = 40
LARGER = 1.05
"""A program that becomes larger than this is named."""
VOCABULARIES: tuple[tuple[Any, ...], ...] = (
    ("a", "b", "c"), (0, 1, 2, 3), ("a", "b", "c", 1, 2), (-2, -1, 0, 1, 2), (0, 1), (True, False), (1, 2, 3),
)  # fmt: skip


def programs() -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """A name, a program, and the arguments of `raspc.compile`: of 8, 9, … 40 operations, some under a mask."""
    for seed in range(PROGRAMS):
        rng, operations = random.Random(f"sizes:{seed}"), 8 + seed * 32 // (PROGRAMS - 1)
        options = {"vocab": VOCABULARIES[seed % 7], "max_seq_len": 4 + seed % 5, "causal": seed % 4 == 0}
        yield f"{seed}, {operations} operations", library.random_program(rng, operations, **options), options


def parameters(level: int) -> dict[str, int]:
    """Of each program, without its certificate; 0 for one that is refused."""
    found = {}
    for name, program, options in programs():
        try:
            model = raspc.compile(program, certify=False, optimize=level, **options)
            found[name] = sum(array.size for array in model.params.values())
        except raspc.RaspcError:
            found[name] = 0
    return found


def table(before: Mapping[str, Mapping[str, int]] | None = None) -> Table:
    """The mean of log(parameters) at each level; what it was, and which programs became larger."""
    rows = []
    for level in (1, 2):
        now, old = parameters(level), (before or {}).get(str(level), {})
        both = [(old[name], size) for name, size in now.items() if size and old.get(name)]
        larger = [name for name, size in now.items() if old.get(name) and size > LARGER * old[name]]
        compiled = [log(size) for size in now.values() if size]
        change = exp(sum(log(size / was) for was, size in both) / len(both)) if both else None
        rows.append(
            (
                f"-O{level}", f"{len(compiled)} of {len(now)}", f"{sum(compiled) / len(compiled):.3f}",
                f"{sum(log(was) for was, _ in both) / len(both):.3f}" if both else "–",
                "–" if change is None else f"{change:.3f}", "; ".join(larger) or "none" if both else "–",
            )
        )  # fmt: skip
    headers = ("level", "compiled", "mean of log(parameters)", "before", "factor", "more than 5 % larger")
    return Table("Random programs of 8 to 40 operations", headers, rows)


def main() -> None:
    """Write the sizes, or compare them with those of a file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--against", type=Path)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    if args.write:
        args.write.write_text(json.dumps({str(level): parameters(level) for level in (1, 2)}, indent=0))
        return
    print(table(json.loads(args.against.read_text()) if args.against else None))


if __name__ == "__main__":
    main()
