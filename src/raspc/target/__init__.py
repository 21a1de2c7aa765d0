"""The transformer that is compiled for, as a value that everything after it asks."""

from raspc.target.names import Dense, Layer, Names
from raspc.target.target import PLAIN, READERS, TARGETS, WRITERS, Axes, Sizes, Target, Widths, Wiring, assembled_for

__all__ = [
    "PLAIN", "READERS", "TARGETS", "WRITERS", "Axes", "Dense", "Layer", "Names", "Sizes", "Target", "Widths", "Wiring",
    "assembled_for",
]  # fmt: skip
