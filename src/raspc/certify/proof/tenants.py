"""Which space each dimension of the residual stream holds before each stage, as far as it follows from the weights.

Stages count attention and MLPs in turn: those of layer l are 2l and 2l + 1, and the embedding is −1. A space is held
from the stage after the one that writes it until the MLP that clears it, which may still read it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

FOREVER = 1 << 30
EMPTY = -1


@dataclass(frozen=True, eq=False)
class Lease:
    """One space: its dimensions, the stage that writes it, and for each dimension the stage that clears it."""

    space: str
    dims: slice
    written: int
    cleared: NDArray[np.int64]

    def held(self, stage: int) -> NDArray[np.bool_]:
        """Which of its dimensions hold it before a stage."""
        return np.asarray((self.written < stage) & (stage <= self.cleared))


@dataclass(frozen=True, eq=False)
class Tenants:
    """All spaces that are ever written, in a stream of `d_model` dimensions."""

    leases: Sequence[Lease]
    d_model: int

    def before(self, stage: int) -> NDArray[np.intp]:
        """[d_model]: the number of the lease that a dimension is under, or EMPTY."""
        found = np.full(self.d_model, EMPTY)
        for number, lease in enumerate(self.leases):
            dims = np.arange(lease.dims.start, lease.dims.stop)
            found[dims[lease.held(stage)]] = number
        return found

    def disputes(self) -> Iterator[str]:
        """Dimensions that a space takes while another one is held there, or that are cleared while nothing is."""
        terms: dict[int, list[tuple[int, int, str]]] = {}
        for lease in self.leases:
            for dim, cleared in zip(range(lease.dims.start, lease.dims.stop), lease.cleared.tolist(), strict=True):
                terms.setdefault(dim, []).append((lease.written, cleared, lease.space))
                if cleared <= lease.written:
                    yield f"{lease.space} is cleared before it is there"
        for found in terms.values():
            for (_, cleared, old), (written, _, new) in pairwise(sorted(found)):
                if written <= cleared:
                    yield f"{new} over {old}"


def leases_of(
    dims: Mapping[str, slice], written: Mapping[str, int], cleared: Mapping[tuple[str, int], int]
) -> list[Lease]:
    """A lease for each space that is written. `cleared`: the stage for each (space, dimension)."""

    def stages(space: str, where: slice) -> NDArray[np.int64]:
        return np.array([cleared.get((space, dim), FOREVER) for dim in range(where.start, where.stop)], np.int64)

    return [Lease(space, dims[space], stage, stages(space, dims[space])) for space, stage in written.items()]
