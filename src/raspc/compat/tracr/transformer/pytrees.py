"""Outputs that JAX can take apart, so that `jit` and `vmap` can return them."""

from __future__ import annotations

from dataclasses import fields
from functools import cache

from raspc.compat.tracr.transformer.model import CompiledTransformerModelOutput, TransformerOutput


@cache
def as_pytrees() -> None:
    """Teach JAX to take the outputs apart, once."""
    from jax.tree_util import register_dataclass

    for kind in (TransformerOutput, CompiledTransformerModelOutput):
        register_dataclass(kind, data_fields=[field.name for field in fields(kind)], meta_fields=[])
