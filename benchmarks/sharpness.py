"""What `sharpness=` and `margin=` do: gradients that live, probabilities that mean something, noise that is borne."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

import raspc
from benchmarks.measure import Table
from raspc import lab, library
from raspc.certify.checking.answers import model_ids
from raspc.lab import scores
from raspc.lab.activations import inputs_for

SETTINGS: Mapping[str, dict[str, Any]] = {
    "as it is": {},
    "sharpness=0": {"sharpness": 0},
    "margin=10": {"margin": 10},
    "both": {"sharpness": 0, "margin": 10},
}
SUBJECTS: tuple[tuple[str, Any, int], ...] = (
    ("reverse", "abc", 5), ("reverse", "abc", 10), ("sort_unique", (1, 2, 3, 4), 4), ("hist", "abc", 5),
    ("most_freq", "abc", 5),
)  # fmt: skip
"""Programs of the library, vocabularies and lengths."""
LEVELS = (1, 2)
NOISES = (1e-4, 1e-3)
DRAWS, INPUTS = 12, 256


def table() -> Table:
    """Small models of the library at -O1 and -O2, in each setting."""
    headers = (
        "program", "setting", "certificate", "parameters", "EAP by neuron, float64", "float32", "a sure answer has",
        *(f"right at noise {noise:g}" for noise in NOISES),
    )  # fmt: skip
    rows = [row(*subject, level, setting) for subject in SUBJECTS for level in LEVELS for setting in SETTINGS]
    title = (
        "AUROC of EAP at neuron level (shuffled, against the edges that vary), the least probability of a right "
        "answer, "
        f"and the share of right answers where every weight has normal noise added (the mean of {DRAWS} draws)"
    )
    return Table(title, headers, rows)


def row(name: str, vocab: Any, longest: int, level: int, setting: str) -> tuple[str, ...]:
    """One model in one setting."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", raspc.UncertainProgram)
        model = raspc.compile(library.PROGRAMS[name].program, vocab, longest, optimize=level, **SETTINGS[setting])
    verdict = "none" if model.certificate is None else model.certificate.verdict
    size = sum(array.size for array in model.params.values())
    found = setting if model.options.sharpness == 1 else f"{setting} ({model.options.sharpness:g})"
    return (
        f"{name} -O{level}, length {longest}", found, verdict, f"{size:,}",
        *(f"{alive(model, dtype):.2f}" for dtype in ("float64", "float32")), f"{sure(model):.3f}",
        *(f"{right_at(model, noise):.3f}" for noise in NOISES),
    )  # fmt: skip


def alive(model: raspc.Model, dtype: str) -> float:
    """The AUROC of EAP, neurons apart, in a format; positions are shuffled, so that counts and places matter too."""
    task = lab.task(model, "shuffle", granularity="neuron", dtype=dtype)
    found = scores.score(
        lab.methods.method("eap")(task), lab.truths(task).varying, task, model_too=False
    )  # fmt: skip
    return float("nan") if found.auroc is None else found.auroc


def sure(model: raspc.Model) -> float:
    """The least probability that a softmax of logits gives to a right answer."""
    if model.config.output.kind != "categorical":
        return float("nan")
    ids, real = asked(model)
    logits = model.logits(ids, np.float64)
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return float((powers.max(axis=-1) / powers.sum(axis=-1))[real].min())


def right_at(model: raspc.Model, noise: float, draws: int = DRAWS) -> float:
    """The share of answers that stay where normal noise is added to every weight."""
    ids, real = asked(model)
    right = model.logits(ids, np.float64)
    return float(np.mean([same(model, noised(model, noise, seed).logits(ids, np.float64), right, real)
                          for seed in range(draws)]))  # fmt: skip


def same(model: raspc.Model, logits: Any, right: Any, real: Any) -> float:
    """The share of answers that are alike; of numbers, within a hundredth."""
    if model.config.output.kind == "categorical":
        return float((logits.argmax(axis=-1) == right.argmax(axis=-1))[real].mean())
    return float((np.abs(logits[..., 0] - right[..., 0]) < 0.01)[real].mean())


def noised(model: raspc.Model, noise: float, seed: int) -> raspc.Model:
    """The same model with noise in every weight, those that are 0 among them."""
    rng = np.random.default_rng(seed)
    params = {name: array + noise * rng.normal(size=array.shape) for name, array in model.params.items()}
    return type(model)(model.config, params)


def asked(model: raspc.Model) -> tuple[Any, Any]:
    """Inputs, and where their answers count."""
    ids = model_ids(model, inputs_for(model.as_written, INPUTS).batch)
    real = ids != model.config.pad_id
    real[:, 0] = False
    return ids, real


def library_table() -> Table:
    """How many programs of the library are proved in each setting."""
    headers, rows = ("setting", "proved", "measured", "refused"), []
    for setting, asked_for in SETTINGS.items():
        found = [verdict_of(program, asked_for) for program in library.PROGRAMS.values()]
        rows.append((setting, *(str(found.count(each)) for each in headers[1:])))
    return Table("The library in its own vocabularies, -O1", headers, rows)


def verdict_of(program: Any, asked_for: Mapping[str, Any]) -> str:
    """What the certificate says; "refused" where there is no model."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", raspc.UncertainProgram)
        try:
            model = raspc.compile(
                program.program, program.vocab, program.max_seq_len, program.causal, partial=True, **asked_for
            )
        except raspc.RaspcError:
            return "refused"
    return "none" if model.certificate is None else model.certificate.verdict


def main() -> str:
    """Both tables."""
    return f"{table()}\n{library_table()}"
