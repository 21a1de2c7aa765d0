"""From what is stored to blocks: heads and neurons on named spaces, in an order that respects what they read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from raspc.blocks.neurons.design import Design, Multiplied
from raspc.blocks.reading import features as F
from raspc.blocks.reading.groups import Group, side_by_side
from raspc.blocks.reading.moving import moved
from raspc.blocks.reading.readiness import STEEP, Readiness
from raspc.blocks.reading.selectors import best_of, is_single, selects_of
from raspc.blocks.scores.ranking import LEAST_SCALE, SINK
from raspc.blocks.scores.selection import Selection
from raspc.blocks.spaces import BOS, Block, Head, Matrix, Neurons, Products, Read, Space, Write, reads_of
from raspc.blocks.storage.stored import Restored, Storage
from raspc.blocks.stream import Stream, beside
from raspc.errors import UnsupportedProgram
from raspc.graph import nodes as N
from raspc.graph.nodes import Floats, Graph, Variable
from raspc.graph.selectors import tells_position
from raspc.numbers.choice import Choice
from raspc.numbers.raised import Raised
from raspc.numbers.shares import Share, stretches_of

CHOICE = Choice(
    "drop_dead", "blocks",
    "heads, neurons and embeddings that no one reads are not made",
    "level 2",
    "every block is read, by the output in the end",
)  # fmt: skip

SHARP = 256.0
"""What one step of a penalty takes from a score, at least: half of it makes e^(−128), which is 0 in float32."""
SMALL_RANGE = 64.0
"""The same in a format whose largest number is small: half of it makes e^(−32), which such a format stores as 0."""
TIED = 20.0
"""The same, but for ln N and the score of BOS, where scores carry rounding, which parts equals by e^(2·TIED·error)."""
STEEP_NUMBER = 60.0
"""What one step takes where ties part by what is steep, and BOS scores so high that a number is left."""
OWN = 2.0
"""What BOS scores for itself, as a query, in steps of a penalty."""
QUIET = 12.0
"""What it takes for BOS to attend to itself: others have e^(−12) of its attention each."""
LOUD = 160.0
LEAST_QUIET = 4.0
"""The same where neurons are shut at BOS by `SHUT`: N others move what they read there by up to 20·N³·e^(−q)/M. That
is a quarter of it for q = ln(160·N³/M)."""
SHUT = 0.5
"""How far below their thresholds neurons are at BOS, where codes are to have room."""
LOST = 2.0**-16
"""By how much of itself a default of a steep feature may be off."""


@dataclass(frozen=True, eq=False)
class Lowered:
    """Blocks in topological order; which space each writes; what is embedded; how the output is read.

    `home[place]`: the groups of directions of each variable, as attention leaves it and as it is later.
    """

    spaces: tuple[Space, ...]
    embeddings: Mapping[str, Matrix]
    positions: Mapping[str, Matrix]
    blocks: tuple[Block, ...]
    place_of_block: tuple[int, ...]
    output: Read
    home: Mapping[int, tuple[Group, ...]]
    at_bos: Mapping[str, Floats]


def lower(ready: Readiness, storage: Storage) -> Lowered:
    """Every block of the model; of a compact one, every block that somebody reads."""
    found, options = _Lowering(ready, storage, Stream(ready)).run(), ready.options
    return living(found) if options.level.compact and options.has("drop_dead") else found


def multiplied(groups: Sequence[Group], products: Multiplied, reads: Sequence[Read]) -> Products:
    """The gated neurons of a design that read these features; at BOS all of them give 0."""

    def read(weights: Sequence[Matrix], constant: Floats) -> Read:
        maps, bias = {BOS: -constant[None, :]}, constant
        for one, matrix in zip(reads, weights, strict=True):
            bias = bias + one.bias @ matrix
            for space, own in one.maps.items():
                maps[space] = maps.get(space, 0.0) + own @ matrix
        return Read({space: matrix for space, matrix in maps.items() if matrix.any()}, bias)

    out = {group.space: products.out[:, columns] for group, columns in side_by_side(groups)}
    return Products(
        read(products.gates, products.gate_bias), read(products.times, products.times_bias), out
    )  # fmt: skip


def living(found: Lowered) -> Lowered:
    """Without the blocks and embeddings that no one reads, or only blocks that no one reads.

    What a reader needs of a variable may turn out to be the same for all its values, once all readers have spoken.
    """
    wanted, kept = set(found.output.maps), list[int]()
    for i, block in reversed(list(enumerate(found.blocks))):
        if wanted & set(block.write.maps):
            kept.append(i)
            wanted |= {space for read in reads_of(block) for space in read.maps}
    kept.reverse()
    written = {space for i in kept for space in found.blocks[i].write.maps}
    there = {BOS, *written, *(wanted & {*found.embeddings, *found.positions})}
    return replace(
        found,
        spaces=tuple(space for space in found.spaces if space.name in there),
        embeddings={space: table for space, table in found.embeddings.items() if space in there},
        positions={space: table for space, table in found.positions.items() if space in there},
        blocks=tuple(found.blocks[i] for i in kept),
        place_of_block=tuple(found.place_of_block[i] for i in kept),
        home={place: tuple(g for g in groups if g.space in there) for place, groups in found.home.items()},
    )


@dataclass
class _Lowering:
    ready: Readiness
    storage: Storage
    stream: Stream
    embeddings: dict[str, Matrix] = field(default_factory=dict)
    positions: dict[str, Matrix] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)
    place_of_block: list[int] = field(default_factory=list)

    @property
    def graph(self) -> Graph:
        """The program."""
        return self.ready.graph

    @cached_property
    def places(self) -> Mapping[int, int]:
        """Where each node of the graph stands, by its identity."""
        return {id(node): place for place, node in enumerate(self.graph.nodes)}

    def run(self) -> Lowered:
        for place, node in enumerate(self.graph.nodes):
            if isinstance(node, Variable):
                self.add(place, node)
        output = self.stream.read([(self.graph.output, self.storage.answer)], zero_at_bos=False)
        home = {place: tuple(groups) for place, groups in self.stream.home.items()}
        return Lowered(
            tuple(self.stream.spaces.values()), self.embeddings, self.positions, tuple(self.blocks),
            tuple(self.place_of_block), output, home, self.stream.at_bos,
        )  # fmt: skip

    def add(self, place: int, node: Variable) -> None:
        stored = self.storage[place]
        if isinstance(node, N.Token | N.Index):
            self.embed(place, node, stored.kept)
        elif stored.share is not None and stored.left is not None:
            self.put(self.width_head(place, node, stored.left, stored.share), place)
        elif isinstance(node, N.Sum) and stored.left is not None and stored.raised is not None:
            self.put(self.sum_head(place, node, stored.left, stored.raised), place)
        elif isinstance(node, N.Aggregate) and stored.left is not None:
            self.put(self.mean_head(place, node, stored.left), place)
        elif isinstance(node, N.Aggregate) and stored.kept:
            self.put(self.pick_head(place, node, stored.kept), place)
        if stored.design is not None:
            self.put(self.neurons(place, stored.kept, stored.design), place)
        if stored.restored is not None:
            self.put(self.restoring(place, stored.kept, stored.restored), place)

    def put(self, block: Block, place: int) -> None:
        self.blocks.append(block)
        self.place_of_block.append(place)

    def embed(self, place: int, node: Variable, groups: Sequence[Group]) -> None:
        self.stream.open(place, groups, np.zeros(sum(len(g.labels) for g in groups)))
        table = self.embeddings if isinstance(node, N.Token) else self.positions
        table.update({group.space: group.code for group in groups})

    def neurons(self, place: int, groups: Sequence[Group], design: Design) -> Neurons:
        """The neurons of a design."""
        reads = [
            self.stream.read([(axis, columns)]) for axis, columns in zip(design.axes, design.features, strict=True)
        ]
        return self.fired(place, groups, design, reads)

    def restoring(self, place: int, kept: Sequence[Group], restored: Restored) -> Neurons:
        """Neurons that read a variable as it was kept, and write it again, for all who read it from now on."""
        (features,) = restored.design.features
        read = next(self.stream.read_group(g, np.eye(len(g.labels))) for g in kept if np.array_equal(g.code, features))
        return self.fired(place, restored.groups, restored.design, [read], first=True)

    def fired(
        self, place: int, groups: Sequence[Group], design: Design, reads: Sequence[Read], first: bool = False
    ) -> Neurons:  # fmt: skip
        """Neurons that read these features; at BOS none of them fires. `first`: what they write is read henceforth."""
        # a ramp is so high that not even rounding may lift it at BOS
        room = 0.0 if self.ready.options.margin is None else SHUT
        maps = {BOS: -(np.maximum(design.bias, 0.0) + (design.leads > 0) + room)[None, :]}
        bias = design.bias
        for read, weights in zip(reads, design.weights, strict=True):
            bias = bias + read.bias @ weights
            for space, matrix in read.maps.items():
                maps[space] = maps.get(space, 0.0) + matrix @ weights
        self.stream.open(place, groups, design.base, first=first)
        out = {group.space: design.out[:, columns] for group, columns in side_by_side(groups)}
        base = {group.space: design.base[columns] for group, columns in side_by_side(groups)}
        label = self.graph.labels[place]
        read = Read({s: m for s, m in maps.items() if m.any()}, bias)
        products = None if design.products is None else multiplied(groups, design.products, reads)
        return Neurons(label, read, Write(out, base), design.slack, design.reach, design.leads, products)

    def selection(self, place: int) -> Selection:
        """How the head of a count, a mean or a pick selects."""
        return self.storage.selection(place)

    def scores(self, place: int) -> tuple[Read, Read]:
        """The query and key reads of a head: the factors of all its conjuncts, side by side; then the rank of keys."""
        selection = self.selection(place)
        conjuncts, weight = selection.conjuncts, selection.weight
        queries = [self.stream.read_side(c.shortfall > 0, c.query, weight * c.factors.queries) for c in conjuncts]
        keys = [self.stream.read_side(c.shortfall > 0, c.key, c.factors.keys) for c in conjuncts]
        if (ranking := selection.ranking) is not None:
            queries.append(self.stream.read([(ranking.score, np.ones_like(ranking.keys))]))
            keys.append(self.stream.read([(ranking.score, ranking.keys)]))
        return beside(queries), beside(keys)

    def sharpness(self, place: int) -> float:
        """What one step of a penalty takes from a score, by the part of it that was asked for."""
        return self.ready.options.sharpness * self.whole_sharpness(place)

    def own_score(self, place: int, share: Share) -> float:
        """What BOS scores for itself, as a query, in the head of a count: no more than it takes, where codes have room
        and all keys are counted.

        A token that looks a little like BOS, by noise in the weights, raises the score of BOS by as much as it does so.
        """
        if self.ready.options.margin is None or share.is_number or self.selection(place).conjuncts:
            return OWN
        loud = LOUD * self.graph.max_seq_len**3 / share.raised
        quiet = QUIET if self.ready.precision.narrow else max(LEAST_QUIET, float(np.log(loud)))
        least = quiet / self.sharpness(place)
        power = 2.0 ** np.floor(np.log2(least))  # times a few quarters, so that weights are exact
        return min(OWN, float(power * np.ceil(4 * least / power) / 4))

    def whole_sharpness(self, place: int) -> float:
        """Less where keys that count alike score so by what carries rounding or is steep: ties part by e^(β·error).

        Where BOS holds a default it lies half a step below, so that it takes twice as much to be silent.
        """
        node, share = self.graph[place], self.storage[place].share
        if self.ready.precision.narrow:  # there scores carry no rounding
            small = SMALL_RANGE if self.selection(place).ranking is None else LEAST_SCALE
            return small if self.ready.precision.highest < 100 else SHARP
        if self.selection(place).shortfall and not (isinstance(node, N.Aggregate) and node.pick):
            return STEEP if share is None or not share.is_number else STEEP_NUMBER
        if not self.selection(place).ties_round:
            return SHARP
        competing = isinstance(node, N.Aggregate) and node.may_be_empty
        adds = self.storage[place].raised
        raised = share.raised if share is not None else 1.0 if adds is None else adds.at_key
        return (TIED + float(np.log((self.graph.max_seq_len + 1) * raised))) * (1 + competing)

    def selector_name(self, place: int, node: Variable) -> str:
        selects = selects_of(self.graph, node)
        labels, places = self.graph.labels, self.places
        return " and ".join(labels[places[id(s)]] if id(s) in places else "nothing" for s in selects) or "all"

    def width_head(self, place: int, node: Variable, left: Group, share: Share) -> Head:
        query, key = self.scores(place)
        self.stream.open(place, [left], np.array([share.at_bos + share.added]))
        value = self.counted(node, share)
        added = {left.space: np.array([share.added])} if share.added else {}
        write = Write({left.space: np.ones((value.width, 1))}, added)
        precision = self.ready.precision
        raised = float(np.log(share.raised))
        raised = float(precision.round(np.array(raised))) if precision.narrow else raised
        name = self.selector_name(place, node)
        return Head(
            self.graph.labels[place],
            name,
            query,
            key,
            value,
            write,
            0.0,
            self.sharpness(place),
            "width",
            False,
            raised,
            *self.steepness(place),
            self.own_score(place, share),
        )

    def counted(self, node: Variable, share: Share) -> Read:
        """What is averaged: one number of every key, or one for each stretch of positions, in the keys of which it is.

        All these numbers are written to one direction, so that they are added.
        """
        if share.stretches is None or not isinstance(node, N.Width) or node.by is None:
            return Read({BOS: np.array([[share.at_bos - share.at_key]])}, np.array([share.at_key]))
        inside = self.stream.read([(node.by, stretches_of(self.graph.max_seq_len, share.stretches))])
        return Read({space: share.at_key * matrix for space, matrix in inside.maps.items()}, share.at_key * inside.bias)

    def sum_head(self, place: int, node: N.Sum, left: Group, raised: Raised) -> Head:
        """Add the numbers of the keys; BOS, which holds 0, leaves each of them one part in M of the attention."""
        query, key = self.scores(place)
        self.stream.open(place, [left], np.zeros(1))
        numbers = F.number(self.graph.variable(node.source).domain)
        value = self.stream.read([(node.source, raised.at_key * numbers[:, None])])
        if value.bias.any() and (plain := self.stream.without_constant(node.source, numbers[:, None])) is not None:
            # BOS must hold 0 to the last digit, as it gets almost all of the attention
            value = Read({space: raised.at_key * matrix for space, matrix in plain.maps.items()}, plain.bias)
        return Head(
            self.graph.labels[place], self.selector_name(place, node), query, key, value,
            Write({left.space: np.full((1, 1), raised.factor)}), 0.0, self.sharpness(place), "sum", False, raised.score,
        )  # fmt: skip

    def mean_head(self, place: int, node: N.Aggregate, left: Group) -> Head:
        source = self.graph.variable(node.source).domain
        columns = np.zeros((F.size(source), len(left.labels)))
        own = F.numeric_code(source)
        has_number = left.code.shape[1] > len(node.domain.specials)
        offset = own.shape[1] - len(source.specials)
        if has_number and offset:
            columns[:, 0] = own[:, 0]
        for i, special in enumerate(source.specials):
            columns[:, int(has_number) + node.domain.specials.index(special)] = own[:, offset + i]
        value = self.stream.read([(node.source, columns)])
        return self.aggregate_head(place, node, [left], value, self.default_code(node, has_number))

    def default_code(self, node: N.Aggregate, has_number: bool) -> Floats:
        specials = node.domain.specials
        code = np.zeros(int(has_number) + len(specials))
        if not node.may_be_empty:
            return code
        if node.default in specials and not isinstance(node.default, int | float):
            code[int(has_number) + specials.index(node.default)] = 1.0
        elif has_number:
            code[0] = float(node.default)
        return code

    def pick_head(self, place: int, node: N.Aggregate, groups: Sequence[Group]) -> Head:
        code = np.hstack([g.code for g in groups])
        default = np.zeros(code.shape[1])
        if node.may_be_empty:
            default = code[node.listed.id(node.default)]
        kinds = [(steep, [g.code for g in groups if g.steep == steep]) for steep in (False, True)]
        parts = [
            self.stream.read_side(steep, node.source, moved(self.graph, node, np.hstack(codes)))
            for steep, codes in kinds
            if codes
        ]
        read = beside(parts)
        self.check_default(place, groups, read, default)
        return self.aggregate_head(place, node, groups, read, default)

    def check_default(self, place: int, groups: Sequence[Group], read: Read, default: Floats) -> None:
        """Refuse steep features whose default is lost in rounding beside what the source holds at BOS."""
        there = -read.maps[BOS][0] if BOS in read.maps else np.zeros(read.width)
        lost = np.abs(there + self.ready.precision.round(default - there) - default) > LOST * np.abs(default)
        if any(group.steep and lost[columns].any() for group, columns in side_by_side(groups)):
            raise UnsupportedProgram.at(
                self.graph.labels[place], "a default that is lost beside the steep features of what is picked",
                "values nearer to each other", "compile it without the pass steep",
            )  # fmt: skip

    def aggregate_head(
        self, place: int, node: N.Aggregate, groups: Sequence[Group], read: Read, default: Floats
    ) -> Head:
        """Move features of the source; BOS holds the default, and wins where nothing is selected."""
        query, key = self.scores(place)
        maps = dict(read.maps)
        maps[BOS] = maps.get(BOS, np.zeros((1, read.width))) + default[None, :]
        value = Read({s: m for s, m in maps.items() if m.any()}, read.bias)
        self.stream.open(place, groups, default)
        write = {group.space: np.eye(read.width)[:, columns] for group, columns in side_by_side(groups)}
        ranking = self.selection(place).ranking
        sink = ranking.sink if ranking is not None else -0.5 if node.may_be_empty else SINK
        name = self.selector_name(place, node)
        if (best := best_of(self.graph, node)) is not None:
            name = self.best_name(best, name)
        kind = "pick" if node.pick else "mean"
        sharpness, single = self.sharpness(place), is_single(self.graph, node)
        return Head(
            self.graph.labels[place], name, query, key, value, Write(write), sink, sharpness, kind, single, None,
            *self.steepness(place),
        )  # fmt: skip

    def best_name(self, best: N.Best, name: str) -> str:
        """The best of the selected keys, as a program writes it."""
        if tells_position(self.graph.nodes, best.score, self.graph.causal):
            return f"{'latest' if best.end == 'max' else 'earliest'}({name})"
        return f"best({name}, {self.graph.labels[best.score]}, {best.end})"

    def steepness(self, place: int) -> tuple[int, float]:
        """How many score directions of a head are steep, the last ones, and how far they lower selected scores."""
        columns = [c.factors.rank for c in self.selection(place).conjuncts if c.shortfall > 0]
        return sum(columns), self.selection(place).shortfall
