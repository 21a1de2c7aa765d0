"""What a worker does: compile a program, or answer questions about a model. It writes no file that is kept."""

from __future__ import annotations

import dataclasses
import math
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from raspc.errors import RaspcError, UncertainProgram
from raspc.lab.against import Truths, truths
from raspc.lab.methods import method
from raspc.lab.methods.entry import Scores
from raspc.lab.runs import own
from raspc.lab.runs.asked import Question
from raspc.lab.runs.store import Answer, Held
from raspc.lab.runs.suites import Subject
from raspc.lab.scores import Scores as Worth
from raspc.lab.scores import score
from raspc.lab.tasks import Task, task
from raspc.weights import saving
from raspc.weights.files import write_files
from raspc.weights.model import Model


@dataclass(frozen=True)
class Job:
    """A question about a model, and the methods that are to answer it.

    `files`: the directory of the model, or what it holds. `methods`: each with the identity of its answer; `sources`:
    the text of those that stand in a file of somebody's own.
    """

    model: str
    files: Path | Mapping[str, bytes]
    question: Question
    methods: Mapping[str, str]
    sources: Mapping[str, bytes]


def compiled(subject: Subject) -> dict[str, bytes]:
    """The files of a program of the library at a level. Raises RaspcError where it is refused."""
    from raspc.compiler import compile
    from raspc.library import get

    assert subject.program is not None and subject.level is not None
    entry = get(subject.program)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UncertainProgram)
        model = compile(entry.program, entry.vocab, entry.max_seq_len, causal=entry.causal, optimize=subject.level)
    return saving.to_files(model)


def answered(job: Job) -> list[Answer]:
    """What each method says; one that is refused, or a model that is, says why."""
    _one_thread()
    model = loaded(job.files)
    return [replace(found, level=model.options.level.value) for found in _answers(job, model)]


def _answers(job: Job, model: Model) -> Iterator[Answer]:
    try:
        asked = task(model, name=job.model, **job.question.to_json())
        truth = truths(asked)
    except RaspcError as error:
        yield from (_refused(job, name, error) for name in job.methods)
        return
    yield from (_said(job, name, asked, truth) for name in job.methods)


def _one_thread() -> None:
    """Sums are taken in the same order, whoever does the work."""
    import torch

    torch.set_num_threads(1)


def loaded(files: Path | Mapping[str, bytes]) -> Model:
    """The model of a directory, or of what one holds. Raises ModelFormatError."""
    if isinstance(files, Path):
        return saving.load(files)
    with tempfile.TemporaryDirectory() as place:
        write_files(Path(place), files)
        return saving.load(place)


def _said(job: Job, name: str, asked: Task, truth: Truths) -> Answer:
    try:
        function = own.scorer(name, job.sources[name]) if name in job.sources else method(name)
        said = function(asked)
        if name in job.sources:
            said = own.checked(name, said, asked)
        held = _held(said, truth, asked)
    except RaspcError as error:
        return _refused(job, name, error)
    scores = {edge: _finite(value) for edge, value in said.items()}
    return Answer(
        job.methods[name], job.model, None, name, job.question, None, asked.pairs, asked.exhaustive, scores, held
    )  # fmt: skip


def _held(said: Scores, truth: Truths, asked: Task) -> dict[str, Held]:
    """What the scores are worth by each kind of truth.

    The model is run for the first alone: it has the same curve by any other, and its circuit is of the first's size.
    """
    of_nodes = not any("->" in name for name in said)
    true = {kind: truth.nodes(edges) if of_nodes else edges for kind, edges in
            (("varying", truth.varying), ("under", truth.under))}  # fmt: skip
    first = score(said, true["varying"], asked)
    other = score(said, true["under"], asked, model_too=False)
    other = dataclasses.replace(other, faithfulness=first.faithfulness, cpr=first.cpr, cmd=first.cmd)
    return {kind: Held(tuple(sorted(true[kind])), _apart(found, asked)) for kind, found in
            (("varying", first), ("under", other))}  # fmt: skip


def _apart(found: Worth, asked: Task) -> dict[str, Any]:
    """Plain data, without what the answer says already."""
    return {name: value for name, value in found.to_json().items() if name not in asked.facts()}


def _finite(number: float) -> float | None:
    """JSON has neither infinities nor NaN."""
    return float(number) if math.isfinite(number) else None


def _refused(job: Job, name: str, error: RaspcError) -> Answer:
    why = " ".join(str(error).split())
    return Answer(job.methods[name], job.model, None, name, job.question, why, None, None, {}, {})
