"""The notebook on compression runs, and shows what it says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

NOTEBOOK = Path(__file__).parents[2] / "examples" / "compression.ipynb"


def code_cells() -> list[dict[str, Any]]:
    """The cells that hold code."""
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def printed(cells: list[dict[str, Any]]) -> list[str]:
    """The lines of output that the file holds."""
    texts = ["".join(output["text"]) for cell in cells for output in cell["outputs"] if "text" in output]
    return "".join(texts).splitlines()


def says_what_it_should(lines: list[str]) -> bool:
    """What readers read is exact, a random start is not, swaps are right in the compiled model."""
    first = {line.split(maxsplit=1)[0]: line for line in reversed(lines)}
    swaps = [line for line in lines if line.startswith("swap")]
    verdicts = [line.split(": ")[-1] for line in lines if line.startswith("d = ")]
    return (
        first["readers"].endswith("accurate and faithful")
        and first["pca"].endswith("not accurate")
        and len(verdicts) == 2 and verdicts[0].startswith("accurate") and verdicts[1] == "not accurate"
        and len(swaps) == 3 and all(line.endswith("compiled 100.0%") for line in swaps)
    )  # fmt: skip


@pytest.mark.clients  # in a step of its own: it trains
def test_the_notebook_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Every cell, in order, in one namespace."""
    pytest.importorskip("matplotlib")
    monkeypatch.setenv("MPLBACKEND", "agg")
    names: dict[str, object] = {}
    for cell in code_cells():
        exec("".join(cell["source"]).replace("plt.show()", "plt.close()"), names)
    assert says_what_it_should(capsys.readouterr().out.splitlines())


def test_the_notebook_holds_its_outputs() -> None:
    """It was executed before it was stored, cell after cell, with its picture."""
    cells = code_cells()
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    assert says_what_it_should(printed(cells))
    assert any("image/png" in output.get("data", {}) for cell in cells for output in cell["outputs"])
