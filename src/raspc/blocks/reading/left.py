"""What attention leaves of counts and means, before anybody reads them: it follows from the graph alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from raspc.blocks.reading import features as F
from raspc.blocks.reading.groups import Group
from raspc.blocks.reading.naming import value_labels
from raspc.blocks.reading.plain import number_share, wanted_as_numbers
from raspc.blocks.reading.roots import Roots
from raspc.blocks.reading.unrounded import unrounded
from raspc.errors import UnsupportedProgram
from raspc.graph import nodes as N
from raspc.graph.nodes import Listed, Table
from raspc.numbers.choice import Choice
from raspc.numbers.options import Options
from raspc.numbers.raised import Raised, raised_for
from raspc.numbers.shares import Share, share_of
from raspc.target.families import is_centred

CHOICE = Choice(
    "add_shares", "storage",
    "widths that are added have BOS raised so far that their shares are added instead",
    "at most 96 positions",
    "one staircase decodes the sum, in the layer of its heads",
)  # fmt: skip

SUM_OF_SHARES = 96
"""Up to this length, widths that are added raise BOS so far that their shares may be added instead."""
ROOM_TO_ADD = 6
"""The same where codes are to have room: noise in the weights moves such a sum by N² times as much."""


@dataclass(frozen=True, eq=False)
class Left:
    """What attention leaves of a count, a mean or a sum: one group; of a count how it is a share of attention.

    `raised`: how the head of a sum adds.
    """

    group: Group
    share: Share | None = None
    raised: Raised | None = None


def left_by_attention(roots: Roots, options: Options) -> Mapping[int, Left]:
    """Of every count, mean and sum. Raises UnsupportedProgram for counts that the format cannot tell apart."""
    numbers = wanted_as_numbers(roots, options)
    even = set() if is_centred(options.target) else unrounded(roots)  # after a layer norm every sum rounds
    found: dict[int, Left] = {}
    for place, node in enumerate(roots.graph.nodes):
        if isinstance(node, N.Width | N.Length):
            number = _number(roots, place, node, options) if place in numbers else None
            found[place] = number or _count(roots, place, node, options, place in even)
        elif isinstance(node, N.Aggregate) and not (node.pick and isinstance(node.domain, Listed)):
            found[place] = Left(_mean(roots.graph.labels[place], node))
        elif isinstance(node, N.Sum):
            found[place] = _sum(roots, place, node, options)
    return found


def _sum(roots: Roots, place: int, node: N.Sum, options: Options) -> Left:
    """The sum itself, as a number."""
    label, raised = (
        roots.graph.labels[place],
        raised_for(roots.graph.max_seq_len, options.precision, is_centred(options.target)),
    )
    if raised is None:
        raise UnsupportedProgram.at(
            label, f"a sum in {options.precision.name}, which rounds every probability", "a wider dtype",
            "compile for float32, or add numbers of fewer digits over fewer keys, which are counted",
        )  # fmt: skip
    return Left(Group(label, (label,), F.number(node.domain)[:, None]), raised=raised)


def _mean(label: str, node: N.Aggregate) -> Group:
    """The number, and an indicator for each special value."""
    code = F.numeric_code(node.domain)
    words = value_labels(label, node.domain.specials)
    return Group(label, (label, *words) if code.shape[1] > len(words) else words, code)


def _count(roots: Roots, place: int, node: N.Width | N.Length, options: Options, even: bool) -> Left:
    """The share of attention of the keys that are counted, or of BOS; `even`: sums with it are not to round."""
    n, label, precision = roots.graph.max_seq_len, roots.graph.labels[place], options.precision
    most = SUM_OF_SHARES if options.margin is None else ROOM_TO_ADD
    added = _added_to(roots, place) if n <= most and options.has("add_shares") else 0
    counted = int(node.listed.values[-1]) if precision.narrow else n
    share = share_of(node.listed.numbers, counted, added, precision, even, options.margin is not None)
    if share is None:
        raise UnsupportedProgram.at(
            label, f"counts up to {n}, more than {precision.name} tells apart in one head", "fewer keys",
            "shorten the maximum length, or compile for a wider dtype",
        )  # fmt: skip
    share = share if options.margin is None or precision.narrow else share.roomy
    noisy = len(node.listed) <= 2 and not precision.narrow  # of two values everything is a linear function
    return Left(Group(f"{label}.share", (f"{label}.share",), share.code[:, None], noisy=noisy), share)


def _number(roots: Roots, place: int, node: N.Width | N.Length, options: Options) -> Left | None:
    """The count itself; None where the format rounds too far for that."""
    label, share = roots.graph.labels[place], number_share(roots, place, options)
    return None if share is None else Left(Group(f"{label}.share", (f"{label}.share",), share.code[:, None]), share)


def _added_to(roots: Roots, place: int) -> int:
    """How many widths, this one counted, are added up in some table with something else; 0 if none are."""
    counts = [0]
    for node, joint in zip(roots.graph.nodes, roots.joints, strict=True):
        if not isinstance(node, Table) or joint is None or place not in joint.roots or len(joint.roots) < 2:
            continue
        widths = sum(isinstance(roots.graph[root], N.Width | N.Length) for root in joint.roots)
        if widths > 1:
            counts.append(widths - 1)
        elif node.listed.all_numbers and F.additive(joint, node.listed.numbers) is not None:
            counts.append(1)
    return max(counts)
