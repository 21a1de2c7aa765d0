"""Parity: the same activations on every installed backend, and a command that proves it."""

from raspc.parity import majority, stock
from raspc.parity.compare import run
from raspc.parity.report import BackendReport, Mismatch, ParityReport
from raspc.parity.sweep import Case, library

__all__ = ["BackendReport", "Case", "Mismatch", "ParityReport", "library", "majority", "run", "stock"]
