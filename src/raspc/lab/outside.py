"""Where a variable is found in `model.to("torch")`, by names: for nnsight, pyvene, and hooks of one's own.

A module adds a variable to the stream: the attention of a layer, its MLP, or the embedding of tokens. Its output, along
the directions of the variable, is the variable, and whoever reads that sees what is put there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

from raspc.errors import InputError
from raspc.lab.forcing import Ground
from raspc.lab.interchanges import true_alignment
from raspc.lab.program import place_of
from raspc.lab.spaces import Living
from raspc.weights.model import Model


@dataclass(frozen=True, eq=False)
class ModuleSite:
    """A space and the module whose output holds it: `layers.0.mlp`, `layers.1.attn` or `token_embed`."""

    module: str
    space: Living

    @property
    def component(self) -> str:
        """As pyvene calls it: `layers[0].mlp.output`."""
        parts = self.module.split(".")
        named = f"{parts[0]}[{parts[1]}].{parts[2]}" if len(parts) == 3 else parts[0]
        return f"{named}.output"

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
    ground = Ground(model)
    whole, found = true_alignment(model), list[ModuleSite]()
    for name in names:
        place = place_of(ground.graph, name)
        label = ground.graph.labels[place]
        if label not in whole:
            raise InputError(
                f"{label} has no directions that all its readers read; use model.intervene, which needs none"
            )
        found += (_site(ground, label, group.space) for group in ground.frame.plan.lowered.home[place])
    return tuple(found)


def _site(ground: Ground, label: str, name: str) -> ModuleSite:
    space = ground.spaces[name]
    if space.from_stage >= 0:
        return ModuleSite(f"layers.{space.from_stage // 2}.{('attn', 'mlp')[space.from_stage % 2]}", space)
    if name in ground.frame.plan.lowered.embeddings:
        return ModuleSite("token_embed", space)
    raise InputError(f"{label} comes from a table of positions, which is no module's output; use model.intervene")


def put(root: Any, model: Model, values: Mapping[str, Any]) -> None:
    """Inside a trace of nnsight: set variables to values at all positions but that of BOS.

        with nn.trace(ids):
            lab.put(nn, model, {"opposite": 1})
            logits = nn.unembed.output.save()

    Raises InputError as `module_sites` does, and for what is no value of a variable.
    """
    import torch

    for name, value in values.items():
        for site in module_sites(model, [name]):
            output = site.of(root).output
            own = torch.tensor(site.space.projection, dtype=torch.float32)
            there = torch.tensor(site.space.vector(value), dtype=torch.float32)
            output[:, 1:] = output[:, 1:] - output[:, 1:] @ own + there


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
