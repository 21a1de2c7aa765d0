"""Heads that tell positions by rotations of the family, where the plain model reads them from a table.

Of such a head the last score directions compare positions, or rank keys by them. In the family these are pairs of RoPE
instead (`raspc.target.rotation`), which read nothing but constants, and nothing at BOS: what they add is 0 there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from raspc.blocks.scores.selection import Selection
from raspc.blocks.spaces import BOS, Head, Read, reads_of
from raspc.errors import ModelFormatError
from raspc.plan.plan import Plan
from raspc.stock.frame import Floats
from raspc.target.families import Family
from raspc.target.rotation import Rotation, rotation_for
from raspc.weights.alignment import Alignment, HeadPart
from raspc.weights.config import Config
from raspc.weights.model import Model


@dataclass(frozen=True)
class Turned:
    """A head of the plain model, whose columns from `start` to `stop` a rotation stands for.

    `sign`: 1 where it ranks keys and the last wins, −1 where the first does; 0 where it looks for the key that stands
    `shift` positions before. `unit`: what a query is multiplied by to score one step.
    """

    layer: int
    head: int
    start: int
    stop: int
    sign: int
    shift: int | None
    unit: float


def turned_in(model: Model, divisor: float) -> tuple[Turned, ...]:
    """The heads of a plain model that a rotation stands for, by its plan; none where something else reads positions.

    `divisor`: what its products of queries and keys are divided by.
    """
    plan = model.plan
    if plan is None or any(_reads_besides(plan)):
        return ()
    return tuple(
        Turned(
            part.layer, part.head, block.query.width - selection.turned, block.query.width, sign_of(selection),
            selection.shift, block.scale(divisor),
        )
        for place, block, selection in turned_blocks(plan)
        for part in heads_of(model.alignment, plan, place)
    )  # fmt: skip


def heads_of(alignment: Alignment, plan: Plan, place: int) -> tuple[HeadPart, ...]:
    """The heads of a variable. Raises ModelFormatError for one that the alignment does not know."""
    facts = alignment.variables.get(plan.graph.labels[place])
    if facts is None:
        raise ModelFormatError("the model's alignment does not fit its plan; compile it again")
    return facts.heads


def turned_blocks(plan: Plan) -> Iterator[tuple[int, Head, Selection]]:
    """The heads of a plan whose last score directions a rotation stands for: the variable, the head, how it selects."""
    for place, block in zip(plan.lowered.place_of_block, plan.lowered.blocks, strict=True):
        stored = plan.storage[place] if isinstance(block, Head) else None
        if isinstance(block, Head) and stored and (selection := stored.selection) and selection.turned:
            yield place, block, selection


def sign_of(selection: Selection) -> int:
    """1 where a head ranks positions and the last wins, −1 where the first does; 0 where it does not rank them."""
    return 0 if selection.ranking is None else selection.ranking.turned


def _reads_besides(plan: Plan) -> Iterator[str]:
    """Spaces of positions that are read by something else than what a rotation stands for."""
    positions = set(plan.lowered.positions)
    turned = {id(block): selection.turned for _, block, selection in turned_blocks(plan)}
    for block in plan.lowered.blocks:
        reads = reads_of(block)
        if isinstance(block, Head):
            own = [without_last(read, turned.get(id(block), 0)) for read in (block.query, block.key)]
            reads = (*own, block.value)
        yield from (space for read in reads for space in positions & set(read.maps))
    yield from positions & set(plan.lowered.output.maps)


def without_last(read: Read, columns: int) -> Read:
    """All but the last columns, of what they still read."""
    kept = slice(0, read.width - columns)
    maps = {space: matrix[:, kept] for space, matrix in read.maps.items()}
    return Read({space: matrix for space, matrix in maps.items() if matrix.any()}, read.bias[kept])


def rotation_of(turned: tuple[Turned, ...], family: Family, d_head: int, n_ctx: int) -> Rotation | None:
    """How a family turns that tells positions so; None where all that is in use stands still."""
    shifts = {one.shift for one in turned if one.shift is not None}
    return rotation_for(d_head, n_ctx - 1, tuple(sorted(shifts))) if turned and family.rotary else None


def give_back(params: dict[str, Floats], plan: Plan, alignment: Alignment, config: Config) -> None:
    """Let the plain model read positions again, from a table, where its family turns them.

    What it is given is what the plan says; the proof looks at what the family has in its stead.
    """
    names, dims = config.target.names, _dims(alignment)
    for space, table in plan.lowered.positions.items():
        params[names.pos_embed][1 : len(table) + 1, slice(*dims[space])] += table
    for place, block, selection in turned_blocks(plan):
        for part in heads_of(alignment, plan, place):
            called, widths = names.layer(part.layer), config.widths[part.layer]
            stop, many = part.head * widths.d_head + block.query.width, selection.turned
            scale = block.scale(config.target.score_divisor(widths.d_head))
            for dense, read, factor in ((called.query, block.query, scale), (called.key, block.key, 1.0)):
                params[dense.b][stop - many : stop] = factor * read.bias[-many:]
                params[dense.w][:, stop - many : stop] = 0.0
                for space, matrix in read.maps.items():
                    params[dense.w][slice(*dims[space]), stop - many : stop] = factor * matrix[:, -many:]


def _dims(alignment: Alignment) -> Mapping[str, tuple[int, ...]]:
    """Where spaces lie, by the alignment."""
    bos = alignment.bos or 0
    return {**{name: tuple(facts.dims) for name, facts in alignment.spaces.items()}, BOS: (bos, bos + 1)}


def pairs_of(turned: Sequence[Turned], rotation: Rotation, n_heads: int, first: int) -> tuple[Floats, Floats]:
    """[heads, d_head]: what the queries and the keys of one layer read of a constant, so that pairs tell positions.

    `first`: the column of a head that holds the first of a plain one.
    """
    query, key = np.zeros((2, n_heads, rotation.d_head))
    half = rotation.d_head // 2
    for one in turned:
        if one.shift is None:
            query[one.head, rotation.slow] = one.sign * rotation.amplitude * one.unit
            key[one.head, rotation.slow + half] = -1.0
            continue
        many, amplitude = rotation.slow + 1, rotation.shift_amplitude(one.shift)
        angles = one.shift * rotation.frequencies[:many]
        query[one.head, :many] = amplitude * one.unit * np.cos(angles)
        query[one.head, half : half + many] = -amplitude * one.unit * np.sin(angles)
        key[one.head, :many] = 1.0
        # the right key is to score 0, as one does that is selected
        query[one.head, first + one.start], key[one.head, first + one.start] = one.unit, -amplitude * many
    return query, key
