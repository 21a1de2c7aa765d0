"""RASP-L, the dialect of Zhou et al. (2023), "What Algorithms can Transformers Learn?", on s-ops.

    from raspc import raspl
    from raspc.raspl import indices, kqv, shift_right, where

Every program is causal and its values are whole numbers: a mean is cut towards zero. The names and arguments are those
of the paper's library of NumPy functions, where a program is written about an array `x`; here `x` is `rasp.tokens`.
"""

from raspc.raspl.core import (
    aggr,
    aggr_max,
    aggr_mean,
    aggr_min,
    equals,
    full,
    geq,
    gt,
    indices,
    kqv,
    leq,
    lt,
    sel_width,
    select,
    seq_map,
    tok_map,
)
from raspc.raspl.functions import (
    argmax,
    argmin,
    binary_mode,
    cumsum,
    first_true,
    firsts,
    has_seen,
    index_select,
    induct,
    induct_kqv,
    induct_prev,
    lasts,
    mask,
    maximum,
    minimum,
    mode,
    num_prev,
    seq_max,
    seq_min,
    shift_right,
    where,
)

__all__ = [
    "aggr",
    "aggr_max",
    "aggr_mean",
    "aggr_min",
    "argmax",
    "argmin",
    "binary_mode",
    "cumsum",
    "equals",
    "first_true",
    "firsts",
    "full",
    "geq",
    "gt",
    "has_seen",
    "index_select",
    "indices",
    "induct",
    "induct_kqv",
    "induct_prev",
    "kqv",
    "lasts",
    "leq",
    "lt",
    "mask",
    "maximum",
    "minimum",
    "mode",
    "num_prev",
    "sel_width",
    "select",
    "seq_map",
    "seq_max",
    "seq_min",
    "shift_right",
    "tok_map",
    "where",
]


def __dir__() -> list[str]:
    """The names of the dialect and no others."""
    return __all__
