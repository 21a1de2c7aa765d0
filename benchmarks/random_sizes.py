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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
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
Sizes = Mapping[str, Mapping[str, Sequence[int]]]
"""Of each level, of each program by its name that is not refused: parameters and layers."""


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


def sizes(level: int) -> dict[str, list[int]]:
    """Of each program, without its certificate."""
    found = {}
    for name, program, options in programs():
        with suppress(raspc.RaspcError):
            model = raspc.compile(program, certify=False, optimize=level, **options)
            found[name] = [sum(array.size for array in model.params.values()), model.config.n_layers]
    return found


def table(before: Sizes | None = None) -> Table:
    """The mean of log(parameters) at each level; what it was, and which programs became larger."""
    rows = [row(level, before) for level in LEVELS]
    headers = ("level", "compiled", "mean of log(parameters)", "compared", "before", "factor", "more than 5 % larger")
    return Table("Random programs of 8 to 40 operations", headers, rows)


def row(level: str, before: Sizes | None) -> tuple[str, ...]:
    """One level. Programs are compared that both revisions compile; of one that is larger the layers are told."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", raspc.UncertainProgram)
        now, old = sizes(int(level)), (before or {}).get(level, {})
    told = f"-O{level}", f"{len(now)} of {PROGRAMS}", f"{_mean(now.values()):.3f}"
    both = [name for name in now if name in old]
    if not both:
        return *told, "–", "–", "–", "–"
    new, was = (_mean(found[name] for name in both) for found in (now, old))
    larger = [
        f"{name}: {old[name][0]:,} in {old[name][1]} layers, {now[name][0]:,} in {now[name][1]}"
        for name in both
        if now[name][0] > LARGER * old[name][0]
    ]
    return *told, f"{len(both)}: {new:.3f}", f"{was:.3f}", f"{exp(new - was):.3f}", "; ".join(larger) or "none"


def _mean(found: Iterable[Sequence[int]]) -> float:
    """The mean of log(parameters)."""
    logs = [log(parameters) for parameters, _ in found]
    return sum(logs) / len(logs)


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
    """Whether this maps names to numbers of parameters and of layers."""
    pairs = list(found.values()) if isinstance(found, dict) else [None]
    return all(
        isinstance(pair, list) and len(pair) == 2 and all(type(size) is int and size > 0 for size in pair)
        for pair in pairs
    )


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
        args.write.write_text(json.dumps({level: sizes(int(level)) for level in LEVELS}, indent=0))
        return
    print(table(read(args.against) if args.against else at(args.base) if args.base else None))


if __name__ == "__main__":
    main()
