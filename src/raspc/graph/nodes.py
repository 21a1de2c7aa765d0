"""The program as plain data: nodes in topological order, value sets, tables.

A node refers to others by their place in the graph. A table holds numbers of values, never callables,
so that a graph can be saved, hashed, compared and worked on with vectorised NumPy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain, count
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from raspc import doors
from raspc import values as V
from raspc.errors import InternalError
from raspc.graph.domain import EVERYTHING
from raspc.graph.domain import Domain as InputDomain

Ids: TypeAlias = NDArray[np.int32]
Bits: TypeAlias = NDArray[np.int8]
Floats: TypeAlias = NDArray[np.float64]

_NUMBERS = {int, float, bool}

UNDEFINED = -1
"""The number of no value: a cell where the callable raised, or that cannot occur."""


@dataclass(frozen=True)
class Listed:
    """A finite value set, in the canonical order of `raspc.values`."""

    values: tuple[Any, ...]

    def __len__(self) -> int:
        return len(self.values)

    @cached_property
    def index(self) -> Mapping[Any, int]:
        """From a value's key to its number."""
        plain = self.all_numbers and not np.isnan(self.numbers).any()
        return {value if plain else V.key(value): i for i, value in enumerate(self.values)}

    def id(self, value: Any) -> int:
        """The number of a value; KeyError if it is not in the set."""
        return self.index[V.key(value)]

    def ids(self, values: Iterable[Any]) -> Iterator[int]:
        """The numbers of many values."""
        return map(self.index.__getitem__, map(V.key, values))

    @cached_property
    def identity(self) -> tuple[Any, ...]:
        """What two value sets have in common that are one: 1, 1.0 and True are equal, but not the same."""
        return tuple((type(value).__name__, V.key(value)) for value in self.values)

    @cached_property
    def is_number(self) -> NDArray[np.bool_]:
        """Which of the values are numbers."""
        if set(map(type, self.values)) <= _NUMBERS:
            return np.ones(len(self.values), bool)
        return np.array([V.is_number(value) for value in self.values], bool)

    @cached_property
    def numbers(self) -> Floats:
        """The values as numbers; 0 where a value is not one."""
        if self.all_numbers:
            return np.array(self.values, np.float64)
        return np.array([float(v) if V.is_number(v) else 0.0 for v in self.values], np.float64)

    @cached_property
    def specials(self) -> tuple[Any, ...]:
        """The values that are not numbers."""
        return tuple(self.values[place] for place in np.flatnonzero(~self.is_number))

    @cached_property
    def all_numbers(self) -> bool:
        """True where every value is a number."""
        return bool(self.is_number.all())


@dataclass(frozen=True)
class Interval:
    """All numbers from lo to hi, and some special values: a set that is not listed."""

    lo: float
    hi: float
    specials: tuple[Any, ...] = ()

    @property
    def all_numbers(self) -> bool:
        """True where no special value can occur."""
        return not self.specials


Domain: TypeAlias = Listed | Interval


@dataclass(frozen=True, eq=False)
class Node:
    """What all nodes share: the names that the user gave, and the advice on how to store the value.

    `called`: what it is called where it has no such name: the variable that its s-op was assigned to, or the value of a
    constant. It is a label and asks for no directions of its own.
    """

    names: tuple[str, ...] = field(default=(), kw_only=True)
    called: str | None = field(default=None, kw_only=True)
    numerical: bool | None = field(default=None, kw_only=True)

    @property
    def refs(self) -> tuple[int, ...]:
        """The nodes that this one reads."""
        return ()


@dataclass(frozen=True, eq=False)
class Variable(Node):
    """A node that holds a value at each position.

    `free`: of a total graph, in which each variable may hold any of its values, whatever others hold: nothing is known
    of it beside others, not even of the index that each position has another one.
    """

    domain: Domain
    free: bool = field(default=False, kw_only=True)

    @property
    def listed(self) -> Listed:
        """The value set, which must be listed."""
        if not isinstance(self.domain, Listed):
            raise InternalError("the value set of this node is an interval")
        return self.domain


