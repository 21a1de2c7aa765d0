"""The notebook runs from top to bottom, and its assertions hold."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parents[2] / "examples" / "tracr_to_transformer_lens.py"


def test_the_notebook_runs(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Every layer equal, the answer decoded, the residual stream plotted under its names."""
    pytest.importorskip("transformer_lens")
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.switch_backend("agg")
    monkeypatch.setattr(pyplot, "show", lambda: None)
    names = runpy.run_path(str(NOTEBOOK))
    printed = capsys.readouterr().out
    assert "TransformerLens:  ['BOS', 3, 2, 1]" in printed
    assert printed.count("equal: True") == 2 * names["model"].config.n_layers
    assert "equal: False" not in printed
    shown = [label.get_text() for label in names["axis"].get_xticklabels()]
    assert shown == list(names["model"].residual_labels)
    pyplot.close("all")
