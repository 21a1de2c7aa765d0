"""The PNGs of a sweep, drawn with matplotlib."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from raspc.compress import starts
from raspc.compress.model import CompressedModel
from raspc.compress.pool import make_pool
from raspc.compress.report import CompressionReport
from raspc.compress.results import Settings
from raspc.weights.model import Model

Rows = Sequence[Mapping[str, Any]]
LONGEST = 40
"""How many characters of a label are drawn."""

FLOOR = 1e-16
"""A loss of 0 is drawn here."""


def all_figures(
    settings: Settings, rows: Rows, compiled: Model, models: Mapping[int, CompressedModel]
) -> dict[str, bytes]:
    """Name of the file → PNG: curves over widths; per width the Gram matrices, cosines, streams of one input."""
    import matplotlib

    with matplotlib.rc_context({"text.parse_math": False}):  # a name such as "$x" is no formula
        return _all_figures(settings, rows, compiled, models)


def _all_figures(
    settings: Settings, rows: Rows, compiled: Model, models: Mapping[int, CompressedModel]
) -> dict[str, bytes]:
    found = {"curves.png": curves(settings, rows)}
    if any(m.report is not None and m.report.history for m in models.values()):
        found["curves-time.png"] = over_time({d: m.report for d, m in models.items() if m.report is not None})
    pool = make_pool(compiled, 4096)
    for d, model in models.items():
        if model.report is not None:
            found[f"d{d:02}-gram.png"] = grams(model.report, starts.principal(pool, d))
            found[f"d{d:02}-cosine.png"] = cosines(model.report)
        found[f"d{d:02}-streams.png"] = streams(compiled, model)
    return found


def _shown(label: str) -> str:
    """A label as it is drawn: cut, since a picture grows with it."""
    return label if len(label) <= LONGEST else label[: LONGEST - 1] + "…"


def _png(figure: Any) -> bytes:
    import matplotlib.pyplot as plt

    buffer = io.BytesIO()
    # Without these the file would hold the version and the date, and differ from run to run.
    figure.savefig(buffer, format="png", dpi=110, bbox_inches="tight", metadata={"Software": None})
    plt.close(figure)
    return buffer.getvalue()


def _axes(columns: int, width: float = 5.0, height: float = 3.6) -> tuple[Any, Any]:
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    return plt.subplots(1, columns, figsize=(width * columns, height), squeeze=False)


def curves(settings: Settings, rows: Rows) -> bytes:
    """Output loss and accuracy by width; best, median and worst seed."""
    figure, axes = _axes(2)
    kinds = sorted({(row["method"], row["start"] or "") for row in rows})
    for place, (method, start) in enumerate(kinds):
        mine = [row for row in rows if (row["method"], row["start"] or "") == (method, start)]
        label = f"{method} from {start}" if start else method
        _curve(axes[0][0], mine, "output_loss", label, f"C{place}", FLOOR)
        _curve(axes[0][1], mine, "accuracy", label, f"C{place}", 0.0)
    for axis, name in zip(axes[0], ("output loss", "accuracy"), strict=True):
        axis.set_xlabel("width d")
        axis.set_ylabel(name)
        if settings.compact:
            axis.axvline(settings.compact, color="grey", linestyle=":", label="-O2, no training")
    axes[0][0].set_yscale("log")
    axes[0][0].legend(fontsize=8)
    return _png(figure)


def _curve(axis: Any, rows: Rows, name: str, label: str, colour: str, floor: float) -> None:
    """The median as a line, from the least to the greatest as a band."""
    widths = sorted({row["d"] for row in rows})
    values = [[max(floor, _finite(row[name])) for row in rows if row["d"] == d] for d in widths]
    axis.plot(widths, [float(np.median(column)) for column in values], "o-", color=colour, label=label, markersize=3)
    axis.fill_between(widths, [min(c) for c in values], [max(c) for c in values], color=colour, alpha=0.15)


def _finite(number: float) -> float:
    return number if math.isfinite(number) else 1e3


def over_time(reports: Mapping[int, CompressionReport]) -> bytes:
    """The least loss of all seeds so far against the seconds of the processor.

    While W is narrowed, that of the wider model.
    """
    figure, axes = _axes(1, 6.0)
    for d, report in sorted(reports.items()):
        draw_course(axes[0][0], report.history, f"d = {d}")
    axes[0][0].set(
        xlabel="seconds of the processor, all seeds together", ylabel="least output loss so far", yscale="log"
    )
    axes[0][0].legend(fontsize=8)
    return _png(figure)


def draw_course(axis: Any, history: Sequence[Mapping[str, Any]], label: str) -> None:
    """One curve of the least output loss so far."""
    seconds = [moment["seconds"] for moment in history]
    lowest = np.array([min(map(_finite, moment["output"])) for moment in history])
    axis.plot(seconds, np.maximum(np.minimum.accumulate(lowest), FLOOR), label=label)


def grams(report: CompressionReport, principal: Any) -> bytes:
    """W·Wᵀ with the names of the directions; beside it the same for the principal components."""
    figure, axes = _axes(2, 5.5, 5.0)
    for axis, gram, title in (
        (axes[0][0], np.array(report.gram), f"W·Wᵀ, d = {report.d} ({_shown(report.method)})"),
        (axes[0][1], principal @ principal.T, "the same, PCA of visited states"),
    ):
        most = max(1e-9, float(np.abs(gram).max()))
        axis.imshow(gram, cmap="RdBu", vmin=-most, vmax=most)
        axis.set_title(title, fontsize=9)
        labels = [_shown(label) for label in report.labels]
        axis.set_xticks(range(len(gram)), labels, rotation=90, fontsize=6)
        axis.set_yticks(range(len(gram)), labels, fontsize=6)
    figure.tight_layout()
    return _png(figure)


def cosines(report: CompressionReport) -> bytes:
    """The mean cosine similarity of each layer's output with the compiled one; none where that is 0."""
    figure, axes = _axes(1)
    heard = {_shown(row["where"]): row["cosine"] for row in report.layers if row["cosine"] is not None}
    axes[0][0].bar([*heard], [*heard.values()], color="C0")
    axes[0][0].set(ylim=(min([0.0, *heard.values()]), 1.05), ylabel="mean cosine similarity")
    axes[0][0].tick_params(axis="x", labelrotation=30, labelsize=8)
    return _png(figure)


def streams(compiled: Model, model: Model) -> bytes:
    """The last residual stream of both models on one input of full length."""
    words = [
        t for i, t in enumerate(compiled.config.vocab) if i not in (compiled.config.bos_id, compiled.config.pad_id)
    ]
    tokens = [compiled.config.bos, *(words[i % len(words)] for i in range(compiled.config.max_seq_len))]
    figure, axes = _axes(2, 5.5, 4.5)
    for axis, each, labels in (
        (axes[0][0], compiled, compiled.residual_labels),
        (axes[0][1], model, model.residual_labels),
    ):
        stream = np.asarray(each.apply(tokens).residuals[-1])[0].T
        most = max(1e-9, float(np.abs(stream).max()))
        axis.imshow(stream, cmap="RdBu", vmin=-most, vmax=most, aspect="auto")
        axis.set_xticks(range(len(tokens)), [_shown(str(token)) for token in tokens], fontsize=8)
        axis.set_yticks(range(len(labels)), [_shown(label) for label in labels], fontsize=6)
    axes[0][0].set_title("compiled, last stream", fontsize=9)
    axes[0][1].set_title(f"compressed, d = {model.config.d_model}", fontsize=9)
    figure.tight_layout()
    return _png(figure)
