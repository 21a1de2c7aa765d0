"""Methods that bracket every table: what nobody should fall below, what the weights alone say, and the truth itself."""

from __future__ import annotations

import numpy as np

from raspc.lab.against import truths
from raspc.lab.methods.entry import Method, Scores
from raspc.lab.tasks import Task


def random(task: Task) -> Scores:
    """A number from 0 to 1 for each edge, drawn with the seed of the task."""
    drawn = np.random.default_rng((task.seed, len(task.edges))).random(len(task.edges))
    return dict(zip(task.edges, drawn.tolist(), strict=True))


def weights(task: Task) -> Scores:
    """The size of the product of what a writer writes and what a reader reads; no input is run.

    The Frobenius norm of W·R (the composition of Elhage et al. 2021, without its normalisation).
    """
    net, rows = task.net, _written(task)
    found = {}
    for stage in net.stages:
        for row, read in enumerate(_read(task, stage), stage.first):
            for column in range(stage.writers):
                found[row, column] = float(np.linalg.norm(rows[column] @ read))
    return {edge: found[place] for edge, place in net.places.items()}


def oracle(task: Task) -> Scores:
    """1 for an edge that is true of the task (`Truths.varying`), else 0. It sees what a method may not."""
    true = truths(task).varying
    return {edge: float(edge in true) for edge in task.edges}


def random_nodes(task: Task) -> Scores:
    """A number from 0 to 1 for each node."""
    drawn = np.random.default_rng((task.seed, len(task.nodes))).random(len(task.nodes))
    return dict(zip(task.nodes, drawn.tolist(), strict=True))


def oracle_nodes(task: Task) -> Scores:
    """1 for a node that writes to a true edge, else 0."""
    found = truths(task)
    true = found.nodes(found.varying)
    return {node: float(node in true) for node in task.nodes}


def _written(task: Task) -> list[np.ndarray]:
    """For each writer the rows that it can write [numbers, d_model]."""
    net, config = task.net, task.model.config
    tables = [net.parts.token_embed] + ([] if net.parts.pos_embed is None else [net.parts.pos_embed])
    found = [np.concatenate([table.numpy() for table in tables])]
    for stage in net.stages:
        if stage.kind == "logits":
            break
        maps, widths = net.parts.layers[stage.layer], config.widths[stage.layer]
        if stage.kind == "heads":
            found += list(maps.linear.w.numpy().reshape(widths.n_heads, widths.d_head, -1))
        else:
            rows = maps.linear_2.w.numpy()
            found += [rows] if stage.kind == "mlp" else list(rows[:, None])
    return found


def _read(task: Task, stage: object) -> list[np.ndarray]:
    """For each channel of a stage the columns that it reads [d_model, numbers]."""
    from raspc.lab.net import Stage

    assert isinstance(stage, Stage)
    net = task.net
    if stage.kind == "logits":
        return [net.parts.unembed.w.numpy()]
    maps = net.parts.layers[stage.layer]
    if stage.kind == "heads":
        sides = [net.split(stage, role).numpy() for role in ("query", "key", "value")]
        return [side[:, head] for side in sides for head in range(len(stage.nodes))]
    columns = maps.linear_1.w.numpy()
    return [columns] if stage.kind == "mlp" else list(columns.T[..., None])


METHODS = (
    Method("random", "edges", random, "a random number for each edge", "baseline"),
    Method("weights", "edges", weights, "the size of the product of weights", "Elhage et al. 2021"),
    Method("oracle", "edges", oracle, "the truth itself", "baseline"),
    Method("random-nodes", "nodes", random_nodes, "a random number for each node", "baseline"),
    Method("oracle-nodes", "nodes", oracle_nodes, "the truth itself", "baseline"),
)
