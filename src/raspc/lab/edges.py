"""Edges: for each pair of parts what of the one's output the other reads, space by space.

What a part computes, a, reaches a reader as a·(W·R), where W is what the part writes and R what the reader reads of the
stream. That product is a sum over directions. An edge is the part of it that runs through one space (or one direction).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from raspc.errors import InputError
from raspc.lab.frame import Matrix
from raspc.lab.spaces import Living, Spaces
from raspc.lab.wires import NOBODY, Granularity, Input, Output, Tenancy

MOST_EDGES = 1 << 20
"""A circuit with more edges is refused: nobody reads it, and it would fill the memory."""
ROUNDING = 8 * float(np.finfo(np.float64).eps)
STRAY = "stray"
"""The space of what is written, or read, where the plan has nothing."""
FLAGS = ("varying", "positional", "constant", "void", "inert", "clearing", "interference", "stray")
"""In the order in which they are told; see `Edge`."""


@dataclass(frozen=True, eq=False)
class Edge:
    """What `reader` reads in `channel` of what `writer` writes, through one space or one direction of it.

    `space` is what the reader means to read there, `variable` what this holds; `written` is the space that the writer
    meant, which is another one where the edge is void. `labels`: the directions. `write` [numbers of the writer, k] and
    `read` [k, numbers that are read]: `matrix` is their product. `rank`: how many linear functions of the variable are
    read, constants not counted.

    `flags`: what the edge carries at the positions of tokens is
      varying       different between inputs at one position,
      positional    different only between positions, or
      constant      the same everywhere;
    and the edge is
      void          two spaces share the direction at different times; what is left of the first is cleared away,
      inert         read by what nobody reads in the end,
      clearing      read by, or of, neurons that clear a direction for the next space,
      interference  0 in the model as it was compiled: what compression or the rounding of a rotation adds,
      stray         a weight that the plan does not account for.
    """

    writer: str
    reader: str
    channel: str
    variable: str
    space: str
    written: str
    labels: tuple[str, ...]
    write: Matrix
    read: Matrix
    rank: int
    flags: frozenset[str] = frozenset()

    @cached_property
    def matrix(self) -> Matrix:
        """[numbers that the writer computes, numbers that are read]."""
        found: Matrix = self.write @ self.read
        return found

    @property
    def weight(self) -> float:
        """The largest entry of the matrix, without its sign."""
        return float(np.abs(self.matrix).max(initial=0.0))

    @property
    def pair(self) -> tuple[str, str, str]:
        """(writer, reader, channel): what tools call an edge."""
        return self.writer, self.reader, self.channel

    @property
    def key(self) -> tuple[str, ...]:
        """What tells the edges of a circuit apart."""
        return (*self.pair, self.written, self.space, *self.labels)

    @property
    def name(self) -> str:
        """As `m0->a1.h0<q> opposite`; of one direction its label, as `m0->a1.h0<q> opposite:3`."""
        return f"{pair_name(self.pair)} {self.labels[0] if len(self.labels) == 1 else self.space}"

    @property
    def varies(self) -> bool:
        """Whether what it carries differs between inputs or between positions."""
        return bool(self.flags & {"varying", "positional"})

    def __repr__(self) -> str:
        return f"Edge({self.name}, rank {self.rank}, {', '.join(f for f in FLAGS if f in self.flags)})"


def pair_name(pair: tuple[str, str, str]) -> str:
    """As EAP-IG writes it: `tokens->a1.h0<v>`; the channel is left out where there is but one."""
    writer, reader, channel = pair
    return f"{writer}->{reader}" + (f"<{channel}>" if channel in ("q", "k", "v") else "")


def edges_of(
    outputs: Sequence[Output], inputs: Sequence[Input], tenancy: Tenancy, granularity: Granularity
) -> Iterator[Edge]:
    """Every edge, without what can only be told by runs. Raises InputError for a circuit that is too large."""
    written = {stage: tenancy.written(stage) for stage in {output.stage for output in outputs}}
    held = {stage: tenancy.held(stage) for stage in {found.stage for found in inputs}}
    _check_size(outputs, inputs)
    named = {space.name: space.labels for space in tenancy.frame.plan.lowered.spaces}
    reads = np.stack([found.array.any(axis=1) for found in inputs])
    for output in outputs:
        shared = reads & output.array.any(axis=0)
        for place in np.flatnonzero(shared.any(axis=1)).tolist():
            found = inputs[place]
            if output.stage >= found.stage:
                continue
            dims = np.flatnonzero(shared[place])
            tenants = list(zip(written[output.stage][dims].tolist(), held[found.stage][dims].tolist(), strict=True))
            groups = [[i] for i in range(len(dims))] if granularity == "direction" else _alike(tenants)
            for group in groups:
                edge = _edge(output, found, dims[group], tenants[group[0]], tenancy, named)
                if edge is not None:
                    yield edge


def _alike(tenants: Sequence[tuple[int, int]]) -> list[list[int]]:
    """The places of equal pairs together, in the order in which they come."""
    found: dict[tuple[int, int], list[int]] = {}
    for i, pair in enumerate(tenants):
        found.setdefault(pair, []).append(i)
    return list(found.values())


def _edge(
    output: Output, found: Input, dims: np.ndarray, tenants: tuple[int, int], tenancy: Tenancy,
    named: dict[str, tuple[str, ...]],
) -> Edge | None:  # fmt: skip
    """The edge through some directions; None where its product is 0."""
    write, read = output.array[:, dims], found.array[dims]
    if not is_product(write, read):
        return None
    wrote, meant = (STRAY if number == NOBODY else tenancy.names[number] for number in tenants)
    space = tenancy.spaces[meant] if meant != STRAY else None
    if space is None:
        labels = tuple(tenancy.frame.labels[dim] for dim in dims.tolist())
    else:
        labels = tuple(named[meant][dim - space.dims[0]] for dim in dims.tolist())
    flags = {"stray"} if STRAY in (wrote, meant) else {"void"} if wrote != meant else set[str]()
    rank = rank_of(read, space if wrote == meant else None, dims, write @ read)
    variable = STRAY if space is None else space.variable
    return Edge(
        output.node, found.node, found.channel, variable, meant, wrote, labels, write, read, rank, frozenset(flags)
    )


def is_product(write: Matrix, read: Matrix) -> bool:
    """Whether the product is anything but 0, or what rounding makes of 0."""
    if write.shape[1] == 1:
        return bool(write.any() and read.any())
    off = np.abs(write @ read) - ROUNDING * write.shape[1] * (np.abs(write) @ np.abs(read))
    return bool((off > 0).any())


def rank_of(read: Matrix, space: Living | None, dims: np.ndarray, product: Matrix) -> int:
    """How many linear functions of the variable are read; of what holds no values the rank of the product."""
    if space is None or len(space.code) < 2:
        return int(np.linalg.matrix_rank(product))
    code = space.code[:, [dim - space.dims[0] for dim in dims.tolist()]]
    if space.values is not None:
        code = code - code.mean(axis=0)
    return int(np.linalg.matrix_rank(code @ read))


def _check_size(outputs: Sequence[Output], inputs: Sequence[Input]) -> None:
    """Raises InputError for more edges than anybody reads, before any is made."""
    writes = np.stack([output.array.any(axis=0) for output in outputs]).astype(np.int64)
    reads = np.stack([found.array.any(axis=1) for found in inputs]).astype(np.int64)
    most = int((writes.sum(axis=0) * reads.sum(axis=0)).sum())
    if most > MOST_EDGES:
        raise InputError(
            f"the circuit may have {most:,} edges, more than {MOST_EDGES:,}; ask for granularity='component', or "
            "compile with a shorter maximum length"
        )


def spaces_read(edges: Sequence[Edge], spaces: Spaces) -> set[str]:
    """The spaces that some edge reads."""
    return {edge.space for edge in edges if edge.space in spaces}
