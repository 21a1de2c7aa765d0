"""Models that somebody edits, in memory or in their files: where the check fails, no certificate says proved."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from tests.certify.proof.edits import edited_files, edited_weights, rehashed

import raspc
from raspc import library, rasp
from raspc.errors import ModelFormatError, RaspcError
from raspc.rasp import Comparison
from raspc.weights import saving

pytestmark = pytest.mark.filterwarnings("ignore::raspc.UncertainProgram")

T, I = rasp.tokens, rasp.indices  # noqa: E741
EARLIER = rasp.Select(T, T, Comparison.EQ) & rasp.Select(I, I, Comparison.LT)
PREVIOUS = rasp.Aggregate(rasp.Select(I, I - 1, Comparison.EQ), T, default="none")

SOURCES = {
    "hist": (library.hist(), "abc", 4, 0, "float32"),
    "sorted": (library.sort(), (1, 2, 3), 4, 2, "float32"),
    "previous": (PREVIOUS, "abc", 4, 1, "float32"),
    "times": (rasp.map(lambda x, i: (x * i) % 3, T, I), (0, 1, 2), 4, 1, "float32"),
    "mean before": (rasp.numerical(rasp.Aggregate(EARLIER, I, default=-1)), (0, 1, 2), 4, 1, "float32"),
    "frequent": (library.most_freq(), "abc", 4, 2, "float32"),
    "counted": (library.hist(), "abc", 4, 1, "bfloat16"),
}
QUICK, WIDE = range(84), range(1_001)


@cache
def model_of(name: str) -> raspc.Model:
    """The model that is edited; it is proved."""
    program, vocab, longest, level, dtype = SOURCES[name]
    model = raspc.compile(program, vocab, longest, optimize=level, dtype=dtype)
    assert model.certificate is not None and model.certificate.proved
    return model


@cache
def files_of(name: str) -> dict[str, bytes]:
    """Its files."""
    return saving.to_files(model_of(name))


def source(number: int) -> str:
    """The model of an edit."""
    return list(SOURCES)[number % len(SOURCES)]


def outcome(model: raspc.Model) -> str:
    """What check and certificate say of a model; the worst of all is "wrong, proved"."""
    try:
        right = bool(raspc.check(model))
        verdict = raspc.certificate(model).verdict
    except RaspcError as error:
        return type(error).__name__
    return f"{'right' if right else 'wrong'}, {verdict}"


def written(files: dict[str, bytes], directory: Path) -> Path:
    """A directory of these files."""
    directory.mkdir(exist_ok=True)
    for name, data in files.items():
        (directory / name).write_bytes(data)
    return directory


def after_edit_of_weights(number: int) -> str:
    """Of the weights in memory."""
    return outcome(edited_weights(model_of(source(number)), number))


def after_edit_of_files(number: int, directory: Path) -> str:
    """Of the files, which the loader refuses with one kind of error, or loads."""
    try:
        model = raspc.load(written(edited_files(files_of(source(number)), number), directory))
    except ModelFormatError:
        return "refused"
    return outcome(model)


def told(numbers: range, tmp_path: Path, kind: str) -> Counter[str]:
    """How many edits came to what. Fails for one whose wrong model is proved, with its number."""
    found: Counter[str] = Counter()
    for number in numbers:
        said = after_edit_of_weights(number) if kind == "weights" else after_edit_of_files(number, tmp_path / "model")
        assert said != "wrong, proved", f"edit {number} of {kind}, of {source(number)}"
        found[said] += 1
    return found


@pytest.mark.parametrize("numbers", [QUICK, pytest.param(WIDE, marks=pytest.mark.slow)], ids=["some", "all"])
def test_no_edit_of_weights_is_proved_and_wrong(numbers: range, tmp_path: Path) -> None:
    """Many edits make a wrong model, and none of these is proved; harmless ones may be."""
    found = told(numbers, tmp_path, "weights")
    assert found["wrong, fails"] > len(numbers) / 4
    assert set(found) <= {"wrong, fails", "right, fails", "right, measured", "right, proved", "wrong, measured"}


@pytest.mark.parametrize("numbers", [QUICK, pytest.param(WIDE, marks=pytest.mark.slow)], ids=["some", "all"])
def test_no_edit_of_files_is_proved_and_wrong(numbers: range, tmp_path: Path) -> None:
    """The loader says ModelFormatError and nothing else; what it lets through is proved only where it is right."""
    found = told(numbers, tmp_path, "files")
    assert found["refused"] > len(numbers) / 3
    assert found["wrong, fails"] > len(numbers) / 40


def test_an_edit_is_the_same_each_time(tmp_path: Path) -> None:
    """By its number: what a test names can be looked at again."""
    for number in (1, 5):
        one, other = (edited_files(files_of("hist"), number) for _ in range(2))
        assert one == other != files_of("hist")
        twice = [edited_weights(model_of("hist"), number) for _ in range(2)]
        assert saving.to_files(twice[0]) == saving.to_files(twice[1])


@pytest.mark.parametrize("name", sorted(files_of("hist")))
def test_without_the_hash_nothing_is_read(name: str, tmp_path: Path) -> None:
    """A file of another model in place of one's own: the hash in config.json tells."""
    mixed = {**files_of("hist"), name: files_of("counted" if name == "plan.json" else "previous")[name]}
    with pytest.raises(ModelFormatError):
        raspc.load(written(mixed, tmp_path / "model"))
    assert json.loads(files_of("hist")["config.json"])["hash"]


@pytest.mark.parametrize(("field", "value"), [("summation", "tokens"), ("sum_bits", 53), ("name", "float8")])
def test_a_plan_is_of_a_number_format(field: str, value: object, tmp_path: Path) -> None:
    """Another one would be taken for what the model was compiled for."""
    plan = json.loads(files_of("hist")["plan.json"])
    plan["options"]["precision"][field] = value
    changed = rehashed({**files_of("hist"), "plan.json": json.dumps(plan).encode()})
    with pytest.raises(ModelFormatError, match="number format"):
        raspc.load(written(changed, tmp_path / "model"))
