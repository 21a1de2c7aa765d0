"""Residual labels as Tracr's users read them: `name:value`, with the program's label before the values of the output.

In a compact model most directions are no value of a variable but a feature of it, and some belong to two variables in
turn. A script that takes such a label apart would find a value that is none; it is told so instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from raspc.blocks.reading.groups import Group
from raspc.errors import InputError
from raspc.graph.nodes import Graph, Listed
from raspc.weights import Model


class Feature(str):
    """The label of a direction that is no single value. It prints as it is; taking it apart at ":" is refused."""

    __slots__ = ()

    def _whole(self, sep: Any) -> None:
        if sep == ":":
            raise InputError(
                f"the residual direction {str(self)!r} is not one value of a variable, so it has no `name:value`; "
                "compile the readable model with optimize=1 (-O1), or read model.compiled.alignment"
            )

    def partition(self, sep: str) -> tuple[str, str, str]:
        """Raises InputError, a ValueError, at ":"."""
        self._whole(sep)
        return super().partition(sep)

    def rpartition(self, sep: str) -> tuple[str, str, str]:
        """Raises InputError, a ValueError, at ":"."""
        self._whole(sep)
        return super().rpartition(sep)

    def split(self, sep: str | None = None, maxsplit: Any = -1) -> list[str]:
        """Raises InputError, a ValueError, at ":"."""
        self._whole(sep)
        return super().split(sep, maxsplit)

    def rsplit(self, sep: str | None = None, maxsplit: Any = -1) -> list[str]:
        """Raises InputError, a ValueError, at ":"."""
        self._whole(sep)
        return super().rsplit(sep, maxsplit)


def residual_labels(model: Model, label: str) -> list[str]:
    """A name for each dimension of the residual stream. `label`: of the program, for the directions of its output.

    In a compact model whatever is not one value is a `Feature`.
    """
    names = output_names(model, label)
    labels = [" | ".join(names.get(part, part) for part in found.split(" | ")) for found in model.residual_labels]
    if model.options.level.readable:
        return labels
    single = {names.get(found, found) for found in values_of(model)} | {"is_bos"}
    return [found if found in single else Feature(found) for found in labels]


def output_names(model: Model, label: str) -> dict[str, str]:
    """The labels of the output's directions, and what they are under the label of the program."""
    assert model.plan is not None
    graph, lowered = model.plan.graph, model.plan.lowered
    own = graph.labels[graph.output]
    # what is a function of another variable is written with it, into a space of its own name
    spaces = {own, *(group.space for group in lowered.home.get(graph.output, ()))}
    parts = [found for space in lowered.spaces if space.name in spaces for found in space.labels]
    return {found: label + found.removeprefix(own) for found in parts if found.startswith(own)}


def values_of(model: Model) -> Mapping[str, tuple[str, Any]]:
    """The labels of the directions that are one value each: the name of the variable, and the value."""
    assert model.plan is not None
    graph, home = model.plan.graph, model.plan.lowered.home
    return {
        label: found
        for place, groups in home.items()
        for group in groups
        for label, found in _values_in(graph, place, group).items()
    }


def _values_in(graph: Graph, place: int, group: Group) -> dict[str, tuple[str, Any]]:
    domain, name = graph.variable(place).domain, graph.labels[place]
    if not isinstance(domain, Listed) or len(group.code) != len(domain):
        return {}
    found = {}
    for label, column in zip(group.labels, group.code.T, strict=True):
        (hot,) = column.nonzero()
        if len(hot) == 1 and column[hot[0]] == 1 and label.startswith(f"{name}:"):
            found[label] = (name, domain.values[hot[0]])
    return found
