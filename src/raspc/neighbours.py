"""The modules that stand beside a person's program: found while it runs, and never in the place of the standard ones.

While a file runs, its folder is the first place that is looked at, as when Python runs a script. Afterwards it is the
last one: a function of the program that imports a helper when it is called still finds it, and a `copy.py` beside the
program is not what others get who import `copy`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any


class _Beside:
    """The last of Python's finders: looks in the folders of the programs that were run."""

    def __init__(self) -> None:
        self.folders: list[str] = []

    def find_spec(self, name: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        return PathFinder.find_spec(name, self.folders) if path is None else None


_BESIDE = _Beside()


@contextmanager
def beside(folder: Path) -> Iterator[None]:
    """While the block runs, modules of the folder go before all others; afterwards, after all others."""
    place = str(folder.resolve())
    sys.path.insert(0, place)
    try:
        yield
    finally:
        if place in sys.path:  # a program may change the path too
            sys.path.remove(place)
        _stand_back(place)
        _keep(place)


def _stand_back(folder: str) -> None:
    """Modules of the folder that are called as standard ones are forgotten: the program holds its own."""
    for name in sys.stdlib_module_names & sys.modules.keys():
        file = getattr(sys.modules[name], "__file__", None)
        if file is not None and Path(file).is_relative_to(folder) and not _is_standard(file):
            for inner in [module for module in sys.modules if module == name or module.startswith(f"{name}.")]:
                del sys.modules[inner]


def _is_standard(file: str) -> bool:
    """Whether the file is Python's own, where a program stands in a folder above Python."""
    return Path(file).is_relative_to(Path(sys.modules["os"].__file__ or "").parent)


def _keep(folder: str) -> None:
    if folder not in _BESIDE.folders:
        _BESIDE.folders.append(folder)
    if _BESIDE not in sys.meta_path:
        sys.meta_path.append(_BESIDE)
