"""Variables and selectors forced in a running model: at all who read them, and nowhere else.

A reader reads features of variables. Where a variable is forced, each block that reads it, or a function of it, is
given the features of what that is then, worked out of what the model itself holds at that moment. All else runs as
ever: what comes of it is left to the model.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raspc.blocks.reading.groups import Group
from raspc.errors import InputError
from raspc.graph.evaluate import Batch, Bools, Column
from raspc.graph.nodes import UNDEFINED, Graph, Interval, Listed
from raspc.graph.tables import possible
from raspc.lab.circuits import interference_of
from raspc.lab.demands import Demand, Part, Site, scored_by, selectors_above, sites_of
from raspc.lab.frame import Frame, framed
from raspc.lab.held import ELEMENTWISE, Held, cone, features_of
from raspc.lab.spaces import Living, Spaces, living
from raspc.run import forward as run
from raspc.run.arrays import NUMPY
from raspc.run.parts import Parts
from raspc.target import Layer
from raspc.weights.model import Model

Floats = NDArray[np.float64]

WHOLE, INNER = "whole", "inner"
"""A selector as it is, and the one that the best keys are taken from."""
MOST_CELLS = 1 << 16
"""Over so many combinations of what neurons read it is looked for one that gives what they must compute."""


@dataclass(frozen=True, eq=False)
class Forced:
    """What is forced on a batch: columns of variables at `where` [input, position without BOS]; selectors as matrices
    [input, query, key], without BOS. Places are numbers of the graph."""

    columns: Mapping[int, Column]
    where: Bools
    patterns: Mapping[int, Bools]


@dataclass(frozen=True, eq=False)
class Ground:
    """A model, and what must be known to force its variables; made once for all batches."""

    model: Model

    @cached_property
    def frame(self) -> Frame:
        """The model by named directions."""
        return framed(self.model)

    @cached_property
    def graph(self) -> Graph:
        """The program as the blocks compute it."""
        return self.frame.plan.graph

    @cached_property
    def spaces(self) -> Spaces:
        """Where each variable lives."""
        return living(self.frame)

    @cached_property
    def interference(self) -> float:
        """`Circuit.interference` of a model that is graded; 0 of one that is exact."""
        return 0.0 if self.frame.exact else interference_of(self.frame)

    @cached_property
    def sites(self) -> tuple[Site, ...]:
        """All blocks."""
        return sites_of(self.model, self.frame.plan)

    @cached_property
    def cones(self) -> tuple[frozenset[int], ...]:
        """For each node all that it is a function of at its own position."""
        return tuple(frozenset(cone(self.graph, place)) for place in range(len(self.graph)))

    def stored(self, stage: int) -> dict[int, list[Any]]:
        """The spaces of each variable that hold it before a stage: as it is kept, or else as attention leaves it.

        Where they do not tell all its values apart nothing is known of it, as functions of it may be read elsewhere.
        In a total model all who read it read these spaces, so that one of several values does for another.
        """
        found: dict[int, list[Any]] = {}
        for place, groups in self.frame.plan.lowered.home.items():
            label = self.graph.labels[place]
            there = []
            for group in groups:
                space = self.spaces[group.space]
                alive = space.from_stage < stage and (space.until_stage is None or stage <= space.until_stage + 1)
                if space.variable == label and alive and not group.steep:
                    there.append((space, group))
            if there and (self.graph.total or _are_told_apart(there)):
                found[place] = there
        return found

    def touched(self, site: Site, forced: Forced) -> bool:
        """Whether a block reads what is forced, or a function of it."""
        return any(self.reads(demand, forced) for demand in site.demands) or self.between(site, forced)

    def reads(self, demand: Demand, forced: Forced) -> bool:
        """Whether a demand is of what is forced, or of a function of it."""
        return any(self.cones[part.place] & forced.columns.keys() for part in demand.parts)

    def between(self, site: Site, forced: Forced) -> bool:
        """Whether neurons compute a function of what is forced."""
        inner = site.head is None and site.layer >= 0 and isinstance(self.graph[site.place], ELEMENTWISE)
        return inner and bool((self.cones[site.place] - {site.place}) & forced.columns.keys())


def _are_told_apart(there: Sequence[tuple[Living, Group]]) -> bool:
    """Whether spaces together hold something else for each value of their variable."""
    codes = np.hstack([space.code for space, _ in there])
    return len(np.unique(codes, axis=0)) == len(codes)


@dataclass(eq=False)
class Edits:
    """What is changed in one run: called with what each layer computes, by any framework, as NumPy arrays.

    Positions count BOS, at 0, at which nothing is changed. `raising` [input, position]: where the program has no value
    for what a block would have to read.
    """

    ground: Ground
    batch: Batch
    forced: Forced
    hidden: NDArray[np.bool_] | None

    def __post_init__(self) -> None:
        self.raising = np.zeros(self.batch.ids.shape, bool)

    def mixed(self, layer: int, x: Any, q: Any, k: Any, v: Any, mixed: Any) -> Any:
        """What the heads of a layer mix [input, position, head · d_head], from the stream, queries, keys and values."""
        sites = [s for s in self.ground.sites if s.layer == layer and s.head is not None]
        found = mixed
        for site in sites:
            patterns = self.patterns(site)
            if not patterns and not any(self.ground.reads(demand, self.forced) for demand in site.demands):
                continue
            held = self.held(x, 2 * layer)
            sides = {"q": np.array(q), "k": np.array(k), "v": np.array(v)}
            for demand in site.demands:
                if self.ground.reads(demand, self.forced):
                    self.put(held, demand, sides[demand.channel])
            found = np.array(found) if found is mixed else found
            found[..., site.mixed] = self.attended(site, sides, patterns)
        return found

    def attended(self, site: Site, sides: Mapping[str, Any], patterns: Mapping[int | str, Bools]) -> Any:
        """What one block of a head mixes."""
        config = self.ground.model.config
        assert site.head is not None and site.mixed is not None
        d_head = config.widths[site.layer].d_head
        own = slice(site.head * d_head, (site.head + 1) * d_head)
        q, k, v = sides["q"][..., own], sides["k"][..., own], sides["v"][..., site.mixed]
        how = run.how(config, NUMPY)
        q = np.array(q) if patterns else q
        for which in patterns:  # at BOS these numbers are 0
            q[..., self.scored(site, which)] = 0.0
        scores = q @ k.transpose(0, 2, 1)
        for pattern in patterns.values():
            scores[:, 1:, 1:] -= np.where(pattern, 0.0, site.scale).astype(scores.dtype)
        pattern = how.arrays.softmax((scores * how.heads[site.layer].scale)[:, None], self.hidden)[:, 0]
        return pattern @ v

    @staticmethod
    def scored(site: Site, which: int | str) -> slice:
        """The numbers of q and k that score one conjunct, all of them, or all and the rank of the keys."""
        if isinstance(which, int):
            _, start, stop = site.conjuncts[which]
            return slice(start, stop)
        stop = max((stop for _, _, stop in site.conjuncts), default=0)
        ranked = which == WHOLE and sum(d.channel == "q" for d in site.demands) > len(site.conjuncts)
        return slice(0, stop + ranked)

    def patterns(self, site: Site) -> dict[int | str, Bools]:
        """What of the selector of a head is forced: all of it, the keys that it takes the best of, or some conjuncts.

        Raises InputError for a selector that the head does not score apart.
        """
        graph, forced = self.ground.graph, self.forced.patterns
        above = selectors_above(graph, site.place) & forced.keys()
        if not above:
            return {}
        scored = scored_by(self.ground.frame.plan, site.place)
        for whole, which in ((scored.whole, WHOLE), (scored.inner, INNER)):
            if whole is not None and whole in forced:
                return {which: forced[whole]}
        if unknown := above - scored.conjuncts.keys():
            label = graph.labels[unknown.pop()]
            raise InputError(
                f"{label} is scored together with others by the head of {graph.labels[site.place]}; force "
                f"{graph.labels[scored.whole or 0]} instead"
            )
        return {scored.conjuncts[place]: forced[place] for place in above}

    def neurons(self, layer: int, x: Any, read: Any) -> Any:
        """What the neurons of a layer read [input, position, d_mlp], before the activation, from the stream."""
        found = read
        for site in self.ground.sites:
            if site.layer == layer and site.head is None and self.ground.touched(site, self.forced):
                held = self.held(x, 2 * layer + 1)
                found = np.array(found) if found is read else found
                self.put_cells(held, site, found)
        return found

    def logits(self, x: Any, logits: Any) -> Any:
        """The logits, from the stream."""
        (demand,) = self.ground.sites[-1].demands
        if not self.ground.reads(demand, self.forced):
            return logits
        found = np.array(logits)
        self.put(self.held(x, 2 * self.ground.model.config.n_layers), demand, found)
        return found

    def held(self, x: Any, stage: int) -> Held:
        """The variables before a stage."""
        stream = np.asarray(x, np.float64)[:, 1:]
        ground, forced = self.ground, self.forced
        return Held(ground.graph, self.batch, stream, ground.stored(stage), forced.columns, forced.where, self.raising)

    def put(self, held: Held, demand: Demand, numbers: Any) -> None:
        """Read what the variables are, in place of what the stream holds, at the positions of tokens."""
        self.write(demand, sum(self.read_of(held, part) for part in demand.parts), numbers)

    def read_of(self, held: Held, part: Part) -> Floats:
        """[input, position, numbers]: what is read of one variable; the same of all values, whatever it is, if so."""
        domain = self.ground.graph.variable(part.place).domain
        if isinstance(domain, Listed) and (part.columns == part.columns[:1]).all():
            return np.broadcast_to(part.columns[0], (*self.batch.ids.shape, part.columns.shape[1]))
        return np.asarray(features_of(held.column(part.place), domain) @ part.columns)

    def write(self, demand: Demand, found: Any, numbers: Any) -> None:
        """Numbers at the positions of tokens."""
        rows, positions = np.nonzero(self.batch.real)
        numbers[rows[:, None], positions[:, None] + 1, demand.at] = found[rows, positions]

    def put_cells(self, held: Held, site: Site, numbers: Any) -> None:
        """Have neurons read what gives the value that they must compute."""
        (demand,) = site.demands
        graph = self.ground.graph
        if graph.total and demand.parts:  # they read what the program's function does, whatever that is
            return self.put(held, demand, numbers)
        columns = {part.place: held.column(part.place) for part in demand.parts}
        if self.ground.between(site, self.forced) and site.place not in columns:
            columns = self.preimage(held, site, columns)
        if not demand.parts:  # they compute the same whatever they would read
            return None
        found = sum(
            features_of(columns[part.place], graph.variable(part.place).domain) @ part.columns for part in demand.parts
        )
        return self.write(demand, found, numbers)

    def preimage(self, held: Held, site: Site, columns: dict[int, Column]) -> dict[int, Column]:
        """Values of what neurons read with which they compute what the program does: those that are there, or others.

        A variable that is forced may stand between what is read and what is computed, where no neuron is its own.
        """
        graph = self.ground.graph
        axes = axes_of(graph, site.place, columns)
        wanted = held.column(site.place).ids
        if any(isinstance(graph.variable(axis).domain, Interval) for axis in axes):
            raise InputError(
                f"{graph.labels[site.place]} is computed of a number that is not listed; it cannot be forced"
            )
        sizes = [len(graph.variable(axis).listed) for axis in axes]
        cells = grid_of(graph, site.place, axes, sizes)
        there = tuple(np.maximum(held.column(axis).ids, 0) for axis in axes)
        right = (cells[there] == wanted) | (wanted < 0) | ~self.batch.real
        found = [np.array(one) for one in there]
        for row, position in np.argwhere(~right):
            options = np.argwhere(cells == wanted[row, position])
            if not len(options):
                self.raising[row, position] = True
                continue
            mine = np.array([one[row, position] for one in there])
            best = options[(options != mine).sum(axis=1).argmin()]
            for one, value in zip(found, best, strict=True):
                one[row, position] = value
        ids = [np.where(self.batch.real, one, -1).astype(np.int32) for one in found]
        return {axis: Column(one) for axis, one in zip(axes, ids, strict=True)}


def axes_of(graph: Graph, place: int, read: Collection[int]) -> list[int]:
    """What neurons that compute a variable are a function of: what they read, and what else the variable is made of."""
    return [*read, *_leaves(graph, place, set(read))]


def grid_of(graph: Graph, place: int, axes: Sequence[int], sizes: Sequence[int]) -> NDArray[np.int32]:
    """What a variable is for each combination of values of some that it is a function of; UNDEFINED where none can be.

    Raises InputError for too many combinations.
    """
    count = int(np.prod(sizes))
    if count > MOST_CELLS:
        raise InputError(f"{graph.labels[place]} is a function of too many combinations to be forced in between")
    grids = np.indices(sizes).reshape(len(sizes), 1, count).astype(np.int32)
    batch = Batch(np.zeros((1, count), np.int32), np.array([count]), False)
    nothing = np.zeros((1, count), bool)
    own = Held(graph, batch, np.zeros((1, count, 0)), {}, {}, nothing, nothing.copy())
    own.known.update({axis: Column(ids) for axis, ids in zip(axes, grids, strict=True)})
    cells = own.column(place).ids.reshape(sizes)
    return np.where(possible(axes, graph.nodes, sizes), cells, UNDEFINED).astype(np.int32)


def _leaves(graph: Graph, place: int, known: set[int]) -> list[int]:
    """What a variable is a function of, down to what is known and to what is no function of others."""
    found, waiting = list[int](), [place]
    while waiting:
        one = waiting.pop()
        if one in known or one in found:
            continue
        if isinstance(graph[one], ELEMENTWISE):
            waiting += graph[one].refs
        else:
            found.append(one)
    return found


@dataclass(frozen=True, eq=False)
class Watched:
    """A linear map that shows what goes through it: `before` may change what it reads, `after` what it gives."""

    linear: Callable[[Any], Any]
    before: Callable[[Any], Any] | None = None
    after: Callable[[Any, Any], Any] | None = None

    def __call__(self, x: Any) -> Any:
        x = x if self.before is None else self.before(x)
        found = self.linear(x)
        return found if self.after is None else self.after(x, found)


def watched(parts: Parts, edits: Edits) -> Parts:
    """The parts of a model with edits between them."""
    layers = tuple(_layer(maps, i, edits) for i, maps in enumerate(parts.layers))
    return Parts(parts.token_embed, parts.pos_embed, layers, Watched(parts.unembed, after=edits.logits))


def _layer(maps: Layer[Any], i: int, edits: Edits) -> Layer[Any]:
    seen: dict[str, Any] = {}

    def kept(name: str) -> Callable[[Any, Any], Any]:
        def keep(x: Any, found: Any) -> Any:
            seen["x"], seen[name] = x, found
            return found

        return keep

    def mixed(found: Any) -> Any:
        return edits.mixed(i, seen["x"], seen["q"], seen["k"], seen["v"], found)

    def neurons(x: Any, found: Any) -> Any:
        return edits.neurons(i, x, found)

    attention = {
        "query": Watched(maps.query, after=kept("q")), "key": Watched(maps.key, after=kept("k")),
        "value": Watched(maps.value, after=kept("v")), "linear": Watched(maps.linear, before=mixed),
    }  # fmt: skip
    mlp = {} if maps.linear_1 is None else {"linear_1": Watched(maps.linear_1, after=neurons)}
    return maps._replace(**({} if maps.query is None else attention), **mlp)
