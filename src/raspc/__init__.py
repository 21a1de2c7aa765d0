"""raspc compiles RASP programs exactly into the weights of small transformers."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from raspc.errors import (
    CertificateError,
    DoubtfulText,
    InputError,
    InternalError,
    InvalidProgram,
    ModelFormatError,
    RaspcError,
    UncertainProgram,
    UnsupportedProgram,
)
from raspc.interpret import interpret
from raspc.version import VERSION as __version__

if TYPE_CHECKING:
    from raspc import library, rasp, raspl
    from raspc.certify.checking.check import check
    from raspc.certify.checking.difference import diff
    from raspc.compiler import compile
    from raspc.compress.rotation import rotate
    from raspc.study.certifying import certificate
    from raspc.weights.model import Model
    from raspc.weights.saving import load

__all__ = [
    "CertificateError",
    "DoubtfulText",
    "InputError",
    "InternalError",
    "InvalidProgram",
    "Model",
    "ModelFormatError",
    "RaspcError",
    "UncertainProgram",
    "UnsupportedProgram",
    "__version__",
    "certificate",
    "check",
    "compile",
    "diff",
    "interpret",
    "library",
    "load",
    "rasp",
    "raspl",
    "rotate",
]

_HOMES = {
    "Model": "raspc.weights.model",
    "certificate": "raspc.study.certifying",
    "check": "raspc.certify.checking.check",
    "compile": "raspc.compiler",
    "diff": "raspc.certify.checking.difference",
    "load": "raspc.weights.saving",
    "rotate": "raspc.compress.rotation",
}
"""Where the public names live; each is imported when it is first asked for, so that `import raspc` is fast."""


def __dir__() -> list[str]:
    """The public names and no others, those too that nobody has asked for yet."""
    return __all__


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        found = getattr(importlib.import_module(_HOMES[name]), name)
        globals()[name] = found
        return found
    if name in ("rasp", "library", "raspl"):
        return importlib.import_module(f"raspc.{name}")
    raise AttributeError(f"module 'raspc' has no attribute {name!r}")
