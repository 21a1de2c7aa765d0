"""`tracr.rasp.rasp`: the language, under the names that Tracr's users import."""

from __future__ import annotations

from typing import Any, TypeVar

from raspc import rasp as own
from raspc.compat.tracr.rasp.annotations import DEFAULT_ANNOTATORS, ENCODING, Annotations, Annotator
from raspc.compat.tracr.rasp.evaluator import DefaultRASPEvaluator, RASPEvaluator, evaluate
from raspc.compat.tracr.rasp.expressions import (
    Aggregate,
    ConstantSelector,
    ConstantSOp,
    Full,
    IndicesType,
    LengthType,
    LinearSequenceMap,
    Map,
    RASPExpr,
    Select,
    Selector,
    SelectorAnd,
    SelectorNot,
    SelectorOr,
    SelectorWidth,
    SequenceMap,
    SOp,
    TokensType,
    selector_and,
    selector_not,
    selector_or,
    sop_not,
)
from raspc.rasp import Comparison, Encoding, Predicate

SelectorValue = list[list[bool]]
NumericValue = int | float
Value = None | int | float | str | bool
VT = TypeVar("VT", bound=Value)
RASPExprT = TypeVar("RASPExprT", bound=own.Expr)
SOpT = TypeVar("SOpT", bound=own.SOp)

tokens = TokensType()
indices = IndicesType()
length = LengthType()


def annotate(expr: RASPExprT, **annotations: Any) -> RASPExprT:
    """A copy of the expression with these annotations added."""
    return expr.annotated(**annotations)


def numerical(sop: SOpT) -> SOpT:
    """Advice: store this s-op as a number along one direction."""
    return annotate(sop, encoding=Encoding.NUMERICAL)


def categorical(sop: SOpT) -> SOpT:
    """Advice: store this s-op with one direction for each value."""
    return annotate(sop, encoding=Encoding.CATEGORICAL)


def get_encoding(sop: own.SOp) -> Encoding:
    """How the s-op is to be stored."""
    return Encoding(sop.annotations.get(ENCODING, Encoding.CATEGORICAL))


def is_numerical(sop: own.SOp) -> bool:
    """True where the s-op is to be stored as a number."""
    return get_encoding(sop) is Encoding.NUMERICAL


def is_categorical(sop: own.SOp) -> bool:
    """True where the s-op is to be stored with one direction for each value."""
    return get_encoding(sop) is Encoding.CATEGORICAL


def default_name(expr: RASPExpr) -> str:
    """The name of an expression to which the user gave none."""
    return expr.default_name


def default_encoding(expr: RASPExpr) -> Encoding:
    """How an s-op is to be stored where the user gave no advice."""
    return Encoding.CATEGORICAL


__all__ = [
    "DEFAULT_ANNOTATORS", "VT", "Aggregate", "Annotations", "Annotator", "Comparison", "ConstantSOp",
    "ConstantSelector", "DefaultRASPEvaluator", "Encoding", "Full", "IndicesType", "LengthType",
    "LinearSequenceMap", "Map", "NumericValue", "Predicate", "RASPEvaluator", "RASPExpr", "RASPExprT",
    "SOp", "SOpT", "Select", "Selector", "SelectorAnd", "SelectorNot", "SelectorOr", "SelectorValue",
    "SelectorWidth", "SequenceMap", "TokensType", "Value", "annotate", "categorical", "default_encoding",
    "default_name", "evaluate", "get_encoding", "indices", "is_categorical", "is_numerical", "length",
    "numerical", "selector_and", "selector_not", "selector_or", "sop_not", "tokens",
]  # fmt: skip
