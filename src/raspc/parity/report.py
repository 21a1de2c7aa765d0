"""What a parity run found, as data, as JSON, and as a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from raspc.parity.activations import KINDS

if TYPE_CHECKING:
    from rich.table import Table

MATCH, MISMATCH, FAILED, ABSENT, UNFIT = "match", "mismatch", "failed", "not installed", "needs one width"
"""What can be said of a backend; `UNFIT`: it knows no layers of widths of their own, as the model has."""
WIDE = 140
"""How many columns the whole table takes."""
_NOT_RUN = (ABSENT, UNFIT)


@dataclass(frozen=True)
class Mismatch:
    """The first tensor that differs, in the order of the forward pass, and an input on which it does."""

    tensor: str
    difference: float
    allowed: float
    tokens: tuple[Any, ...]

    def __str__(self) -> str:
        size = f"{self.difference:.3g} (allowed {self.allowed:.3g})"
        return f"{self.tensor} differs by {size} on {list(self.tokens)}"


@dataclass(frozen=True)
class BackendReport:
    """One backend: what is installed, how far each kind of activation is off, and the verdict."""

    name: str
    version: str | None
    status: str
    differences: Mapping[str, float] = field(default_factory=dict)
    decoded_equal: bool | None = None
    first: Mismatch | None = None
    message: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        first = self.first and {
            "tensor": self.first.tensor, "difference": _finite(self.first.difference),
            "allowed": self.first.allowed, "input": [_plain(token) for token in self.first.tokens],
        }  # fmt: skip
        return {
            "name": self.name, "version": self.version, "status": self.status,
            "differences": {kind: _finite(number) for kind, number in self.differences.items()},
            "decoded_equal": self.decoded_equal, "first": first, "message": self.message,
        }  # fmt: skip


@dataclass(frozen=True)
class ParityReport:
    """All backends on one model."""

    backends: tuple[BackendReport, ...]
    tolerance: float
    inputs: int
    required: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """True where every backend that was run matches, and every required one was run."""
        return not self.faults()

    @property
    def matched(self) -> tuple[str, ...]:
        """The backends that were run and agree."""
        return tuple(backend.name for backend in self.backends if backend.status == MATCH)

    def faults(self) -> list[str]:
        """A line for each backend that differs, broke, or is required and was not run."""
        return [
            f"{backend.name}: {backend.first or backend.message or backend.status}"
            for backend in self.backends
            if backend.status in (MISMATCH, FAILED) or (backend.status in _NOT_RUN and backend.name in self.required)
        ]

    def to_json(self) -> dict[str, Any]:
        """Plain data for `--json`."""
        return {
            "ok": self.ok, "faults": self.faults(), "tolerance": self.tolerance, "inputs": self.inputs,
            "required": list(self.required), "backends": [backend.to_json() for backend in self.backends],
        }  # fmt: skip

    def table(self, title: str = "parity with the NumPy forward", width: int = WIDE) -> Table:
        """The report for a terminal: backend, version, largest absolute difference per kind, verdict.

        In a terminal narrower than `WIDE` the largest difference of all, and the kind in which it is.
        """
        from rich import box
        from rich.table import Table

        caption = f"{self.inputs} inputs, tolerance {self.tolerance:g}"
        table = Table(title=title, caption=caption, box=box.SIMPLE_HEAD, pad_edge=False)
        kinds = KINDS if width >= WIDE else ("largest difference",)
        for heading in ("backend", "version", *kinds, *(["decoded"] if width >= WIDE else []), "verdict"):
            table.add_column(heading, justify="right" if heading in kinds else "left")
        for backend in self.backends:
            table.add_row(*_row(backend, self.required, width >= WIDE))
        return table

    def __str__(self) -> str:
        """The table as text, and a line for each fault."""
        from io import StringIO

        from rich.console import Console

        page = Console(file=StringIO(), width=WIDE, color_system=None)
        page.print(self.table())
        return "\n".join([page.file.getvalue().rstrip(), *self.faults()])  # type: ignore[attr-defined]


_STYLES = {MATCH: "green", MISMATCH: "bold red", FAILED: "bold red", ABSENT: "dim", UNFIT: "dim"}


def _row(backend: BackendReport, required: tuple[str, ...], wide: bool) -> list[str]:
    numbers = [f"{backend.differences[k]:.1e}" if k in backend.differences else "–" for k in KINDS]
    if not wide:
        worst = max(backend.differences.items(), key=lambda item: item[1], default=None)
        numbers = ["–" if worst is None else f"{worst[1]:.1e} in {worst[0]}" if worst[1] else "0"]
    decoded = {None: "–", True: "equal", False: "differ"}[backend.decoded_equal]
    wanted = " (required)" if backend.status in _NOT_RUN and backend.name in required else ""
    style = "bold red" if wanted else _STYLES[backend.status]
    verdict = f"[{style}]{backend.status}{wanted}[/]"
    return [backend.name, backend.version or "–", *numbers, *([decoded] if wide else []), verdict]


def _finite(number: float) -> float | str:
    """JSON has no infinity."""
    return number if number < float("inf") else "inf"


def _plain(token: Any) -> Any:
    from raspc import jsonvalues

    return jsonvalues.encode(token)
