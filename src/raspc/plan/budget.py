"""What the arrays of a model take, told from its plan before any is made; and which variable costs most of it."""

from __future__ import annotations

from raspc.blocks.spaces import Head
from raspc.errors import UnsupportedProgram
from raspc.numbers.memory import BYTES, in_words
from raspc.plan.plan import Plan


def bytes_needed(plan: Plan) -> int:
    """How many bytes the arrays of the model take while it is made."""
    return BYTES * plan.size[1]


FAR = 2
"""A plan that needs so many times what is allowed is not looked at for what else could be done."""


def is_far_beyond(plan: Plan) -> bool:
    """Whether a model needs far more memory than the options allow."""
    return bytes_needed(plan) > FAR * plan.options.memory


def check_budget(plan: Plan) -> None:
    """Raises UnsupportedProgram for a model that needs more memory than the options allow; names what costs it."""
    needed, budget = bytes_needed(plan), plan.options.memory
    if needed <= budget:
        return
    label, costs = dearest(plan)
    raise UnsupportedProgram.at(
        label, f"{costs}, the most of a model of {plan.size[1]:,} parameters that needs {in_words(needed)}",
        f"at most {in_words(budget)}",
        "use fewer tokens or a shorter maximum length, compute it of fewer values, or allow more with memory=",
    )  # fmt: skip


def dearest(plan: Plan) -> tuple[str, str]:
    """The variable with the most directions and neurons, and how many these are."""
    lowered, labels = plan.lowered, plan.graph.labels
    directions = {place: sum(len(group.labels) for group in groups) for place, groups in lowered.home.items()}
    neurons: dict[int, int] = {}
    for place, block in zip(lowered.place_of_block, lowered.blocks, strict=True):
        if not isinstance(block, Head):
            neurons[place] = neurons.get(place, 0) + block.read.width
    place = max({*directions, *neurons}, key=lambda p: directions.get(p, 0) + neurons.get(p, 0))
    parts = {"directions": directions.get(place, 0), "neurons": neurons.get(place, 0)}
    return labels[place], " and ".join(f"{count:,} {what}" for what, count in parts.items() if count)
