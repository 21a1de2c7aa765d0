"""Figures for papers, with named axes. Matplotlib is imported when a figure is asked for (extra `plots`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from raspc.certify.checking.variables import stage_name
from raspc.errors import InputError
from raspc.graph.nodes import Graph, Pattern
from raspc.values import Value
from raspc.view.payload import heads
from raspc.view.show import show
from raspc.view.stages import spans
from raspc.weights.model import Model, ModelOutput

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INCH_PER_ROW, INCH_PER_COLUMN = 0.17, 0.34
MAP = "RdBu"
"""Blue is positive; each panel is symmetric about 0."""


def plot_residuals(model: Model, tokens: Sequence[Value]) -> Figure:
    """The residual stream after the embedding and after every attention and MLP layer.

    `tokens` come without BOS, or with it in front. Rows are the named directions, columns the positions.
    Raises InputError for a bad input, or where Matplotlib is missing.
    """
    run, names = _run(model, tokens)
    streams = {-1: run.input_embeddings, **dict(enumerate(run.residuals))}
    return _panels(model, {f"after {stage_name(i)}": x for i, x in streams.items()}, names, "residual stream")


def plot_layer_outputs(model: Model, tokens: Sequence[Value]) -> Figure:
    """What each attention and MLP layer adds to the residual stream. Arguments and errors as above."""
    run, names = _run(model, tokens)
    outputs = {stage_name(stage): array for stage, array in enumerate(run.layer_outputs)}
    return _panels(model, outputs, names, "output of the layer")


def plot_attention(model: Model, tokens: Sequence[Value]) -> Figure:
    """The pattern of every head that is in use: queries down, keys across. Arguments and errors as above."""
    run, names = _run(model, tokens)
    used = _all_heads(model) if model.graph is None else list(heads(model))
    side = max(1.8, INCH_PER_COLUMN * len(names) + 0.6)
    columns = min(4, max(1, len(used)))
    rows = max(1, -(-len(used) // columns))
    figure, axes = _figure(rows, columns, side * columns, (side + 0.5) * rows)
    for axis in axes[len(used) :]:
        axis.axis("off")
    for axis, head in zip(axes, used, strict=False):
        pattern = np.asarray(run.attn_patterns[head["layer"]])[0, head["head"]]
        picture = axis.imshow(pattern, cmap="Blues", vmin=0, vmax=1)
        axis.set_title(_head_title(model, head), fontsize=8)
        _name_axis(axis, names, names, "key", "query")
    if used:
        figure.colorbar(picture, ax=list(axes), label="weight", shrink=0.6)
    return figure


def plot_program(model: Model) -> Figure:
    """The program as a graph, laid out over the stages at which the model computes it.

    Raises InputError for a model without its graph, or where Matplotlib is missing.
    """
    graph = model.graph
    if graph is None:
        raise InputError("the model holds no graph to plot; compile it again, or load a whole directory")
    places, titles = _layout(graph, [span.last for span in spans(model)])
    width, height = 1.5 * (1 + max(x for x, _ in places)), 0.55 * (2 + max(y for _, y in places))
    figure, axes = _figure(1, 1, width, height)
    axis = axes[0]
    for place, node in enumerate(graph.nodes):
        for ref in node.refs:
            arrow = {"arrowstyle": "->", "color": "#7788aa", "shrinkA": 22, "shrinkB": 22, "lw": 0.8}
            axis.annotate("", places[place], places[ref], arrowprops=arrow)
    for place, node in enumerate(graph.nodes):
        selector = isinstance(node, Pattern)
        style = {"boxstyle": "round4,pad=0.35" if selector else "round,pad=0.35", "lw": 0.8}
        style |= {"fc": "#e7f5ea" if selector else "#eef3fc", "ec": "#2b7a43" if selector else "#3d5f9f"}
        axis.text(*places[place], _literal(graph.labels[place]), ha="center", va="center", fontsize=7, bbox=style)
    for title, x in titles:
        axis.text(x, -1, title, ha="center", va="center", fontsize=7, color="#556677")
    axis.set_xlim(-0.7, max(x for x, _ in places) + 0.7)
    axis.set_ylim(max(y for _, y in places) + 0.7, -1.5)
    axis.axis("off")
    return figure


def _layout(graph: Graph, stages: Sequence[int]) -> tuple[list[tuple[float, float]], list[tuple[str, float]]]:
    """Where each node stands, and the name of each stage over the middle of its columns."""
    depth: list[int] = []
    for place, node in enumerate(graph.nodes):
        near = [depth[ref] for ref in node.refs if stages[ref] == stages[place]]
        depth.append(1 + max(near) if near else 0)
    columns = sorted(set(zip(stages, depth, strict=True)))
    taken = dict.fromkeys(columns, 0)
    places = []
    for column in zip(stages, depth, strict=True):
        places.append((float(columns.index(column)), float(taken[column])))
        taken[column] += 1
    middles = {stage: [i for i, column in enumerate(columns) if column[0] == stage] for stage in sorted(set(stages))}
    return places, [(stage_name(stage), sum(found) / len(found)) for stage, found in middles.items()]


def _run(model: Model, tokens: Sequence[Value]) -> tuple[ModelOutput, list[str]]:
    """The run, and the tokens as people read them, BOS among them."""
    opened = list(tokens) if list(tokens[:1]) == [model.config.bos] else [model.config.bos, *tokens]
    return model.apply(opened), [show(token) for token in opened]


def _panels(model: Model, arrays: Mapping[str, Any], names: Sequence[str], label: str) -> Figure:
    """One heat map [direction, position] after another, with one scale."""
    directions = [_literal(text) for text in model.residual_labels]
    most = max(1e-9, *(float(np.abs(array).max()) for array in arrays.values()))
    width = 1.6 + len(arrays) * max(1.5, INCH_PER_COLUMN * len(names))
    figure, axes = _figure(1, len(arrays), width, max(2.2, INCH_PER_ROW * len(directions) + 1.2))
    for i, (axis, (title, array)) in enumerate(zip(axes, arrays.items(), strict=True)):
        picture = axis.imshow(np.asarray(array)[0].T, cmap=MAP, vmin=-most, vmax=most, aspect="auto")
        axis.set_title(title, fontsize=8)
        _name_axis(axis, names, directions if i == 0 else (), "position", "direction" if i == 0 else "")
    figure.colorbar(picture, ax=list(axes), label=label, shrink=0.6)
    return figure


def _name_axis(axis: Axes, columns: Sequence[str], rows: Sequence[str], x: str, y: str) -> None:
    axis.set_xticks(range(len(columns)), [_literal(text) for text in columns], fontsize=7)
    axis.set_yticks(range(len(rows)), rows, fontsize=6)
    axis.tick_params(length=2)
    if max(map(len, columns), default=0) > 3:
        axis.tick_params(axis="x", rotation=90)
    axis.set_xlabel(x, fontsize=8)
    axis.set_ylabel(y, fontsize=8)


def _head_title(model: Model, head: Mapping[str, Any]) -> str:
    where = f"layer {head['layer']} head {head['head']}"
    if head["selector"] is None:
        return where
    return f"{where}\n{_literal(model.tabulated.labels[head['selector']])}"


def _all_heads(model: Model) -> list[dict[str, Any]]:
    return [
        {"layer": layer, "head": head, "selector": None}
        for layer, widths in enumerate(model.config.widths)
        for head in range(widths.n_heads)
    ]


def _literal(text: str) -> str:
    """A dollar sign would open a formula."""
    return text.replace("$", r"\$")


def _figure(rows: int, columns: int, width: float, height: float) -> tuple[Figure, Any]:
    """A figure and its axes in a flat array. It is closed for pyplot, so that a notebook shows it once."""
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise InputError("plots need Matplotlib; pip install 'raspc[plots]'") from error
    figure, axes = pyplot.subplots(
        rows, columns, figsize=(min(width, 40), min(height, 40)), squeeze=False, layout="constrained"
    )
    pyplot.close(figure)
    return figure, axes.ravel()
