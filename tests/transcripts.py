"""Transcripts: what a script of RASP prints at the prompt, line for line.

`python -m tests.transcripts [FILE.rasp …]` runs each script and compares what it prints with `FILE.out` beside it;
without files, all of the repository's own. `--write` writes what is printed, to be read before it is kept. Status 1
where something differs.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import io
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from raspc.text.repl import main as prompt

OWN = Path(__file__).parent / "text" / "transcripts"
FILES = "files"
"""The folder, beside the scripts, of what they load: it is the working directory of a script."""


def scripts() -> list[Path]:
    """The repository's own scripts, in order."""
    return sorted(OWN.glob("*.rasp"))


def printed(script: Path) -> str:
    """What the prompt prints for a script that runs in a folder of its own; the folder's name is written FOLDER."""
    with tempfile.TemporaryDirectory() as place:
        if (script.parent / FILES).is_dir():
            shutil.copytree(script.parent / FILES, place, dirs_exist_ok=True)
        out = io.StringIO()
        text = script.read_text(encoding="utf-8")
        with contextlib.chdir(place):
            prompt(io.StringIO(text), out)
            return out.getvalue().replace(str(Path().resolve()), "FOLDER")


def difference(script: Path) -> str:
    """The lines that differ from what is expected; empty where all agree."""
    expected = script.with_suffix(".out")
    lines = expected.read_text(encoding="utf-8").splitlines() if expected.exists() else []
    found = printed(script).splitlines()
    return "\n".join(difflib.unified_diff(lines, found, str(expected), "printed", lineterm=""))


def write(script: Path) -> None:
    """What is printed becomes what is expected."""
    script.with_suffix(".out").write_text(printed(script), encoding="utf-8")


def main(arguments: Sequence[str]) -> int:
    """Compares or writes; prints the differences. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.transcripts", description=__doc__)
    parser.add_argument("scripts", nargs="*", type=Path, help="scripts, each with its .out beside it")
    parser.add_argument("--write", action="store_true", help="write what is printed")
    wanted = parser.parse_args(arguments)
    chosen = wanted.scripts or scripts()
    if wanted.write:
        for script in chosen:
            write(script)
        return 0
    differences = [text for script in chosen if (text := difference(script))]
    print("\n".join(differences) or f"{len(chosen)} transcripts agree")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
