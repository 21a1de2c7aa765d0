"""Learned compression of the residual stream: section 5 of the Tracr paper (Lindner et al. 2023), and around it.

`compress(model, d)` gives a model of width d < D with a report; `sweep` many widths, methods and seeds; `rotate` the
same function in a random orthogonal basis. Needs PyTorch: pip install 'raspc[torch]'.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from raspc.compress.requirements import require

if TYPE_CHECKING:
    from raspc.compress.compressing import compress
    from raspc.compress.model import CompressedModel, load
    from raspc.compress.page import write_page
    from raspc.compress.protocol import PAPER, QUICK, Protocol
    from raspc.compress.report import CompressionReport
    from raspc.compress.rotation import rotate
    from raspc.compress.sweeping import sweep
    from raspc.compress.temperature import softened

__all__ = [
    "PAPER",
    "QUICK",
    "CompressedModel",
    "CompressionReport",
    "Protocol",
    "compress",
    "load",
    "rotate",
    "softened",
    "sweep",
    "write_page",
]

_HOMES = {
    "CompressedModel": "model",
    "PAPER": "protocol",
    "Protocol": "protocol",
    "QUICK": "protocol",
    "CompressionReport": "report",
    "compress": "compressing",
    "load": "model",
    "rotate": "rotation",
    "softened": "temperature",
    "sweep": "sweeping",
    "write_page": "page",
}
_NEED_TORCH = {"compressing", "sweeping"}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'raspc.compress' has no attribute {name!r}")
    if home in _NEED_TORCH:
        require("torch")
    found = getattr(importlib.import_module(f"raspc.compress.{home}"), name)
    globals()[name] = found
    return found
