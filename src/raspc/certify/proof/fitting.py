"""Whether a plan fits its graph, and the weights that are read by it: what the proof relies on when it looks there.

A plan may come from a file that anyone wrote, or from a compiler with a fault. Where it does not fit, that is said as a
link that does not hold. What goes wrong in a proof of a plan that fits is a fault of the proof itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from raspc.blocks.reading import features as F
from raspc.blocks.spaces import BOS, Block, Head, Read, reads_of
from raspc.certify.proof.examined import Examined
from raspc.graph import nodes as N

OF_HEADS = (N.Width, N.Length, N.Aggregate, N.Sum)
"""What attention computes; neurons compute the rest, or bring what attention left into another form."""


class PlanError(ValueError):
    """A plan that does not fit the graph or the weights that it is said to be of."""


def hold_to_graph(plan: Examined) -> None:
    """Raises PlanError at the first that does not fit."""
    fault = next(_faults(plan), None)
    if fault is not None:
        raise PlanError(fault)


def _faults(plan: Examined) -> Iterator[str]:
    yield from _of_homes(plan)
    lowered, actual = plan.lowered, plan.actual
    if not len(lowered.place_of_block) == len(actual.blocks) == len(actual.stages):
        yield "blocks are of no variables"
        return
    owner = {group.space: place for place, groups in lowered.home.items() for group in groups}
    held = {BOS, *lowered.embeddings, *lowered.positions}
    for i in sorted(range(len(actual.blocks)), key=actual.stages.__getitem__):
        block, place = actual.blocks[i], lowered.place_of_block[i]
        yield from _of_block(plan, block, place)
        for space in block.write.maps:
            if owner.get(space) != place:
                yield f"{block.name} writes {space}, which is of another variable"
        yield from (f"{block.name} {fault}" for read in reads_of(block) for fault in _of_read(read, held))
        held |= set(block.write.maps)
    yield from (f"the output {fault}" for fault in _of_read(actual.output, held))
    yield from (f"{space} is embedded for no variable" for space in held if space != BOS and space not in owner)
    for old in actual.reused:
        if old.space not in held or not 0 <= old.column < _width(plan, old.space):
            yield f"a dimension is cleared that {old.space} does not have"


def _of_homes(plan: Examined) -> Iterator[str]:
    """Each variable has codes of its own values, as wide as where they lie."""
    graph, spaces = plan.graph, set[str]()
    for place, groups in plan.lowered.home.items():
        node = graph[place] if 0 <= place < len(graph) else None
        if not isinstance(node, N.Variable):
            yield "what is no variable has a space"
            continue
        for group in groups:
            if group.space in spaces:
                yield f"{group.space} is of two variables"
            if group.space in plan.dims and group.code.shape != (F.size(node.domain), _width(plan, group.space)):
                yield f"the code of {group.space} is not of the values of {graph.labels[place]}"
            spaces.add(group.space)


def _of_block(plan: Examined, block: Block, place: int) -> Iterator[str]:
    """A head computes what attention does."""
    node = plan.graph[place] if 0 <= place < len(plan.graph) else None
    if not isinstance(node, N.Variable) or (isinstance(block, Head) and not isinstance(node, OF_HEADS)):
        yield f"{block.name} computes another kind of variable"
    elif plan.storage[place] is None:
        yield f"nothing is stored of what {block.name} computes"


def _of_read(read: Read, held: set[str]) -> Iterator[str]:
    yield from (f"reads {space} before it is there" for space in read.maps if space not in held)


def _width(plan: Examined, space: str) -> int:
    dims = plan.dims[space]
    return int(dims.stop - dims.start)
