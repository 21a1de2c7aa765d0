"""A compiled model as a function of its parameters, in JAX and in Haiku."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from raspc.compat.tracr.transformer.model import (
    CompiledTransformerModelOutput,
    TransformerOutput,
    unembedded,
)
from raspc.compat.tracr.transformer.pytrees import as_pytrees
from raspc.export import check_target
from raspc.weights import Config

if TYPE_CHECKING:
    from raspc.compat.tracr.transformer.modules import CompiledTransformerModel

Params = Mapping[str, Mapping[str, Any]]


def forward(config: Config, params: Params, tokens: Any) -> CompiledTransformerModelOutput:
    """Run ids [B, T] on two-level parameters; may be jitted and differentiated.

    Raises InputError where JAX is not installed.
    """
    check_target("jax")
    as_pytrees()
    import jax.numpy as jnp

    from raspc.export import jax

    flat = {f"{module}/{name}": jnp.asarray(x) for module, arrays in params.items() for name, x in arrays.items()}
    trace = jax.trace(config, flat, jnp.asarray(tokens))
    is_argmax = config.output.kind == "categorical"
    return CompiledTransformerModelOutput(TransformerOutput.of(trace), unembedded(is_argmax, trace.unembedded))


def in_haiku(config: Config, unembed: Mapping[str, Any] | None) -> CompiledTransformerModel:
    """The model as Haiku modules, to be made and called inside `hk.transform`; see `modules.compiled`.

    Raises InputError where Haiku is not installed.
    """
    check_target("haiku")
    found: CompiledTransformerModel = importlib.import_module(MODULES).compiled(config, unembed)
    return found


MODULES = "raspc.compat.tracr.transformer.modules"
"""Where Haiku is imported."""
