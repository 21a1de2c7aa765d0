"""The answer of the program: as a number along one direction, or as logits, one for each value."""

from __future__ import annotations

import numpy as np

from raspc.blocks.neurons.products import is_product, multiplies
from raspc.blocks.reading import features as F
from raspc.blocks.reading import plain
from raspc.blocks.reading.plain import FARTHEST, OFF, in_steps, leaning
from raspc.blocks.reading.readiness import NUMBER_ERROR, Readiness
from raspc.blocks.spaces import Matrix
from raspc.blocks.storage.forms import is_long
from raspc.blocks.storage.known import Known
from raspc.blocks.storage.requests import Read
from raspc.blocks.storage.stored import ANSWER, Reader
from raspc.graph import nodes as N
from raspc.graph.nodes import Floats, Listed, Variable
from raspc.numbers.choice import Choice

CHOICE = Choice(
    "number_answers", "storage",
    "the answer is read off its number v by the logits 2vx − v²",
    "level 2; the number is right to an eighth of a step",
    "the right logit leads by at least 1",
)  # fmt: skip

LONGEST = 2.0**11
"""The logits 2vx − v² of whole numbers up to this are whole numbers that float32 has; of products nothing is off."""
CATEGORIES = 256
"""A sum, or a mean that is computed on by neurons, is given as one of a list of at most so many values."""


def is_number(ready: Readiness) -> bool:
    """Whether the output is a number along one direction rather than one of a list."""
    place = ready.graph.output
    node = ready.graph.variable(place)
    if not isinstance(node.domain, Listed):
        return True
    if not node.domain.is_number.any():
        return False
    if node.numerical is not None:
        return node.numerical
    if is_long(ready, place):
        return True
    joint = ready.roots.joints[place]
    if joint is not None and any(isinstance(ready.graph[root], N.Sum) for root in joint.roots):
        return len(node.listed) > (2 * FARTHEST if isinstance(node, N.Sum) else CATEGORIES)
    if joint is None or not any(isinstance(ready.graph[r], N.Aggregate) and r in ready.left for r in joint.roots):
        return False
    return len(node.listed) > CATEGORIES or ready.is_free(joint, node.listed.numbers)


def answer_of(known: Known) -> tuple[Matrix, tuple[Read, ...]]:
    """What the output is read as, one column a logit, and the features that this takes.

    Logits lead by 1, or by the margin that is asked for.
    """
    answer, reads = _answer_of(known)
    margin = known.options.margin
    return (answer if margin is None or known.numerical else margin * answer), reads


def _answer_of(known: Known) -> tuple[Matrix, tuple[Read, ...]]:
    place, options = known.graph.output, known.options
    node, readers = known.graph.variable(place), (Reader(place, ANSWER, place),)
    steps = _in_steps(known) if options.has("number_answers") and not known.numerical else None
    if steps is not None and isinstance(node, N.Sum):
        return number_logits(steps), (Read(place, steps, readers, OFF),)
    by_number = options.storage.compact and not options.precision.narrow and options.has("number_answers")
    if by_number and not known.numerical and (folded := _folded(known)) is not None:
        off = plain.OFF_FOLDED
        reads = (Read(place, column, readers, off, off) for column in (folded.along, folded.row))
        return number_logits(folded.along) + number_logits(folded.row), tuple(reads)
    if by_number and not known.numerical:
        steps = _leaning(known) if steps is None else steps
        steps = _multiplied(known) if steps is None else steps
        n = np.arange(len(node.listed), dtype=np.float64) - len(node.listed) // 2 if steps is None else steps
        return number_logits(n), (Read(place, n, readers, OFF),)
    answer = _number(node) if known.numerical else np.eye(len(node.listed))
    return answer, tuple(Read(place, column, readers, NUMBER_ERROR) for column in answer.T)


def _in_steps(known: Known) -> Floats | None:
    """An answer that rests on a sum, in steps from the middle of its values; None for others, and for too many values.

    Of a sum that is read as a number the logits of all values err alike, so that neighbours part them.
    """
    node, joint = known.graph.variable(known.graph.output), known.ready.roots.joints[known.graph.output]
    on_sums = joint is not None and any(isinstance(known.graph[root], N.Sum) for root in joint.roots)
    return in_steps(node.listed) if on_sums and node.listed.all_numbers else None


def _folded(known: Known) -> plain.Folded | None:
    """The rows of an answer that is one large count, left as a number by attention; None for others."""
    found = plain.folded_answer(known.ready.roots, known.options)
    joint = known.ready.roots.joints[known.graph.output]
    return found if found is not None and joint is not None and known.ready.is_rough(joint.roots[0]) else None


def _leaning(known: Known) -> Floats | None:
    """An answer that is straight along a count that attention leaves as a number, in steps; None for others."""
    joint, ready = known.ready.roots.joints[known.graph.output], known.ready
    rough = joint is not None and any(ready.is_count(root) and ready.is_rough(root) for root in joint.roots)
    return leaning(ready.roots, known.options) if rough else None


def _multiplied(known: Known) -> Floats | None:
    """An answer that gated neurons compute as products of numbers, in steps; None for others."""
    place, ready = known.graph.output, known.ready
    listed = known.graph.variable(place).listed
    if not (multiplies(known.options) and listed.all_numbers):
        return None
    steps = in_steps(listed, LONGEST)
    return steps if steps is not None and is_product(ready, place, steps) else None


def _number(node: Variable) -> Matrix:
    """[values, 1 + specials]: the number, even where there is none but zeros, and the special values."""
    code = F.numeric_code(node.domain)
    return np.hstack([np.zeros((len(code), 1)), code]) if code.shape[1] == len(node.domain.specials) else code


def number_logits(n: Floats) -> Matrix:
    """[value, answer]: 2·x·v − v² for the number x of a value and v of an answer, greatest where they are equal."""
    found: Matrix = np.multiply.outer(2 * n, n)
    found -= n**2
    return found
