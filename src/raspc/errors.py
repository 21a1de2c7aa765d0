"""Every error that raspc raises on purpose: one tree, rooted at `RaspcError`.

A message says where, what was found, what is needed, and what to do.
"""

from __future__ import annotations

from collections.abc import Sequence


class RaspcError(Exception):
    """The root of all errors of raspc."""


class Refusal(RaspcError):
    """A program that is not compiled, for the sake of one expression in it."""

    where: str = ""
    """What the message is about: an expression, or the label of a variable of `graph`."""
    before: str = ""
    """What the message says before that."""
    graph: object = None
    """The graph that the compiler was at work on, if it was past the expressions."""
    node: int | None = None
    """The number of the variable, where the graph was not finished and has no labels yet."""

    def rename(self, told: str) -> None:
        """Say it of an expression as a person wrote it, in place of a label."""
        self.args = (f"{self.before}{told}{str(self).removeprefix(self.before + self.where)}",)
        self.where = told


class UnsupportedProgram(Refusal):
    """A meaningful program that cannot be compiled exactly: says which expression, why, and what to write."""

    @classmethod
    def at(cls, where: str, found: str, needed: str, remedy: str, node: int | None = None) -> UnsupportedProgram:
        """The error in its standard form."""
        error = cls(f"{where}: found {found}; needed {needed}; {remedy}")
        error.where, error.node = where, node
        return error


class InvalidProgram(RaspcError):
    """An ill-formed program: wrong kinds, wrong arguments, broken structure. Lists every fault."""

    def __init__(self, faults: str | Sequence[str]) -> None:
        self.faults = (faults,) if isinstance(faults, str) else tuple(faults)
        super().__init__("; ".join(self.faults))


class InputError(RaspcError, ValueError):
    """An input that a program, model or command cannot take. Also a `ValueError`, as Tracr's users expect."""

    expression: object = None
    """The expression that is undefined on the input, where the interpreter knows it."""
    none: object = None
    """The s-op whose None made it so, if that is why, and `position`, where."""
    position: int | None = None


class CertificateError(Refusal):
    """A model whose margins do not suffice in the precision asked for."""


class ModelFormatError(RaspcError):
    """A directory or file that is not a well-formed saved model."""


class InternalError(RaspcError):
    """A fault of the compiler itself, seen before it could become a wrong model. Please report it."""


class UncertainProgram(UserWarning):
    """A program compiled under an assumption, for a part of its inputs, or as at another level than was asked for."""


class DoubtfulText(UserWarning):
    """A RASP text that RASP and Python read in two ways, or that holds what a program has no use for."""


def wrong_kind(argument: str, found: object, needed: str) -> TypeError:
    """The error for an argument of a wrong kind: it names the argument, in one line."""
    shown = repr(found).splitlines()[0][:60] if repr(found) else "nothing"
    return TypeError(f"{argument} is {shown}, of type {type(found).__name__}; needed {needed}")


def cited(expression: object) -> str:
    """On lines of its own the place, with a caret, of an expression that came from a RASP text; else nothing."""
    location = getattr(expression, "annotations", {}).get("location")
    return "" if location is None else f"\n{location}\n{location.excerpt()}"
