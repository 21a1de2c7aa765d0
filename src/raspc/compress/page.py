"""The pictures of a sweep, and one HTML page that holds them all."""

from __future__ import annotations

import base64
import html
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from raspc.compress import figures
from raspc.compress.model import CompressedModel, load
from raspc.compress.report import CompressionReport
from raspc.compress.results import Settings, kept_widths, read_rows, read_settings
from raspc.compress.sweeping import BEST, COMPILED
from raspc.errors import InputError, ModelFormatError
from raspc.weights.files import write_file
from raspc.weights.model import Model
from raspc.weights.saving import load as load_model

PAGE = "report.html"
STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:1000px;margin:2em auto;padding:0 1em;color:#222}"
    "table{border-collapse:collapse;margin:1em 0;font-size:13px}td,th{padding:.25em .7em;border-bottom:1px solid #ddd;"
    "text-align:right}td:first-child,th:first-child{text-align:left}img{max-width:100%}"
    "@media(prefers-color-scheme:dark){body{background:#181818;color:#ddd}img{background:#fff}}"
)


def write_page(out: str | PathLike[str]) -> Path:
    """Writes `report.html` and the PNGs of a finished or half-finished sweep into its directory; gives the page's path.

    Raises InputError where matplotlib is missing, nothing is finished yet or the files cannot be written,
    ModelFormatError for a directory that holds no sweep.
    """
    from raspc.compress.requirements import require

    place = Path(out)
    settings, rows = read_settings(place), read_rows(place)
    if not rows:
        raise InputError(f"{place}: no width is finished yet; run the sweep again to go on")
    require("matplotlib", "compress")
    compiled, reports = _models(place, rows)
    pictures = figures.all_figures(settings, rows, compiled, reports)
    for name, data in pictures.items():
        write_file(place / name, data)
    text = page(settings, rows, {d: m.report for d, m in reports.items() if m.report is not None}, pictures)
    write_file(place / PAGE, text.encode())
    return place / PAGE


def _models(place: Path, rows: Sequence[Mapping[str, Any]]) -> tuple[Model, dict[int, CompressedModel]]:
    """The compiled model, and the best of each width, whose sizes fit it.

    Raises ModelFormatError where one is gone; the sweep then makes it again.
    """
    try:
        compiled = load_model(place / COMPILED)
        best = {d: load(place / BEST / f"d{d:02}") for d in kept_widths(rows)}
    except ModelFormatError as error:
        raise ModelFormatError(f"{error}; run the sweep again to go on") from error
    for d, model in best.items():
        report = model.report
        if report is None or (report.d, report.full) != (d, compiled.config.d_model) or not _is_like(model, compiled):
            raise ModelFormatError(f"{place}: the best model of width {d} is not of this sweep; run it again to go on")
    return compiled, best


def _is_like(model: Model, compiled: Model) -> bool:
    return model.config.vocab == compiled.config.vocab and model.config.n_ctx == compiled.config.n_ctx


