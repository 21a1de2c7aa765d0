"""Parity: the same activations on every installed backend, and a command that proves it."""

from raspc.parity.compare import run
from raspc.parity.majority import run as majority
from raspc.parity.report import BackendReport, Mismatch, Report
from raspc.parity.sweep import library

__all__ = ["BackendReport", "Mismatch", "Report", "library", "majority", "run"]
