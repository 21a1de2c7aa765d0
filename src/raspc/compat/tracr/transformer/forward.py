"""A compiled model as a function of its parameters, in JAX and in Haiku."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from typing import Any

from raspc.compat.tracr.transformer.model import (
    CompiledTransformerModelOutput,
    TransformerOutput,
    unembedded,
)
from raspc.export import check_target
from raspc.weights import Config

Params = Mapping[str, Mapping[str, Any]]


def forward(config: Config, params: Params, tokens: Any) -> CompiledTransformerModelOutput:
    """Run ids [B, T] on two-level parameters; may be jitted and differentiated.

    Raises InputError where JAX is not installed.
    """
    check_target("jax")
    _as_pytrees()
    import jax.numpy as jnp

    from raspc.export import jax

    flat = {f"{module}/{name}": jnp.asarray(x) for module, arrays in params.items() for name, x in arrays.items()}
    return _output(config, jax.trace(config, flat, jnp.asarray(tokens)))


class CompiledTransformerModel:
    """The model as a Haiku function, for use inside `hk.transform`; its parameters have Tracr's names.

    Raises InputError where Haiku is not installed.
    """

    def __init__(self, config: Config) -> None:
        check_target("haiku")
        self.config = config

    def __call__(self, tokens: Any, use_dropout: bool = False) -> CompiledTransformerModelOutput:
        """Run ids [B, T]. There is no dropout, whatever `use_dropout` says."""
        from raspc.export import haiku

        _as_pytrees()
        return _output(self.config, haiku.trace(self.config, tokens))


def _output(config: Config, trace: Any) -> CompiledTransformerModelOutput:
    return CompiledTransformerModelOutput(TransformerOutput.of(trace), unembedded(config, trace.unembedded))


@cache
def _as_pytrees() -> None:
    """Teach JAX to take the outputs apart, once, so that jit and vmap can return them."""
    from jax.tree_util import register_dataclass

    for kind in (TransformerOutput, CompiledTransformerModelOutput):
        register_dataclass(kind, data_fields=[field.name for field in fields(kind)], meta_fields=[])
