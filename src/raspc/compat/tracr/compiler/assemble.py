"""The model that `compile_rasp_to_model` returns: a `raspc` model under Tracr's names and shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from raspc.compat.tracr.compiler.labels import residual_labels
from raspc.compat.tracr.compiler.lowered import CraftModel, craft_model
from raspc.compat.tracr.compiler.shapes import SHAPES, Shape
from raspc.compat.tracr.transformer import encoder
from raspc.compat.tracr.transformer.forward import forward, in_haiku
from raspc.compat.tracr.transformer.model import (
    AssembledTransformerModelOutput,
    CompiledTransformerModelOutput,
    TransformerConfig,
)
from raspc.errors import InputError, ModelFormatError
from raspc.rasp import SOp, Value
from raspc.weights import Config, Model, Params

__all__ = ["AssembledTransformerModel", "AssembledTransformerModelOutput"]

Modules = Mapping[str, Mapping[str, Any]]


@dataclass(eq=False)
class AssembledTransformerModel:
    """A compiled model.

    `params` maps module names to dictionaries of arrays, as Haiku has them; `apply` uses what stands there, and the
    sizes and the mask of `model_config`. The arrays cannot be written in place: put new ones into the dictionaries.
    `compiled` is the model as `raspc` knows it, with its certificate, alignment, exports and `save`; it keeps its own
    parameters. `program` is what was compiled, and `shape` what was asked of the parameters.
    """

    compiled: Model
    program: SOp
    params: dict[str, dict[str, Any]]
    model_config: TransformerConfig
    residual_labels: list[str]
    input_encoder: encoder.CategoricalEncoder
    output_encoder: encoder.Encoder
    shape: Shape

    @classmethod
    def of(cls, model: Model, program: SOp, shape: Shape = SHAPES["raspc"]) -> AssembledTransformerModel:
        """A model of `raspc`, and the program that it computes, under Tracr's names."""
        config, params = model.config, model.params
        assert isinstance(params, Params)
        return cls(
            model,
            program,
            {name: arrays for name, arrays in params.modules().items() if shape.unembed or name != UNEMBED},
            TransformerConfig.of(config),
            residual_labels(model, getattr(program, "label", program.name)),
            encoder.input_encoder(config),
            encoder.output_encoder(config),
            shape,
        )

    def apply(self, tokens: Sequence[Value]) -> AssembledTransformerModelOutput:
        """Run one input that opens with BOS.

        Raises InputError, a ValueError, for an unknown token, a missing BOS, too long an input, or a `model_config`
        that does not fit the parameters.
        """
        self.input_encoder.encode(tokens)
        model = self._current()
        return AssembledTransformerModelOutput.of(model.config, model.apply(tokens))

    def forward(self, params: Modules, tokens: Any) -> CompiledTransformerModelOutput:
        """The pass as a function of the parameters and of ids [B, T], in JAX.

        Raises InputError where JAX is not installed.
        """
        return forward(self._config(), {**self._kept(), **params}, tokens)

    def get_compiled_model(self) -> Any:
        """The model as Haiku modules, made and called inside `hk.transform`; its parameters are those of `params`.

        Raises InputError where Haiku is not installed.
        """
        return in_haiku(self._config(), self._kept().get(UNEMBED))

    @cached_property
    def craft_model(self) -> CraftModel:
        """The model before it has shapes: heads and MLPs on named directions."""
        return craft_model(self.compiled, getattr(self.program, "label", self.program.name))

    def _kept(self) -> Modules:
        """The parameters that the shape leaves out of `params`; they are what they were compiled to be."""
        assert isinstance(self.compiled.params, Params)
        return {} if self.shape.unembed else {UNEMBED: self.compiled.params.modules()[UNEMBED]}

    def _config(self) -> Config:
        """The config as `model_config` stands now."""
        return self.model_config.applied_to(self.compiled.config)

    def _current(self) -> Model:
        """The model on the parameters and the sizes that stand here now."""
        modules, config = {**self._kept(), **self.params}, self._config()
        flat = {f"{module}/{name}": x for module, arrays in modules.items() for name, x in arrays.items()}
        running = self.__dict__.get("_running", self.compiled)
        known = self.__dict__.get("_known", running.params)
        same = len(flat) == len(known) and all(known.get(name) is array for name, array in flat.items())
        if not same or config != running.config:
            arrays = {name: np.asarray(array) for name, array in flat.items()}
            try:
                running = replace(self.compiled, config=config, params=arrays, certificate=None)
            except ModelFormatError as error:
                raise InputError(f"params and model_config do not fit together: {error}") from error
            self._known, self._running = flat, running
        return running  # type: ignore[no-any-return]


UNEMBED = "unembed"
"""The module of the last linear map."""
