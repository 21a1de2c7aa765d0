"""Notebooks are committed with what they print and draw. This runs them, and compares or writes that.

python -m docs.site.notebooks [NOTEBOOK…]            compares; exit status 1 where one differs
python -m docs.site.notebooks --write [NOTEBOOK…]    writes the outputs anew
"""

from __future__ import annotations

import base64
import io
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import nbformat

ROOT = Path(__file__).parent.parent.parent
NOTEBOOKS = (
    *sorted((ROOT / "docs" / "tutorials").glob("*.ipynb")),
    *sorted((ROOT / "docs").glob("*.ipynb")),
    *sorted((ROOT / "examples").glob("*.ipynb")),
)
"""Every notebook of the repository."""

LONGEST = 300
"""Seconds that a cell may take."""

CLOSE = 12.0
"""Pictures may differ by so much in the mean, of 255: fonts are drawn in another way by other versions."""

_ADDRESS = re.compile(r"0x[0-9a-f]{6,}")
_SECONDS = re.compile(r"\d+(\.\d+)? ?(s|ms|seconds)\b")


def executed(path: Path) -> Any:
    """The notebook, run from top to bottom in an empty folder. Raises CellExecutionError where a cell fails."""
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", "TQDM_DISABLE": "1"}
        client = NotebookClient(notebook, timeout=LONGEST, resources={"metadata": {"path": folder}})
        client.execute(env=environment)
    return plainly(notebook)


def plainly(notebook: Any) -> Any:
    """The notebook without times, widgets and names of machines, so that a run that changes nothing changes no byte."""
    for number, cell in enumerate(notebook.cells):
        cell.id, cell.metadata = f"cell-{number}", {k: v for k, v in cell.metadata.items() if k == "tags"}
        if cell.cell_type == "code":
            cell.outputs = list(_merged(cell.outputs))
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return notebook


def _merged(outputs: Sequence[Any]) -> Iterator[Any]:
    """What a cell printed in one piece, then its other outputs; nothing of standard error, where libraries chat."""
    printed = "".join(one.text for one in outputs if one.output_type == "stream" and one.name == "stdout")
    if printed:
        yield nbformat.v4.new_output("stream", name="stdout", text=printed)
    yield from (one for one in outputs if one.output_type != "stream")


def differences(shown: Any, run: Any) -> list[str]:
    """In which cells the outputs of a run are not those that are shown; empty where all are."""
    cells = zip(shown.cells, run.cells, strict=True)
    return [
        f"cell {number}: {fault}"
        for number, (old, new) in enumerate(cells)
        if old.cell_type == "code" and (fault := _unlike(old.outputs, new.outputs, _varies(old)))
    ]


VARIES = "varies"
"""The tag of a cell whose numbers come of training, and differ between machines: the kinds of its outputs count."""


def _varies(cell: Any) -> bool:
    return VARIES in cell.metadata.get("tags", ())


def _unlike(shown: Sequence[Any], run: Sequence[Any], varies: bool) -> str:
    if [one.output_type for one in shown] != [one.output_type for one in run]:
        return f"shows {len(shown)} outputs, a run gives {len(run)}"
    pairs = () if varies else zip(shown, run, strict=True)
    return next((fault for old, new in pairs if (fault := _unlike_output(old, new))), "")


def _unlike_output(old: Any, new: Any) -> str:
    if old.output_type == "stream":
        return "" if steady(old.text) == steady(new.text) else f"shows {old.text!r}, a run prints {new.text!r}"
    if old.output_type == "error":
        return "" if (old.ename, old.evalue) == (new.ename, new.evalue) else f"shows {old.evalue}, found {new.evalue}"
    if set(old.data) != set(new.data):
        return f"shows {sorted(old.data)}, a run gives {sorted(new.data)}"
    for kind, text in old.data.items():
        if kind == "image/png" and (fault := _unlike_picture(text, new.data[kind])):
            return fault
        if kind.startswith("text/") and steady(text) != steady(new.data[kind]):
            return f"shows {text[:200]!r} as {kind}, a run gives {new.data[kind][:200]!r}"
    return ""


def _unlike_picture(old: str, new: str) -> str:
    """Whether two pictures are other pictures: of another size, or far apart in the mean."""
    import matplotlib.image
    import numpy as np

    first, second = (matplotlib.image.imread(io.BytesIO(base64.b64decode(text)))[..., :3] * 255 for text in (old, new))
    if any(abs(a - b) > 0.1 * a for a, b in zip(first.shape, second.shape, strict=True)):
        return f"shows a picture of {first.shape[:2]}, a run draws one of {second.shape[:2]}"
    height, width = (min(sizes) for sizes in zip(first.shape[:2], second.shape[:2], strict=True))
    apart = float(np.abs(first[:height, :width] - second[:height, :width]).mean())
    return f"the picture is another one: {apart:.1f} of 255 apart in the mean" if apart > CLOSE else ""


def steady(text: str) -> str:
    """The text without addresses and durations."""
    return _SECONDS.sub("N s", _ADDRESS.sub("0x0", text)).rstrip()


def main(arguments: Sequence[str]) -> int:
    """Runs all notebooks, or those that are named."""
    paths = [Path(name) for name in arguments if name != "--write"] or NOTEBOOKS
    found = 0
    for path in paths:
        shown, run = nbformat.read(path, as_version=4), executed(path)
        if "--write" in arguments:
            nbformat.write(run, path)
            continue
        for fault in differences(shown, run):
            found += 1
            print(f"{path.name}: {fault}")
    return int(found > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
