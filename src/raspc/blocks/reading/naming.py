"""Labels of directions: `variable:value`, or `variable:feature`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from raspc.blocks.spaces import Matrix
from raspc.graph.nodes import Listed


def value_labels(name: str, values: Sequence[Any]) -> tuple[str, ...]:
    """One label for each value; strings are quoted where two labels would be the same."""
    plain = [str(value) for value in values]
    clash = len(set(plain)) < len(plain)
    return tuple(f"{name}:{value!r}" if clash else f"{name}:{text}" for value, text in zip(values, plain, strict=True))


def feature_labels(name: str, columns: Matrix, domain: Listed) -> tuple[str, ...]:
    """A label for each feature: what it is where it is simple, else a running number."""
    found = [_describe(column, domain) or f"feature_{i}" for i, column in enumerate(columns.T)]
    seen: dict[str, int] = {}
    labels = []
    for text in found:
        seen[text] = seen.get(text, 0) + 1
        labels.append(f"{name}:{text}" if seen[text] == 1 else f"{name}:{text}_{seen[text]}")
    return tuple(labels)


def steep_labels(name: str, columns: Matrix) -> tuple[str, ...]:
    """A label for each steep feature: whether it rises or falls along the values, and the number of its block."""
    ways = ["rising" if column[-1] > column[0] else "falling" for column in columns.T]
    return tuple(f"{name}:{way}_{ways[: i + 1].count(way)}" for i, way in enumerate(ways))


def _describe(column: np.ndarray[Any, Any], domain: Listed) -> str | None:
    hot = np.flatnonzero(column)
    if len(hot) == 1 and column[hot[0]] == 1:
        return str(domain.values[hot[0]])
    if domain.all_numbers and len(domain) > 2:
        for power, text in ((1, "number"), (2, "square")):
            if _is_affine(column, domain.numbers**power):
                return text
    return None


def _is_affine(column: np.ndarray[Any, Any], base: np.ndarray[Any, Any]) -> bool:
    """Whether the column is the base, up to sign and an added constant."""
    for sign in (1, -1):
        rest = column - sign * base
        if np.ptp(rest) <= 1e-9 * max(1.0, float(np.abs(base).max())):
            return True
    return False
