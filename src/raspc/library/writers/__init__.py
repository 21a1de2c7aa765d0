"""Programs that write: each with its prompts, the token at which it stops, and the answer in plain Python.

The program's answer at the last token is the next token; `raspc.compile(…, generate=True)` compiles it. Outside its
prompts, and before they end, what it says means nothing.
"""

from raspc.library.writers import lists, machines, memories, sums
from raspc.library.writers.lists import write_closing, write_copy, write_copy_unique, write_count, write_sort
from raspc.library.writers.machines import (
    turing_machine,
    write_busy_beaver,
    write_parity,
    write_postfix,
    write_word_problem,
)
from raspc.library.writers.memories import write_induction, write_recall
from raspc.library.writers.sums import write_addition, write_product, write_sum, write_thought_sum
from raspc.library.writers.writer import Writer

WRITERS: tuple[Writer, ...] = (*lists.WRITERS, *sums.WRITERS, *machines.WRITERS, *memories.WRITERS)
"""Every program that writes, in the order in which docs/writers.md tells of them."""

__all__ = [
    "WRITERS",
    "Writer",
    "turing_machine",
    "write_addition",
    "write_busy_beaver",
    "write_closing",
    "write_copy",
    "write_copy_unique",
    "write_count",
    "write_induction",
    "write_parity",
    "write_postfix",
    "write_product",
    "write_recall",
    "write_sort",
    "write_sum",
    "write_thought_sum",
    "write_word_problem",
]
