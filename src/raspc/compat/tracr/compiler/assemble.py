"""The model that `compile_rasp_to_model` returns: a `raspc` model under Tracr's names and shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from raspc.compat.tracr.transformer import encoder
from raspc.compat.tracr.transformer.forward import CompiledTransformerModel, forward
from raspc.compat.tracr.transformer.model import (
    AssembledTransformerModelOutput,
    CompiledTransformerModelOutput,
    TransformerConfig,
)
from raspc.rasp import SOp, Value
from raspc.weights import Model, Params

__all__ = ["AssembledTransformerModel", "AssembledTransformerModelOutput"]


@dataclass(eq=False)
class AssembledTransformerModel:
    """A compiled model.

    `params` maps module names to dictionaries of arrays, as Haiku has them; `apply` uses what stands there.
    The arrays cannot be written in place: put new ones into the dictionaries. `compiled` is the model as
    `raspc` knows it, with its certificate, alignment, exports and `save`; it keeps its own parameters.
    `program` is what was compiled.
    """

    compiled: Model
    program: SOp
    params: dict[str, dict[str, Any]]
    model_config: TransformerConfig
    residual_labels: list[str]
    input_encoder: encoder.CategoricalEncoder
    output_encoder: encoder.Encoder

    @classmethod
    def of(cls, model: Model, program: SOp) -> AssembledTransformerModel:
        """A model of `raspc`, and the program that it computes, under Tracr's names."""
        config, params = model.config, model.params
        assert isinstance(params, Params)
        return cls(
            model,
            program,
            params.modules(),
            TransformerConfig.of(config),
            list(model.residual_labels),
            encoder.input_encoder(config),
            encoder.output_encoder(config),
        )

    def apply(self, tokens: Sequence[Value]) -> AssembledTransformerModelOutput:
        """Run one input that opens with BOS.

        Raises InputError, a ValueError, for an unknown token, a missing BOS, or too long an input.
        """
        model = self._current()
        return AssembledTransformerModelOutput.of(model.config, model.apply(tokens))

    def forward(self, params: Mapping[str, Mapping[str, Any]], tokens: Any) -> CompiledTransformerModelOutput:
        """The pass as a function of the parameters and of ids [B, T], in JAX.

        Raises InputError where JAX is not installed.
        """
        return forward(self.compiled.config, params, tokens)

    def get_compiled_model(self) -> CompiledTransformerModel:
        """The model as a Haiku function, to be called inside `hk.transform`.

        Raises InputError where Haiku is not installed.
        """
        return CompiledTransformerModel(self.compiled.config)

    def _current(self) -> Model:
        """The model on the parameters that stand in `params` now."""
        flat = {f"{module}/{name}": x for module, arrays in self.params.items() for name, x in arrays.items()}
        running = self.__dict__.get("_running", self.compiled)
        known = self.__dict__.get("_known", running.params)
        if len(flat) == len(known) and all(known.get(name) is array for name, array in flat.items()):
            return running  # type: ignore[no-any-return]
        self._known, self._running = flat, replace(self.compiled, params=_arrays(flat), certificate=None)
        return self._running


def _arrays(flat: Mapping[str, Any]) -> dict[str, Any]:
    import numpy as np

    return {name: np.asarray(array) for name, array in flat.items()}