@dataclass(frozen=True, eq=False)
class Token(Variable):
    """The input tokens."""


@dataclass(frozen=True, eq=False)
class Index(Variable):
    """The positions 0 … n−1."""


@dataclass(frozen=True, eq=False)
class Length(Variable):
    """The length of the input (never under a causal mask, where it is a table of the index)."""


@dataclass(frozen=True, eq=False)
class Table(Variable):
    """A function of the arguments' values: cells[id of arg 0, id of arg 1, …] is an id of `domain`.

    `raises`: some cell that the arguments can reach is undefined. `promise`: what the author promised, in words, if
    that is why.
    """

    args: tuple[int, ...]
    cells: Ids
    raises: bool = False
    promise: str = ""

    @property
    def refs(self) -> tuple[int, ...]:
        return self.args


@dataclass(frozen=True, eq=False)
class Affine(Variable):
    """bias + Σ coefs·args, of numbers that are not listed."""

    args: tuple[int, ...]
    coefs: tuple[float, ...]
    bias: float

    @property
    def refs(self) -> tuple[int, ...]:
        return self.args


@dataclass(frozen=True, eq=False)
class Sign(Variable):
    """Whether a sum of numbers, bias + Σ coefs·args, is below 0, 0 or above: −1, 0 or 1; a special value stays itself.

    One argument is a mean that is not listed. `gap`: a sum that is not 0 is at least so far from it.
    """

    args: tuple[int, ...]
    coefs: tuple[float, ...]
    bias: float
    gap: float

    @property
    def refs(self) -> tuple[int, ...]:
        return self.args


@dataclass(frozen=True, eq=False)
class Width(Variable):
    """The number of keys that a selector selects.

    `by`: the index, where a head may count the keys of each stretch of positions apart. The number is the same.
    """

    selector: int
    by: int | None = field(default=None, kw_only=True)

    @property
    def refs(self) -> tuple[int, ...]:
        return (self.selector,) if self.by is None else (self.selector, self.by)


@dataclass(frozen=True, eq=False)
class Aggregate(Variable):
    """A pick (all selected keys hold one value) or a mean of the values at the selected keys.

    `proof` says why it is a pick: "structure", "domain", "enumeration", "assumption"; "promise" where `single`, which
    the author says of it: that no query selects two keys, or else the program is undefined; "" for a mean. The default
    counts only where `may_be_empty`: where it is not proved that every query selects a key.
    """

    selector: int
    source: int
    default: Any
    may_be_empty: bool
    pick: bool
    proof: str
    single: bool = False

    @property
    def refs(self) -> tuple[int, ...]:
        return (self.selector, self.source)


@dataclass(frozen=True, eq=False)
class Sum(Variable):
    """The sum of the numbers at the selected keys, 0 where none is selected.

    Its value set is listed where no sum of the numbers is rounded, else it is an interval.
    """

    selector: int
    source: int

    @property
    def refs(self) -> tuple[int, ...]:
        return (self.selector, self.source)


@dataclass(frozen=True, eq=False)
class Pattern(Node):
    """A node that holds a boolean matrix."""


@dataclass(frozen=True, eq=False)
class Select(Pattern):
    """cells[key id, query id]: 1 selected, 0 not, −1 undefined."""

    key: int
    query: int
    cells: Bits

    @property
    def refs(self) -> tuple[int, ...]:
        return (self.key, self.query)


@dataclass(frozen=True, eq=False)
class Gate(Pattern):
    """A conjunction ("and") or disjunction ("or") of selectors; of none, it selects all or nothing."""

    op: str
    args: tuple[int, ...]

    @property
    def refs(self) -> tuple[int, ...]:
        return self.args


