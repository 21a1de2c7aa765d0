"""A chain of tables becomes one table of what stands at its beginning, where that is there sooner and small.

`where(x, "0", where(y, "1", …))` over ten counts that are above 0 or not: the counts have too many combinations to be
listed, so that every `where` is an MLP that waits for the one before. The ten truths have 1,024, and one MLP tells
them apart.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from math import inf, prod

from raspc.graph.nodes import Aggregate, Graph, Length, Listed, Node, Sign, Sum, Table, Variable, Width
from raspc.graph.stages import EMBEDDED, attention_after, neurons_after
from raspc.graph.tables import Joint, listing, listings, own_listing
from raspc.numbers.options import DEFAULT, Level, Options
from raspc.passes.conditions import WELL_FORMED
from raspc.passes.contract import Guarantee, Pass
from raspc.passes.rewriting import Rewriter

MOST = 1 << 15
"""The most combinations of values of a chain that is made one table."""
FEWER = 8
"""Where the roots are there as soon, they must have so many times as many; in narrow formats, which tell few counts
apart before they are decoded, just more."""

Cut = frozenset[int]
"""Variables that a table is a function of: its arguments, or what some of these are functions of in turn."""


def fuse_chains(graph: Graph, options: Options = DEFAULT) -> Graph:
    """The same program with fewer tables in a row; the graph itself where none is there sooner."""
    cuts = _Chains.of(graph, options).cuts
    if not cuts:
        return graph
    new = Rewriter(graph, options.without)
    for place, node in enumerate(graph.nodes):
        if place in cuts and isinstance(node, Table):
            new.stand_in(place, _fused(new, graph, place, cuts[place]))
        else:
            new.keep(place)
    return new.graph()


def _fused(new: Rewriter, graph: Graph, place: int, cut: Cut) -> int:
    """The table over a cut, in the new graph."""
    joints: list[Joint | None] = []
    inside, raises, chain = _above(graph, place, cut), False, graph.variable(place).listed
    for at, node in enumerate(graph.nodes[: place + 1]):
        found = own_listing(at, node) if at in cut else None
        if at in inside and isinstance(node, Table):
            found, raises = listing(graph.nodes, joints, node.args, node.cells), raises or node.raises
        joints.append(found)
    joint = joints[place]
    assert joint is not None, "a cut has few combinations"
    return new.table([new.place[root] for root in joint.roots], joint.cells, chain, raises)


def _above(graph: Graph, place: int, cut: Collection[int]) -> set[int]:
    """The tables between a cut and the table that is a function of it, which is one of them."""
    found, waiting = {place}, [place]
    while waiting:
        fresh = set(graph[waiting.pop()].refs) - found - set(cut)
        found |= fresh
        waiting += fresh
    return found


@dataclass
class _Chains:
    """The tables of a graph that are there sooner as functions of a cut.

    `joints`: each node over its roots. `fewer`: see `FEWER`. `decoded`: the stage at which all that can be read of each
    node is there.
    """

    nodes: Sequence[Node]
    joints: Sequence[Joint | None]
    fewer: int
    decoded: list[int] = field(default_factory=list)
    cuts: dict[int, Cut] = field(default_factory=dict)

    @classmethod
    def of(cls, graph: Graph, options: Options) -> _Chains:
        """Of a graph; each node is looked at once."""
        found = cls(graph.nodes, listings(graph.nodes), 1 if options.precision.narrow else FEWER)
        for place, node in enumerate(graph.nodes):
            found.decoded.append(found._stage(place, node))
        return found

    def _stage(self, place: int, node: Node) -> int:
        """When a node is there, and what it is best computed of: a table with a better cut than its arguments."""
        latest = max((self.decoded[ref] for ref in node.refs), default=EMBEDDED)
        if isinstance(node, Aggregate | Width | Length | Sum):
            return attention_after(latest) + _is_left(node)
        if isinstance(node, Sign):
            return neurons_after(latest)
        if not isinstance(node, Table) or len(self._roots(place, node)) < 2:
            return latest
        roots, cut = self._roots(place, node), self._sooner(place, node)
        if cut is not None:
            self.cuts[place] = cut
        soonest = self._stage_over(node.args if cut is None else cut)
        return int(min(soonest, self._stage_gated(roots)))

    def _sooner(self, place: int, node: Table) -> Cut | None:
        """The cut that is there first, if the arguments come later, and the roots too or over far more combinations."""
        roots, args = self._roots(place, node), Cut(node.args)
        cut, best = args, args
        while (inner := self._behind_the_latest(cut)) is not None:
            cut = inner
            if self._stage_over(cut) < self._stage_over(best):
                best = cut
        as_soon = self._stage_over(roots) <= self._stage_over(best)
        return None if best == args or (as_soon and self.fewer * self._size(best) > self._size(roots)) else best

    def _stage_over(self, cut: Collection[int]) -> int:
        """When neurons are there that read these variables, decoded."""
        return neurons_after(self._latest(cut))

    def _stage_gated(self, roots: Sequence[int]) -> float:
        """The same of neurons that read one count as attention leaves it, gated by the others; `inf` where two are."""
        left = [root for root in roots if _is_left(self.nodes[root])]
        if len(left) > 1 or any(isinstance(self.nodes[root], Table) for root in roots):
            return inf
        return neurons_after(max(self.decoded[root] - (root in left) for root in roots))

    def _behind_the_latest(self, cut: Cut) -> Cut | None:
        """The cut with what is there last replaced by what this is computed of; None where it is no table, or many."""
        last = self._latest(cut)
        late = [place for place in cut if self.decoded[place] == last]
        behind = [self._computed_of(place) for place in late]
        if not all(behind):
            return None
        found = cut.difference(late).union(*behind)
        return found if self._size(found) <= MOST else None

    def _size(self, places: Collection[int]) -> int:
        """How many combinations of values there are."""
        return prod(len(self._listed(place)) for place in places)

    def _computed_of(self, place: int) -> Cut:
        """What a table is a function of; nothing for other variables, or where that is not listed."""
        node = self.nodes[place]
        found = self.cuts.get(place, Cut(node.args if isinstance(node, Table) else ()))
        return found if all(self._listed(arg) for arg in found) else Cut()

    def _latest(self, cut: Collection[int]) -> int:
        return max((self.decoded[place] for place in cut), default=EMBEDDED)

    def _roots(self, place: int, node: Table) -> tuple[int, ...]:
        """What a table finally depends on; its arguments, where that has too many combinations."""
        joint = self.joints[place]
        return node.args if joint is None or joint.roots == (place,) else joint.roots

    def _listed(self, place: int) -> tuple[object, ...]:
        """The values of a variable; none of one that is not listed."""
        node = self.nodes[place]
        return node.domain.values if isinstance(node, Variable) and isinstance(node.domain, Listed) else ()


def _is_left(node: Node) -> bool:
    """Whether attention leaves a variable as a number that neurons decode: a count or a mean."""
    return isinstance(node, Width | Length | Sum) or (isinstance(node, Aggregate) and not node.pick)


def _left(before: Graph, after: Graph, options: Options) -> Iterator[str]:
    """Tables that would be there sooner over a cut."""
    yield from (f"%{place} waits for tables that it could be one with" for place in _Chains.of(after, options).cuts)


FUSE_CHAINS = Pass(
    "fuse_chains",
    "a chain of tables is one table of what stands at its beginning",
    fuse_chains,
    requires=(WELL_FORMED,),
    ensures=(Guarantee("no table would be there sooner as one with those that it is a function of", _left),),
    level=Level.COMPACT,
)
