"""`tracr.transformer.compressed_model`: the forward module that Tracr has; `raspc.compress` trains and measures."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from raspc.compat.tracr.transformer.compressed_haiku import CompressedTransformer

__all__ = ["CompressedTransformer"]


def __getattr__(name: str) -> Any:
    """The module on first use, as it needs Haiku; whatever else is looked for here, from the room that does the work.

    Raises InputError where Haiku is not installed.
    """
    if name.startswith("__"):
        raise AttributeError(name)
    if name != "CompressedTransformer":
        return getattr(importlib.import_module("raspc.compress"), name)
    from raspc.export import check_target

    check_target("haiku")
    return importlib.import_module("raspc.compat.tracr.transformer.compressed_haiku").CompressedTransformer
