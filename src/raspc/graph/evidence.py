"""What is known of the selectors and values of a graph that is being built: by proof, or by a search over inputs."""

from __future__ import annotations

from dataclasses import dataclass, field

from raspc.graph import nodes as N
from raspc.graph.counting import counted
from raspc.graph.evaluate import Run, gather, start
from raspc.graph.nodes import Interval
from raspc.graph.observed import Observed
from raspc.graph.permitted import Frame, searched
from raspc.graph.ranks import picks_one
from raspc.graph.samples import Search
from raspc.graph.selectors import Facts, never_empty, one_key
from raspc.graph.store import Store
from raspc.numbers.choice import Choice

CHOICES = (
    Choice(
        "never_empty", "graph",
        "proofs that a selection is never empty: no default, and BOS does not compete",
        "every query selects itself, or a present index, by tables",
        "no default in the value set, widths from 1",
    ),
    Choice(
        "single", "graph",
        "proofs by structure that all selected keys hold one value; else a search decides",
        "at most one index, or one value for each class of keys",
        "the aggregate is a pick: it moves a value",
    ),
)  # fmt: skip


@dataclass
class Evidence:
    """Of the nodes of a store; `frame`: the inputs that they are for, `search`: those that are gone through.

    `observed`: what occurs in them, where they are all that the domain permits.
    """

    store: Store
    frame: Frame
    search: Search = field(init=False)
    observed: Observed | None = field(init=False)

    def __post_init__(self) -> None:
        self.search = searched(self.frame)
        listed = self.search.complete and not self.frame.where.is_everything and not self.store.total
        self.observed = Observed(self.store, self.runs) if listed else None

    @property
    def facts(self) -> Facts:
        """What proofs look at."""
        return Facts(self.store.nodes, self.store.joints, self.frame.causal)

    def counts(self, selector: int) -> tuple[int, int]:
        """The fewest and the most keys that a query can select, by what is known of the domain."""
        if self.observed is not None:
            return self.observed.counts(selector)
        if self.frame.where.automaton is None or self.store.total:
            return 0, self.frame.max_len
        return counted(self.facts, selector, self.frame.where.automaton, self.frame.max_len)

    def never_empty(self, selector: int) -> bool:
        """Whether it is proved that every query selects a key."""
        return self.store.does("never_empty", never_empty(self.facts, selector))

    def single(self, selector: int, source: int, domain: N.Domain) -> tuple[bool, str]:
        """Whether the aggregate is a pick, and how that is known."""
        if self.store.does("single", picks_one(self.facts, selector, source)):
            return True, "structure"
        if self.observed is None and self.counts(selector)[1] <= 1:
            return True, "domain"
        numeric = isinstance(domain, Interval) or int(domain.is_number.sum()) > 1
        if self.store.total and numeric:
            return False, ""  # several keys may be selected once something is forced, and numbers are averaged then
        if numeric and any(self.averages(run, selector, source) for run in self.runs()):
            return False, ""
        return True, "enumeration" if self.search.complete and numeric else "assumption"

    def is_single(self, selector: int) -> bool:
        """Whether it is proved that no query selects two keys."""
        if one_key(self.facts, selector) or self.store.total:
            return one_key(self.facts, selector)
        return self.search.complete and not any(
            bool(((run.matrix(selector).sum(axis=0) > 1) & run.valued).any()) for run in self.runs()
        )

    def averages(self, run: Run, selector: int, source: int) -> bool:
        """Whether some input makes this aggregate average several unequal numbers."""
        matrix, column = run.matrix(selector), run.column(source)
        found = gather(run, matrix, column, self.store.domain(source))
        return bool((found.several & found.numeric & run.valued).any())

    def runs(self) -> list[Run]:
        """The nodes so far, run on the inputs of the search."""
        if self.store.runs is None:
            lean = not self.frame.where.is_everything
            self.store.runs = [start(self.store.nodes, batch, lean) for batch in self.search.batches]
        return self.store.runs
