"""`tracr.compiler.lib`: the programs of raspc's library under Tracr's names and signatures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from raspc.compat.tracr.rasp.adoption import adopting
from raspc.compat.tracr.rasp.expressions import SOp
from raspc.errors import InputError, InvalidProgram
from raspc.library import tracr as programs
from raspc.rasp import Value

make_length = adopting(programs.make_length)
make_reverse = adopting(programs.make_reverse)
make_frac_prevs = adopting(programs.make_frac_prevs)
make_pair_balance = adopting(programs.make_pair_balance)
make_shuffle_dyck2 = adopting(programs.make_shuffle_dyck2)
make_hist = adopting(programs.make_hist)
make_sort_unique = adopting(programs.make_sort_unique)
make_sort = adopting(programs.make_sort)
make_sort_freq = adopting(programs.make_sort_freq)
make_count = adopting(programs.make_count)
make_count_less_freq = adopting(programs.make_count_less_freq)
make_nary_sequencemap = adopting(programs.make_nary_sequencemap)

length = make_length()


def make_shuffle_dyck(pairs: Sequence[str]) -> SOp:
    """True at every position if each kind of bracket is balanced on its own; see `raspc.library`.

    Raises InputError, a ValueError, without pairs or for a pair that has not two characters.
    """
    return _checked(programs.make_shuffle_dyck, pairs)


def shift_by(offset: int, /, sop: SOp) -> SOp:
    """The s-op moved to the right by `offset`, with None before it."""
    return adopting(programs.shift_by)(offset, sop)


def detect_pattern(sop: SOp, pattern: Sequence[Value]) -> SOp:
    """True at the last token of each occurrence of the pattern; None where it does not fit yet.

    Raises InputError, a ValueError, for an empty pattern.
    """
    return _checked(programs.detect_pattern, sop, pattern)


def _checked(build: Callable[..., Any], *args: Any) -> SOp:
    try:
        return adopting(build)(*args)
    except InvalidProgram as error:
        raise InputError(str(error)) from error
