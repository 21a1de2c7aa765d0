"""Parity: the same activations on every installed backend, and a command that proves it."""

from raspc.parity.compare import run
from raspc.parity.report import BackendReport, Mismatch, Report

__all__ = ["BackendReport", "Mismatch", "Report", "run"]
