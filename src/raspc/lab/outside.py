"""Where a variable is found in `model.to("torch")`, or in a class of `transformers`, by names: for nnsight, pyvene, and
hooks of one's own.

A module adds a variable to the stream: the attention of a layer, its MLP, or the embedding of tokens. Its output, along
the directions of the variable, is the variable, and whoever reads that sees what is put there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from raspc import arguments
from raspc.errors import InputError
from raspc.lab.forcing import Ground
from raspc.lab.frame import Matrix, as_plain
from raspc.lab.interchanges import true_alignment
from raspc.lab.program import place_of
from raspc.lab.spaces import Living
from raspc.stock.model import attention_biases, frame_of
from raspc.target.families import FAMILIES
from raspc.weights.model import Model


@dataclass(frozen=True, eq=False)
class ModuleSite:
    """A space and the module whose output holds it: `layers.0.mlp`, `layers.1.attn` or `token_embed`; of a stock family
    `model.layers.0.mlp.down_proj` and the like.

    `before` [d_model]: what of the space is in the stream before the module adds to it; of a family whose attention has
    no bias that of the compiled attention.
    """

    module: str
    space: Living
    before: Matrix

    @property
    def component(self) -> str:
        """As pyvene calls it: `layers[0].mlp.output`."""
        named = [f"[{part}]" if part.isdigit() else f".{part}" for part in self.module.split(".")]
        return f"{''.join(named).removeprefix('.')}.output"

    def forced(self, output: Any, value: Any) -> Any:
        """What the module gives [input, position, d_model], a tensor, where the variable has a value at all positions
        but that of BOS. Raises InputError for what is no value of it."""
        import torch

        own = torch.as_tensor(self.space.projection, dtype=output.dtype, device=output.device)
        there = torch.as_tensor(self.space.vector(value), dtype=output.dtype, device=output.device)
        before = torch.as_tensor(self.before, dtype=output.dtype, device=output.device)
        return torch.cat([output[:, :1], (output - (output + before) @ own + there)[:, 1:]], dim=1)

    def of(self, root: Any) -> Any:
        """The module in a model, or in what wraps one."""
        return reduce(
            lambda one, name: one[int(name)] if name.isdigit() else getattr(one, name), self.module.split("."), root
        )


def module_sites(model: Model, names: Sequence[str]) -> tuple[ModuleSite, ...]:
    """Where variables are found.

    Raises InputError for a variable that no module's output is: one that is stored nowhere, that some reader reads off
    others, or that is embedded by position.
    """
    names = arguments.names("names", names)
    ground, spaces = Ground(as_plain(model)), model.spaces
    whole, found = true_alignment(model), list[ModuleSite]()
    for name in names:
        place = place_of(ground.graph, name)
        label = ground.graph.labels[place]
        if label not in whole:
            raise InputError(
                f"{label} has no directions that all its readers read; use model.intervene, which needs none"
            )
        found += (_site(model, ground, label, spaces[group.space]) for group in ground.frame.plan.lowered.home[place])
    return tuple(found)


def _site(model: Model, ground: Ground, label: str, space: Living) -> ModuleSite:
    stage, before = space.from_stage, np.zeros(model.config.d_model)
    if space.name in ground.frame.plan.lowered.positions:
        made = "is made by attention and an MLP together" if stage >= 0 else "comes from a table of positions"
        raise InputError(f"{label} {made}, which is no module's output; use model.intervene")
    if model.config.held is None:
        module = "token_embed" if stage < 0 else f"layers.{stage // 2}.{('attn', 'mlp')[stage % 2]}"
        return ModuleSite(module, space, before)
    family = FAMILIES[model.config.family]
    if stage < 0 and family.embed_scale:
        raise InputError(f"{label}: {family.name} multiplies what its table of tokens gives; use model.intervene")
    if stage < 0:
        return ModuleSite(family.token_embed, space, before)
    if stage % 2 == 0 and "linear" not in family.biased:
        added = attention_biases(ground.frame.plan).get(stage // 2)
        before = before if added is None else frame_of(model).written(added[None])[0]
    role = (family.modules.linear, family.modules.linear_2)[stage % 2]
    return ModuleSite(role.format(i=stage // 2), space, before)


def put(root: Any, model: Model, values: Mapping[str, Any]) -> None:
    """Inside a trace of nnsight: set variables to values at all positions but that of BOS.

        with nn.trace(ids):
            lab.put(nn, model, {"opposite": 1})
            logits = nn.unembed.output.save()

    Raises InputError as `module_sites` does, and for what is no value of a variable.
    """
    for name, value in values.items():
        for site in module_sites(model, [name]):
            output = site.of(root).output
            output[:, 1:] = site.forced(output, value)[:, 1:]


def pyvene_config(model: Model, names: Sequence[str]) -> Any:
    """A config of pyvene for `model.to("torch")`, in which each intervention swaps a space of these variables.

    Run it with positions as units. Raises InputError as `module_sites` does, and where pyvene is not installed.
    """
    try:
        import pyvene
    except ImportError as error:
        raise InputError("this needs pyvene; pip install 'raspc[interventions]'") from error
    import torch

    class Swap(pyvene.VanillaIntervention):  # type: ignore[misc, name-defined, unused-ignore]
        """The part of the source along the directions of a space."""

        def __init__(self, own: Any) -> None:
            super().__init__(embed_dim=len(own))
            self.own = own

        def forward(self, base: Any, source: Any, subspaces: Any = None) -> Any:
            return base + (source - base) @ self.own

    return pyvene.IntervenableConfig(
        [
            {
                "component": site.component,
                "intervention": Swap(torch.tensor(site.space.projection, dtype=torch.float32)),
            }
            for site in module_sites(model, names)
        ]
    )
