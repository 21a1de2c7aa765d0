"""How a rotation tells positions, from the parameters of the family: what pairs add to a score at each distance.

A query q at position m and a key k at position n, turned by fm and fn, have the product

    cos f(m − n)·(q₁k₁ + q₂k₂) + sin f(m − n)·(q₁k₂ − q₂k₁),

which is computed here for every distance, with queries and keys as the weights say: constants at every token, and
nothing at BOS. What may be off, of amplitudes A = |q|·|k| and with u the unit roundoff of float32:

- cosines and sines by a few units of the last place, whichever library computes them.
- angles, of which each factor is rounded once, but for those of frequency 1, which are whole: so for the slow pair, by
  which neighbours are told apart, and of fast ones, whose cosines are taken where they are greatest within that.
- the frequency, by as much at all positions: its power is off by 64u of itself at most.
- products, their sum, and its division by a root: (d + 8)u·A in all.
- what a norm leaves of the constants (`loose`), and of those that are nothing at BOS.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from raspc.blocks.scores.selection import Selection
from raspc.blocks.spaces import Head
from raspc.certify.proof.loose import Loose
from raspc.certify.proof.ranking import UNRANKED, Ranked
from raspc.certify.proof.selecting import UNKNOWN, Apart, best_of, selects_of
from raspc.graph.nodes import Floats, Graph, Ids, Index, Select, Table
from raspc.stock.frame import Frame
from raspc.stock.model import frame_of
from raspc.stock.parts import slots_of
from raspc.stock.turning import heads_of, turned_blocks
from raspc.target.families import FAMILIES, HUGE_THETA
from raspc.target.rotation import Rotation
from raspc.weights.alignment import HeadPart
from raspc.weights.certificate import Link
from raspc.weights.model import Model

UNIT = 2.0**-24
PLACES = 4.0
"""How many units of roundoff a cosine is off by at most, in the libraries that run such models."""
POWER = 64.0
"""How many units of itself a frequency may be off by."""
STILL = 2.0**-24
"""The most that a pair may turn that is to stand still: by that angle one number of a pair, where the other is 0, is
what it was, and what the other becomes is lost beside it."""


@dataclass(frozen=True)
class Shifted:
    """What a rotation shows of tables over positions, `selects`: how far it parts the right key from all others."""

    selects: tuple[Select, ...]
    apart: Apart


@dataclass(frozen=True, eq=False)
class Turning:
    """What a rotation stands for in one head: ranks, or tables over positions; and in how many of its columns."""

    columns: int
    ranked: Ranked | None = None
    shifted: Shifted | None = None


def turning_of(model: Model, loose: Loose) -> dict[int, Turning]:
    """The heads of a model in a family's parameters that a rotation tells positions in, by their variables."""
    plan = model.plan
    if plan is None or model.config.held is None:
        return {}
    found: dict[int, Turning] = {}
    for place, block, selection in turned_blocks(plan):
        parts = heads_of(model.alignment, plan, place)
        heads = [_head(model, part, block, selection, loose) for part in parts]
        best = best_of(plan.graph, node := plan.graph.variable(place))
        if best is not None:
            sign, fits = 1 if best.end == "max" else -1, isinstance(plan.graph[best.score], Index)
            ranks = [UNRANKED if head is None or not fits else head.ranked(sign) for head in heads]
            found[place] = Turning(selection.turned, min(ranks, key=lambda one: one.step))
            continue
        own = tuple(one for one in selects_of(plan.graph, node) or () if _is_of_positions(plan.graph, one))
        by = shift_of(plan.graph, own)
        away = [UNKNOWN if head is None or by is None else head.shifted(by) for head in heads]
        found[place] = Turning(selection.turned, None, Shifted(own, min(away, key=lambda one: one.gap)))
    return found


