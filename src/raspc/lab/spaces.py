"""Where each variable lives: the subspace of the stream, the code of each value in it, from which stage to which."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from raspc import values as V
from raspc.blocks.spaces import BOS
from raspc.errors import InputError
from raspc.graph.nodes import Listed
from raspc.lab.frame import Frame, Matrix, framed
from raspc.stock.model import frame_of
from raspc.target.distances import MADE
from raspc.weights.align import homes_of
from raspc.weights.model import Model


@dataclass(frozen=True, eq=False)
class Living:
    """One space of the residual stream, and the variable that it holds.

    `basis` [k, d_model]: the image of each of its directions in the model's stream; for a compiled model rows of the
    identity, of `dims`. `code` [values, k]: what the directions hold where the variable has each of `values`; where
    these are not listed, its rows are the number and an indicator for each special value. `at_bos` [k]: what they hold
    at BOS. Stages count as in the alignment: −1 the embedding, 2l the attention of layer l, 2l + 1 its MLP; the space
    is written at `from_stage` and last read at `to_stage` (None: by nobody), and held up to `until_stage` (None: to the
    end).
    """

    name: str
    variable: str
    labels: tuple[str, ...]
    dims: tuple[int, ...]
    basis: Matrix
    values: tuple[Any, ...] | None
    code: Matrix
    at_bos: Matrix
    from_stage: int
    to_stage: int | None
    until_stage: int | None

    @property
    def is_read(self) -> bool:
        """Whether anybody reads it."""
        return self.to_stage is not None

    @cached_property
    def reader(self) -> Matrix:
        """[d_model, k]: x @ reader is what the stream holds along each direction; the transpose of a plain basis."""
        return np.asarray(np.linalg.pinv(self.basis), np.float64)

    @cached_property
    def projection(self) -> Matrix:
        """[d_model, d_model]: onto the subspace."""
        found: Matrix = self.reader @ self.basis
        return found

    def vector(self, value: Any) -> Matrix:
        """[d_model]: what the space holds where the variable has this value. Raises InputError for another value."""
        if self.values is None:
            raise InputError(f"the values of {self.variable} are not listed; use code and basis")
        found = Listed(self.values).index.get(_key(value))
        if found is None:
            raise InputError(f"{value!r} is no value of {self.variable}; it has {_some(self.values)}")
        image: Matrix = self.code[found] @ self.basis
        return image


class UnknownSpace(InputError, KeyError):
    """A name that no space has: a KeyError, as of any mapping, that says which there are."""

    __str__ = Exception.__str__


class Spaces(Mapping[str, Living]):
    """All spaces by name. A variable that lives in one space may be asked for by its own name too."""

    def __init__(self, found: Mapping[str, Living]) -> None:
        self._found = dict(found)

    def __getitem__(self, name: str) -> Living:
        if name in self._found:
            return self._found[name]
        own = self.of(name)
        if len(own) == 1:
            return own[0]
        raise UnknownSpace(f"the model has no space {name!r}; it has {', '.join(self._found)}")

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def of(self, variable: str) -> tuple[Living, ...]:
        """The spaces of a variable: as attention leaves it, then as it is kept; none where it is read off others."""
        return tuple(space for space in self._found.values() if space.variable == variable)

    def __repr__(self) -> str:
        return f"Spaces({', '.join(self._found)})"


def spaces_of(model: Model) -> Spaces:
    """All spaces of a model, in its own stream. Raises InputError for a model whose plan or basis is not known."""
    found = living(framed(model))
    if model.config.held is None:
        return found
    stock, plan = frame_of(model), model.plan
    late = plan.lowered.positions if plan is not None and model.config.tells_by_distance else ()
    return Spaces(
        {
            name: replace(
                space, basis=stock.written(space.basis), from_stage=MADE if name in late else space.from_stage
            )
            for name, space in found.items()
        }
    )


def living(frame: Frame) -> Spaces:
    """All spaces of a model in its frame; that of BOS is the first."""
    graph, lowered = frame.plan.graph, frame.plan.lowered
    homes = homes_of(graph, lowered)
    codes = {group.space: (place, group.code) for place, groups in homes.items() for group in groups}
    labels = {space.name: space.labels for space in lowered.spaces}
    bos = frame.plan.layout.start[BOS]
    found = {BOS: _bos(frame, bos)}
    for name, facts in frame.spaces.items():
        place, code = codes[name]
        domain = graph.variable(place).domain
        dims = tuple(range(*facts.dims))
        found[name] = Living(
            name, graph.labels[place], labels[name], dims, frame.basis[list(dims)],
            domain.values if isinstance(domain, Listed) else None, code, lowered.at_bos[name],
            facts.from_stage, facts.to_stage, facts.until_stage,
        )  # fmt: skip
    return Spaces(found)


def _bos(frame: Frame, dim: int) -> Living:
    end = 2 * frame.model.config.n_layers
    return Living(
        BOS, BOS, ("is_bos",), (dim,), frame.basis[[dim]], (False,), np.zeros((1, 1)), np.ones(1), -1, end, None
    )


def _key(value: Any) -> Any:
    """What stands for a value in an index; None for what no variable can hold."""
    try:
        return V.key(value)
    except TypeError:
        return None


def _some(values: tuple[Any, ...], most: int = 8) -> str:
    return ", ".join(map(repr, values[:most])) + (f", … ({len(values)} in all)" if len(values) > most else "")
