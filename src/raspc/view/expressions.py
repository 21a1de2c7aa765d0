"""S-ops and selectors as people write them: a line for each that has a name, the others written into these."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from raspc import rasp
from raspc.rasp import Expr
from raspc.view.program import literal
from raspc.view.show import shortened

LONGEST = 60
"""Longer formulas get a line and a number of their own."""

SYMBOLS = {
    "add": "+", "sub": "-", "mul": "*", "truediv": "/", "floordiv": "//", "mod": "%", "pow": "**", "lt": "<",
    "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!=", "_and": "&", "_or": "|",
}  # fmt: skip


def lines(program: Expr) -> list[tuple[str, str]]:
    """The name and the formula of each part of a program that has a line, those that it is made of first."""
    order = rasp.topological(program)
    readers = Counter(id(child) for expr in order for child in expr.children)
    texts: dict[int, str] = {}
    found: list[tuple[str, str]] = []
    taken: Counter[str] = Counter()
    shown: dict[tuple[str | None, str], str] = {}
    for expr in order:
        text, own = formula(expr, [texts[id(child)] for child in expr.children]), name_of(expr)
        if not expr.children and not (isinstance(expr, PRIMITIVES) and own not in (None, text)):
            texts[id(expr)] = text
        elif own is not None or expr is program or readers[id(expr)] > 1 or len(text) > LONGEST:
            if (own, text) in shown:
                texts[id(expr)] = shown[own, text]
                continue
            name = own or expr.default_name
            taken[name] += 1
            label = name if own is not None and taken[name] == 1 else f"{name}_{taken[name]}"
            texts[id(expr)] = shown[own, text] = label
            found.append((label, _bare(text)))
        else:
            texts[id(expr)] = text
    return found or [(program.name, texts[id(program)])]


def text(program: Expr) -> str:
    """The lines, one below the other."""
    found = lines(program)
    width = max(len(name) for name, _ in found)
    return "\n".join(f"{name.ljust(width)} = {formula}" for name, formula in found)


def name_of(expr: Expr) -> str | None:
    """The name that a person gave."""
    return expr.given_name or expr.assigned_name


def formula(expr: Expr, args: Sequence[str]) -> str:
    """What an expression is, given how those that it reads are written; operators stand in brackets."""
    rule = next((RULES[kind] for kind in type(expr).__mro__ if kind in RULES), None)
    return expr.name if rule is None else rule(expr, *args)


def _bare(text: str) -> str:
    """Without the brackets around the whole."""
    depth = 0
    for place, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0:
            return text[1:-1] if place == len(text) - 1 and text.startswith("(") else text
    return text


def _elementwise(expr: Any, *args: str) -> str:
    if expr.operation is not None:
        name, left, right = expr.operation
        if name in SYMBOLS:
            first = literal(left) if left is not None or (len(args) == 1 and right is None) else args[0]
            return f"({first} {SYMBOLS[name]} {literal(right) if right is not None else args[-1]})"
    known = _values_of(expr.f)
    if known is not None:
        return f"{args[0]}.is_in({{{known}}})"
    name = _function(expr.f)
    if name in WORDS:
        return f"{WORDS[name]}({', '.join(args)})"
    return f"map({name}, {', '.join(args)})"


WORDS = {"_choose": "where", "not_": "not", "pos": "", "abs": "abs"}
"""What functions of the language itself are called."""


def _values_of(f: Any) -> str | None:
    """The values of `is_in`."""
    if isinstance(f, partial) and getattr(f.func, "__name__", "") == "_is_one_of":
        return shortened(sorted(map(literal, f.args[0])), between=", ")
    return None


def _function(f: Any) -> str:
    """The name of a function, of the one that others are bound to, or of a method."""
    while isinstance(f, partial):
        f = f.func
    name = getattr(f, "__name__", type(f).__name__)
    return "a lambda" if name == "<lambda>" else str(name)


def _select(expr: Any, keys: str, queries: str) -> str:
    predicate = expr.predicate
    told = predicate.value if isinstance(predicate, rasp.Comparison) else _function(predicate)
    return f"select({_bare(keys)}, {_bare(queries)}, {told})"


def _best(expr: Any, selector: str, score: str) -> str:
    if expr.score is rasp.indices:
        return f"{'latest' if expr.end == 'max' else 'earliest'}({_bare(selector)})"
    return f"best({_bare(selector)}, {_bare(score)}, {expr.end})"


def _gathered(word: str, usual: Any) -> Callable[..., str]:
    def told(expr: Any, selector: str, sop: str) -> str:
        default = "" if expr.default == usual else f", default={literal(expr.default)}"
        return f"{word}({_bare(selector)}, {_bare(sop)}{default})"

    return told


PRIMITIVES = (rasp.TokensType, rasp.IndicesType, rasp.LengthType)
"""What an input itself holds; under another name it has a line that says which it is."""

RULES: Mapping[type[Expr], Callable[..., str]] = {
    **{kind: lambda expr: expr.default_name for kind in PRIMITIVES},
    rasp.Assume: lambda expr, arg: f"assume({_bare(arg)}: {expr.promised})",
    rasp.LinearSequenceMap: lambda expr, x, y: f"({expr.fst_fac} * {x} + {expr.snd_fac} * {y})",
    rasp.Elementwise: _elementwise,
    rasp.Full: lambda expr: literal(expr.fill),
    rasp.ConstantSOp: lambda expr: f"[{shortened(list(map(literal, expr.value)), between=', ')}]",
    rasp.Select: _select,
    rasp.ConstantSelector: lambda expr: f"a constant matrix of {len(expr.value)} rows",
    rasp.SelectorAnd: lambda expr, x, y: f"({x} & {y})",
    rasp.SelectorOr: lambda expr, x, y: f"({x} | {y})",
    rasp.SelectorNot: lambda expr, x: f"~{x}",
    rasp.Best: _best,
    rasp.SelectorWidth: lambda expr, x: f"selector_width({_bare(x)})",
    rasp.Aggregate: _gathered("aggregate", None),
    rasp.Sum: _gathered("sum", 0),
}
"""How each kind of expression is written; a kind that is not here is written as its name."""
