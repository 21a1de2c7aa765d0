"""Programs ready to use, grouped by where they come from.

Each is a function that builds an expression (`library.reverse()`, `library.shuffle_dyck(["()"])`), and an
entry of `PROGRAMS` with a vocabulary, a length, and plain Python that says what it computes.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType

from raspc import arguments
from raspc.errors import InputError
from raspc.library import counting, search, sequences, tracr, weiss, writers
from raspc.library.counting import (
    contains,
    cumulative_sum,
    fraction,
    majority,
    num_prevs,
    parity,
    running_majority,
)
from raspc.library.program import Program
from raspc.library.random_program import random_program, random_script
from raspc.library.search import (
    argmax,
    argmin,
    first_occurrence,
    has_seen,
    index_select,
    induction,
    last_occurrence,
    maximum,
    minimum,
    mode,
    token_after_last,
)
from raspc.library.sequences import addition, caesar, palindrome, swap_halves
from raspc.library.tracr import (
    count,
    count_less_freq,
    detect_pattern,
    frac_prevs,
    hist,
    length,
    make_count,
    make_count_less_freq,
    make_frac_prevs,
    make_hist,
    make_length,
    make_nary_sequencemap,
    make_pair_balance,
    make_reverse,
    make_shuffle_dyck,
    make_shuffle_dyck2,
    make_sort,
    make_sort_freq,
    make_sort_unique,
    nary_map,
    pair_balance,
    reverse,
    shift_by,
    shuffle_dyck,
    shuffle_dyck1,
    shuffle_dyck3,
    sort,
    sort_freq,
    sort_stable,
    sort_unique,
)
from raspc.library.weiss import double_hist, dyck1_ptf, dyck2_ptf, dyck3_ptf, dyck_ptf, most_freq

PROGRAMS: Mapping[str, Program] = MappingProxyType(
    {program.name: program for group in (tracr, weiss, counting, search, sequences) for program in group.PROGRAMS}
)
"""Every program of the library by name, in the order of its groups."""


WRITERS: Mapping[str, writers.Writer] = MappingProxyType({writer.name: writer for writer in writers.WRITERS})
"""Every program that writes by name, for `raspc.compile(…, generate=True)`."""


def get(name: str) -> Program:
    """The library's program of this name.

    Raises InputError for an unknown name, with the nearest known ones.
    """
    if arguments.an(str, "name", name, "the name of a program, in text") in PROGRAMS:
        return PROGRAMS[name]
    near = get_close_matches(name, PROGRAMS, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"the library holds {', '.join(PROGRAMS)}"
    raise InputError(f"unknown program {name!r}: {hint}")


__all__ = [
    "PROGRAMS",
    "WRITERS",
    "Program",
    "addition",
    "argmax",
    "argmin",
    "caesar",
    "contains",
    "count",
    "count_less_freq",
    "cumulative_sum",
    "detect_pattern",
    "double_hist",
    "dyck1_ptf",
    "dyck2_ptf",
    "dyck3_ptf",
    "dyck_ptf",
    "first_occurrence",
    "frac_prevs",
    "fraction",
    "get",
    "has_seen",
    "hist",
    "index_select",
    "induction",
    "last_occurrence",
    "length",
    "majority",
    "make_count",
    "make_count_less_freq",
    "make_frac_prevs",
    "make_hist",
    "make_length",
    "make_nary_sequencemap",
    "make_pair_balance",
    "make_reverse",
    "make_shuffle_dyck",
    "make_shuffle_dyck2",
    "make_sort",
    "make_sort_freq",
    "make_sort_unique",
    "maximum",
    "minimum",
    "mode",
    "most_freq",
    "nary_map",
    "num_prevs",
    "pair_balance",
    "palindrome",
    "parity",
    "random_program",
    "random_script",
    "reverse",
    "running_majority",
    "shift_by",
    "shuffle_dyck",
    "shuffle_dyck1",
    "shuffle_dyck3",
    "sort",
    "sort_freq",
    "sort_stable",
    "sort_unique",
    "swap_halves",
    "token_after_last",
    "writers",
]
