"""From expressions to a graph: value sets are inferred and every callable is listed as a table.

Equal nodes are shared as they are made: equality is of tables, so two lambdas that agree on every value
are one node. After this no callable is left.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from raspc import rasp
from raspc import values as V
from raspc.errors import InvalidProgram, RaspcError, UnsupportedProgram, cited
from raspc.graph import nodes as N
from raspc.graph.adding import total_of
from raspc.graph.apart import ToldApart
from raspc.graph.best import best_of, holders_of_best
from raspc.graph.checked import checked_length, checked_vocab
from raspc.graph.counted import counted_mean
from raspc.graph.digits import put_compared
from raspc.graph.domain import EVERYTHING, Domain
from raspc.graph.evidence import Evidence
from raspc.graph.exact import Exact
from raspc.graph.gates import complement, joined
from raspc.graph.nodes import Bits, Graph, Interval, Listed, Table, is_free
from raspc.graph.permitted import Frame
from raspc.graph.products import Products, Recipe, as_sum
from raspc.graph.reached import reached
from raspc.graph.selectors import (
    FALSE,
    TRUE,
    Facts,
    one_key,
    without_hidden,
)
from raspc.graph.signs import by_sign
from raspc.graph.splitting import split
from raspc.graph.standing import standing_in
from raspc.graph.store import Maker, Store, cannot_split
from raspc.graph.tabulate import Operation, affine_form, operation_of, tabulate, within_floats
from raspc.graph.unlisted import list_values, picked
from raspc.graph.unmet import meant, never_met, never_there, sought
from raspc.graph.witness import in_words
from raspc.numbers.choice import Choice
from raspc.numbers.promise import ABSOLUTE

CHOICES = (
    Choice(
        "causal", "graph",
        "under a causal mask a selector over indices is free where the mask hides the key",
        "causal; key and query are the index",
        "`indices <= indices` is the selector of everything",
    ),
)  # fmt: skip

DRIFT = ABSOLUTE / 100
"""How far off a sum may be because near numbers count as one: a hundredth of what is promised near 0."""


@dataclass(frozen=True)
class Built:
    """A graph, and how often each pass of `raspc.plan.switches` changed something while it was built.

    `expressions`: of each node the expression that it stands for, one that has a name if there is one; None of a node
    that stands for a part of one. `unmet`: comparisons that no value meets, and what was probably meant, in words.
    """

    graph: Graph
    changes: Mapping[str, int]
    expressions: tuple[rasp.Expr | None, ...]
    unmet: tuple[str, ...] = ()


def build(
    program: rasp.Expr, vocab: Iterable[Any], max_seq_len: int, causal: bool = False, without: Collection[str] = (),
    where: Domain = EVERYTHING,
) -> Graph:  # fmt: skip
    """The program as a graph of tables over a vocabulary and all lengths up to `max_seq_len`.

    `without`: names of `raspc.plan.switches`, left out for study. `where`: the inputs that it is for.

    Raises InvalidProgram for an ill-formed vocabulary or program, UnsupportedProgram where a value set
    cannot be listed and has to be.
    """
    return built(program, vocab, max_seq_len, causal, without, where=where).graph


def built(
    program: rasp.Expr, vocab: Iterable[Any], max_seq_len: int, causal: bool = False, without: Collection[str] = (),
    counted: bool = False, where: Domain = EVERYTHING, total: bool = False,
) -> Built:  # fmt: skip
    """The same with a record of what simplified on the way. `counted`: with counts for means, as `counted` does.

    `total`: for all combinations of the values of variables, those too that no input leads to; then what rests on
    several variables together has to be left out (`raspc.numbers.options.JOINT`).
    """
    if not isinstance(program, rasp.SOp):
        raise InvalidProgram(f"found {program!r}, needed an s-op: aggregate a selector or take its width")
    several = sum(isinstance(expr, rasp.TokensType) for expr in rasp.topological(program)) > 1
    builder = _Builder(
        checked_vocab(vocab), checked_length(max_seq_len), causal, without, counted, where, total, several
    )
    for expr in rasp.topological(program):
        try:
            builder.add(expr)
        except ToldApart as error:
            told = in_words(error, program, builder.places, builder.frame)
            raise _located(told, expr, program) from error
        except RaspcError as error:
            builder.name(error, expr, program)
            raise _located(error, expr, program)  # noqa: B904 - the same error
    return Built(
        builder.graph(program),
        dict(builder.store.changes),
        builder.expressions(program),
        tuple(dict.fromkeys(builder.unmet)),
    )


def _located(error: RaspcError, expr: rasp.Expr, program: rasp.Expr) -> RaspcError:
    """The error with the place of the expression that it arose in."""
    error.args = (f"{error}{cited(expr) or cited(program)}",)
    error.add_note(f"while tabulating {expr.told}")
    return error


class _Builder:
    """Grows a store of nodes, expression by expression."""

    def __init__(
        self, vocab: tuple[Any, ...], max_len: int, causal: bool, without: Collection[str], counted: bool,
        where: Domain, total: bool, several: bool,
    ) -> None:  # fmt: skip
        """`several`: tokens go by several names, so that in a total graph one may be forced and not the other."""
        self.store = Store(max_len, without, total)
        self.vocab, self.max_len, self.causal, self.counted = vocab, max_len, causal, counted
        self.places: dict[int, int] = {}
        self.products = Products()
        self.complements: dict[int, int] = {}
        self.frame = Frame(where, vocab, max_len, causal)
        self.evidence = Evidence(self.store, self.frame)
        self.exact_length: int | None = None
        self.unmet: list[str] = []
        observed = self.evidence.observed
        self.store.observed = observed.combinations if observed else None
        self.store.means = observed.means if observed else None
        self.store.standing = None if where.automaton is None or total else standing_in(where.automaton, max_len)
        token = N.Token(domain=Listed(vocab), called="given" if total and several else None)
        self.token = self.store.put(token, bound=several)
        position = N.Index(domain=Listed(tuple(range(max_len))), called="positions" if total else None)
        self.index = self.store.put(position, bound=True)
        self.store.split = cannot_split if total else partial(split, self)

    @property
    def facts(self) -> Facts:
        return self.evidence.facts

    def never_empty(self, selector: int) -> bool:
        return self.evidence.never_empty(selector)

    def add(self, expr: rasp.Expr) -> None:
        """Tabulate one expression whose children are already there."""
        rule = next(RULES[kind] for kind in type(expr).__mro__ if kind in RULES)
        place = rule(self, expr, *(self.places[id(child)] for child in expr.children))
        encoding = expr.given_encoding
        numerical = None if encoding is None else encoding is rasp.Encoding.NUMERICAL
        self.look_for_unmet(expr, place)
        self.places[id(expr)] = self.store.describe(place, expr.given_name, numerical, expr.assigned_name)
        if self.store.total and isinstance(expr, rasp.SelectorWidth):  # the number of all keys is another's length
            self.store.describe(place, None, None, expr.default_name)

    def look_for_unmet(self, expr: rasp.Expr, place: int) -> None:
        """Note a comparison that no value meets: what is asked for is no token, or only looks like a value."""
        usual = self.never_varies(expr, place)
        domains = [self.store.domain(self.places[id(child)]) for child in expr.children] if usual is not ... else []
        values = [domain.values for domain in domains if isinstance(domain, Listed)]
        if not values or len(values) < len(domains):
            return
        found = meant(expr.predicate if isinstance(expr, rasp.Select) else expr.f, values, usual)  # type: ignore[attr-defined]
        what = "selects nothing" if isinstance(expr, rasp.Select) else f"is always {usual!r}"
        if found is not None:
            self.unmet.append(never_met(expr.told, what, expr.children[found[0]].told, values[found[0]], *found[1:]))
        elif any(self.places[id(child)] == self.token for child in expr.children) and (asked := sought(expr)):
            self.unmet.append(never_there(expr.told, what, "tokens", self.vocab, asked))

    def never_varies(self, expr: rasp.Expr, place: int) -> Any:
        """What a comparison or a look-up says of every value, where that is "no"; else `...`."""
        node = self.store.nodes[place]
        if isinstance(expr, rasp.Select):
            return False if isinstance(node, N.Gate) and node.op == "or" and not node.args else ...
        if not isinstance(expr, rasp.Elementwise) or isinstance(expr, rasp.Assume) or not isinstance(node, Table):
            return ...
        no = (True,) if expr.operation is not None and expr.operation[0] == "ne" else (0, None)  # False is 0
        values = node.domain.values if isinstance(node.domain, Listed) else ()
        return values[0] if len(values) == 1 and any(values[0] is one or V.same(values[0], one) for one in no) else ...

    def expressions(self, program: rasp.SOp) -> tuple[rasp.Expr | None, ...]:
        """The expression that each node of the graph stands for."""
        found = self.written(program)
        return tuple(found.get(place) for place in self.store.kept(self.places[id(program)]))

    def written(self, program: rasp.SOp) -> dict[int, rasp.Expr]:
        """For each node so far that is an expression the one that it stands for; one that has a name if there is."""
        found: dict[int, rasp.Expr] = {}
        for expr in rasp.topological(program):
            place = self.places.get(id(expr))
            if place is not None and (place not in found or _has_name(expr) > _has_name(found[place])):
                found[place] = expr
        return found

    def name(self, error: RaspcError, expr: rasp.Expr, program: rasp.SOp) -> None:
        """Put the expression for the number of a node that an error is about; for a part of one that at hand."""
        if isinstance(error, UnsupportedProgram) and error.node is not None:
            error.rename(self.written(program).get(error.node, expr).told)

    def graph(self, program: rasp.SOp) -> Graph:
        graph = self.store.graph(self.places[id(program)], self.max_len, self.causal)
        return replace(graph, exact_length=self.exact_length, where=self.frame.where)

    def tokens(self, expr: rasp.Expr) -> int:
        if is_free(self.store.nodes[self.token]) or not self.store.total:
            return self.token
        own = self.elementwise_of(lambda token: token, (self.token,), expr.told)
        return self.store.describe(own, None, None, expr.default_name)

    def indices(self, expr: rasp.Expr) -> int:
        if self.store.total:  # one of its own: what is forced is not where a token stands, which constants look at
            return self.store.put(N.Index(domain=self.store.listed(self.index)))
        return self.index

    def length(self, expr: rasp.Expr) -> int:
        place = self.all_keys()
        return self.store.describe(place, None, None, expr.default_name) if self.store.total else place

    def all_keys(self) -> int:
        """How many keys there are to see."""
        if self.causal:
            return self.elementwise_of(lambda i: i + 1, (self.index,), "length")
        return self.store.put(N.Length(domain=Listed(tuple(range(1, self.max_len + 1)))))

    def full(self, expr: rasp.Full) -> int:
        return self.constant(expr.fill)

    def constant(self, value: Any) -> int:
        within_floats([V.plain(value)], "a constant")
        return self.store.put(Table(domain=Listed((V.plain(value),)), args=(), cells=np.zeros((), np.int32)))

    def constant_sop(self, expr: rasp.ConstantSOp) -> int:
        self.limit_length(expr)
        return self.elementwise_of(lambda i: expr.value[i], (self.index,), expr.told)

    def limit_length(self, expr: rasp.ConstantSOp | rasp.ConstantSelector) -> None:
        if not expr.check_length:
            return
        if self.exact_length not in (None, len(expr.value)):
            raise UnsupportedProgram.at(
                expr.told, f"constants of lengths {self.exact_length} and {len(expr.value)}",
                "one length", "no input can satisfy both; pass check_length=False to one",
            )  # fmt: skip
        self.exact_length = len(expr.value)

    def elementwise(self, expr: rasp.Elementwise, *args: int) -> int:
        f = partial(_apply, expr)
        form = affine_form(expr)
        domains = [self.store.domain(arg) for arg in args]
        if form and any(isinstance(d, Interval) for d in domains) and all(d.all_numbers for d in domains):
            maker = Maker(f, expr.told, operation_of(expr))
            if self.drifts_little(args, form[0]):
                return self.store.affine(args, *form, maker)
        total = as_sum(self, f, args, expr.told, expr.operation) if "sums" not in self.store.without else None
        if total is not None:
            self.store.does("sums")
            return total
        if not self.store.total and (sign := by_sign(self, expr, args)) is not None:
            return sign
        place = self.elementwise_of(f, args, expr.told, expr.operation)
        self.products.made(place, Recipe(f, args, expr.told, expr.operation))
        return place

    def drifts_little(self, args: Sequence[int], coefs: Sequence[float]) -> bool:
        """Whether a sum of numbers, of which near ones count as one, is right to a hundredth of what is promised."""
        return sum(abs(coef) * self.store.drift(arg) for coef, arg in zip(coefs, args, strict=True)) <= DRIFT

    def elementwise_of(
        self, f: Callable[..., Any], args: Sequence[int], name: str, operation: Operation | None = None
    ) -> int:
        return tabulate(self.store, f, [list_values(self.store, arg, name) for arg in args], name, operation)

    def assume(self, expr: rasp.Assume, arg: int) -> int:
        listed = list_values(self.store, arg, expr.told)
        promise = f"{expr.inner.told} is {expr.promised}, as {expr.told} says"
        return tabulate(self.store, partial(_apply, expr), [listed], expr.told, promise=promise)

    def select(self, expr: rasp.Select, key: int, query: int) -> int:
        key, query = (list_values(self.store, arg, expr.told) for arg in (key, query))
        return put_compared(self, expr.predicate, key, query, expr.told)

    def put_select(self, key: int, query: int, cells: Bits) -> int:
        key, query, cells = self.store.rooted_both(key, query, cells)
        if self.causal and key == query == self.index:
            free = without_hidden(cells)
            cells = free if self.store.does("causal", not np.array_equal(free, cells)) else cells
        certain = not (self.store.may_raise(key) or self.store.may_raise(query))
        return self.store.select(key, query, cells, certain)

    def constant_selector(self, expr: rasp.ConstantSelector) -> int:
        self.limit_length(expr)
        size = min(len(expr.value), self.max_len)
        cells = np.full((self.max_len, self.max_len), -1, np.int8)
        cells[:size, :size] = np.array(expr.value, np.int8).reshape(len(expr.value), -1).T[:size, :size]
        if self.exact_length is not None:
            cells[cells < 0] = 0  # the length check already speaks for these
        return self.put_select(self.index, self.index, cells)

    def selector_and(self, expr: rasp.Expr, *args: int) -> int:
        return self.gate("and", args)

    def selector_or(self, expr: rasp.Expr, *args: int) -> int:
        return self.gate("or", args)

    def selector_not(self, expr: rasp.Expr, arg: int) -> int:
        return self.negation(arg)

    def best(self, expr: rasp.Best, selector: int, score: int) -> int:
        return best_of(self, selector, list_values(self.store, score, expr.told), expr.end, expr.told)

    def as_tables(self, place: int) -> int:
        """A selector that others may be made of: of the best keys, those that hold the best score."""
        return holders_of_best(self, place) if isinstance(self.store.nodes[place], N.Best) else place

    def negation(self, place: int) -> int:
        return complement(self, place)

    def gate(self, op: str, args: Sequence[int]) -> int:
        return joined(self, op, args)

    def selector_width(self, expr: rasp.Expr, selector: int) -> int:
        return self.width_of(selector)

    def width_of(self, selector: int) -> int:
        if isinstance(best := self.store.nodes[selector], N.Best) and one_key(self.facts, selector):
            return self.aggregate_of(best.selector, self.constant(1), 0, "the number of best keys")
        selector = self.as_tables(selector)
        if selector == self.store.put(TRUE):
            return self.all_keys()
        if selector == self.store.put(FALSE):
            return self.constant(0)
        low, high = int(self.never_empty(selector)), self.max_len
        least, most = self.evidence.counts(selector)
        low = max(low, min(least, 1))
        high = min(high, max(most, low + 1))
        return self.store.put(N.Width(domain=Listed(tuple(range(low, high + 1))), selector=selector))

    def aggregate(self, expr: rasp.Aggregate, selector: int, source: int) -> int:
        return self.aggregate_of(selector, source, V.plain(expr.default), expr.told, expr.single)

    def aggregate_of(self, selector: int, source: int, default: Any, told: str, single: bool = False) -> int:
        """The values of a variable at the selected keys. `single`: no query selects two, as the author promises."""
        within_floats([default], told)
        single = single and not self.evidence.is_single(selector) and self.evidence.counts(selector)[1] > 1
        if self.store.does("fold", selector == self.store.put(FALSE) and not self.store.may_raise(source)):
            return self.constant(default)
        domain = self.store.domain(source)
        maybe_empty = not self.never_empty(selector)
        proved_full = not maybe_empty
        if maybe_empty:
            maybe_empty = self.evidence.counts(selector)[0] == 0
        alone = source not in self.store.exact or single or one_key(self.facts, selector)
        settled = isinstance(domain, Listed) and len(domain) == 1 and proved_full and alone and not single
        if self.store.does("fold", settled and not self.store.may_raise(selector)):
            return source
        pick, proof = (True, "promise") if single else self.evidence.single(selector, source, domain)
        if self.counted and not pick:
            place = counted_mean(self, selector, source, default, maybe_empty)
            if place is not None:
                return place
        exact: Exact | None = None
        values: N.Domain = self.store.average_domain(domain, default, maybe_empty)
        if pick and isinstance(domain, Listed):
            values, exact = picked(self.store, source, default, maybe_empty, alone)
            if exact is None and source not in self.store.exact:
                values = reached(self.store, selector, source, values, (default,) if maybe_empty else ())
        node = N.Aggregate(
            domain=values, selector=selector, source=source, default=default if maybe_empty else None,
            may_be_empty=maybe_empty, pick=pick, proof=proof, single=single,
        )  # fmt: skip
        if self.evidence.observed is not None and isinstance(values, Listed) and exact is None:
            node = replace(node, domain=self.evidence.observed.kept(node))
        return self.store.put(node, exact=exact)

    def sum(self, expr: rasp.Sum, selector: int, source: int) -> int:
        """A sum is 0 where no key is selected; another default takes a look at whether one is."""
        default = V.plain(expr.default)
        within_floats([default], expr.told)
        if self.store.does("fold", selector == self.store.put(FALSE) and not self.store.may_raise(source)):
            return self.constant(default)
        numeric = self.store.domain(source).all_numbers
        if isinstance(self.store.nodes[selector], N.Best) and numeric and one_key(self.facts, selector):
            return self.aggregate_of(selector, source, default, expr.told)
        selector = self.as_tables(selector)
        total = self.total_of(selector, source, expr.told)
        if V.same(default, 0) or self.never_empty(selector):
            return total
        some = self.aggregate(_IS_ANY, selector, self.constant(True))
        return self.elementwise_of(lambda x, any_key: x if any_key else default, (total, some), expr.told)

    def total_of(self, selector: int, source: int, name: str) -> int:
        return total_of(self.evidence, selector, source, name)


_IS_ANY = rasp.Aggregate(rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.TRUE), rasp.Full(True), default=False)
"""Whether any key is selected: what is said of an aggregate of True for that."""


def _has_name(expr: rasp.Expr) -> int:
    """A name that was given goes before one that was assigned."""
    return 2 if expr.given_name is not None else 1 if expr.assigned_name is not None else 0


def _apply(expr: rasp.Elementwise, *args: Any) -> Any:
    return V.apply(expr.f, args, expr.none_in_none_out)


RULES: dict[type[rasp.Expr], Callable[..., int]] = {
    rasp.TokensType: _Builder.tokens,
    rasp.IndicesType: _Builder.indices,
    rasp.LengthType: _Builder.length,
    rasp.Full: _Builder.full,
    rasp.ConstantSOp: _Builder.constant_sop,
    rasp.Assume: _Builder.assume,
    rasp.Elementwise: _Builder.elementwise,
    rasp.Select: _Builder.select,
    rasp.ConstantSelector: _Builder.constant_selector,
    rasp.SelectorAnd: _Builder.selector_and,
    rasp.SelectorOr: _Builder.selector_or,
    rasp.SelectorNot: _Builder.selector_not,
    rasp.Best: _Builder.best,
    rasp.SelectorWidth: _Builder.selector_width,
    rasp.Aggregate: _Builder.aggregate,
    rasp.Sum: _Builder.sum,
}
