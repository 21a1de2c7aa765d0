"""Doors: the places where a value opens a room that is built on it, by name, when a person asks for it.

`model.to("torch")` needs the exports, and every export needs the model; so the model names its export here, and imports
nothing. All such names stand in this one table; a test opens each of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

DOORS: dict[str, str] = {
    "interpret": "raspc.interpret",  # an s-op called on a sequence
    "to_json": "raspc.graph.serial",  # a graph as data
    "to_text": "raspc.graph.serial",  # a graph as a person reads it
    "plan_text": "raspc.plan.text",  # a plan as a person reads it
    "module_of": "raspc.lab.modules",  # circuit.module
    "plain_of": "raspc.stock.model",  # model.plain
    "save": "raspc.weights.saving",  # model.save
    "export": "raspc.export",  # model.to
    "generate": "raspc.generation",  # a model that writes
    "stream": "raspc.generation",
    "generate_batch": "raspc.generation",
    "spaces_of": "raspc.lab.spaces",  # model.spaces
    "circuit": "raspc.lab.circuits",  # model.circuit
    "intervene": "raspc.lab.interventions",  # model.intervene, patch, ablate
    "patch": "raspc.lab.interventions",
    "ablate": "raspc.lab.interventions",
    "under": "raspc.lab.under",  # circuit.under
    "faults": "raspc.lab.verifying",  # circuit.faults
    "table": "raspc.lab.drawing",  # a circuit as text, as data, and as pictures
    "circuit_json": "raspc.lab.drawing",
    "to_dot": "raspc.lab.drawing",
    "to_svg": "raspc.lab.drawing",
    "plot_circuit": "raspc.view.circuits",  # circuit.plot
    "write_circuit": "raspc.view.circuits",  # circuit.save
    "model_text": "raspc.view.notebook",  # models and answers in terminals and notebooks
    "model_html": "raspc.view.notebook",
    "output_text": "raspc.view.notebook",
    "output_html": "raspc.view.notebook",
    "intervened_text": "raspc.view.notebook",  # what model.intervene and its kin give
    "expression_text": "raspc.view.notebook",  # programs, reports, certificates and circuits there
    "expression_html": "raspc.view.notebook",
    "graph_html": "raspc.view.notebook",
    "report_html": "raspc.view.notebook",
    "certificate_html": "raspc.view.notebook",
    "circuit_html": "raspc.view.notebook",
    "headline": "raspc.weights.wording",
    "graph_text": "raspc.view.told",
    "report_text": "raspc.view.told",
    "certificate_text": "raspc.view.told",
    "inline": "raspc.view.inline",  # model.view
}
"""A function by its name, and the module that it is in."""


def through(name: str) -> Any:
    """The function behind a door."""
    return getattr(import_module(DOORS[name]), name)
