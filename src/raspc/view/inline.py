"""The page inside a notebook's cell: an element that JupyterLab, VS Code and marimo show as it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from os import PathLike
from pathlib import Path
from typing import Any

from raspc.errors import InputError
from raspc.view.page import model_name, page
from raspc.view.show import show
from raspc.weights.files import write_text
from raspc.weights.model import Model

HEIGHT = 720
FEW = 5
"""So many tokens are shown where none are given."""


@dataclass(frozen=True)
class Inline:
    """A page that a notebook shows in place. `html`: the whole page, which asks the network for nothing."""

    html: str = field(repr=False)
    title: str
    tokens: tuple[Any, ...]
    height: int = HEIGHT

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the page as a file. Raises InputError for a path that cannot be written."""
        return write_text(path, self.html)

    def __repr__(self) -> str:
        size = len(self.html.encode("utf-8", "backslashreplace"))
        shown = " ".join(map(show, self.tokens))
        return (
            f"<raspc page: {self.title} on {shown}, {size / 1000:.0f} kB; a notebook shows it, .save(path) writes it>"
        )

    def _repr_html_(self) -> str:
        """The page in a frame that may run its script, and reach nothing outside."""
        style = f"width:100%;height:{self.height}px;border:1px solid #8884;border-radius:6px"
        return (
            f'<iframe title="{escape(self.title)}" srcdoc="{escape(self.html)}" '
            f'sandbox="allow-scripts allow-downloads" style="{style}"></iframe>'
        )


def inline(model: Model, tokens: Sequence[Any] | None = None, height: int = HEIGHT) -> Inline:
    """The page of a model on an input, without BOS; without one, on a few tokens of its vocabulary.

    Raises InputError as `raspc.view.page` does, for a height of less than 100 pixels, and where no input is given for a
    model that is not for all of them.
    """
    if isinstance(height, bool) or not isinstance(height, int) or height < 100:
        raise InputError(f"height is {height!r}, needed a whole number of pixels from 100 on")
    given = _few(model) if tokens is None else model.bare(tokens)
    return Inline(page(model, given), model_name(model), tuple(given), height)


def _few(model: Model) -> list[Any]:
    if model.program is not None and not model.program.where.is_everything:
        raise InputError("the model is not for every input; give one, as model.view(tokens)")
    config = model.config
    own = [token for i, token in enumerate(config.vocab) if i not in (config.bos_id, config.pad_id)]
    return [own[i % len(own)] for i in range(min(FEW, config.max_seq_len))]