@dataclass(frozen=True, eq=False)
class Best(Pattern):
    """Of the keys that a selector selects those whose score is the greatest ("max") or the least ("min").

    Nothing but aggregates reads it: a count, a negation or a conjunction of it is made of tables instead.
    """

    selector: int
    score: int
    end: str

    @property
    def refs(self) -> tuple[int, ...]:
        return (self.selector, self.score)


@dataclass(frozen=True, repr=False)
class Graph:
    """A tabulated program. `notes` are assumptions and the parts of the inputs where it is defined.

    `exact_length`: the only input length on which the program is defined, if there is such a one. `where`: the inputs
    that the program is for; what it says of others means nothing.
    """

    nodes: tuple[Node, ...]
    output: int
    max_seq_len: int
    causal: bool
    exact_length: int | None = None
    notes: tuple[str, ...] = ()
    where: InputDomain = EVERYTHING

    def __getitem__(self, place: int) -> Node:
        return self.nodes[place]

    def __len__(self) -> int:
        return len(self.nodes)

    def variable(self, place: int) -> Variable:
        """The node at a place, which must hold values."""
        node = self.nodes[place]
        if not isinstance(node, Variable):
            raise InternalError(f"%{place} is a selector")
        return node

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """A distinct name for each node: the user's, else what it is called, else its kind with a running number."""
        return _labels(self.nodes)

    def to_json(self) -> dict[str, Any]:
        """The graph as JSON data; see `raspc.graph.serial`."""
        found: dict[str, Any] = doors.through("to_json")(self)
        return found

    def __str__(self) -> str:
        return str(doors.through("to_text")(self))

    def __repr__(self) -> str:
        return str(doors.through("graph_text")(self))

    def _repr_html_(self) -> str:
        return str(doors.through("graph_html")(self))

    @property
    def total(self) -> bool:
        """Whether tables list all combinations of values, those too that no input leads to."""
        return any(map(is_free, self.nodes))

    @property
    def vocab(self) -> tuple[Any, ...]:
        """The tokens that an input can hold."""
        return self.tokens.values

    @property
    def tokens(self) -> Listed:
        """The same as a value set."""
        return next(node.listed for node in self.nodes if isinstance(node, Token))


def is_free(node: Node) -> bool:
    """Whether a variable may hold any of its values, whatever others hold."""
    return isinstance(node, Variable) and node.free


def freed(node: Node) -> Node:
    """The node as a total graph has it."""
    return replace(node, free=True) if isinstance(node, Variable) and not node.free else node


def renumbered(node: Node, place: Mapping[int, int] | Sequence[int]) -> Node:
    """The node with its references moved."""
    changes: dict[str, Any] = {}
    for name in ("args", "selector", "source", "key", "query", "score", "by"):
        old = getattr(node, name, None)
        if old is None:
            continue
        changes[name] = tuple(place[i] for i in old) if isinstance(old, tuple) else place[old]
    return replace(node, **changes)


def _labels(nodes: Sequence[Node]) -> tuple[str, ...]:
    taken: set[str] = set()
    counts: dict[str, int] = {}
    labels: list[str] = []
    named = {name for node in nodes for name in node.names}
    for node in nodes:
        label = next((name for name in node.names if name not in taken), None)
        if label is None and node.called is not None:
            label = next(name for name in _numbered(node.called) if name not in taken | named)
        kind = _KINDS.get(type(node), type(node).__name__.lower())
        while label is None:
            number = counts[kind] = counts.get(kind, 0) + 1
            unnumbered = isinstance(node, Token | Index | Length) and number == 1
            candidate = kind if unnumbered else f"{kind}_{number}"
            label = None if candidate in taken or candidate in named else candidate
        taken.add(label)
        labels.append(label)
    return tuple(labels)


def _numbered(name: str) -> Iterator[str]:
    """The name, then the name with 2, 3, …"""
    return chain([name], (f"{name}_{number}" for number in count(2)))


_KINDS: dict[type[Node], str] = {Token: "tokens", Index: "indices", Table: "map"}
