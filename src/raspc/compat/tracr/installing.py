"""Putting a package named `tracr` in front of whatever else has that name."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

from raspc.compat.tracr.elsewhere import ELSEWHERE, Elsewhere
from raspc.errors import RaspcError

HERE = "raspc.compat.tracr"
MODULES = (
    "compiler", "compiler.assemble", "compiler.basis_inference", "compiler.compiling", "compiler.lib",
    "compiler.nodes", "compiler.rasp_to_graph", "compiler.validating", "craft", "craft.bases",
    "craft.transformers", "craft.vectorspace_fns", "rasp", "rasp.causal_eval", "rasp.rasp", "transformer",
    "transformer.compressed_model", "transformer.encoder", "transformer.model",
)  # fmt: skip


class TracrAlreadyImported(RaspcError, ImportError):
    """Another package named `tracr` is in use in this process."""


def install() -> None:
    """Make `import tracr` mean this package, from now on and in this process; a second call does nothing.

    Raises TracrAlreadyImported where another `tracr` has been imported before.
    """
    if foreign := [name for name in _installed() if sys.modules[name] is not _ours(name)]:
        where = getattr(sys.modules[foreign[0]], "__file__", None) or "an unknown place"
        raise TracrAlreadyImported(
            f"{foreign[0]} is already imported from {where}; call raspc.compat.tracr.install() before "
            "the first import of tracr, or start the script with python -m raspc.compat.tracr"
        )
    for name in ("", *MODULES):
        module = importlib.import_module(f"{HERE}.{name}".rstrip("."))
        sys.modules[f"tracr.{name}".rstrip(".")] = module
    for name, answer in ELSEWHERE.items():
        _put(name, Elsewhere(name, answer))


def _put(name: str, module: ModuleType) -> None:
    """Let a module that no file holds be found, by import and as an attribute of its package."""
    whole = f"{HERE}.{name}"
    package, _, short = whole.rpartition(".")
    module = sys.modules.setdefault(whole, module)
    setattr(sys.modules[package], short, module)
    sys.modules[f"tracr.{name}"] = module


def uninstall() -> None:
    """Give the name `tracr` back; what was imported under it keeps working."""
    for name in _installed():
        if sys.modules[name] is _ours(name):
            del sys.modules[name]


def _installed() -> list[str]:
    return [name for name in sys.modules if name == "tracr" or name.startswith("tracr.")]


def _ours(name: str) -> object:
    return sys.modules.get(HERE + name.removeprefix("tracr"))