@dataclass(frozen=True, eq=False)
class _Turned:
    """What one head reads in the pairs that turn, in steps of a penalty.

    `queries` and `keys` [2, pairs], and of keys, `there` at BOS. `still`: what columns that stand still add to the
    score of every token, and `still_size`: the size of all that they add. `noise`: what each amplitude is off by,
    relative to itself, but for angles. `part`: that of what is to be nothing at BOS.
    """

    rotation: Rotation
    queries: Floats
    keys: Floats
    there: Floats
    still: float
    still_size: float
    noise: float
    part: float

    @property
    def amplitudes(self) -> Floats:
        """Of each pair."""
        found: Floats = np.linalg.norm(self.queries, axis=0) * np.linalg.norm(self.keys, axis=0)
        return found

    @property
    def angles(self) -> Floats:
        """How far the angle of each pair may be off, by its rounding alone: not at all where it is the position."""
        frequencies, n = self.rotation.frequencies[: self.rotation.turning], self.rotation.longest + 1
        rounded = (np.arange(self.rotation.turning) + 1.0) * UNIT * frequencies * n
        return np.where(frequencies == 1.0, 0.0, rounded)

    @property
    def at_bos(self) -> float:
        """What the score of BOS may be off by."""
        size = float(self.amplitudes.sum()) + self.still_size
        there = np.linalg.norm(self.queries, axis=0) * np.linalg.norm(self.there, axis=0)
        return float(there.sum()) + self.part * size

    @property
    def error(self) -> float:
        """What a score is off by, but for the angles."""
        return self.noise * (float(self.amplitudes.sum()) + self.still_size)

    def added(self, distances: Floats) -> Floats:
        """What the pairs add to the score of a key at each distance, [distances, pairs]."""
        angles = distances[:, None] * self.rotation.frequencies[: self.rotation.turning]
        (q1, q2), (k1, k2) = self.queries, self.keys
        found: Floats = np.cos(angles) * (q1 * k1 + q2 * k2) + np.sin(angles) * (q1 * k2 - q2 * k1)
        return found

    def ranked(self, sign: int) -> Ranked:
        """How it ranks keys; `sign`: 1 where the last is to win."""
        n, amplitudes = self.rotation.longest, self.amplitudes
        frequencies = self.rotation.frequencies[: self.rotation.turning]
        moved = float((POWER * UNIT * amplitudes * frequencies * (1 + frequencies * n)).sum())
        error = self.error + 2 * float((amplitudes * self.angles).sum())
        added = self.added(np.arange(n, dtype=np.float64)).sum(axis=1) + self.still
        step = float((-sign * np.diff(added)).min(initial=np.inf)) - moved - 2 * error
        low, top = float(added.min()) - error - self.at_bos, float(added.max()) + error + self.at_bos
        return Ranked(low, top, 0.0, step, {}, float(amplitudes.sum()) + self.still_size)

    def shifted(self, by: int) -> Apart:
        """How far the key at a distance is from all others: where selected a score is 0, elsewhere less."""
        n, amplitudes = self.rotation.longest, self.amplitudes
        distances = np.arange(n, dtype=np.float64)
        frequencies = self.rotation.frequencies[: self.rotation.turning]
        (q1, q2), (k1, k2) = self.queries, self.keys
        phases = np.arctan2(q1 * k2 - q2 * k1, q1 * k1 + q2 * k2)
        angles = distances[:, None] * frequencies - phases
        away = np.abs((angles + np.pi) % (2 * np.pi) - np.pi)
        drift = 2 * self.angles + POWER * UNIT * frequencies * distances[:, None]
        most = (amplitudes * np.cos(np.maximum(0.0, away - drift))).sum(axis=1) + self.still
        least = (amplitudes * np.cos(np.minimum(np.pi, away + drift))).sum(axis=1) + self.still
        right, others = np.arange(n) == by, np.arange(n) != by
        tie = float(np.maximum(np.abs(most), np.abs(least))[right].max(initial=0.0)) + self.error + self.at_bos
        gap = float((-most)[others].min(initial=np.inf)) - self.error
        reach = float(amplitudes.sum()) + self.still_size
        return Apart(tie, gap, -tie, {}, self.error, False, reach, tie)


def _head(model: Model, part: HeadPart, block: Head, selection: Selection, loose: Loose) -> _Turned | None:
    """What a head reads in the pairs that turn, and in columns that these freed; None where that is no constant."""
    config, held, frame = model.config, model.config.held, frame_of(model)
    family, rotation = FAMILIES[config.family], rotation_in(model)
    if held is None or not family.rotary:
        return None
    first = slots_of(family, held.d_head, rotation.d_head).start + block.query.width
    own = range(first - selection.turned, first)
    names = [name.format(i=part.layer) for name in (family.modules.query, family.modules.key)]
    (w, queries), (v, keys) = (_constants(model, name, part.head, rotation, own, frame) for name in names)
    if np.delete(w, frame.bos, axis=0).any() or np.delete(v, frame.bos, axis=0).any():
        return None
    divisor = sqrt(held.d_head) if family.scales_scores else 1.0
    queries = queries / (block.scale(divisor) * (sqrt(rotation.d_head) / divisor))
    there, many = keys + v[frame.bos], 2 * rotation.turning
    still = queries[many:] * keys[many:]
    size = float(np.abs(still).sum() + np.abs(queries[many:] * there[many:]).sum())
    noise = UNIT * (4 * PLACES + rotation.d_head + 8) + loose.part
    asked, held_there, at_bos = (array[:many].reshape(2, -1) for array in (queries, keys, there))
    return _Turned(rotation, asked, held_there, at_bos, float(still.sum()), size, noise, loose.part)


