"""RASP as Python expressions: s-ops, selectors, and the operators between them.

The language of Weiss, Goldberg and Yahav (2021), "Thinking Like Transformers", under the names
that Lindner et al. (2023), "Tracr", gave to its constructors. Expressions are immutable and are
identified by identity alone: `==` between s-ops builds an s-op.
"""

from raspc.rasp.expressions import (
    Aggregate,
    Assume,
    Best,
    Comparison,
    ConstantSelector,
    ConstantSOp,
    Elementwise,
    Encoding,
    Expr,
    Full,
    IndicesType,
    LengthType,
    LinearSequenceMap,
    Map,
    NaryMap,
    Predicate,
    Select,
    Selector,
    SelectorAnd,
    SelectorNot,
    SelectorOr,
    SelectorWidth,
    SequenceMap,
    SOp,
    Sum,
    TokensType,
    Value,
    indices,
    length,
    tokens,
    topological,
)
from raspc.rasp.words import (
    assume,
    best,
    categorical,
    causal,
    earliest,
    is_in,
    latest,
    machine,
    map,
    memory,
    numerical,
    program,
    where,
)

__all__ = [
    "Aggregate", "Assume", "Best", "Comparison", "ConstantSOp", "ConstantSelector", "Elementwise", "Encoding",
    "Expr", "Full", "IndicesType", "LengthType", "LinearSequenceMap", "Map", "NaryMap", "Predicate", "SOp",
    "Select", "Selector", "SelectorAnd", "SelectorNot", "SelectorOr", "SelectorWidth", "SequenceMap", "Sum",
    "TokensType", "Value", "assume", "best", "categorical", "causal", "earliest", "indices", "is_in", "latest",
    "length", "machine", "map", "memory", "numerical", "program", "tokens", "topological", "where",
]  # fmt: skip


def __dir__() -> list[str]:
    """The public names and no others."""
    return __all__
