"""The page: one HTML file that holds its style, its program, and the model, and asks the network for nothing."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from html import escape
from importlib.resources import files
from os import PathLike
from pathlib import Path
from typing import Any

from raspc import arguments
from raspc.values import Value
from raspc.view.payload import payload
from raspc.weights.files import write_text
from raspc.weights.model import Model

SCRIPTS = (
    "data", "forward", "interpret", "decode", "elements", "colours", "exporting", "grid", "folding", "program",
    "layout", "viewport", "graph", "domain", "input", "run", "residuals", "attention", "neurons", "answers", "weights",
    "circuit", "positions", "held", "forcing", "intervening", "selecting", "writing", "certificate", "facts", "reading",
    "main",
)  # fmt: skip
"""The page's program, in the order in which its parts build on each other."""


def page(model: Model, tokens: Sequence[Value], title: str | None = None) -> str:
    """The page of a model on one input, without BOS; in it other inputs can be typed.

    Raises InputError for an input that the model cannot take, or a model without its graph; TypeError for what is none.
    """
    arguments.an(Model, "model", model, "a compiled model")
    name = title or model_name(model)
    return fill(payload(model, tokens, name), name)


def write_page(model: Model, tokens: Sequence[Value], path: str | PathLike[str], title: str | None = None) -> Path:
    """Write the page. Raises InputError as `page` does, and for a path that cannot be written."""
    return write_text(arguments.path("path", path), page(model, tokens, title))


def model_name(model: Model) -> str:
    """The label of the output."""
    return str(model.graph.labels[model.graph.output]) if model.graph is not None else "model"


def fill(data: dict[str, Any], title: str) -> str:
    """The template with its parts in place. What comes from programs and tokens is escaped."""
    style, script = static("page.css"), program_text()
    parts = {
        "{{csp}}": policy(style, script),
        "{{title}}": escape(title),
        "{{heading}}": escape(title),
        "{{style}}": style,
        "{{data}}": script_json(data),
        "{{script}}": script,
    }
    before, rest = _cut(static("page.html"), tuple(parts))
    return before + "".join(parts[mark] + tail for mark, tail in rest)


def _cut(text: str, marks: Sequence[str]) -> tuple[str, list[tuple[str, str]]]:
    """The text before the first mark, then each mark with what follows it; so no filled part is searched."""
    found: list[tuple[str, str]] = []
    for mark in sorted(marks, key=text.index, reverse=True):
        text, _, tail = text.partition(mark)
        found.insert(0, (mark, tail))
    return text, found


def script_json(data: Any) -> str:
    """JSON that cannot end its script element: `<`, `>` and `&` are written as escapes."""
    text = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


@cache
def static(name: str) -> str:
    """The text of a file of the package."""
    return files("raspc.view").joinpath("static", name).read_text(encoding="utf-8")


@cache
def program_text() -> str:
    """The page's program as one script."""
    parts = "\n".join(static(f"{name}.js") for name in SCRIPTS)
    return f'(() => {{\n"use strict";\n{parts}\n}})();\n'


def policy(style: str, script: str) -> str:
    """A Content-Security-Policy: this style, this script, and nothing from anywhere."""
    return (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode('ascii')}'"
