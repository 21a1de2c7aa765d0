"""Loading a model with all that its directory holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from raspc.weights import Model


def load_whole(directory: Path) -> Model:
    """The model, with the report of its compression where there is one. Raises ModelFormatError."""
    from raspc.compress import model as compressed
    from raspc.weights import load

    return compressed.load(directory) if (directory / compressed.REPORT).is_file() else load(directory)
