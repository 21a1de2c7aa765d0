"""What must be stored of each variable: the features that its readers need, and how they are computed.

Nodes are visited from the output back, so that all readers of a variable have spoken when its turn comes.
A function of one variable is read off that variable; a sum of functions of one variable is read off
these; what is left is computed by neurons, or moved by a head.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np

from raspc.blocks import features as F
from raspc.blocks import neurons
from raspc.blocks.naming import feature_labels, value_labels
from raspc.blocks.penalty import Factors, candidates
from raspc.blocks.spaces import Matrix
from raspc.errors import UnsupportedProgram
from raspc.graph import nodes as N
from raspc.graph.nodes import Floats, Graph, Listed, Select, Table, Variable
from raspc.graph.selectors import Facts, never_empty
from raspc.graph.tables import JOINT_LIMIT, Joint, listings

UNIT = 2.0**-24
"""The unit roundoff of float32."""
SUM_OF_SHARES = 96
"""Up to this length, widths that are added raise BOS so far that their shares may be added instead."""


@dataclass(frozen=True, eq=False)
class Group:
    """Directions of one variable: a space's labels, and the code [features of the variable, directions]."""

    space: str
    labels: tuple[str, ...]
    code: Matrix


@dataclass(frozen=True, eq=False)
class Conjunct:
    """One penalty: of which key and which query variable, with which factors."""

    key: int
    query: int
    factors: Factors


@dataclass
class Demands:
    """The result: for each variable its raw group (as attention leaves it), its clean groups, its design.

    `raised`: e to the score of BOS in the head of a width; `counts_keys`: whether the head averages "is a
    token" (d of M + d) rather than "is BOS" (M of M + d).
    """

    raw: dict[int, Group] = field(default_factory=dict)
    clean: dict[int, list[Group]] = field(default_factory=dict)
    design: dict[int, neurons.Design] = field(default_factory=dict)
    conjuncts: dict[int, tuple[Conjunct, ...]] = field(default_factory=dict)
    raised: dict[int, float] = field(default_factory=dict)
    counts_keys: dict[int, bool] = field(default_factory=dict)
    may_be_empty: dict[int, bool] = field(default_factory=dict)
    output: Matrix = field(default_factory=lambda: np.zeros((0, 0)))
    output_constant: Floats = field(default_factory=lambda: np.zeros(0))
    numerical_output: bool = False


def demands(graph: Graph, level: int) -> Demands:
    """Work out the demands of a whole graph at an option level (0, 1 or 2)."""
    return _Demander(graph, level).run()


