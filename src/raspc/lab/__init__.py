"""The laboratory: what the compiler knows of a model, as values to hold interpretability methods against.

`circuit(model)`: which part reads what of which other part; `permute(model, seed)`: the same model under other numbers
of heads and neurons. `intervene`, `patch` and `ablate` force variables by name. `model.spaces` says where each variable
lives. Each name is imported when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from raspc.lab import formats, methods, scores
    from raspc.lab.against import Truths, truths
    from raspc.lab.circuits import Circuit, circuit
    from raspc.lab.edges import Edge
    from raspc.lab.forced import Differs, Forcings, check_forced
    from raspc.lab.hooks import hooked, lens_hooks
    from raspc.lab.interchanges import Interchange, Interchanges, Subspace, iia, true_alignment
    from raspc.lab.interventions import Intervened, Intervention, ablate, intervene, patch
    from raspc.lab.nodes import Node
    from raspc.lab.outside import ModuleSite, module_sites, put, pyvene_config
    from raspc.lab.permuting import permute
    from raspc.lab.spaces import Living, Spaces
    from raspc.lab.tasks import Task, task
    from raspc.lab.under import Truth

__all__ = [
    "Circuit",
    "Differs",
    "Edge",
    "Forcings",
    "Interchange",
    "Interchanges",
    "Intervened",
    "Intervention",
    "Living",
    "ModuleSite",
    "Node",
    "Spaces",
    "Subspace",
    "Task",
    "Truth",
    "Truths",
    "ablate",
    "check_forced",
    "circuit",
    "formats",
    "hooked",
    "iia",
    "intervene",
    "lens_hooks",
    "methods",
    "module_sites",
    "patch",
    "permute",
    "put",
    "pyvene_config",
    "scores",
    "task",
    "true_alignment",
    "truths",
]  # fmt: skip

_HOMES = {
    "Differs": "forced", "Forcings": "forced", "check_forced": "forced",
    "Circuit": "circuits", "Edge": "edges", "Living": "spaces", "Node": "nodes", "Spaces": "spaces",
    "Intervened": "interventions", "Intervention": "interventions", "intervene": "interventions",
    "patch": "interventions", "ablate": "interventions", "Truth": "under", "circuit": "circuits",
    "ModuleSite": "outside", "module_sites": "outside", "put": "outside", "pyvene_config": "outside",
    "permute": "permuting", "hooked": "hooks", "lens_hooks": "hooks", "Interchange": "interchanges",
    "Interchanges": "interchanges", "Subspace": "interchanges", "iia": "interchanges", "true_alignment": "interchanges",
    "Task": "tasks", "task": "tasks", "Truths": "against", "truths": "against",
}  # fmt: skip

_ROOMS = ("formats", "methods", "scores")
"""Modules that are used by their own names: `lab.methods.METHODS`."""


def __dir__() -> list[str]:
    """The public names, those too that nobody has asked for yet."""
    return __all__


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return import_module(f"raspc.lab.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'raspc.lab' has no attribute {name!r}")
    found = getattr(import_module(f"raspc.lab.{_HOMES[name]}"), name)
    globals()[name] = found
    return found
