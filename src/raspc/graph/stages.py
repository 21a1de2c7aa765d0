"""Stages of a model: −1 is the embedding, even ones are attention, odd ones MLPs (`raspc.layout.schedule`)."""

from __future__ import annotations

EMBEDDED = -1


def attention_after(stage: int) -> int:
    """The first attention after a stage: −1 → 0, 0 → 2, 1 → 2."""
    return (stage + 2) // 2 * 2


def neurons_after(stage: int) -> int:
    """The first MLP after a stage: −1 → 1, 0 → 1, 1 → 3."""
    return (stage + 1) // 2 * 2 + 1
