"""Random programs of 8 to 40 operations: their sizes, beside those of an older revision.

python -m benchmarks.random_sizes --base               beside the revision before counts stayed numbers (`BASE`)
python -m benchmarks.random_sizes --base REVISION      beside any other; git makes a copy of it, which is removed again
python -m benchmarks.random_sizes --write FILE.json    to a file, as at a revision to which this file was copied
python -m benchmarks.random_sizes --against FILE.json  beside such a file
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
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
BASE = "5968b27^"
"""The revision before counts stayed numbers: what the last table of docs/optimiser.md, section 8, calls before."""
LEVELS = ("1", "2")
VOCABULARIES: tuple[tuple[Any, ...], ...] = (
    ("a", "b", "c"), (0, 1, 2, 3), ("a", "b", "c", 1, 2), (-2, -1, 0, 1, 2), (0, 1), (True, False), (1, 2, 3),
)  # fmt: skip
Sizes = Mapping[str, Mapping[str, int]]
"""Of each level, of each program by its name: parameters, 0 where it is refused."""


def programs() -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """A name, a program, and the arguments of `raspc.compile`: of 8, 9, … 40 operations, some under a mask.

    The name ends in a digest of its answers: the same seed may make another program at another revision.
    """
    for seed in range(PROGRAMS):
        rng, operations = random.Random(f"sizes:{seed}"), 8 + seed * 32 // (PROGRAMS - 1)
        options: dict[str, Any] = {
            "vocab": VOCABULARIES[seed % 7],
            "max_seq_len": 4 + seed % 5,
            "causal": seed % 4 == 0,
        }
        program = library.random_program(rng, operations, **options)
        yield f"{seed}, {operations} operations, {answers(program, **options)}", program, options


def answers(program: Any, vocab: tuple[Any, ...], max_seq_len: int, causal: bool) -> str:
    """A digest of what the program answers on some inputs."""
    rng, told = random.Random(0), hashlib.sha256()
    for _ in range(40):
        tokens = rng.choices(vocab, k=rng.randint(1, max_seq_len))
        try:
            told.update(repr(raspc.interpret(program, tokens, causal)).encode())
        except raspc.RaspcError as error:
            told.update(type(error).__name__.encode())
    return told.hexdigest()[:8]


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


def table(before: Sizes | None = None) -> Table:
    """The mean of log(parameters) at each level; what it was, and which programs became larger."""
    rows = [row(level, before) for level in LEVELS]
    headers = ("level", "compiled", "mean of log(parameters)", "compared", "before", "factor", "more than 5 % larger")
    return Table("Random programs of 8 to 40 operations", headers, rows)


def row(level: str, before: Sizes | None) -> tuple[str, ...]:
    """One level. Programs are compared that both revisions compile."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", raspc.UncertainProgram)
        now, old = parameters(int(level)), (before or {}).get(level, {})
    both = [(old[name], size) for name, size in now.items() if size and old.get(name)]
    larger = [
        f"{name}: {old[name]:,} to {now[name]:,}" for name in now if old.get(name) and now[name] > LARGER * old[name]
    ]
    compiled = [log(size) for size in now.values() if size]
    told = f"-O{level}", f"{len(compiled)} of {len(now)}", f"{sum(compiled) / len(compiled):.3f}"
    if not both:
        return *told, "–", "–", "–", "–"
    means = (sum(log(sizes[i]) for sizes in both) / len(both) for i in (0, 1))
    was, new = means
    return *told, f"{len(both)}: {new:.3f}", f"{was:.3f}", f"{exp(new - was):.3f}", "; ".join(larger) or "none"


def read(path: Path) -> Sizes:
    """The sizes of a file. Ends the command in one line for a file that holds something else."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SystemExit(f"{path}: {error}; write one by --write at the other revision") from None
    sound = isinstance(found, dict) and set(found) == set(LEVELS) and all(map(_are_sizes, found.values()))
    if not sound:
        raise SystemExit(f"{path}: needed the sizes of levels 1 and 2, as --write gives them")
    return {level: dict(sizes) for level, sizes in found.items()}


def _are_sizes(found: Any) -> bool:
    """Whether this maps names to numbers of parameters."""
    return isinstance(found, dict) and all(type(size) is int and size >= 0 for size in found.values())


def at(revision: str) -> Sizes:
    """The sizes at another revision, by this file beside its sources. Ends the command in one line where git fails."""
    top = Path(__file__).resolve().parent.parent
    with tempfile.TemporaryDirectory() as place:
        copy, written = Path(place) / "copy", Path(place) / "sizes.json"
        made = subprocess.run(
            ["git", "-C", str(top), "worktree", "add", "--detach", str(copy), revision], capture_output=True, text=True
        )  # fmt: skip
        if made.returncode:
            raise SystemExit(f"--base {revision}: {made.stderr.strip().splitlines()[-1]}")
        try:
            shutil.copy(__file__, copy / "benchmarks" / Path(__file__).name)
            paths = os.pathsep.join([str(copy / "src"), str(copy)])
            command = [sys.executable, "-W", "ignore", "-m", "benchmarks.random_sizes", "--write", str(written)]
            subprocess.run(command, cwd=copy, env={**os.environ, "PYTHONPATH": paths}, check=True)
            return read(written)
        finally:
            subprocess.run(["git", "-C", str(top), "worktree", "remove", "--force", str(copy)], capture_output=True)


def main() -> None:
    """Write the sizes, or compare them with those of a file, or of another revision."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--against", type=Path)
    parser.add_argument("--base", nargs="?", const=BASE)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    if args.write:
        args.write.write_text(json.dumps({level: parameters(int(level)) for level in LEVELS}, indent=0))
        return
    print(table(read(args.against) if args.against else at(args.base) if args.base else None))


if __name__ == "__main__":
    main()