def page(
    settings: Settings,
    rows: Sequence[Mapping[str, Any]],
    reports: Mapping[int, CompressionReport],
    pictures: Mapping[str, bytes],
) -> str:
    """The page: tables and pictures, nothing loaded from elsewhere."""
    title = f"Compression of {html.escape(str(settings.program))}, D = {settings.full}"
    compact, widths = settings.compact, sorted({row["d"] for row in rows})
    head = (
        f"<p>Widths {widths[0]} to {widths[-1]}, {len(settings.seeds)} seeds each. "
        f"<b>-O2 needs {compact} dimensions</b> with no training and no error.</p>"
        if compact
        else ""
    )
    parts = [f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title><style>{STYLE}</style>"]
    parts += [f"<h1>{title}</h1>", head, _pictures(pictures, "curves"), "<h2>Best of each width</h2>", _best(reports)]
    parts += ["<h2>All seeds of the trained method</h2>", _spread(rows)]
    parts += ["<p>A width at which no run succeeded is not called impossible: nothing here proves that.</p>"]
    parts += [f"<p>d = {d}: every run diverged; no model is kept.</p>" for d in widths if d not in reports]
    for d, report in sorted(reports.items(), reverse=True):
        parts += [f"<h2>d = {d}: {report.verdict}</h2>", _culprit(report), _pictures(pictures, f"d{d:02}")]
        parts += [_layers(report), _shares(report), _interchange(report), _probes(report)]
    return "\n".join([*parts, "</html>"])


def _pictures(pictures: Mapping[str, bytes], start: str) -> str:
    return "\n".join(
        f'<img alt="{name}" src="data:image/png;base64,{base64.b64encode(data).decode()}">'
        for name, data in pictures.items()
        if name.startswith(start)
    )


def _table(headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    top = "".join(f"<th>{html.escape(text)}</th>" for text in headers)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(show(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{top}</tr>{body}</table>"


def show(cell: Any) -> str:
    """A cell as text; small numbers by their exponent."""
    if cell is None:
        return "–"
    if isinstance(cell, float):
        return f"{cell:.3f}" if cell == 0 or 1e-3 <= abs(cell) < 1e4 else f"{cell:.1e}"
    return str(cell)


def _best(reports: Mapping[int, CompressionReport]) -> str:
    headers = ("d", "method", "output loss", "layer loss", "accuracy", "whole inputs", "cosine", "verdict")
    return _table(
        headers,
        [
            (d, r.method, r.output_loss, r.layer_loss, r.accuracy, r.sequences, r.cosine, r.verdict)
            for d, r in sorted(reports.items())
        ],
    )


def _spread(rows: Sequence[Mapping[str, Any]]) -> str:
    trained = sorted({(row["d"], row["start"]) for row in rows if row["method"] == "trained"})
    headers = ("d", "start", "seeds", "output loss: best", "median", "worst", "mean", "accuracy: best", "mean")
    return _table(headers, [_spread_row(rows, d, start) for d, start in trained])


def _spread_row(rows: Sequence[Mapping[str, Any]], d: int, start: str) -> tuple[Any, ...]:
    mine = [row for row in rows if (row["d"], row["method"], row["start"]) == (d, "trained", start)]
    losses = sorted(float(row["output_loss"]) if math.isfinite(row["output_loss"]) else math.inf for row in mine)
    right = [float(row["accuracy"]) for row in mine]
    middle = statistics.median(losses)
    return (
        d, start, len(mine), losses[0], middle, losses[-1], sum(losses) / len(losses), max(right),
        sum(right) / len(right),
    )  # fmt: skip


def _culprit(report: CompressionReport) -> str:
    found = report.culprit
    if found is None or found["cosine"] > 0.999:
        return "<p>Every layer's output points where the compiled one does.</p>"
    return (
        f"<p>Least like the compiled model: the output of {html.escape(found['where'])}, cosine {found['cosine']:.3f}; "
        f"<b>{html.escape(found['variable'])}</b> makes {found['share']:.0%} of the squared difference there.</p>"
    )


def _layers(report: CompressionReport) -> str:
    headers = ("layer output", "cosine", "norm ratio", "squared difference")
    return _table(headers, [(x["where"], x["cosine"], x["norm_ratio"], x["difference"]) for x in report.layers])


def _shares(report: CompressionReport) -> str:
    rows = [(name, share["norm"], share["dimensions"]) for name, share in report.shares.items()]
    return _table(("variable", "part of |W|²", "dimensions of its own"), rows)


def _interchange(report: CompressionReport) -> str:
    headers = ("swapped", "after", "rank", "answers changed", "by subspace", "by features", "compiled model")
    names = ("variable", "where", "rank", "changed", "subspace", "features", "compiled")
    return _table(headers, [tuple(row.get(name) for name in names) for row in report.interchange])


def _probes(report: CompressionReport) -> str:
    headers = ("probed", "after", "score", "probe", "shuffled labels", "commonest value")
    names = ("variable", "where", "score", "probe", "control", "majority")
    return _table(headers, [tuple(row.get(name) for name in names) for row in report.probes])
