"""What is asked of each variable: requests by those who read it, and what they come to when all have spoken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import inf
from typing import NamedTuple, TypeAlias

import numpy as np

from raspc.blocks.reading import features as F
from raspc.blocks.reading.groups import is_flat
from raspc.blocks.reading.readiness import NUMBER_ERROR
from raspc.blocks.reading.roots import Roots
from raspc.blocks.scores.steep import form
from raspc.blocks.spaces import Matrix
from raspc.blocks.storage.stored import Reader
from raspc.graph import nodes as N
from raspc.graph.nodes import Floats, Listed


class Read(NamedTuple):
    """Readers want a feature of a variable linearly: `column` [values], off by no more than `error`.

    `along`: how far off the number of the variable may be besides, if all features that are asked for with one move as
    they do where the number moves; 0 where that is not borne.
    """

    place: int
    column: Floats
    readers: tuple[Reader, ...]
    error: float = NUMBER_ERROR
    along: float = 0.0


@dataclass(frozen=True, eq=False)
class Powers:
    """Readers want steep features of a variable: `columns` [values, c]."""

    place: int
    columns: Matrix
    readers: tuple[Reader, ...]


@dataclass(frozen=True)
class Show:
    """A person wants to see a function of this variable in directions of its own: `function`."""

    place: int
    function: int


@dataclass(frozen=True)
class Compare:
    """A head takes values of this variable for equal by their scores. `finely`: what it leaves is read as a number."""

    place: int
    finely: bool


Request: TypeAlias = Read | Powers | Show | Compare


class Feature(NamedTuple):
    """A feature that somebody reads: `error` is what all its readers bear, None of a flat one: entries −1, 0 and 1.

    `along`: see `Read`.
    """

    column: Floats
    error: float | None
    readers: tuple[Reader, ...]
    along: float = 0.0


@dataclass(frozen=True, eq=False)
class Wanted:
    """All that is asked of one variable. `features`: in the order in which they were asked for, by their bytes.

    `powers`: steep features, each up to a power of two. `shown`: functions of the variable that a person wants to see.
    `compared`, `finely`: see `Compare`. `readers`: who has asked, and what for.
    """

    features: Mapping[bytes, Feature] = field(default_factory=dict)
    powers: tuple[Floats, ...] = ()
    shown: tuple[int, ...] = ()
    compared: bool = False
    finely: bool = False
    readers: tuple[Reader, ...] = ()

    @property
    def along(self) -> float:
        """How far off the number of the variable may be, where all features move with it; 0 where one must not."""
        return min((feature.along for feature in self.features.values()), default=0.0)

    @cached_property
    def error(self) -> float:
        """The error that all readers bear."""
        return min((f.error for f in self.features.values() if f.error is not None), default=inf)

    def moves(self, column: Floats) -> float:
        """How far off the number of the variable may be where the feature moves with it."""
        found = self.features.get(column.tobytes())
        return 0.0 if found is None else found.along

    def bears(self, column: Floats) -> float:
        """How much error the readers of a feature bear; of a flat one, or one that nobody reads, those of any other."""
        found = self.features.get(column.tobytes())
        return self.error if found is None or found.error is None else found.error


@dataclass
class _Asked:
    """What is asked of one variable so far: of each feature its readers, and of one that is not flat the error."""

    columns: dict[bytes, Floats] = field(default_factory=dict)
    errors: dict[bytes, float] = field(default_factory=dict)
    along: dict[bytes, float] = field(default_factory=dict)
    read_by: dict[bytes, dict[Reader, None]] = field(default_factory=dict)
    powers: list[Floats] = field(default_factory=list)
    shown: list[int] = field(default_factory=list)
    compared: bool = False
    finely: bool = False
    readers: list[tuple[Reader, ...]] = field(default_factory=list)

    def read(self, key: bytes, column: Floats, readers: tuple[Reader, ...], error: float, along: float) -> None:
        """A feature that nobody has asked for before."""
        self.columns[key], self.read_by[key], self.along[key] = column, dict.fromkeys(readers), along
        if not is_flat(column):
            self.errors[key] = error

    def read_again(self, key: bytes, readers: tuple[Reader, ...], error: float, along: float) -> None:
        """A feature that others have asked for too."""
        self.along[key] = min(self.along[key], along)
        if readers[0] not in self.read_by[key]:
            self.read_by[key].update(dict.fromkeys(readers))
        if key in self.errors:
            self.errors[key] = min(self.errors[key], error)

    def wanted(self) -> Wanted:
        features = {
            key: Feature(column, self.errors.get(key), tuple(self.read_by[key]), self.along[key])
            for key, column in self.columns.items()
        }
        readers = tuple(dict.fromkeys(reader for some in self.readers for reader in some))
        return Wanted(features, tuple(self.powers), tuple(self.shown), self.compared, self.finely, readers)


class Requests:
    """The requests to all variables of a graph, gathered while their readers are visited.

    Only the visits of `raspc.blocks.storage.storing` add to it; what it tells of a variable is a value of its own.
    """

    def __init__(self, roots: Roots) -> None:
        self._roots = roots
        self._asked: dict[int, _Asked] = {}

    def of(self, place: int) -> Wanted:
        """What is asked of a variable, all of whose readers have spoken."""
        found = self._asked.get(place)
        return Wanted() if found is None else found.wanted()

    def add(self, requests: Iterable[Request]) -> None:
        """Hand requests to the variables that they are for."""
        for request in requests:
            if isinstance(request, Read):
                self._read(*request)
            elif isinstance(request, Powers):
                self._powers(request)
            elif isinstance(request, Show):
                self._at(request.place).shown.append(request.function)
            else:
                asked = self._at(request.place)
                asked.compared, asked.finely = True, asked.finely or request.finely

    def _at(self, place: int, readers: tuple[Reader, ...] = ()) -> _Asked:
        found = self._asked.get(place)
        if found is None:
            found = self._asked[place] = _Asked()
        if readers and not (found.readers and found.readers[-1] is readers):
            found.readers.append(readers)
        return found

    def _read(self, place: int, column: Floats, readers: tuple[Reader, ...], error: float, along: float = 0.0) -> None:
        """A constant needs nothing; what is a sum of numbers that are not listed is read off its terms."""
        asked, key = self._at(place, readers), column.tobytes()
        if key in asked.columns:
            asked.read_again(key, readers, error, along)
            return
        node = self._roots.graph.variable(place)
        if isinstance(node.domain, Listed) and (column == column[0]).all():
            return
        if not isinstance(node, N.Affine):
            asked.read(key, column, readers, error, along)
            return
        for arg, coef in zip(node.args, node.coefs, strict=True):
            number = F.number(self._roots.graph.variable(arg).domain)
            self._read(arg, column[0] * coef * number, readers, error)

    def _powers(self, request: Powers) -> None:
        """They are kept of the variable that all others are functions of."""
        self._at(request.place, request.readers)
        root, columns = self._roots.pulled_back(request.place, request.columns)
        powers = self._at(root, request.readers).powers
        known = set(map(form, powers))
        for column in columns.T:
            if column.any() and (found := form(column)) not in known:
                powers.append(np.abs(column))
                known.add(found)
