"""`tracr.transformer.compressed_model`: learned compression, served by `raspc.compress`."""

from __future__ import annotations

import importlib
from typing import Any


def __getattr__(name: str) -> Any:
    """What Tracr's users look for here, from the room that does the work."""
    if name.startswith("__"):
        raise AttributeError(name)
    return getattr(importlib.import_module("raspc.compress"), name)
