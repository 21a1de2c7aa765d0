"""Which counts are wanted as numbers, and by nobody who does not bear what the number is off by as attention leaves it.

Four readers bear any error below a half of a whole number x: the answer, whose logits 2vx − v² part neighbours by 1,
less twice the error; the query of a pick by −(k − q)², in which an error e of q takes 2e·|k − q| from (k − q)²; its
keys, and a query whose square is read too, where a number and its square err together
(`raspc.blocks.neurons.parabolas`); and the rank of a key. A pick that moves a count bears what its own readers do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from raspc.blocks.reading import features as F
from raspc.blocks.reading.moving import moved
from raspc.blocks.reading.roots import Roots
from raspc.blocks.reading.selectors import best_of, selects_of
from raspc.blocks.reading.slopes import straight
from raspc.blocks.scores.penalty import natural_numbers
from raspc.graph import nodes as N
from raspc.graph.nodes import Floats, Graph, Listed, Select, Table
from raspc.graph.tables import Joint
from raspc.numbers.choice import Choice
from raspc.numbers.options import Options
from raspc.numbers.shares import Share, as_number

CHOICE = Choice(
    "plain_counts", "storage",
    "attention leaves a count as the number that it is, so that no neurons decode it",
    "level 2; all who read the count want a multiple of the number, right to an eighth of a step",
    "an error that grows with the square of the length: an eighth at about 1,400",
)  # fmt: skip

OFF = 1 / 8
"""How far off a whole number may be that is the answer, or that a pick compares: half of a step is too far."""
LEAN = 4
"""What a count is off by, times the slope along it, may come to this part of what the answer bears."""
FARTHEST = 512.0
"""The logits 2vx − v² of numbers up to this are right to much less than 1 in float32."""
OFF_RANK = 1 / 16
"""How far off a rank of a key may be, which is a whole number."""
OFF_FOLDED = 0.24
"""How far off a whole number may be that is read by its row and its place there: what ramps round comes on top."""
COUNTS = (N.Width, N.Length)
STRETCHES = 64
"""Keys are counted in at most so many stretches of positions."""


@dataclass(frozen=True, eq=False)
class _Use:
    """Somebody reads a variable: as a multiple of `numbers`, one for each of its values, or in any other way.

    `off`: how far off these may be. `leans`: whether they may be straight along a count for each value of what else
    they rest on, rather than sums.
    """

    place: int
    numbers: Floats | None = None
    off: float = OFF
    leans: bool = False


def wanted_as_numbers(roots: Roots, options: Options) -> frozenset[int]:
    """The counts of which nothing else is wanted; of two values everything is a multiple of a share."""
    graph = roots.graph
    counts = {p for p, node in enumerate(graph.nodes) if isinstance(node, COUNTS) and len(node.listed) > 2}
    if not counts or not options.storage.compact or not options.has("plain_counts"):
        return frozenset()
    return frozenset(counts - _strict(roots, options))


def _strict(roots: Roots, options: Options) -> set[int]:
    """The counts that somebody does not read as plain numbers, or would read as too rough ones.

    What is asked of a pick is asked of what it copies, which comes before it.
    """
    moves, found = _moving(roots), set[int]()
    asked: dict[int, dict[tuple[bytes | None, bool], _Use]] = {}

    def ask(use: _Use) -> None:
        key = None if use.numbers is None else use.numbers.tobytes(), use.leans
        others = asked.setdefault(use.place, {})
        others[key] = use if key not in others or use.off < others[key].off else others[key]

    for use in _uses(roots, options):
        ask(use)
    for place in reversed(range(len(roots.graph))):
        for use in asked.pop(place, {}).values():
            for term in _terms(roots, use, moves, options):
                if isinstance(roots.graph[term.place], COUNTS):
                    found |= set() if _is_borne(roots, term, options) else {term.place}
                else:
                    ask(_of_source(roots, term))
    return found


def _moving(roots: Roots) -> set[int]:
    """The counts, and the picks that move what rests on one."""
    found = set[int]()
    for place, node in enumerate(roots.graph.nodes):
        moved = is_listed_pick(roots.graph, place) and not found.isdisjoint(rests_on(roots, node.source))  # type: ignore[attr-defined]
        if isinstance(node, COUNTS) or moved:
            found.add(place)
    return found


def rests_on(roots: Roots, place: int) -> tuple[int, ...]:
    """The variables that one is a function of in the end."""
    joint = roots.joints[place]
    return (place,) if joint is None else joint.roots


def is_listed_pick(graph: Graph, place: int) -> bool:
    """Whether a variable is copied from a key, and its values are listed, as are those of what it is a copy of."""
    node = graph[place]
    if not (isinstance(node, N.Aggregate) and node.pick and isinstance(node.domain, Listed)):
        return False
    return isinstance(graph.variable(node.source).domain, Listed)


def _terms(roots: Roots, use: _Use, moves: set[int], options: Options) -> Iterator[_Use]:
    """What a use takes of counts, and of picks that move them, which share what it bears."""
    joint, own = roots.joints[use.place], [root for root in rests_on(roots, use.place) if root in moves]
    if joint is not None and use.leans and use.numbers is not None:
        yield from _leant_on(roots, use, joint, options)
        return
    found = F.additive(joint, use.numbers) if joint is not None and use.numbers is not None and own else None
    parts: Mapping[int, Floats] = {} if found is None else dict(found.parts)
    for root in own:
        yield _Use(root, parts.get(root), use.off / len(own))


def _leant_on(roots: Roots, use: _Use, joint: Joint, options: Options) -> Iterator[_Use]:
    """The count that a use leans on, where that is too rough for it."""
    assert use.numbers is not None
    (root,) = (root for root in joint.roots if isinstance(roots.graph[root], COUNTS))
    slopes = straight(joint.cells, joint.roots.index(root), _numbers(roots, root), use.numbers[:, None])
    share = number_share(roots, root, options)
    if slopes is None or share is None or LEAN * slopes.steepest * share.noise.max() > use.off:
        yield _Use(root)


def _of_source(roots: Roots, use: _Use) -> _Use:
    """What is asked of a pick, as asked of what it copies."""
    node = roots.graph[use.place]
    assert isinstance(node, N.Aggregate)
    if use.numbers is None:
        return _Use(node.source)
    return _Use(node.source, np.ascontiguousarray(moved(roots.graph, node, use.numbers[:, None])[:, 0]), use.off)


def _is_borne(roots: Roots, use: _Use, options: Options) -> bool:
    """Whether a multiple of a count is read, and it is no further off than that."""
    if use.numbers is None:
        return False
    slopes = np.diff(use.numbers) / np.diff(_numbers(roots, use.place))
    share = number_share(roots, use.place, options)
    if share is None or not len(slopes) or np.ptp(slopes) > F.TOLERANCE:
        return False
    return bool(abs(slopes[0]) * share.noise.max() <= use.off)


def _uses(roots: Roots, options: Options) -> Iterator[_Use]:
    """All that is read by heads, as the answer, and by what is not listed over its roots."""
    graph = roots.graph
    yield _answer(roots, options)
    for place, node in enumerate(graph.nodes):
        if isinstance(node, N.Width | N.Length | N.Aggregate | N.Sum):
            yield from _heads(roots, place, node, options)
        elif isinstance(node, N.Affine | N.Sign) or (isinstance(node, Table) and roots.is_opaque(place)):
            yield from map(_Use, node.args)


def _answer(roots: Roots, options: Options) -> _Use:
    """The output: of one that is given as one of a list the place in the list is read."""
    graph = roots.graph
    place, node, joint = graph.output, graph.variable(graph.output), roots.joints[graph.output]
    if node.numerical or not options.has("number_answers"):
        return _Use(place)
    if (steps := leaning(roots, options)) is not None:
        return _Use(place, steps, leans=True)
    exact, moves = (N.Index, N.Token), _moving(roots)
    counted = joint is not None and all(isinstance(graph[r], exact) or r in moves for r in joint.roots)
    off = OFF if folded_answer(roots, options) is None else OFF_FOLDED
    return _Use(place, np.arange(len(node.listed), dtype=np.float64) if counted else None, off)


ROW = 512
"""So many numbers lie in one row of a folded answer."""


@dataclass(frozen=True, eq=False)
class Folded:
    """A number on a strip that is folded into rows: its place `along` the row, and which `row` it is.

    Numbers go up one row and down the next, so that neighbours lie 1 apart in just one of the two. The logits
    2a′a − a′² + 2r′r − r′² lead by (a − a′)² + (r − r′)², of which an error e of the number takes at most
    2e·(|a − a′| + |r − r′|). So they bear any e below ½, as 2vx − v² does; but their terms are up to ROW²/2, where
    those of numbers up to m are 2m². Both features are straight but for where the strip bends
    (`raspc.blocks.neurons.folds`).
    """

    along: Floats
    row: Floats


def folded(count: int) -> Folded:
    """So many numbers, from 0 on, each about the middle."""
    number, at = np.divmod(np.arange(count, dtype=np.float64), ROW)
    up = number % 2 == 0
    return Folded(np.where(up, at, ROW - 1 - at) - ROW // 2, number - number[-1] // 2)


def folded_answer(roots: Roots, options: Options) -> Folded | None:
    """An answer that is one count, and is off too far for 2vx − v²; None for other answers."""
    graph = roots.graph
    node, joint = graph.variable(graph.output), roots.joints[graph.output]
    if joint is None or len(joint.roots) != 1 or not isinstance(graph[joint.roots[0]], COUNTS):
        return None  # (what rests on a listed count alone is listed)
    count, share = len(_numbers(roots, joint.roots[0])), number_share(roots, joint.roots[0], options)
    if len(node.listed) != count or share is None or not options.has("folds"):
        return None
    is_off = share.stretches is not None or share.noise.max() > OFF
    return folded(count) if is_off and share.noise.max() <= OFF_FOLDED else None


def number_share(roots: Roots, place: int, options: Options) -> Share | None:
    """How a count is left as a number, of the fewest stretches of positions that keep it near enough; None in formats
    that round too far for that."""
    node, n = roots.graph.variable(place), roots.graph.max_seq_len
    whole = as_number(node.listed.numbers, n, options.precision)
    if whole is None or whole.noise.max() <= OFF_FOLDED or not isinstance(node, N.Width) or node.by is None:
        return whole
    parts = (as_number(node.listed.numbers, n, options.precision, many) for many in range(2, STRETCHES + 1))
    return next((part for part in parts if part is not None and part.noise.max() <= OFF_FOLDED), whole)


def leaning(roots: Roots, options: Options) -> Floats | None:
    """The answer in steps from the middle of its values, if it is straight along one count, and its place no sum.

    Everything else that it rests on is exact. None for other answers, and for numbers that are too large.
    """
    graph = roots.graph
    joint, domain = roots.joints[graph.output], graph.variable(graph.output).domain
    if joint is None or len(joint.roots) < 2 or not isinstance(domain, Listed) or not domain.all_numbers:
        return None
    counts = [root for root in joint.roots if isinstance(graph[root], COUNTS)]
    moves = _moving(roots)
    exact = all(_is_exact(graph[root]) and root not in moves for root in joint.roots if root not in counts)
    places = np.arange(len(domain), dtype=np.float64)
    if len(counts) != 1 or not exact or not options.has("slopes") or F.additive(joint, places) is not None:
        return None
    found = in_steps(domain)
    if found is None:
        return None
    slopes = straight(joint.cells, joint.roots.index(counts[0]), _numbers(roots, counts[0]), found[:, None])
    return None if slopes is None else found


def _is_exact(node: N.Node) -> bool:
    """Whether a root is embedded, or moved as it is."""
    return isinstance(node, N.Token | N.Index) or (isinstance(node, N.Aggregate) and node.pick)


def in_steps(domain: Listed, farthest: float = FARTHEST) -> Floats | None:
    """Numbers in steps from the middle one; None where they do not lie in steps, or too far apart."""
    numbers = domain.numbers
    found = np.asarray((numbers - numbers[len(numbers) // 2]) / np.diff(numbers).min(initial=np.inf))
    whole = np.isfinite(found).all() and bool((np.rint(found) == found).all())
    return found if whole and float(np.abs(found).max()) <= farthest else None


def _numbers(roots: Roots, place: int) -> Floats:
    return roots.graph.variable(place).listed.numbers


def _heads(roots: Roots, place: int, node: N.Variable, options: Options) -> Iterator[_Use]:
    """What a head compares and moves; what a pick moves is asked for by its readers."""
    graph = roots.graph
    best = best_of(graph, node)
    if best is not None:
        yield _Use(best.score, _ranked(graph, best), OFF_RANK)
    if isinstance(node, N.Aggregate | N.Sum) and not is_listed_pick(graph, place):
        yield _Use(node.source)
    picks = isinstance(node, N.Aggregate) and node.pick and best is None
    for select in selects_of(graph, node):
        keys, queries = _compared(roots, select) if picks and options.has("squares") else (None, None)
        competes = isinstance(node, N.Aggregate) and node.may_be_empty
        yield _Use(select.key, keys if options.has("parabolas") else None, OFF / 2)
        squared = competes and options.has("parabolas")
        yield _Use(select.query, queries if squared or not competes else None, OFF / 2 if competes else OFF)


def _ranked(graph: Graph, best: N.Best) -> Floats | None:
    """The numbers by which keys are ranked, where they are whole and stand for their ranks as they are."""
    domain = graph.variable(best.score).domain
    if not isinstance(domain, Listed) or not domain.all_numbers or (domain.numbers % 1).any():
        return None
    return domain.numbers


def _compared(roots: Roots, select: Select) -> tuple[Floats, Floats] | tuple[None, None]:
    """The numbers of keys and of queries, where these are equal if and only if they are selected."""
    keys, queries = (roots.graph.variable(side).domain for side in (select.key, select.query))
    if not isinstance(keys, Listed) or not isinstance(queries, Listed):
        return None, None
    return natural_numbers(select.cells, keys, queries) or (None, None)
