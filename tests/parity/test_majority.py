"""The majority pipeline: files alone suffice to rebuild the model, and every way to break them is noticed."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.hand_built import random_model

import raspc
from raspc import library, rasp
from raspc.errors import InputError
from raspc.parity import majority, mirror
from raspc.weights import Model, Output

pytest.importorskip("torch")

FILES = {majority.TOKENS, majority.OUTPUT, majority.PARAMS, majority.KEYS, majority.IDS}


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The artifacts of one run; tests that change them copy them first."""
    directory = tmp_path_factory.mktemp("majority") / "artifacts"
    majority.save(majority.compile_majority(6), directory)
    return directory


@pytest.fixture
def copied(artifacts: Path, tmp_path: Path) -> Path:
    """A copy to break."""
    for path in artifacts.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


@pytest.mark.parametrize("causal", [False, True])
def test_one_pass_gives_all_files_and_a_match(causal: bool, tmp_path: Path) -> None:
    """The files of the parity repository, its numbers, and the meaning on every input."""
    found = majority.run(tmp_path / "artifacts", tmp_path / "results", causal=causal)
    assert {path.name for path in (tmp_path / "artifacts").iterdir()} == FILES
    summary = json.loads((tmp_path / "results" / majority.SUMMARY).read_text())
    assert summary == json.loads(json.dumps(found.to_json()))
    assert (found.ok, summary["match"], summary["mapping_unique"]) == (True, True, True)
    assert summary["max_abs_diff"] < 1e-5
    assert summary["token_to_id"] == {"0": 0, "1": 1, "BOS": 2, "PAD": 3}
    assert summary["meaning"] == {"inputs": 2**11 - 2, "first_wrong_input": None}
    model = majority.compile_majority(causal=causal)
    inferred = found.shape
    assert (inferred.n_heads, inferred.head_dim, inferred.causal) == (
        model.config.n_heads, model.config.d_head, causal,
    )  # fmt: skip
    assert "Outputs match: True" in found.lines()
    keys = json.loads((tmp_path / "artifacts" / majority.KEYS).read_text())
    assert "transformer__layer_0__attn__query__w" in keys


def test_two_runs_write_the_same_bytes(artifacts: Path, tmp_path: Path) -> None:
    """Deterministic, like all that we save."""
    majority.save(majority.compile_majority(6), tmp_path)
    for path in artifacts.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()


def rewrite(directory: Path, name: str, change: Any) -> None:
    """Change one array of the NPZ."""
    with np.load(directory / majority.PARAMS) as held:
        arrays = {key: held[key] for key in held.files}
    arrays[name] = change(arrays[name])
    np.savez(directory / majority.PARAMS, **arrays)


def test_one_changed_weight_is_no_match(copied: Path) -> None:
    """The mirror then computes something else."""
    rewrite(copied, "transformer__layer_0__mlp__linear_2__b", lambda b: b + 0.01)
    found = majority.check(copied)
    assert not found.match
    assert not found.ok
    assert found.difference > 1e-3
    assert "Outputs match: False" in found.lines()


def test_another_order_of_rows_is_discovered_and_refused(copied: Path) -> None:
    """The rows are found again, whatever the file of ids says, and the two must agree."""
    (copied / majority.IDS).write_text(json.dumps({"0": 1, "1": 0, "BOS": 2, "PAD": 3}))
    found = majority.check(copied)
    assert found.match
    assert found.token_to_id == {"0": 0, "1": 1, "BOS": 2, "PAD": 3}
    assert not found.mapping_is_the_encoders
    assert not found.ok
    assert any("DIFFERS FROM the encoder's" in line for line in found.lines())


def test_shuffled_rows_are_discovered(copied: Path) -> None:
    """Rows and ids moved together: a match under the moved mapping."""
    rewrite(copied, "token_embed__embeddings", lambda table: table[[3, 1, 0, 2]])
    (copied / majority.IDS).write_text(json.dumps({"0": 2, "1": 1, "BOS": 3, "PAD": 0}))
    found = majority.check(copied)
    assert found.ok
    assert found.token_to_id == {"0": 2, "1": 1, "BOS": 3, "PAD": 0}


def test_a_mapping_that_is_not_unique_is_said_to_be(tmp_path: Path) -> None:
    """An input without 1 and PAD cannot tell their rows apart."""
    majority.save(majority.compile_majority(4), tmp_path, ["BOS", 0, 0])
    found = majority.check(tmp_path)
    assert (found.match, found.mapping_unique) == (True, False)
    assert any("not unique" in line for line in found.lines())


