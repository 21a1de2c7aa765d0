"""A run: every method on every question about every model, each asked once and kept."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from os import PathLike, cpu_count
from pathlib import Path
from typing import Any

from raspc import arguments
from raspc.errors import ModelFormatError
from raspc.lab.runs import own, store
from raspc.lab.runs.asked import LEVELS, Asked, Question, asked
from raspc.lab.runs.cluster import cluster
from raspc.lab.runs.pools import Each, here, processes
from raspc.lab.runs.store import Answer, Settings
from raspc.lab.runs.suites import Subject, subjects
from raspc.lab.runs.work import Job, answered, compiled, loaded
from raspc.plan import files as plans
from raspc.version import VERSION
from raspc.weights import saving
from raspc.weights.files import fresh_directory, read_file, write_files

Announce = Callable[[str, int, int], None]
FILES = (saving.CONFIG, *saving.HASHED)
"""What a saved model consists of; one of format 1 has no plan."""


@dataclass(frozen=True)
class Planned:
    """An answer that is asked for: of which model, by which method, to which question; the hash of all of it."""

    model: str
    method: str
    question: Question
    identity: str


def run(
    suite: str | PathLike[str], methods: Iterable[str], corruptions: Iterable[str], out: str | PathLike[str], *,
    levels: Iterable[int] = LEVELS, seeds: int = 1, pairs: int = 64, granularity: str = "component",
    dtype: str = "float64", workers: int | None = None, ray: str | None = None, progress: Announce | None = None,
) -> list[dict[str, Any]]:  # fmt: skip
    """Ask every method every question about every model of a suite; gives a row for each answer and kind of truth.

    `suite`: a name (`raspc.lab.runs.SUITES`) or a directory of saved models. `methods`: names, or `file.py:function`.
    `seeds`: how many. `workers`: processes on this machine, by default one for each processor; 0 for none but this one.
    `ray`: the address of a cluster to do the work instead. `progress(what, done, total)` counts.

    What is answered is kept in `out`, and the same call goes on where it was interrupted. The bytes are the same every
    time, however many processes or machines had a part in it.

    Raises InputError for what is not there to be asked, before anything runs, and for a directory that cannot be
    written; ModelFormatError for a directory that holds no model; RaspcError where a worker dies.
    """
    wanted = asked(_name(suite), methods, corruptions, levels, seeds, pairs, granularity, dtype)
    place = Path(arguments.path("out", out))
    chosen = subjects(wanted.suite, wanted.levels)
    announce = progress or (lambda what, done, total: None)
    with _pool(workers, ray) as each:
        store.begin(place, wanted)
        models = _models(place, chosen, each, announce)
        store.write_settings(place, Settings(wanted, models, store.made_by()))
        _answer(place, _homes(place, chosen), list(planned(wanted, models)), each, announce, ray is not None)
    rows = results(place)
    store.write_results(place, rows)
    return rows


def _name(suite: Any) -> str:
    return suite if isinstance(suite, str) else str(arguments.path("suite", suite))


def _pool(workers: int | None, ray: str | None) -> AbstractContextManager[Each]:
    if ray is not None:
        return cluster(ray)
    if workers == 0:
        return here()
    return processes((cpu_count() or 1) if workers is None else workers)


def results(out: str | PathLike[str]) -> list[dict[str, Any]]:
    """The rows of a run, finished or not, in its order. Raises ModelFormatError for a directory that holds none."""
    return [row for answer in answers(out) for row in answer.rows()]


def answers(out: str | PathLike[str]) -> list[Answer]:
    """All that is answered of what was asked for last. Raises ModelFormatError."""
    place = Path(out)
    settings = store.read_settings(place)
    found = (_read(place, plan) for plan in planned(settings.asked, settings.models))
    return [answer for answer in found if answer is not None]


def _read(place: Path, plan: Planned) -> Answer | None:
    return store.read_answer(place, plan.model, plan.method, plan.question, plan.identity)


def planned(wanted: Asked, models: Mapping[str, str]) -> Iterator[Planned]:
    """Every answer that is asked for, in the order of the results. `models`: each with the hash of its files."""
    for name, found in models.items():
        for question in wanted.questions():
            for method in wanted.methods:
                yield Planned(name, method, question, store.identity(found, method, question))


def _models(place: Path, chosen: Sequence[Subject], each: Each, announce: Announce) -> dict[str, str]:
    """The hash of each model; a program is compiled, unless this version has done it."""
    homes = _homes(place, chosen)
    missing = [one for one in chosen if one.program is not None and not _is_compiled(homes[one.name])]
    for done, (i, files) in enumerate(each(compiled, missing)):
        announce(f"compiled {missing[i].name}", done + 1, len(missing))
        with fresh_directory(homes[missing[i].name], saving.CONFIG) as building:
            write_files(building, files)
    return {one.name: _hash(files_of(homes[one.name])) for one in chosen}


def _homes(place: Path, chosen: Sequence[Subject]) -> dict[str, Path]:
    """The directory of each model by its name."""
    return {one.name: one.directory or place / store.MODELS / one.name for one in chosen}


def _is_compiled(directory: Path) -> bool:
    """Whether a directory holds a whole model that this version has made."""
    try:
        return loaded(directory).config.made_by == f"raspc {VERSION}"
    except ModelFormatError:
        return False


def files_of(directory: Path) -> dict[str, bytes]:
    """What the directory of a model holds. Raises ModelFormatError."""
    limits = saving.DEFAULT_LIMITS
    sizes = (limits.config, limits.weights, limits.graph, limits.labels, limits.plan, limits.arrays)
    return {
        name: read_file(directory, name, most)
        for name, most in zip(FILES, sizes, strict=True)
        if name not in (plans.PLAN, plans.ARRAYS) or (directory / name).exists()
    }


def _hash(files: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name, data in files.items():
        digest.update(f"{name} {len(data)} ".encode() + data)
    return digest.hexdigest()


def _answer(
    place: Path, homes: Mapping[str, Path], plans: Sequence[Planned], each: Each, announce: Announce, far: bool
) -> None:
    """What is not answered yet, is; each answer is kept as soon as it is there."""
    todo: dict[tuple[str, str], list[Planned]] = {}
    for plan in plans:
        if _read(place, plan) is None:
            todo.setdefault((plan.model, str(plan.question.to_json())), []).append(plan)
    jobs = list(todo.values())
    done = len(plans) - sum(map(len, jobs))
    announce("answered before", done, len(plans))
    for i, found in each(answered, (_job(homes, job, far) for job in jobs)):
        for answer in found:
            store.write_answer(place, answer)
        done += len(found)
        announce(f"{jobs[i][0].model}, {jobs[i][0].question.corruption}", done, len(plans))


def _job(homes: Mapping[str, Path], asked_for: Sequence[Planned], far: bool) -> Job:
    """All methods that are to answer one question about one model. `far`: by a machine that has not our files."""
    first, methods = asked_for[0], {plan.method: plan.identity for plan in asked_for}
    home = homes[first.model]
    sources = {name: text for name in methods if (text := own.source(name)) is not None}
    return Job(first.model, files_of(home) if far else home, first.question, methods, sources)