def rotation_in(model: Model) -> Rotation:
    """The rotation of a model in a family's parameters, by its config."""
    held = model.config.held
    theta = HUGE_THETA if held is None else held.rope_theta
    return Rotation(theta, model.config.widths[0].d_head, model.config.max_seq_len)


def _constants(
    model: Model, name: str, head: int, rotation: Rotation, own: Sequence[int], frame: Frame
) -> tuple[Floats, Floats]:  # fmt: skip
    """What the turning columns of a head, and its `own` ones, read of the stream [held, columns] and of a constant."""
    turning = np.arange(rotation.turning)
    columns = np.concatenate([turning, rotation.d_head // 2 + turning, np.asarray(own, int)]) + head * rotation.d_head
    return frame.unread(_read(model, name)[:, columns])


def _read(model: Model, name: str) -> Floats:
    """A map as [in, out]."""
    weights = np.asarray(model.params[f"{name}.weight"], np.float64)
    return weights if FAMILIES[model.config.family].rows_are_inputs else weights.T


def shift_of(graph: Graph, selects: Sequence[Select]) -> int | None:
    """How many positions before the query the one key stands that all these tables select; None where they do not.

    No table selects two values of its keys, and no two positions have all these values in common: so a query selects
    one key at most, that which has the values that are selected.
    """
    if not selects or any((select.cells < 0).any() or (select.cells.sum(axis=0) > 1).any() for select in selects):
        return None
    keys = np.stack([_at(graph, select.key) for select in selects], axis=1)
    asked = [select.cells[:, _at(graph, select.query)] for select in selects]
    wanted = np.stack([np.where(cells.any(axis=0), cells.argmax(axis=0), -1) for cells in asked], axis=1)
    position = {key: place for place, key in enumerate(map(tuple, keys.tolist()))}
    found = np.array([position.get(key, -1) for key in map(tuple, wanted.tolist())])
    places = np.arange(graph.max_seq_len)
    seen = (found >= 0) & (found <= places)
    by = int((places - found)[seen].min(initial=graph.max_seq_len))
    one_each = len(position) == len(keys) == len(places)
    return by if one_each and np.array_equal(seen, places >= by) and (found == places - by)[seen].all() else None


def _at(graph: Graph, place: int) -> Ids:
    """The number of the value of a function of the position at each position."""
    node = graph[place]
    return node.cells if isinstance(node, Table) else np.arange(graph.max_seq_len, dtype=np.int32)


def _is_of_positions(graph: Graph, select: Select) -> bool:
    sides = (graph[select.key], graph[select.query])
    return all(
        isinstance(side, Index)
        or (isinstance(side, Table) and [type(graph[arg]) for arg in side.args] == [Index] and (side.cells >= 0).all())
        for side in sides
    )


def links_of_rotation(model: Model) -> Iterator[Link]:
    """What turns although it is to stand still: pairs that a program reads, and weights that nobody accounts for."""
    config, held = model.config, model.config.held
    family = FAMILIES[config.family]
    if held is None or not family.rotary:
        return
    rotation, width = rotation_in(model), config.widths[0].d_head
    slowest = config.n_ctx * float(rotation.frequencies[width // 4])
    yield Link("rotation", family.name, slowest, STILL, "of the angle that turns a query or a key")
    used = np.zeros((config.n_layers, config.widths[0].n_heads, width), bool)
    used[:, :, slots_of(family, held.d_head, width)] = True
    for layer, head in _turned_heads(model):
        used[layer, head, : rotation.turning] = True
        used[layer, head, width // 2 : width // 2 + rotation.turning] = True
    for i in range(config.n_layers):
        for name in (family.modules.query.format(i=i), family.modules.key.format(i=i)):
            stray = float(np.abs(_read(model, name))[:, ~used[i].ravel()].max(initial=0.0))
            if stray > 0:
                yield Link("stray weights", name, stray, 0.0, "of a weight in a pair that turns")


def _turned_heads(model: Model) -> Iterator[tuple[int, int]]:
    plan = model.plan
    if plan is None:
        return
    for place, _, _ in turned_blocks(plan):
        for part in heads_of(model.alignment, plan, place):
            yield part.layer, part.head
