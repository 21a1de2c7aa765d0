"""Directives whose text is made when the site is built: the command line, costs, schemas of files, outside pages.

```{raspc} commands
```
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from docs.site import commands, files, gallery
from docs.site.sources import ROOT, included
from docutils.nodes import Node
from sphinx.util.docutils import SphinxDirective

TEXTS: dict[str, Callable[[], str]] = {
    "commands": commands.text,
    "files": files.text,
    "gallery": gallery.text,
    "changes": lambda: included(ROOT / "CHANGELOG.md"),
    "contributing": lambda: included(ROOT / "CONTRIBUTING.md"),
}
"""What can be asked for, and what makes it: Markdown."""


class Generated(SphinxDirective):
    """Markdown that is made of the program, in place of the directive."""

    required_arguments = 1

    def run(self) -> list[Node]:
        """The nodes of the text, headings too."""
        return self.parse_text_to_nodes(TEXTS[self.arguments[0]](), allow_section_headings=True)


def setup(app: Any) -> dict[str, bool]:
    """Names the directive."""
    app.add_directive("raspc", Generated)
    return {"parallel_read_safe": True}
