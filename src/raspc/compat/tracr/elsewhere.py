"""Modules of Tracr's inside whose work is done elsewhere here: what is looked for in one says where the answer is."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from raspc.errors import RaspcError

CRAFT = "compile_rasp_to_model(…, return_craft_model=True) gives the model and its heads and MLPs on named directions"

ELSEWHERE: dict[str, str] = {
    "compiler.expr_to_craft_graph": f"blocks are not made one by one, as they share what is stored; {CRAFT}",
    "compiler.craft_graph_to_model": f"layers are chosen for all blocks at once; {CRAFT}, layer by layer",
    "compiler.craft_model_to_transformer": f"weights are made from `model.compiled.plan`; {CRAFT}",
    "craft.chamber": f"heads and neurons are made by raspc.blocks, each for what its readers need; {CRAFT}",
    "craft.chamber.categorical_attn": f"heads are made by raspc.blocks.lower; {CRAFT}",
    "craft.chamber.categorical_mlp": f"neurons are made by raspc.blocks.neurons; {CRAFT}",
    "craft.chamber.numerical_mlp": f"neurons are made by raspc.blocks.neurons; {CRAFT}",
    "craft.chamber.selector_width": f"widths are heads of raspc.blocks.lower; {CRAFT}",
    "transformer.attention": "attention is part of tracr.transformer.model.Transformer; its scores are `attn_logits`",
    "utils": "debugging helpers: print(model.compiled.plan) shows the whole model as text",
}  # fmt: skip
"""A module's name after `tracr.`, and where its work is done."""


class NoSuchStage(RaspcError, NotImplementedError):
    """A part of Tracr's inside that is no part of raspc; says where its work is done."""


class Elsewhere(ModuleType):
    """A module that can be imported and holds nothing. Raises NoSuchStage for whatever is looked for in it."""

    def __init__(self, name: str, answer: str) -> None:
        super().__init__(name, answer)
        self.__path__: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise NoSuchStage(f"tracr.{self.__name__}.{name} is not part of raspc: {self.__doc__}")