MALFORMED = {
    majority.TOKENS: [b"", b"[]", b"{}", b"[[1]]", b'["BOS", "x"]', b'["BOS"' + b', "0"' * 50 + b"]"],
    majority.OUTPUT: [b"", b"\x93NUMPY", b"PK\x03\x04"],
    majority.PARAMS: [b"", b"PK\x03\x04", b"\x93NUMPY"],
    majority.KEYS: [b"[]", b"1", b"["],
    majority.IDS: [b"[]", b'{"0": 0, "1": 0}', b'{"0": "a"}', b'{"0": 0, "1": 1, "BOS": 2, "PAD": true}'],
}


@pytest.mark.parametrize(("name", "data"), [(name, data) for name in MALFORMED for data in MALFORMED[name]])
def test_a_malformed_artifact_is_one_line(name: str, data: bytes, copied: Path) -> None:
    """That says what to do."""
    (copied / name).write_bytes(data)
    with pytest.raises(InputError, match="run the pipeline again"):
        majority.check(copied)


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_missing_artifact_is_named(name: str, copied: Path) -> None:
    """Likewise."""
    (copied / name).unlink()
    with pytest.raises(InputError, match=rf"{name}.*run the pipeline again"):
        majority.check(copied)


def test_arrays_of_another_architecture_are_named(copied: Path) -> None:
    """Shapes that do not fit together."""
    rewrite(copied, "transformer__layer_0__attn__key__w", lambda w: w[:, :-1])
    with pytest.raises(InputError, match="do not fit together"):
        majority.check(copied)


def test_an_unwritable_path_is_one_line(tmp_path: Path) -> None:
    """As everywhere."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="cannot write"):
        majority.run(tmp_path / "file", tmp_path / "results")


def test_meaning_is_checked_against_arithmetic() -> None:
    """A model that computes something else fails, however well its mirror matches."""
    wrong = raspc.compile(library.fraction(1), vocab={0, 1}, max_seq_len=3)
    assert majority.check_meaning(wrong)["first_wrong_input"] == (0,)
    ones = raspc.compile(
        2 * rasp.SelectorWidth(rasp.Select(rasp.tokens, rasp.Full(1), rasp.Comparison.EQ)) - rasp.length,
        vocab={0, 1}, max_seq_len=3,
    )  # fmt: skip
    assert majority.check_meaning(ones) == {"inputs": 14, "first_wrong_input": None}


# --- discovery in general -------------------------------------------------------------------------------


def readable(seed: int, words: int) -> Model:
    """Random weights whose first dimensions no layer writes to, as in a compiled model."""
    model = random_model(seed, words=tuple(range(words)), d_model=20, n_ctx=3 * words, output=Output("numerical"))
    arrays = {name: np.array(array) for name, array in model.params.items()}
    for name in arrays:
        if "attn/linear/" in name or "mlp/linear_2/" in name:
            arrays[name][..., :8] = 0
    return Model(model.config, arrays)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10), words=st.integers(6, 12))
def test_many_words_are_matched_on_embeddings(seed: int, words: int) -> None:
    """Where permutations are too many; the words in an order of their own."""
    model = readable(seed, words)
    tokens = ["BOS", *np.random.default_rng(seed).permutation(words).tolist(), "PAD"]
    reference = model.apply(tokens).transformer_output
    vocabulary = [majority.word(token) for token in model.config.vocab]
    shuffled = list(np.random.default_rng(seed).permutation(vocabulary))
    found = mirror.discover(model.params, [majority.word(token) for token in tokens], shuffled, "PAD", reference, 1e-5)
    assert found.token_to_id == {word: i for i, word in enumerate(vocabulary)}
    assert (found.mappings, found.shape.n_heads, found.shape.causal) == (1, 2, False)


@given(st.lists(st.lists(st.integers(0, 4), unique=True), min_size=5, max_size=5))
def test_matchings_are_all_that_there_are(allowed: list[list[int]]) -> None:
    """Against all permutations."""
    expected = {p for p in itertools.permutations(range(5)) if all(row in allowed[i] for i, row in enumerate(p))}
    found = list(mirror._matchings(allowed))
    assert set(found) == expected
    assert len(found) == len(expected)
