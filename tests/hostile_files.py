"""What else of ours is read back, as someone who means harm would leave it: sweeps, trainings, checks, artifacts.

Each kind has the files of a sound one, and a use of the directory that may raise a RaspcError and nothing else.
"""

from __future__ import annotations

import contextlib
import random
import tempfile
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests import hostile

import raspc
from raspc import RaspcError, library
from raspc.weights import Model


@dataclass(frozen=True)
class Kind:
    """`make` writes a sound directory; `use` reads it as our commands do."""

    make: Callable[[Path], None]
    use: Callable[[Path], None]


@cache
def subject() -> Model:
    """A small model, which all kinds are about."""
    return raspc.compile(library.frac_prevs(), vocab=["a", "x"], max_seq_len=2, optimize=0)


SHORT = {"steps": 2, "every": 1, "batch": 4, "polish": 0}


def make_sweep(place: Path) -> None:
    """Two methods at one width."""
    from raspc.compress import sweep

    sweep(subject(), (4,), place, seeds=2, methods=("trained", "pca"), **SHORT)


def use_sweep(place: Path) -> None:
    """All that the page needs, and the page; of pictures, which take seconds, those that depend on rows and reports."""
    from raspc.compress import figures, page, results

    settings, rows = results.read_settings(place), results.read_rows(place)
    if not rows:
        return
    _, best = page._models(place, rows)
    reports = {d: model.report for d, model in best.items() if model.report is not None}
    page.page(settings, rows, reports, {})
    figures.curves(settings, rows)
    for report in reports.values():
        figures.cosines(report)
        figures.over_time({report.d: report})
    if len((place / results.RESULTS).read_bytes()) % 8 == 0:
        page.write_page(place)


def resume_sweep(place: Path) -> None:
    """A sweep that goes on in the directory."""
    make_sweep(place)
    use_sweep(place)


TRAINING = "training.safetensors"


def make_training(place: Path) -> None:
    """A checkpoint."""
    use_training(place)


def use_training(place: Path) -> None:
    """A training that goes on from it."""
    from raspc.compress import Protocol
    from raspc.compress.compressing import outcome_of

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        outcome_of(subject(), 4, "trained", 2, Protocol(**SHORT), None, place / TRAINING)  # type: ignore[arg-type]


def make_check(place: Path) -> None:
    """The state of a check that has ended."""
    use_check(place)


def use_check(place: Path) -> None:
    """A check that goes on from it."""
    raspc.check(subject(), limit=20, state=place / "state")


def make_artifacts(place: Path) -> None:
    """Those of the majority pipeline."""
    from raspc.parity import majority

    majority.save(majority.compile_majority(4), place)


def use_artifacts(place: Path) -> None:
    """The mirror that is rebuilt from them."""
    from raspc.parity import majority

    majority.check(place)


KINDS = {
    "sweep": Kind(make_sweep, use_sweep),
    "resumed": Kind(make_sweep, resume_sweep),
    "training": Kind(make_training, use_training),
    "check": Kind(make_check, use_check),
    "artifacts": Kind(make_artifacts, use_artifacts),
}


@cache
def sound(kind: str) -> Mapping[str, bytes]:
    """The files of a sound directory, by their paths in it."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "made"
        place.mkdir()
        KINDS[kind].make(place)
        return {str(path.relative_to(place)): path.read_bytes() for path in sorted(place.rglob("*")) if path.is_file()}


def changed(held: Mapping[str, bytes], rng: random.Random) -> dict[str, bytes]:
    """The files with one or two changed, or one gone; those of a model mostly with a hash that fits."""
    found = dict(held)
    models = sorted(str(Path(name).parent) for name in held if name.endswith("config.json"))
    if models and rng.random() < 0.4:
        place = rng.choice(models)
        of_model = {name: held[f"{place}/{name}"] for name in hostile.FILES}
        return found | {f"{place}/{name}": data for name, data in hostile.mutated_files(of_model, rng).items()}
    ours = [name for name in sorted(held) if Path(name).name not in hostile.FILES]
    for name in rng.sample(ours, min(len(ours), rng.choice((1, 1, 2)))):
        if rng.random() < 0.05:
            del found[name]
        else:
            found[name] = changed_file(name, held[name], rng)
    return found


def changed_file(name: str, data: bytes, rng: random.Random) -> bytes:
    """One file changed as what it is."""
    if name.endswith(".safetensors"):
        return changed_tensors(data, rng)
    if name.endswith(".jsonl"):
        lines = data.splitlines() or [b"{}"]
        at = rng.randrange(len(lines) + 1)
        lines[at : at + 1] = [hostile.mutated_json(lines[at - 1], rng)] * rng.choice((0, 1, 1, 1, 2))
        return b"\n".join(lines)
    if name.endswith((".npy", ".npz", ".csv")) or rng.random() < 0.1:
        return hostile.mutated_bytes(data, rng)
    return hostile.mutated_json(data, rng)


def changed_tensors(data: bytes, rng: random.Random) -> bytes:
    """The header as JSON, with a length that fits it, or some of the bytes."""
    size = int.from_bytes(data[:8], "little")
    if rng.random() < 0.3 or size > len(data) - 8:
        return hostile.mutated_bytes(data, rng)
    header = hostile.mutated_json(data[8 : 8 + size], rng)
    return len(header).to_bytes(8, "little") + header + data[8 + size :]


def try_one(kind: str, files: Mapping[str, bytes]) -> str:
    """What became of a use of these files: "used" or "refused". Any exception but a RaspcError comes through."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "left"
        place.mkdir()
        for name, data in files.items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_bytes(data)
        with warnings.catch_warnings(), contextlib.suppress(RaspcError):
            warnings.simplefilter("ignore", RuntimeWarning)
            KINDS[kind].use(place)
            return "used"
    return "refused"
