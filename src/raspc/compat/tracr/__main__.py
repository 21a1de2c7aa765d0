"""`python -m raspc.compat.tracr script.py args…`: run a script that imports Tracr, as it is."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

from raspc.compat.tracr import install

USAGE = "usage: python -m raspc.compat.tracr script.py [args…]   (or: -m module [args…])"


def main(argv: list[str]) -> None:
    """Run a script, or a module after `-m`, with `tracr` installed and `sys.argv` as it expects."""
    as_module = argv[:1] == ["-m"]
    target, args = argv[as_module : as_module + 1], argv[as_module + 1 :]
    if not target or (not as_module and not Path(target[0]).exists()):
        found = f"no file {target[0]!r}" if target else "no script"
        raise SystemExit(f"{found}; {USAGE}")
    install()
    sys.argv = [*target, *args]
    if as_module:
        sys.path.insert(0, "")
        runpy.run_module(target[0], run_name="__main__", alter_sys=True)
    else:
        sys.path.insert(0, str(Path(target[0]).resolve().parent))
        runpy.run_path(target[0], run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1:])
