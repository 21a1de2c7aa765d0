"""Methods that say which edges, or nodes, of a model an answer depends on.

A method is a function of a task (`raspc.lab.task`) that gives a score for each edge or node. `METHODS` has them by
name. One of your own is any such function.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from raspc import arguments
from raspc.errors import InputError
from raspc.lab.methods import acdc, atp, baselines, gradients, masks, patching, paths
from raspc.lab.methods.autoencoders import Sae, sae
from raspc.lab.methods.entry import Method, Score, Scores
from raspc.lab.methods.probing import Probe, probe
from raspc.lab.methods.searching import Das, das

__all__ = ["METHODS", "Das", "Method", "Probe", "Sae", "Score", "Scores", "das", "method", "probe", "sae"]

_MODULES = (baselines, patching, gradients, atp, acdc, masks, paths)

METHODS: Mapping[str, Method] = MappingProxyType({found.name: found for module in _MODULES for found in module.METHODS})
"""Every method by its name."""


def method(name: str) -> Method:
    """The method of that name.

    Raises TypeError for what is no text, InputError for another name, with those that there are.
    """
    if arguments.an(str, "name", name, "the name of a method, as 'eap'") not in METHODS:
        raise InputError(f"there is no method {name!r}; there are {', '.join(METHODS)}")
    return METHODS[name]
