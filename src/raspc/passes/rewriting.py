"""Growing a new graph out of an old one, node by node: what rewriting passes share."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from raspc.graph.nodes import Bits, Gate, Graph, Ids, Listed, Node, Select, Table, is_free, renumbered
from raspc.graph.selectors import COMBINE, FALSE, TRUE
from raspc.graph.store import Store
from raspc.graph.tables import once_each


class Rewriter:
    """The nodes of the new graph so far, and where the nodes of the old one went."""

    def __init__(self, graph: Graph, without: Collection[str] = ()) -> None:
        self.old = graph
        self.store = Store(graph.max_seq_len, without, graph.total)
        self.place: dict[int, int] = {}

    def keep(self, old: int, node: Node | None = None) -> int:
        """Carry an old node over, with its references moved; or put a new one in its stead."""
        node = renumbered(self.old[old], self.place) if node is None else node
        names, numerical = self.old[old].names, self.old[old].numerical
        bare = replace(node, names=(), called=None, numerical=None)
        place = self.store.put(bare, bound=not is_free(self.old[old]))
        self.place[old] = place
        for name in names:
            self.store.describe(place, name, numerical)
        self.store.describe(place, None, numerical, self.old[old].called)
        return place

    def stand_in(self, old: int, place: int) -> None:
        """Let a new node take over the name of an old one."""
        self.place[old] = place
        for name in self.old[old].names:
            self.store.describe(place, name, None)
        self.store.describe(place, None, self.old[old].numerical, self.old[old].called)

    def table(self, args: Sequence[int], cells: Ids, domain: Listed, raises: bool = False) -> int:
        """A new table; arguments that are the same variable become one."""
        own, cells = once_each(args, cells)
        return self.store.put(Table(domain=domain, args=own, cells=cells, raises=raises))

    def select(self, key: int, query: int, cells: Bits) -> int:
        """A new selector, over the roots of its variables."""
        return self.store.select(*self.store.rooted_both(key, query, cells))

    def tables(self, selector: int) -> list[Select]:
        """The tables that an old selector is a conjunction of, in the new graph."""
        place = self.place[selector]
        found = self.store.nodes[place]
        tables = [self.store.nodes[arg] for arg in (found.args if isinstance(found, Gate) else [place])]
        return [table for table in tables if isinstance(table, Select)]

    def conjunction(self, selects: Sequence[Select]) -> int:
        """The conjunction of selectors of the new graph, tables over the same variables merged."""
        merged: dict[tuple[int, int], Bits] = {}
        for select in selects:
            pair = (select.key, select.query)
            merged[pair] = COMBINE["and"](merged[pair], select.cells) if pair in merged else select.cells
        places = {self.select(key, query, cells) for (key, query), cells in merged.items()}
        true, false = self.store.put(TRUE), self.store.put(FALSE)
        if false in places:
            return false
        places.discard(true)
        return places.pop() if len(places) == 1 else self.store.put(Gate("and", tuple(sorted(places))))

    def graph(self) -> Graph:
        """The new graph, without what nobody needs."""
        new = self.store.graph(self.place[self.old.output], self.old.max_seq_len, self.old.causal)
        return replace(new, exact_length=self.old.exact_length, notes=self.old.notes, where=self.old.where)
