"""The gallery on the site: a list of it among the other pages, and its own pages beside them once the site is built."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from docs.site.sources import ROOT


def setup(app: Any) -> dict[str, bool]:
    """The pages are written when all others are; `-D raspc_gallery=0` leaves them out, to be quick."""
    app.add_config_value("raspc_gallery", True, "html", types=(bool, str))
    app.connect("build-finished", _write)
    return {"parallel_read_safe": True}


def text() -> str:
    """Every program of the library in its group, with a link to its page."""
    lines: list[str] = []
    for title, room in example().GROUPS.items():
        lines += [f"## {title}", ""]
        lines += [
            f'- <a href="gallery/{entry.name}.html"><code>{entry.name}</code></a>: {entry.description}'
            for entry in room.PROGRAMS
        ]
        lines.append("")
    return "\n".join(lines)


def example() -> ModuleType:
    """examples/gallery.py, which makes the pages."""
    spec = importlib.util.spec_from_file_location("raspc_gallery", ROOT / "examples" / "gallery.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def _write(app: Any, error: Exception | None) -> None:
    if error is None and app.builder.format == "html" and str(app.config.raspc_gallery) not in ("0", "False"):
        example().main(Path(app.outdir) / "gallery", home="../index.html")