class _Demander:
    def __init__(self, graph: Graph, level: int) -> None:
        self.graph, self.level = graph, level
        self.joints = listings(graph.nodes)
        self.facts = Facts(graph.nodes, self.joints, graph.causal)
        self.wanted: dict[int, list[Floats]] = defaultdict(list)
        self.copies: dict[int, list[int]] = defaultdict(list)
        self.result = Demands()

    def run(self) -> Demands:
        for place, node in enumerate(self.graph.nodes):
            if isinstance(node, N.Width | N.Length) or (isinstance(node, N.Aggregate)):
                self.prepare(place, node)
        self.demand_output()
        for place in range(len(self.graph) - 1, -1, -1):
            node = self.graph[place]
            if isinstance(node, Variable):
                self.visit(place, node)
        return self.result

    def prepare(self, place: int, node: Variable) -> None:
        """What is known of an attention variable before anybody reads it."""
        if isinstance(node, N.Aggregate):
            self.result.may_be_empty[place] = not never_empty(self.facts, node.selector)
            if node.pick and isinstance(node.domain, Listed):
                return
            code = F.numeric_code(node.domain)
            label = self.graph.labels[place]
            words = value_labels(label, node.domain.specials)
            labels = (label, *words) if code.shape[1] > len(words) else words
            self.result.raw[place] = Group(label, labels, code)
            return
        n = self.graph.max_seq_len
        added = self.added_to(place) if n <= SUM_OF_SHARES else 0
        raised = 8.0 * n * n * added if added else float(n)
        self.result.raised[place], self.result.counts_keys[place] = raised, bool(added)
        # The share of BOS is N/(N + d). Where BOS is raised further that is close to 1, and the share of the
        # selected keys, d/(M + d), keeps its leading digits.
        share = (node.listed.numbers if added else raised) / (raised + node.listed.numbers)
        label = self.graph.labels[place]
        self.result.raw[place] = Group(f"{label}.share", (f"{label}.share",), share[:, None])

    def added_to(self, place: int) -> int:
        """With how many other widths some table looks at this one, at most."""
        counts = [0]
        for node, joint in zip(self.graph.nodes, self.joints, strict=True):
            if isinstance(node, Table) and joint is not None and place in joint.roots:
                counts.append(sum(isinstance(self.graph[r], N.Width | N.Length) for r in joint.roots) - 1)
        return max(counts)

    # -- demands ---------------------------------------------------------------------------------

    def want(self, place: int, feature: Floats) -> None:
        """Somebody reads this feature of this variable linearly."""
        node = self.graph.variable(place)
        if isinstance(node.domain, Listed) and np.ptp(feature) == 0:
            return
        if isinstance(node, N.Affine):
            for arg, coef in zip(node.args, node.coefs, strict=True):
                self.want(arg, feature[0] * coef * F.number(self.graph.variable(arg).domain))
            return
        self.wanted[place].append(np.asarray(feature, np.float64))

    def demand_output(self) -> None:
        place = self.graph.output
        node = self.graph.variable(place)
        result = self.result
        result.numerical_output = self.is_numerical(place)
        if result.numerical_output:
            result.output = F.numeric_code(node.domain)
            if result.output.shape[1] == len(node.domain.specials):
                result.output = np.hstack([np.zeros((len(result.output), 1)), result.output])
        elif self.level < 2:
            result.output = np.eye(len(node.listed))
        else:
            n = np.arange(len(node.listed)) - float(len(node.listed) // 2)
            self.want(place, n)
            result.output = 2 * n[:, None] * n[None, :] - n[None, :] ** 2
            return
        for column in result.output.T:
            self.want(place, column)

    def is_numerical(self, place: int) -> bool:
        """Whether the output is a number along one direction rather than one of a list."""
        node = self.graph.variable(place)
        if not isinstance(node.domain, Listed):
            return True
        if not node.domain.is_number.any():
            return False
        if node.numerical is not None:
            return node.numerical
        joint = self.joints[place]
        roots = joint.roots if joint is not None else ()
        return any(root in self.result.raw and isinstance(self.graph[root], N.Aggregate) for root in roots)

    def readable(self, place: int) -> bool:
        """Whether a person wants to see this variable in directions of its own."""
        node = self.graph.variable(place)
        if not isinstance(node.domain, Listed) or self.level == 2:
            return False
        if isinstance(node, N.Token | N.Index | N.Length):
            return bool(self.wanted[place]) or self.level == 0
        return self.level == 0 or bool(node.names) or place == self.graph.output

    def readable_group(self, place: int) -> Group:
        """One direction for each value; of numbers stored as such, the number and the special values."""
        node = self.graph.variable(place)
        label = self.graph.labels[place]
        as_number = self.is_numerical(place) if place == self.graph.output else bool(node.numerical)
        if as_number and node.listed.is_number.any():
            words = value_labels(label, node.domain.specials)
            return Group(label, (label, *words), F.numeric_code(node.domain))
        return Group(label, value_labels(label, node.listed.values), np.eye(len(node.listed)))

    # -- visits ----------------------------------------------------------------------------------

    def visit(self, place: int, node: Variable) -> None:
        """All readers have spoken: decide how this variable is stored, and what that demands of others."""
        joint = self.joints[place]
        if isinstance(node, N.Affine):
            return
        if isinstance(node, Table) and (joint is None or joint.roots != (place,)):
            self.visit_derived(place, node, joint)
        elif isinstance(node, Table):
            self.visit_opaque(place, node)
        elif place in self.result.raw:
            self.visit_raw(place, node)
        else:
            groups = self.groups(place, [])
            self.result.clean[place] = groups
            if isinstance(node, N.Aggregate):
                self.demand_pick(place, node, groups)
        if isinstance(node, N.Width | N.Length | N.Aggregate):
            self.demand_selector(place, node)

    def is_read(self, place: int) -> bool:
        return bool(self.wanted[place]) or bool(self.copies[place]) or place in self.result.raw

    def groups(self, place: int, spanned: Sequence[Group]) -> list[Group]:
        """The spaces of a variable: readable ones of itself and of functions of it, and a basis of the rest."""
        groups = [self.readable_group(place)] if self.readable(place) else []
        groups += [self.copied(place, copy) for copy in self.copies[place]]
        rows = F.size(self.graph.variable(place).domain)
        have = np.hstack([g.code for g in [*spanned, *groups]] or [np.zeros((rows, 0))])
        # indicators first: they are exact, and what they span is read off them
        wanted = sorted(self.wanted[place], key=lambda g: not _is_flat(g))
        extra = F.basis(F.stacked(wanted, rows), have)
        if extra.shape[1]:
            labels = feature_labels(self.graph.labels[place], extra, self.graph.variable(place).listed)
            groups.append(Group(f"{self.graph.labels[place]}:features", labels, extra))
        return groups

    def copied(self, root: int, place: int) -> Group:
        """The directions of a function of one variable, as a code over that variable."""
        group = self.readable_group(place)
        joint = self.facts.joint(place)
        code = np.where((joint.cells >= 0)[:, None], group.code[np.maximum(joint.cells, 0)], 0.0)
        return Group(group.space, group.labels, code)

    def visit_derived(self, place: int, node: Table, joint: Joint | None) -> None:
        if joint is None or not joint.roots:
            return
        if len(joint.roots) == 1:
            if self.readable(place):
                self.copies[joint.roots[0]].append(place)
            for feature in self.wanted[place]:
                self.want_parts(joint, feature)
            return
        stored = [g for g in self.wanted[place] if not self.is_free(joint, g)]
        free = [g for g in self.wanted[place] if self.is_free(joint, g)]
        for feature in free:
            self.want_parts(joint, feature)
        self.wanted[place] = stored
        groups = self.groups(place, [])
        if not groups:
            return
        design = self.design(place, node, joint, groups)
        sums = [F.additive(joint, feature) for feature in stored]
        if not self.readable(place) and all(sums) and self.decoding_costs(sums) <= self.cost(design):
            for feature in stored:
                self.want_parts(joint, feature)
            return
        self.materialise(place, node, groups, design)

    def visit_opaque(self, place: int, node: Table) -> None:
        """A table over too many combinations of roots to be listed: computed from its arguments."""
        groups = self.groups(place, [])
        if groups:
            self.materialise(place, node, groups, self.design(place, node, None, groups))

    def materialise(self, place: int, node: Table, groups: list[Group], design: neurons.Design | None) -> None:
        if design is None:
            raise UnsupportedProgram.at(
                self.graph.labels[place], "a function with too many cells, or values too close for float32",
                f"at most {neurons.NEURON_LIMIT} neurons and gaps above rounding",
                "use fewer distinct values, a shorter maximum length, or compute it in two steps",
            )  # fmt: skip
        self.result.clean[place], self.result.design[place] = groups, design
        for axis, columns in zip(design.axes, design.features, strict=True):
            for column in columns.T:
                self.want(axis, column)

    def want_parts(self, joint: Joint, feature: Floats) -> None:
        sum_ = F.additive(joint, feature)
        assert sum_ is not None
        for root, part in sum_.parts:
            self.want(root, part)

    def is_free(self, joint: Joint, feature: Floats) -> bool:
        """Whether the feature is a sum of features that can be read without any more neurons."""
        found = F.additive(joint, feature)
        return found is not None and all(self.is_ready(root, part) for root, part in found.parts)

    def is_ready(self, root: int, feature: Floats) -> bool:
        if root in self.result.raw:
            return F.in_span(self.result.raw[root].code, feature)
        return not isinstance(self.graph[root], Table)

    def decoding_costs(self, sums: Sequence[F.Sum | None]) -> float:
        roots = {root for found in sums if found for root, part in found.parts if not self.is_ready(root, part)}
        return sum(2 * len(self.graph.variable(root).listed) for root in roots)

    def cost(self, design: neurons.Design | None) -> float:
        if design is None:
            return np.inf
        late = sum(
            1
            for axis, columns in zip(design.axes, design.features, strict=True)
            for column in columns.T
            if not self.is_readable_now(axis, column)
        )
        return design.size + 1e6 * bool(late)

    def is_readable_now(self, place: int, feature: Floats) -> bool:
        joint = self.joints[place]
        if isinstance(self.graph[place], Table) and joint is not None and joint.roots != (place,):
            return np.ptp(feature) == 0 or self.is_free(joint, feature)
        return np.ptp(feature) == 0 or self.is_ready(place, feature)

    # -- designs ---------------------------------------------------------------------------------

    def design(self, place: int, node: Table, joint: Joint | None, groups: Sequence[Group]) -> neurons.Design | None:
        """The cheapest MLP for a function of several variables; one that needs no decoding first, if any."""
        outputs = np.hstack([g.code for g in groups])
        rows, number = np.unique(outputs, axis=0, return_inverse=True)
        found: list[neurons.Design] = []
        frontiers = [(node.args, node.cells)] if joint is None else [(joint.roots, joint.cells), (node.args, node.cells)]
        for axes, ids in dict.fromkeys((tuple(axes), id(cells)) for axes, cells in frontiers):
            cells_ = next(c for a, c in frontiers if tuple(a) == axes and id(c) == ids)
            classes = np.where(cells_ >= 0, number.ravel()[np.maximum(cells_, 0)], -1).astype(np.int32)
            grid = neurons.Grid(axes, classes, rows)
            found.extend(self.designs(grid))
            if joint is not None and axes == joint.roots:
                found.extend(self.own_line(node, joint, grid))
        return min(found, key=self.cost, default=None)

    def designs(self, grid: neurons.Grid) -> list[neurons.Design]:
        raw = [axis for axis, place in enumerate(grid.axes) if place in self.result.raw]
        squares = [self.level == 2 or not self.is_wide(place) for place in grid.axes]
        found: list[neurons.Design | None] = []
        if len(raw) < 2 or grid.classes.size <= JOINT_LIMIT:
            found.append(neurons.cells(grid, squares))
        found.extend(neurons.line(grid, positions, noise) for positions, noise in self.lines(grid))
        for along, place in enumerate(grid.axes):
            if raw in ([], [along]) and grid.classes.ndim > 1:
                position, noise = self.position(place)
                found.append(neurons.gated_lines(grid, along, position, squares, noise))
        return [design for design in found if design is not None]

    def own_line(self, node: Table, joint: Joint, grid: neurons.Grid) -> list[neurons.Design]:
        """The staircase along the value itself, where that is a sum of what can be read now."""
        found = F.additive(joint, node.listed.numbers) if node.listed.all_numbers else None
        if found is None:
            return []
        parts = dict(found.parts)
        noise, positions = 0.0, []
        for root in joint.roots:
            part = parts.get(root, np.zeros(len(self.graph.variable(root).listed)))
            if root in self.result.raw and part.any():
                position, error = self.position(root)
                scale = float(part @ position) / float(position @ position) if root not in self.result.raised else 0.0
                if root in self.result.raised:
                    steps = np.diff(part)
                    if np.ptp(steps) > 1e-9:
                        return []
                    scale = float(steps[0]) * self.result.raised[root] * (1 if self.result.counts_keys[root] else -4)
                part, noise = scale * position, noise + abs(scale) * error
            positions.append(part)
        design = neurons.line(grid, positions, noise)
        return [design] if design is not None else []

    def is_wide(self, place: int) -> bool:
        """Whether the variable will have one direction for each value."""
        return self.readable(place) and place not in self.result.raw

    def lines(self, grid: neurons.Grid) -> list[tuple[list[Floats], float]]:
        """Ways to order all combinations along one line."""
        positions, noises = zip(*(self.position(place) for place in grid.axes), strict=True)
        if len(positions) > 3:
            return []
        found = []
        for signs in product((1.0, -1.0), repeat=len(positions) - 1):
            coefs = (1.0, *signs)
            found.append(([c * p for c, p in zip(coefs, positions, strict=True)], float(sum(noises))))
        if len(positions) == 2 and all(place not in self.result.raw for place in grid.axes):
            numbers = [number.astype(float) for number in neurons.merge(grid.classes, (0, 1))[0]]
            found += [
                ([numbers[0] * (numbers[1].max() + 1), numbers[1]], 0.0),
                ([numbers[0], numbers[1] * (numbers[0].max() + 1)], 0.0),
            ]
        return found

    def position(self, place: int) -> tuple[Floats, float]:
        """A variable along a line, as it can be read soonest, and how far off it may be."""
        node = self.graph.variable(place)
        n = self.graph.max_seq_len
        if isinstance(node, N.Width | N.Length):
            share = self.result.raw[place].code[:, 0]
            return share, UNIT * (n + 8) * float(np.abs(share).max(initial=0.0)) / 2
        if place in self.result.raw:
            numbers, special = node.listed.numbers.copy(), ~node.listed.is_number
            top = float(np.abs(numbers).max(initial=0.0)) + 1.0
            numbers[special] = top * (1 + np.arange(1, special.sum() + 1))
            return numbers, UNIT * (n + 8) * top
        if node.listed.all_numbers:
            return node.listed.numbers, 0.0
        return np.arange(len(node.listed), dtype=float), 0.0

    def visit_raw(self, place: int, node: Variable) -> None:
        """A width or a mean: what its readers need beyond the raw number is decoded by a staircase."""
        raw = self.result.raw[place]
        constant = isinstance(node.domain, Listed)
        self.wanted[place] = [g for g in self.wanted[place] if not F.in_span(raw.code, g, constant)]
        number_is_enough = isinstance(node, N.Aggregate) and not self.copies[place]
        groups = [] if number_is_enough and not self.wanted[place] else self.decoded_groups(place, raw, node)
        self.result.clean[place] = groups
        if groups:
            grid = self.self_grid(place, groups)
            position, noise = self.position(place)
            design = neurons.line(grid, [position], noise)
            if design is None:
                raise UnsupportedProgram.at(
                    self.graph.labels[place], "values that lie too close to be told apart in float32",
                    "a gap above rounding", "shorten the maximum length, or count with SelectorWidth",
                )  # fmt: skip
            self.result.design[place] = design
        if isinstance(node, N.Aggregate):
            source = self.graph.variable(node.source).domain
            for column in F.numeric_code(source).T:
                self.want(node.source, column)

    def decoded_groups(self, place: int, raw: Group, node: Variable) -> list[Group]:
        """The decoded spaces; one direction for each value where a sum of many steps would round."""
        if isinstance(node, N.Aggregate):
            groups = [self.copied(place, copy) for copy in self.copies[place]]
            have = np.hstack([g.code for g in [raw, *groups]])
            extra = F.basis(F.stacked(self.wanted[place], len(have)), have)
            if extra.shape[1]:
                labels = feature_labels(self.graph.labels[place], extra, node.listed)
                groups.append(Group(f"{self.graph.labels[place]}:features", labels, extra))
            return groups
        groups = self.groups(place, [])
        if all(self.is_steady(place, g) for g in groups):
            return groups
        label = self.graph.labels[place]
        own = Group(label, value_labels(label, node.listed.values), np.eye(len(node.listed)))
        return [own, *(self.copied(place, copy) for copy in self.copies[place])]

    def is_steady(self, place: int, group: Group) -> bool:
        """Whether the sum over a staircase's steps stays exact enough in any order of summation."""
        steps = np.abs(np.diff(group.code, axis=0)).sum(axis=0).max(initial=0.0)
        reach = 16.0 * self.graph.max_seq_len
        return bool(steps * reach * UNIT < 2.0**-8) or bool((group.code.sum(axis=0) <= 1).all())

    def self_grid(self, place: int, groups: Sequence[Group]) -> neurons.Grid:
        outputs = np.hstack([g.code for g in groups])
        rows, number = np.unique(outputs, axis=0, return_inverse=True)
        return neurons.Grid((place,), number.ravel().astype(np.int32), rows)

    # -- attention -------------------------------------------------------------------------------

    def demand_pick(self, place: int, node: N.Aggregate, groups: Sequence[Group]) -> None:
        """A pick passes its readers' demands on to the variable that it copies."""
        for group in groups:
            for column in moved(self.graph, node, group.code).T:
                self.want(node.source, column)

    def is_noisy(self, place: int) -> bool:
        """Whether the variable rests on a width or a mean, so that its features are right only up to rounding.

        Heads that select several keys need their scores equal to far less than that: they read such a
        variable through indicators, each the sum of few neurons that are exact where saturated.
        """
        node, joint = self.graph.variable(place), self.joints[place]
        if place in self.result.raw:
            return True
        if isinstance(node, Table):
            roots = joint.roots if joint is not None and joint.roots != (place,) else node.args
            return any(self.is_noisy(root) for root in roots)
        return isinstance(node, N.Aggregate) and self.is_noisy(node.source)

    def demand_selector(self, place: int, node: Variable) -> None:
        competing = not isinstance(node, N.Aggregate) or self.result.may_be_empty[place]
        selects = selects_of(self.graph, node)
        tied = not isinstance(node, N.Aggregate) or not node.pick
        self.result.conjuncts[place] = tuple(self.conjunct(select, competing, tied) for select in selects)
        for conjunct in self.result.conjuncts[place]:
            for column in conjunct.factors.keys.T:
                self.want(conjunct.key, column)
            for column in conjunct.factors.queries.T:
                self.want(conjunct.query, column)

    def conjunct(self, select: Select, competing: bool, tied: bool) -> Conjunct:
        """The best penalty for one table: read soonest, then exact among equals, then narrow."""
        keys, queries = self.graph.variable(select.key).listed, self.graph.variable(select.query).listed

        def cost(factors: Factors) -> tuple[int, int, int]:
            sides = ((select.key, factors.keys), (select.query, factors.queries))
            late = any(not self.is_readable_now(p, column) for p, columns in sides for column in columns.T[:8])
            rough = tied and any(self.is_noisy(p) and not _is_flat(columns) for p, columns in sides)
            return late, rough, factors.rank

        best = min(candidates(select.cells, keys, queries, competing), key=cost)
        return Conjunct(select.key, select.query, best)


def _is_flat(columns: Matrix) -> bool:
    """Whether every entry is −1, 0 or 1."""
    return bool(np.isin(columns, (-1.0, 0.0, 1.0)).all())


def moved(graph: Graph, node: N.Aggregate, code: Matrix) -> Matrix:
    """A code of a pick's values, as a code of the values of the variable that it copies."""
    source = graph.variable(node.source).listed
    own = [node.listed.id(value) for value in source.values]
    return code[own]


def selects_of(graph: Graph, node: Variable) -> tuple[Select, ...]:
    """The conjuncts of a head's selector."""
    if isinstance(node, N.Length):
        return ()
    assert isinstance(node, N.Width | N.Aggregate)
    selector = graph[node.selector]
    if isinstance(selector, Select):
        return (selector,)
    assert isinstance(selector, N.Gate) and selector.op == "and", "selectors must be conjunctions here"
    conjuncts = [graph[arg] for arg in selector.args]
    assert all(isinstance(c, Select) for c in conjuncts)
    return tuple(c for c in conjuncts if isinstance(c, Select))


__all__ = ["Conjunct", "Demands", "Group", "Mapping", "demands", "moved", "selects_of"]
