"""A start by design: of each variable keep what its readers read, and reuse a subspace once its variable is dead.

A reader of a variable is a set of linear functions on its directions; a W whose columns span them reads and writes
without loss. Directions that only the output reads need an argmax alone: they may lie on a circle, as superposed
features do (Elhage et al. 2022). At a d that is too small for all, late variables are stacked on early ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from raspc.blocks.spaces import Matrix
from raspc.target import READERS
from raspc.weights.model import Model

LOUD = 3.0
"""How long the directions on a circle are: louder than what they may be stacked on."""


@dataclass(frozen=True, eq=False)
class Tenant:
    """Directions of one space; the stage that writes them and the last that reads them; how loud they are at tokens.

    `basis` [dims, rank] spans what is read of them, the most important first; `shown` if only the output reads them.
    """

    dims: tuple[int, ...]
    born: int
    dies: float
    energy: float
    basis: Matrix
    shown: bool

    @property
    def least(self) -> int:
        """How many dimensions it needs at least, on a circle where that will do."""
        rank = int(self.basis.shape[1])
        return min(2, rank) if self.shown else rank

    def directions(self, width: int) -> Matrix:
        """[dims, width]."""
        if self.shown and width < len(self.dims):
            return LOUD * harmonics(len(self.dims), width)
        return self.basis[:, :width]


def by_readers(model: Model, energy: Matrix, d: int) -> Matrix:
    """W [D, d]; `energy` [D] is the mean square of each dimension at tokens."""
    tenants = tenants_of(model, energy)
    w = np.zeros((model.config.d_model, d))
    for tenant, room in zip(tenants, _rooms(tenants, _widths(tenants, d), d), strict=True):
        directions = tenant.directions(len(room))
        w[np.ix_(tenant.dims, room[: directions.shape[1]])] += directions
    return w


def harmonics(size: int, width: int) -> Matrix:
    """[size, width]: points of norm 1 at equal angles of a circle, with higher harmonics."""
    angles = 2 * np.pi * np.arange(size) / size
    waves = [f(k * angles) for k in range(1, width + 1) for f in (np.cos, np.sin)][:width]
    points = np.stack(waves, axis=1)
    return np.asarray(points / np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-9))


def tenants_of(model: Model, energy: Matrix) -> list[Tenant]:
    """The spaces of the stream that something reads, in the order in which they are written."""
    spaces = {tuple(range(*space.dims)): space.from_stage for space in model.alignment.spaces.values()}
    owned = {i for dims in spaces for i in dims}
    spaces |= {(i,): -1 for i in range(model.config.d_model) if i not in owned}
    found = [_tenant(model, dims, born, energy) for dims, born in spaces.items()]
    return sorted((t for t in found if t.basis.shape[1]), key=lambda tenant: (tenant.born, tenant.dims))


def _tenant(model: Model, dims: tuple[int, ...], born: int, energy: Matrix) -> Tenant:
    read = {stage: matrix[list(dims)] for stage, matrix in readers(model) if np.any(matrix[list(dims)])}
    last = 2 * model.config.n_layers
    scaled = [matrix / np.linalg.norm(matrix) for matrix in read.values()]
    basis = np.zeros((len(dims), 0))
    if scaled:
        u, s, _ = np.linalg.svd(np.hstack(scaled), full_matrices=False)
        basis = u[:, s > 1e-6 * s.max()]
    shown = set(read) == {last} and model.config.output.kind == "categorical"
    return Tenant(dims, born, max(read, default=-1), float(energy[list(dims)].sum()), basis, shown)


def readers(model: Model) -> list[tuple[float, Matrix]]:
    """Everything that reads the stream, as (stage, [D, anything]); heads' parts have stages of their own, in order."""
    found: list[tuple[float, Matrix]] = []
    names, n_layers = model.config.target.names, model.config.n_layers
    for layer, called in enumerate(names.layers(n_layers)):
        for part, role in enumerate(READERS):
            stage = 2 * layer + (0.1 * part if part < 3 else 1)
            found.append((stage, np.asarray(model.params[getattr(called, role).w], np.float64)))
    return [*found, (2 * n_layers, np.asarray(model.params[names.unembed.w], np.float64))]


def _widths(tenants: list[Tenant], d: int) -> list[int]:
    """The least that each needs; what is left of d goes to circles."""
    widths = [tenant.least for tenant in tenants]
    for i, tenant in enumerate(tenants):
        widths[i] += max(0, min(d - sum(widths), tenant.basis.shape[1] - widths[i]))
    return widths


def _rooms(tenants: list[Tenant], widths: list[int], d: int) -> list[list[int]]:
    """Which of the d dimensions each gets: free ones, else those whose tenants are dead, the quietest first."""
    inside: list[list[Tenant]] = [[] for _ in range(d)]
    rooms = []
    for tenant, width in zip(tenants, widths, strict=True):

        def burden(room: int, born: int = tenant.born) -> tuple[int, float]:
            return sum(int(other.dies) > born for other in inside[room]), sum(other.energy for other in inside[room])

        room = sorted(sorted(range(d), key=burden)[: min(width, d)])
        for place in room:
            inside[place].append(tenant)
        rooms.append(room)
    return rooms
