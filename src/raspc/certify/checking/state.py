"""How far a check has come, kept in a small file, so that one that was killed goes on and reports the same.

The file is written whole or not at all. It names the model and what was asked, so that it is not taken for the
state of another check, and carries a hash of itself, so that an altered one is noticed.
"""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from raspc import jsonvalues
from raspc.certify.checking import inputs
from raspc.certify.checking.judging import Tally
from raspc.errors import InputError, ModelFormatError
from raspc.weights import files, saving
from raspc.weights.model import Model

FORMAT = 2
MAX_BYTES = 1 << 20
"""More than a state needs; a larger file is none."""
SECONDS = 2.0
"""How long a check works between two writes of its state."""


@dataclass(frozen=True)
class Asked:
    """What a check does: so many random inputs or, without a limit, all; `classes` of tokens are exchangeable."""

    limit: int | None
    seed: int
    dtype: str
    classes: tuple[tuple[int, ...], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As JSON data."""
        return asdict(self) | {"classes": [list(ids) for ids in self.classes]}


@dataclass
class Journal:
    """The state of a check of one model, in one file. `held`: what a former run left there, if anything."""

    path: Path
    model: str
    tokens: int
    held: tuple[Asked, int, Tally] | None = None
    written: float = float("-inf")

    @classmethod
    def open(cls, path: str | os.PathLike[str], model: Model) -> Journal:
        """The journal in a file, or a new one.

        Raises InputError for a path that cannot be written, a file that is no state, or that of another model.
        """
        journal = cls(Path(path), saving.fingerprint(model), model.config.d_vocab - 2)
        if os.path.lexists(journal.path):
            journal.held = journal.read()
        else:
            journal.write({})  # a path that cannot be written is told before the work, not after it
        return journal

    def adopt(self, plan: Asked) -> Asked:
        """The plan of the run that goes on: as given, or without symmetries, if the former run had to do without.

        Raises InputError where the former run was for something else.
        """
        if self.held is None or self.held[0] == plan:
            return plan
        if self.held[0] == replace(plan, classes=()):
            return self.held[0]
        raise self.refusal("is the state of a check with another limit, seed, precision or symmetry")

    def resume(self, plan: Asked) -> tuple[int, Tally]:
        """How many batches of the plan are done, and what they gave."""
        return self.held[1:] if self.held and self.held[0] == plan else (0, Tally())

    def keep(self, plan: Asked, done: int, tally: Tally, now: bool = False) -> None:
        """Write the state, unless that was done a moment ago."""
        if now or time.monotonic() - self.written > SECONDS:
            self.write({"plan": plan.to_json(), "done": done, "tally": asdict(tally)})
            self.written = time.monotonic()

    def write(self, content: dict[str, Any]) -> None:
        """The content with what ties it to the model, whole or not at all."""
        whole = {"format": FORMAT, "cells": inputs.CELLS, "model": self.model, **content}
        files.write_file(self.path, jsonvalues.dumps(whole | {"sum": _sum(whole)}))

    def read(self) -> tuple[Asked, int, Tally] | None:
        """What the file holds; None where a run has only begun."""
        try:
            found = jsonvalues.loads(files.read_file(self.path.parent, self.path.name, MAX_BYTES), "the file")
        except ModelFormatError as error:
            raise self.refusal("is not the state of a check") from error
        if not isinstance(found, dict) or found.pop("sum", None) != _sum(found) or found.get("format") != FORMAT:
            raise self.refusal("is not the state of a check, or has been altered")
        if found.get("model") != self.model:
            raise self.refusal("is the state of a check of another model")
        if found.get("cells") != inputs.CELLS:
            raise self.refusal("is the state of a check by another version of raspc")
        try:
            return _restored(found, self.tokens) if "plan" in found else None
        except (KeyError, TypeError, ValueError) as error:
            raise self.refusal("is not the state of a check") from error

    def refusal(self, what: str) -> InputError:
        return InputError(f"{self.path} {what}; give another file, or delete it to start again")


def _sum(content: Any) -> str:
    return hashlib.sha256(jsonvalues.dumps(content)).hexdigest()


def _restored(found: dict[str, Any], tokens: int) -> tuple[Asked, int, Tally]:
    """What was written, with every type checked: someone may have made the sum fit."""
    plan, tally = found["plan"], found["tally"]
    limit, seed, dtype, classes = plan["limit"], plan["seed"], plan["dtype"], plan["classes"]
    names = ("checked", "ran", "undefined", "failures", "unclear")
    counts = {name: tally[name] for name in names}
    first, error = tally["first"], tally["max_error"]
    integers = [found["done"], seed, *counts.values(), *([] if limit is None else [limit]), *(first or ())]
    ids = [i for members in classes for i in members]
    if not all(type(x) is int and 0 <= x < 1 << 62 for x in (*integers, *ids)) or type(error) is not float:
        raise ValueError("a count is no integer")
    if not all(i < tokens for i in (*ids, *(first or ()))):
        raise ValueError("an id is of no token")
    if not isinstance(dtype, str) or not isinstance(first, list | None) or first == []:
        raise ValueError("a field is of another type")
    again = Asked(limit, seed, dtype, tuple(map(tuple, classes)))
    return again, found["done"], Tally(**counts, max_error=error, first=tuple(first) if first else None)
