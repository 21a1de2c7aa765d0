"""What must be stored of each variable: the features that its readers need, and how they are computed.

Nodes are visited from the output back, so that all readers of a variable have spoken when its turn comes.
A function of one variable is read off that variable; a sum of functions of one variable is read off
these; what is left is computed by neurons, or moved by a head.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np

from raspc.blocks import neurons
from raspc.blocks.designing import ROUGH, ROUGH_ANSWER, ROUGH_TIED, Ways, choose, cost, decoding_cost, staircase
from raspc.blocks.ramps import ramps
from raspc.blocks.reading import features as F
from raspc.blocks.reading.groups import Group, is_flat, outputs_of
from raspc.blocks.reading.naming import feature_labels, steep_labels, value_labels
from raspc.blocks.reading.readiness import NUMBER_ERROR, Readiness
from raspc.blocks.scores.selection import Selection, selections, shares_alike
from raspc.blocks.scores.steep import multiple
from raspc.blocks.spaces import Matrix
from raspc.blocks.storage.stored import Storage, Stored
from raspc.errors import UnsupportedProgram
from raspc.graph import nodes as N
from raspc.graph.nodes import Floats, Graph, Listed, Table, Variable
from raspc.graph.tables import Joint
from raspc.numbers.choice import Choice

CHOICES = (
    Choice(
        "basis", "storage",
        "a basis of the features that readers need is stored, not one direction for each value",
        "level 2, or a variable without a name",
        "every demanded feature is in the span of what is stored",
    ),
    Choice(
        "number_answers", "storage",
        "the answer is read off its number v by the logits 2vx − v²",
        "level 2; the number is right to 1/(2·max|v|)",
        "the right logit leads by at least 1",
    ),
)  # fmt: skip

CATEGORIES = 256
"""A mean that is computed on by neurons is given as one of a list of at most so many values."""
DECODE_CELLS = 1 << 14
"""A sum over more cells than this is decoded part by part, without trying to design it whole."""
DIRECTIONS = 1 << 13
"""The most values that get a direction each; more numbers than that are stored as a number."""
ONE_HOT_LIMIT = 2048
"""The most values that get directions of their own for the sake of rounding."""


def store(ready: Readiness) -> Storage:
    """What is stored of every variable of a graph. Raises UnsupportedProgram where some cannot be told exactly."""
    found = selections(ready)
    return _Demander(ready.scored({place: one.shortfall for place, one in found.items()}), found).run()


class _Demander:
    def __init__(self, ready: Readiness, found: Mapping[int, Selection]) -> None:
        self.ready, self.selections = ready, found
        self.graph, self.options, self.precision = ready.graph, ready.options, ready.precision
        self.joints = ready.roots.joints
        self.wanted: dict[int, dict[bytes, Floats]] = defaultdict(dict)
        self.tolerance: dict[int, float] = defaultdict(lambda: np.inf)
        self.borne: dict[int, dict[bytes, float]] = defaultdict(dict)
        self.copies: dict[int, list[int]] = defaultdict(list)
        self.exact: set[int] = set()
        self.averaged: set[int] = set()
        self.numbers: set[int] = set()
        self.steep: dict[int, list[Floats]] = defaultdict(list)
        self.clean: dict[int, list[Group]] = {}
        self.design: dict[int, neurons.Design] = {}
        self.strained = False

    def run(self) -> Storage:
        answer, self.numerical_output = self.demand_output()
        for place in range(len(self.graph) - 1, -1, -1):
            node = self.graph[place]
            if isinstance(node, Variable):
                self.visit(place, node)
        return Storage(tuple(map(self.stored, range(len(self.graph)))), answer, self.numerical_output, self.strained)

    def stored(self, place: int) -> Stored | None:
        """What was found out of a variable, as one record."""
        node, left = self.graph[place], self.ready.left.get(place)
        if not isinstance(node, Variable):
            return None
        joint = self.ready.derived(place)
        return Stored(
            left.group if left is not None else None,
            left.share if left is not None else None,
            tuple(self.clean.get(place, ())),
            self.design.get(place),
            self.selections.get(place),
            node.args if isinstance(node, N.Affine) else joint.roots if joint is not None else (),
        )

    # -- demands ---------------------------------------------------------------------------------

    def want(self, place: int, feature: Floats, tolerance: float = NUMBER_ERROR) -> None:
        """Somebody reads this feature of this variable linearly, and bears so much error."""
        key = feature.tobytes()
        if key in self.wanted[place]:
            self.bear(place, key, tolerance)
            return
        node = self.graph.variable(place)
        if isinstance(node.domain, Listed) and (feature == feature[0]).all():
            return
        if isinstance(node, N.Affine):
            for arg, coef in zip(node.args, node.coefs, strict=True):
                self.want(arg, feature[0] * coef * F.number(self.graph.variable(arg).domain), tolerance)
            return
        self.wanted[place][key] = feature
        if not is_flat(feature):
            self.borne[place][key] = np.inf
            self.bear(place, key, tolerance)

    def bear(self, place: int, key: bytes, tolerance: float) -> None:
        """Note how much error a reader bears, of a feature that is not flat."""
        if (known := self.borne[place].get(key)) is not None:
            self.tolerance[place] = min(self.tolerance[place], tolerance)
            self.borne[place][key] = min(known, tolerance)

    def bears(self, place: int, feature: Floats) -> float:
        """How much error the readers of a feature bear; of one that nobody reads as it is, those of any other."""
        return self.borne[place].get(feature.tobytes(), self.tolerance[place])

    def demand_output(self) -> tuple[Matrix, bool]:
        place = self.graph.output
        node = self.graph.variable(place)
        numerical = self.is_numerical(place)
        if numerical:
            output = F.numeric_code(node.domain)
            if output.shape[1] == len(node.domain.specials):
                output = np.hstack([np.zeros((len(output), 1)), output])
        elif self.options.storage.readable or self.precision.narrow or not self.options.has("number_answers"):
            output = np.eye(len(node.listed))
        else:
            n = np.arange(len(node.listed), dtype=np.float64) - len(node.listed) // 2
            self.want(place, n, 1.0 / (8 * max(1.0, float(np.abs(n).max()))))
            return number_logits(n), numerical
        for column in output.T:
            self.want(place, column)
        return output, numerical

    def is_numerical(self, place: int) -> bool:
        """Whether the output is a number along one direction rather than one of a list."""
        node = self.graph.variable(place)
        if not isinstance(node.domain, Listed):
            return True
        if not node.domain.is_number.any():
            return False
        if node.numerical is not None:
            return node.numerical
        if self.is_long(place):
            return True
        joint = self.joints[place]
        if joint is None or not any(
            isinstance(self.graph[r], N.Aggregate) and r in self.ready.left for r in joint.roots
        ):
            return False
        return len(node.listed) > CATEGORIES or self.ready.is_free(joint, node.listed.numbers)

    def readable(self, place: int) -> bool:
        """Whether a person wants to see this variable in directions of its own."""
        node = self.graph.variable(place)
        if not isinstance(node.domain, Listed) or self.options.storage.compact:
            return False
        if isinstance(node, N.Token | N.Index | N.Length):
            return bool(self.wanted[place]) or self.options.storage.unnamed
        if self.ready.roots.is_opaque(place) and node.numerical and self.is_sum(place):
            return False  # a long sum of numbers is read off its terms
        return self.options.storage.unnamed or bool(node.names) or place == self.graph.output

    def is_sum(self, place: int) -> bool:
        """Whether the number is a sum of numbers of other variables."""
        node, joint = self.graph.variable(place), self.ready.derived(place)
        return joint is not None and self.ready.additive(joint, node.listed.numbers) is not None

    def is_long(self, place: int) -> bool:
        """Whether the variable has more values than directions can be spent on. Raises UnsupportedProgram for words."""
        domain = self.graph.variable(place).listed
        if len(domain) <= DIRECTIONS:
            return False
        if not domain.is_number.all():
            raise UnsupportedProgram.at(
                self.graph.labels[place], f"a variable with {len(domain):,} values that are not all numbers",
                f"at most {DIRECTIONS:,}", "use fewer tokens or a shorter maximum length",
            )  # fmt: skip
        return True

    def readable_group(self, place: int) -> Group:
        """One direction for each value; of numbers stored as such, the number and the special values."""
        node = self.graph.variable(place)
        label = self.graph.labels[place]
        as_number = self.is_numerical(place) if place == self.graph.output else bool(node.numerical)
        if self.precision.narrow and place != self.graph.output and not self.precision.holds(F.number(node.domain)):
            as_number = False
        as_number = as_number or self.is_long(place)
        if as_number and node.listed.is_number.any():
            words = value_labels(label, node.domain.specials)
            return Group(label, (label, *words), F.numeric_code(node.domain))
        return Group(label, value_labels(label, node.listed.values), np.eye(len(node.listed)))

    # -- visits ----------------------------------------------------------------------------------

    def visit(self, place: int, node: Variable) -> None:
        """All readers have spoken: decide how this variable is stored, and what that demands of others."""
        joint = self.ready.derived(place)
        if isinstance(node, N.Affine):
            return
        if isinstance(node, Table):
            assert joint is not None
            self.visit_derived(place, node, joint)
        elif place in self.ready.left:
            self.visit_raw(place, node)
        else:
            groups = [*self.groups(place, []), *self.steep_groups(place)]
            self.clean[place] = groups
            if isinstance(node, N.Aggregate):
                self.demand_pick(place, node, groups)
        if isinstance(node, N.Width | N.Length | N.Aggregate):
            self.demand_selector(place, node)

    def groups(self, place: int, spanned: Sequence[Group], readable: bool = True) -> list[Group]:
        """The spaces of a variable: readable ones of itself and of functions of it, and a basis of the rest."""
        groups = [self.readable_group(place)] if readable and self.readable(place) else []
        groups += [self.copied(place, copy) for copy in self.copies[place]]
        rows = F.size(self.graph.variable(place).domain)
        have = np.hstack([g.code for g in [*spanned, *groups]] or [np.zeros((rows, 0))])
        # indicators first: they are exact, and what they span is read off them
        wanted = sorted(self.wanted[place], key=self.borne[place].__contains__)
        extra = F.basis(F.stacked([self.wanted[place][key] for key in wanted], rows), have)
        if extra.shape[1] and not self.options.has("basis") and rows <= DIRECTIONS:
            groups.append(self.one_hot(place))
        elif extra.shape[1]:
            labels = feature_labels(self.graph.labels[place], extra, self.graph.variable(place).listed)
            groups.append(Group(f"{self.graph.labels[place]}:features", labels, extra))
        return groups

    def one_hot(self, place: int) -> Group:
        """One direction for each value, whatever is needed of it."""
        label, values = self.graph.labels[place], self.graph.variable(place).listed.values
        return Group(f"{label}:values", value_labels(label, values), np.eye(len(values)))

    def copied(self, root: int, place: int) -> Group:
        """The directions of a function of one variable, as a code over that variable."""
        group = self.readable_group(place)
        joint = self.joints[place]
        assert joint is not None
        code = np.where((joint.cells >= 0)[:, None], group.code[np.maximum(joint.cells, 0)], 0.0)
        return Group(group.space, group.labels, code)

    def visit_derived(self, place: int, node: Table, joint: Joint) -> None:
        """A function of other variables: read off them where it is a sum, else computed by neurons."""
        if not joint.roots:
            return
        if len(joint.roots) == 1 and self.options.has("virtual"):
            if self.readable(place):
                self.copies[joint.roots[0]].append(place)
            for feature in self.wanted[place].values():
                self.want_parts(joint, feature, self.bears(place, feature))
            return
        F.look_for_sums(joint, list(self.wanted[place].values()))
        free = [key for key, feature in self.wanted[place].items() if self.ready.is_free(joint, feature)]
        for feature in map(self.wanted[place].pop, free):
            self.want_parts(joint, feature, self.bears(place, feature))
        stored = list(self.wanted[place].values())
        groups = self.groups(place, [])
        if not groups:
            return
        steep = any(self.ready.shortfall.get(root) for root in joint.roots)
        self.strained |= steep and not (node.listed.all_numbers and F.additive(joint, node.listed.numbers))
        sums = [self.ready.additive(joint, feature) for feature in stored]
        may_decode = not self.readable(place) and all(sums)
        if may_decode and joint.cells.size > DECODE_CELLS:
            self.want_decoded(place, joint, stored)
            return
        groups, design = self.designed(place, node, joint, groups)
        if may_decode and decoding_cost(self.ready, sums) <= cost(self.ready, design):
            self.want_decoded(place, joint, stored)
            return
        self.materialise(place, node, groups, design)

    def want_decoded(self, place: int, joint: Joint, stored: Sequence[Floats]) -> None:
        """Read the features as sums over the roots after all, each of which is decoded on its own."""
        for feature in stored:
            self.want_parts(joint, feature, self.bears(place, feature))

    def materialise(self, place: int, node: Table, groups: list[Group], design: neurons.Design | None) -> None:
        if design is None:
            raise UnsupportedProgram.at(
                self.graph.labels[place],
                f"a function with too many cells, or values too close for {self.precision.name}",
                f"at most {neurons.NEURON_LIMIT} neurons and gaps above rounding",
                "use fewer distinct values, a shorter maximum length, or compute it in two steps",
            )  # fmt: skip
        if all(self.ready.is_count(axis) and self.ready.share(axis).added for axis in design.axes):
            design = neurons.evened(design)
        self.clean[place], self.design[place] = groups, design
        for axis, columns in zip(design.axes, design.features, strict=True):
            for column in columns.T:
                self.want(axis, column, min(design.gap / 16, NUMBER_ERROR))

    def want_parts(self, joint: Joint, feature: Floats, tolerance: float) -> None:
        sum_ = F.additive(joint, feature)
        assert sum_ is not None
        for root, part in sum_.parts:
            self.want(root, part, tolerance)

    def designed(
        self, place: int, node: Table, joint: Joint | None, groups: list[Group]
    ) -> tuple[list[Group], neurons.Design | None]:
        """The design of a table that its readers find exact enough."""
        is_answer = place == self.graph.output and not self.numerical_output
        rough = ROUGH_TIED if place in self.averaged else ROUGH_ANSWER if is_answer else ROUGH
        ways = Ways(self.ready, node, joint)
        return self.exact_enough(
            place, groups, lambda found: choose(ways, outputs_of(found), rough, place in self.exact)
        )

    def exact_enough(
        self, place: int, groups: list[Group], make: Callable[[list[Group]], neurons.Design | None]
    ) -> tuple[list[Group], neurons.Design | None]:
        """A design of these groups; one direction for each value where sums of many steps would round too much."""
        design = make(groups)
        if design is None or is_flat(outputs_of(groups)):
            return groups, design
        size = len(self.graph.variable(place).listed)
        if self.is_borne(place, outputs_of(groups), design.noise(self.ready.unit)) or size > ONE_HOT_LIMIT:
            return groups, design
        own = self.one_hot(place)
        kept = [group for group in groups if not group.space.endswith(":features")]
        own_first = kept if any(np.array_equal(group.code, own.code) for group in kept) else [own, *kept]
        return own_first, make(own_first)

    def is_borne(self, place: int, code: Matrix, noise: Floats) -> bool:
        """Whether all that is read off a code bears the noise of its columns."""
        if float(noise.max(initial=0.0)) <= self.tolerance[place]:
            return True
        features = [feature for key, feature in self.wanted[place].items() if key in self.borne[place]]
        found = F.express(code, F.stacked(features, len(code))) if features else None
        if found is None:
            return False
        bounds = [self.bears(place, feature) for feature in features]
        return bool((np.abs(found[0]).T @ noise <= bounds).all())

    def visit_raw(self, place: int, node: Variable) -> None:
        """A width or a mean: what its readers need beyond the raw number is decoded by a staircase."""
        raw = self.ready.left[place].group
        if self.ready.is_count(place) and (self.wanted[place] or self.copies[place] or self.readable(place)):
            self.check_apart(place)
        spans = raw.spans if isinstance(node.domain, Listed) else partial(F.in_span, raw.code, with_constant=False)
        raw_ones = [key for key, feature in self.wanted[place].items() if spans(feature)]
        if isinstance(node, N.Aggregate) and not node.pick and raw_ones:
            self.numbers.add(place)
        for key in raw_ones:
            del self.wanted[place][key]
        groups = self.decoded_groups(place, raw, node)
        design = None
        if groups:
            groups, design = self.exact_enough(
                place, groups, lambda found: staircase(self.ready, place, outputs_of(found))
            )
            if design is None:
                raise UnsupportedProgram.at(
                    self.graph.labels[place], f"values that lie too close to be told apart in {self.precision.name}",
                    "a gap above rounding", "shorten the maximum length, or count with SelectorWidth",
                )  # fmt: skip
            self.design[place] = design
        self.clean[place] = groups
        if steep := self.steep_groups(place):
            self.add_ramps(place, steep)
        if isinstance(node, N.Aggregate):
            source = self.graph.variable(node.source).domain
            scale = max(1.0, float(np.abs(F.number(source)).max(initial=0.0)))
            for column in F.numeric_code(source).T:
                self.want(node.source, column, NUMBER_ERROR * scale)

    def add_ramps(self, place: int, steep: list[Group]) -> None:
        """The steep features of a width or a mean, beside what else is decoded of it."""
        found = ramps(place, *self.ready.position(place), outputs_of(steep))
        assert found is not None, "`Orders` offers no steep features of values that lie too close together"
        before = self.design.get(place)
        self.design[place] = found if before is None else neurons.beside(before, found)
        self.clean[place] = [*self.clean[place], *steep]

    def check_apart(self, place: int) -> None:
        """Refuse a count that cannot be told from the next, before anything large is built for it."""
        if self.precision.narrow:
            return  # `share_of` has seen to it
        position, noise = self.ready.counted(place)
        if len(position) > 1 and (np.abs(np.diff(position)) < 4 * np.maximum(noise[1:], noise[:-1])).any():
            raise UnsupportedProgram.at(
                self.graph.labels[place],
                f"counts up to {self.graph.max_seq_len}, too close for {self.precision.name}",
                "a gap above rounding", "shorten the maximum length, or compile for a wider dtype",
            )  # fmt: skip

    def decoded_groups(self, place: int, raw: Group, node: Variable) -> list[Group]:
        """The spaces that are decoded. A mean is readable as the number that attention leaves."""
        if isinstance(node, N.Aggregate):
            return self.groups(place, [raw], readable=False)
        return self.groups(place, [])

    # -- attention -------------------------------------------------------------------------------

    def demand_pick(self, place: int, node: N.Aggregate, groups: Sequence[Group]) -> None:
        """A pick passes its readers' demands on to the variable that it copies."""
        for group in groups:
            columns = moved(self.graph, node, group.code)
            if group.steep:
                self.want_steep(node.source, columns)
                continue
            for column, own in zip(columns.T, group.code.T, strict=True):
                self.want(node.source, column, self.bears(place, np.ascontiguousarray(own)))

    def demand_selector(self, place: int, node: Variable) -> None:
        conjuncts, read = self.selections[place].conjuncts, self.selections[place].read
        if shares_alike(node):
            self.exact.update(read)
        if place in self.numbers:
            self.averaged.update(read)  # a count, or a mean that is decoded, has more room for error than a number
        for conjunct in conjuncts:
            sides = ((conjunct.key, conjunct.factors.keys), (conjunct.query, conjunct.factors.queries))
            for (side, columns), (_, others) in zip(sides, sides[::-1], strict=True):
                if conjunct.shortfall:
                    self.want_steep(side, columns)
                    continue
                reach = columns.shape[1] * np.abs(others).max(axis=0, initial=1.0)
                for column, most in zip(columns.T, reach.tolist(), strict=True):
                    self.want(side, column, 1.0 / (16 * most * len(conjuncts)))

    def want_steep(self, place: int, columns: Matrix) -> None:
        """Somebody reads these steep features; they are kept up to powers of two."""
        root, columns = self.ready.roots.pulled_back(place, columns)
        for column in columns.T:
            if column.any() and all(multiple(column, known) is None for known in self.steep[root]):
                self.steep[root].append(np.abs(column))

    def steep_groups(self, place: int) -> list[Group]:
        """The space of the steep features of a variable, if it has any."""
        if not self.steep[place]:
            return []
        label, code = self.graph.labels[place], np.stack(self.steep[place], axis=1)
        return [Group(f"{label}:steep", steep_labels(label, code), code, steep=True)]


def number_logits(n: Floats) -> Matrix:
    """[value, answer]: 2·x·v − v² for the number x of a value and v of an answer, greatest where they are equal."""
    return 2 * n[:, None] * n[None, :] - n[None, :] ** 2


def moved(graph: Graph, node: N.Aggregate, code: Matrix) -> Matrix:
    """A code of a pick's values, as a code of the values of the variable that it copies."""
    source = graph.variable(node.source).listed
    own = [node.listed.id(value) for value in source.values]
    return code[own]
