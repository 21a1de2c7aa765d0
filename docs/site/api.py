"""The public names of a module, each with its docstring: `{raspc-api} raspc.lab`, or some of them by name after it."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import Any

from docutils.nodes import Node
from sphinx.util.docutils import SphinxDirective

from raspc.rasp import Expr


class Api(SphinxDirective):
    """All public names of a module, or those that are named."""

    required_arguments, optional_arguments, final_argument_whitespace = 1, 1, True

    def run(self) -> list[Node]:
        """What autodoc makes of them."""
        module, *named = self.arguments
        return self.parse_text_to_nodes(f"```{{eval-rst}}\n{listing(module, named[0].split() if named else ())}\n```")


def setup(app: Any) -> dict[str, bool]:
    """Names the directive."""
    app.add_directive("raspc-api", Api)
    return {"parallel_read_safe": True}


def listing(module: str, names: Sequence[str] = ()) -> str:
    """Autodoc's directive for each name; those that are modules of their own have pages of their own."""
    home = import_module(module)
    return "\n\n".join(
        line for name in names or public(home) if (line := _line(f"{module}.{name}", getattr(home, name)))
    )


def public(module: ModuleType) -> list[str]:
    """The names that a module gives: `__all__`, else those that it defines."""
    given = getattr(module, "__all__", None)
    own = (name for name, found in vars(module).items() if getattr(found, "__module__", None) == module.__name__)
    return list(given) if given is not None else [name for name in own if not name.startswith("_")]


def _line(path: str, found: Any) -> str:
    if inspect.ismodule(found) or path.endswith("__"):
        return ""
    if isinstance(found, Expr):  # which autodoc would compare with other values, and an s-op has no truth value
        return f".. py:data:: {path}\n\n   {type(found).__doc__}"
    if inspect.isclass(found):
        kind = "exception" if issubclass(found, BaseException) else "class"
        options = "" if kind == "exception" else "\n   :undoc-members:"
        return f".. auto{kind}:: {path}\n   :members:{options}"
    return f".. autofunction:: {path}" if inspect.isroutine(found) else f".. autodata:: {path}\n   :no-value:"
