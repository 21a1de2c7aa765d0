"""A saved model comes back as it was, byte for byte the same from every process, and nothing else loads."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.hand_built import MODELS, random_config, random_model

import raspc
from raspc import jsonvalues, library
from raspc.errors import InputError, ModelFormatError, UnsupportedProgram
from raspc.weights import Limits, Model, load, saving

FILES = (saving.CONFIG, *saving.HASHED)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A directory with a small model."""
    random_model().save(tmp_path / "model")
    return tmp_path / "model"


def contents(directory: Path) -> dict[str, bytes]:
    """The bytes of each file, by name."""
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def forge(directory: Path, **files: bytes) -> None:
    """Replace files, and make the hash fit again, as someone who means harm would."""
    held = contents(directory) | {name.replace("_", "."): data for name, data in files.items()}
    try:
        config = json.loads(held["config.json"])
        config.pop("hash", None)
        digest = hashlib.sha256(jsonvalues.dumps(config))
        for name in saving.HASHED:
            digest.update(hashlib.sha256(held[name]).digest())
        held["config.json"] = jsonvalues.dumps(config | {"hash": digest.hexdigest()})
    except (ValueError, AttributeError, TypeError, UnsupportedProgram):
        pass
    for name, data in held.items():
        (directory / name).write_bytes(data)


@pytest.mark.parametrize("sizes", MODELS.values(), ids=list(MODELS))
def test_a_model_comes_back_as_it_was(sizes: dict[str, Any], tmp_path: Path) -> None:
    """Weights, config, labels, alignment and certificate."""
    model = random_model(**sizes)
    model.save(tmp_path / "deep" / "er" / "model")
    again = load(tmp_path / "deep" / "er" / "model")
    assert again.params.keys() == model.params.keys()
    assert all((again.params[name] == array).all() for name, array in model.params.items())
    assert again.residual_labels == model.residual_labels
    assert (again.alignment, again.certificate, again.graph) == (model.alignment, model.certificate, None)
    assert saving.to_files(again) == saving.to_files(model)
    assert sorted(contents(tmp_path / "deep" / "er" / "model")) == sorted(FILES)


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("name", ["length", "reverse", "hist", "fraction", "caesar", "sort_unique", "shift_by"])
def test_the_smallest_models_are_saved(name: str, level: int, tmp_path: Path) -> None:
    """One token, one position: where there is but one answer its lead is infinite, which JSON does not know."""
    entry = library.get(name)
    for vocab, n in ((entry.vocab[:1], 3), (entry.vocab, 1), (entry.vocab[:1], 1)):
        model = raspc.compile(entry.program, vocab, n, entry.causal, optimize=level, partial=True)
        model.save(tmp_path / "model")
        again = raspc.load(tmp_path / "model")
        tokens = ["BOS", vocab[0]]
        assert again.apply(tokens).decoded == model.apply(tokens).decoded
        assert again.certificate["holds"]


def test_other_readers_can_read_the_weights(saved: Path) -> None:
    """The file is plain safetensors."""
    from safetensors.numpy import load_file

    arrays = load_file(saved / saving.WEIGHTS)
    assert all((arrays[name] == array).all() for name, array in random_model().params.items())


def test_non_contiguous_arrays_are_saved_right(tmp_path: Path) -> None:
    """safetensors writes wrong numbers for them, silently; Params makes them contiguous first."""
    model = random_model()
    turned = {name: np.asfortranarray(array) for name, array in model.params.items()}
    replace(model, params=turned).save(tmp_path / "model")
    again = load(tmp_path / "model")
    assert all((again.params[name] == array).all() for name, array in model.params.items())


SAVE = """
import sys; sys.path.insert(0, {root!r})
from tests.hand_built import random_model
random_model().save({path!r})
"""


def test_bytes_are_the_same_in_every_process(tmp_path: Path) -> None:
    """Across processes and hash seeds."""
    root = str(Path(__file__).parents[2])
    for seed in ("0", "1", "12345"):
        script = SAVE.format(root=root, path=str(tmp_path / seed))
        subprocess.run([sys.executable, "-c", script], env={**os.environ, "PYTHONHASHSEED": seed}, check=True)
    assert contents(tmp_path / "0") == contents(tmp_path / "1") == contents(tmp_path / "12345")


def test_a_save_replaces_a_model_and_nothing_else(saved: Path, tmp_path: Path) -> None:
    """A mistyped path does not delete what is not ours."""
    random_model(seed=1).save(saved)
    assert saving.to_files(load(saved)) == saving.to_files(random_model(seed=1))
    (tmp_path / "empty").mkdir()
    random_model().save(tmp_path / "empty")
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "thesis.txt").write_text("years of work")
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to(saved)
    for name in ("papers", "file", "link", "file/below"):
        with pytest.raises(InputError, match=r"cannot write .*choose another path"):
            random_model().save(tmp_path / name)
    assert (tmp_path / "papers" / "thesis.txt").read_text() == "years of work"
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_what_cannot_be_stored_leaves_the_old_model(saved: Path) -> None:
    """UnsupportedProgram before anything is touched."""
    before = contents(saved)
    broken = Model(random_config(words=(b"bytes",)), random_model(words=("a",)).params)
    with pytest.raises(UnsupportedProgram, match="saving"):
        broken.save(saved)
    assert contents(saved) == before


KILLER = """
import os, sys
sys.path.insert(0, {root!r})
from raspc.weights import load
from tests.hand_built import random_model
from tests.killing import WRITES, killed
old, new, path = random_model(), random_model(seed=1), {path!r}
EXCHANGES = sys.platform in ("linux", "darwin")
needed = {{*WRITES, "ctypes.dlopen"}} - {{"os.rename"}} if EXCHANGES else WRITES
step, alive = 0, True
while alive:
    if not os.path.exists(path):
        old.save(path)
    step += 1
    alive = killed(step, lambda: new.save(path), needed)
    assert os.path.exists(path) or not EXCHANGES, step
    if os.path.exists(path):
        found = load(path).params["unembed/b"]
        assert any((found == model.params["unembed/b"]).all() for model in (old, new)), step
        if alive and (found == new.params["unembed/b"]).all():
            old.save(path)
old.save(path)
left = [name for name in os.listdir(os.path.dirname(path)) if name.startswith(".")]
assert not left, left
print(step)
"""


def test_a_killed_save_leaves_the_old_model_or_the_new_one(tmp_path: Path) -> None:
    """A real process, killed before each operation on files, and before, amid and after each write, one by one."""
    script = KILLER.format(root=str(Path(__file__).parents[2]), path=str(tmp_path / "model"))
    env = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 30


@given(name=st.sampled_from(FILES), data=st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_altered_byte_is_noticed(saved: Path, name: str, data: st.DataObject) -> None:
    """Flipped, cut or added: the hash tells."""
    original = (saved / name).read_bytes()
    start = data.draw(st.integers(0, len(original)))
    end = data.draw(st.integers(start, min(len(original), start + 8)))
    altered = original[:start] + data.draw(st.binary(max_size=8)) + original[end:]
    same = altered == original or (name == saving.CONFIG and _means_the_same(altered, original))
    try:
        (saved / name).write_bytes(altered)
        if same:
            load(saved)
        else:
            with pytest.raises(ModelFormatError):
                load(saved)
    finally:
        (saved / name).write_bytes(original)


def _means_the_same(altered: bytes, original: bytes) -> bool:
    """The config is hashed as data, so that white space in it does not matter."""
    try:
        return bool(jsonvalues.dumps(jsonvalues.loads(altered)) == jsonvalues.dumps(jsonvalues.loads(original)))
    except (ModelFormatError, UnsupportedProgram):
        return False


@given(name=st.sampled_from(FILES), data=st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_forged_directory_raises_the_one_error(saved: Path, name: str, data: st.DataObject) -> None:
    """Bytes changed and the hash made to fit: a model or ModelFormatError, whatever was changed."""
    originals = contents(saved)
    original = originals[name]
    start = data.draw(st.integers(0, min(len(original), 4000)))
    end = data.draw(st.integers(start, min(len(original), start + 8)))
    try:
        forge(
            saved,
            **{name.replace(".", "_"): original[:start] + data.draw(st.binary(max_size=8)) + original[end:]},
        )
        load(saved).apply(["BOS"])
    except (ModelFormatError, InputError):
        pass  # InputError: a forged vocabulary may lack the word that we run
    finally:
        for file, held in originals.items():
            (saved / file).write_bytes(held)


def header_of(data: bytes) -> tuple[dict[str, Any], bytes]:
    """The header of a safetensors file, and what follows."""
    (size,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + size]), data[8 + size :]


def with_header(change: Callable[[dict[str, Any]], Any]) -> Callable[[Path], None]:
    """A forgery that changes the header of the weights."""

    def forgery(directory: Path) -> None:
        header, body = header_of((directory / saving.WEIGHTS).read_bytes())
        changed = change(header)
        text = json.dumps(header if changed is None else changed).encode()
        forge(directory, model_safetensors=struct.pack("<Q", len(text)) + text + body)

    return forgery


def with_config(**fields: Any) -> Callable[[Path], None]:
    """A forgery that changes the config."""

    def forgery(directory: Path) -> None:
        held = json.loads((directory / saving.CONFIG).read_bytes())
        forge(directory, config_json=json.dumps(held | fields).encode())

    return forgery


def with_labels(**fields: Any) -> Callable[[Path], None]:
    """A forgery that changes the labels."""

    def forgery(directory: Path) -> None:
        held = json.loads((directory / saving.LABELS).read_bytes())
        forge(directory, labels_json=json.dumps(held | fields).encode())

    return forgery


def with_numbers(value: float) -> Callable[[Path], None]:
    """A forgery that writes one number into the weights."""

    def forgery(directory: Path) -> None:
        data = (directory / saving.WEIGHTS).read_bytes()
        forge(directory, model_safetensors=data[:-4] + struct.pack("<f", value))

    return forgery


def huge(name: str) -> Callable[[Path], None]:
    """A sparse file of a terabyte."""

    def forgery(directory: Path) -> None:
        os.truncate(directory / name, 2**40)

    return forgery


def linked(target: str) -> Callable[[Path], None]:
    """A link in the place of a file."""

    def forgery(directory: Path) -> None:
        (directory / saving.LABELS).rename(directory.parent / "labels.json")
        (directory / saving.LABELS).symlink_to(target)

    return forgery


def pipe(directory: Path) -> None:
    """A pipe, which would wait for a writer for ever."""
    (directory / saving.GRAPH).unlink()
    os.mkfifo(directory / saving.GRAPH)


def first(header: dict[str, Any]) -> dict[str, Any]:
    """The entry of one tensor."""
    entry: dict[str, Any] = header["unembed/w"]
    return entry


FORGERIES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no config": (lambda d: (d / saving.CONFIG).unlink(), "holds no config.json; is this a saved model"),
    "no weights": (lambda d: (d / saving.WEIGHTS).unlink(), "holds no model.safetensors"),
    "a directory for a file": (
        lambda d: (d / saving.GRAPH).unlink() or (d / saving.GRAPH).mkdir(),
        "regular|read",
    ),
    "a link out": (linked("../labels.json"), "link"),
    "a link to itself": (linked("labels.json"), "cannot be read"),
    "a device": (linked("/dev/zero"), "link"),
    "a pipe": (pipe, "regular file"),
    "huge config": (huge(saving.CONFIG), "the limit"),
    "huge weights": (huge(saving.WEIGHTS), "the limit"),
    "huge graph": (huge(saving.GRAPH), "the limit"),
    "huge labels": (huge(saving.LABELS), "the limit"),
    "empty weights": (lambda d: forge(d, model_safetensors=b""), "truncated"),
    "weights cut": (
        lambda d: forge(d, model_safetensors=(d / saving.WEIGHTS).read_bytes()[:-4]),
        "truncated",
    ),
    "header claims all": (lambda d: forge(d, model_safetensors=b"\xff" * 16), "header claims"),
    "header is a list": (with_header(lambda header: []), "header is not an object"),
    "a tensor of a trillion": (
        with_header(lambda h: first(h).update(shape=[10**6, 10**6])),
        "unembed/w is F32",
    ),
    "negative shape": (with_header(lambda h: first(h).update(shape=[-13, -4])), "unembed/w is"),
    "shape of floats": (with_header(lambda h: first(h).update(shape="13,4")), "unembed/w is"),
    "another dtype": (with_header(lambda h: first(h).update(dtype="F64")), "unembed/w is F64"),
    "offsets swapped": (with_header(lambda h: first(h)["data_offsets"].reverse()), "offsets"),
    "offsets of text": (with_header(lambda h: first(h).update(data_offsets=["0", "1"])), "offsets"),
    "offsets overlap": (with_header(lambda h: first(h).update(data_offsets=[0, 208])), "back to back"),
    "an entry is null": (with_header(lambda h: h.update({"unembed/w": None})), "malformed"),
    "a tensor too many": (with_header(lambda h: h.update(x=first(h))), "tensors"),
    "a tensor renamed": (with_header(lambda h: h.update(x=h.pop("unembed/w"))), "unembed/w is missing"),
    "NaN": (with_numbers(float("nan")), "NaN"),
    "infinity": (with_numbers(float("inf")), "infinity"),
    "a billion layers": (with_config(n_layers=10**9), "n_layers"),
    "four thousand layers": (with_config(n_layers=4096), "tensors"),
    "a trillion wide": (with_config(d_model=10**12), "d_model"),
    "two billion wide": (with_config(d_model=2**31 - 1), "bytes of weights"),
    "one wider": (with_config(d_mlp=12), "bytes of tensors"),
    "sizes swapped": (with_config(n_heads=3, d_head=2), ""),
    "certificate a number": (with_config(certificate=1), "certificate"),
    "config a list": (lambda d: forge(d, config_json=b"[]"), "needed an object"),
    "labels too few": (with_labels(residual_labels=["a"]), "1 residual labels, needed 13"),
    "labels numbers": (with_labels(residual_labels=[1] * 13), "list of strings"),
    "alignment a list": (with_labels(alignment=[]), "alignment"),
    "labels null": (lambda d: forge(d, labels_json=b"null"), "needed an object"),
    "duplicate keys": (lambda d: forge(d, labels_json=b'{"a": 1, "a": 1}'), "repeated key"),
    "deep graph": (lambda d: forge(d, graph_json=b"[" * 10**6), "nesting"),
    "graph a word": (lambda d: forge(d, graph_json=b'"graph"'), "graph.json"),
    "graph of nulls": (lambda d: forge(d, graph_json=b'{"nodes": [null]}'), "graph.json"),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_known_trick_raises_the_one_error(name: str, saved: Path) -> None:
    """Each with a message that names what is wrong, at once and in little memory."""
    forgery, words = FORGERIES[name]
    resource = pytest.importorskip("resource")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    forgery(saved)
    if name == "sizes swapped":  # 3·2 = 2·3: still a model, only another one
        assert load(saved).config.n_heads == 3
        return
    with pytest.raises(ModelFormatError, match=words):
        load(saved)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 200 * 1024, f"loading took {grown} KiB"


@pytest.mark.parametrize("path", ["missing", "", "\0", None, 3, "x" * 5000])
def test_a_path_that_is_no_model_raises_the_one_error(path: Any, tmp_path: Path) -> None:
    """Missing, absurd, or not a path."""
    with pytest.raises(ModelFormatError, match="the path is empty" if path == "" else None):
        load(str(tmp_path / path) if isinstance(path, str) and path else path)


def test_limits_can_be_raised_and_lowered(saved: Path) -> None:
    """They are the caller's."""
    for name in ("config", "weights", "header", "graph", "labels"):
        with pytest.raises(ModelFormatError, match=r"limit|claims"):
            load(saved, Limits(**{name: 1}))
    assert load(saved, Limits(weights=10**6)).config.n_layers == 2


def test_a_sparse_file_is_not_read(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The config says how many weights there are; a file that holds nothing for 3 GiB costs nothing."""
    os.truncate(saved / saving.WEIGHTS, 3 * 2**30)
    with pytest.raises(ModelFormatError, match=r"model.safetensors: found 3221225472 bytes, the limit is \d{8}$"):
        load(saved)
    with pytest.raises(ModelFormatError, match=r"config.json: needs \d+ bytes of weights, the limit is 50"):
        load(saved, Limits(weights=50))


def test_files_of_two_models_do_not_go_together(saved: Path, tmp_path: Path) -> None:
    """The hash ties weights, labels, config and certificate to each other."""
    random_model(seed=1).save(tmp_path / "other")
    shutil.copy(tmp_path / "other" / saving.WEIGHTS, saved / saving.WEIGHTS)
    with pytest.raises(ModelFormatError, match=r"do not belong together.*save the model again"):
        load(saved)


@pytest.mark.parametrize("depth", [2, 60, 5000])
def test_programs_within_programs(saved_program: Path, depth: int) -> None:
    """The program before the passes came from none: what is nested deeper is refused."""
    text = contents(saved_program)[saving.GRAPH].decode()
    assert '"program": null' in text or '"program":null' in text
    head, tail = re.split(r'"program": ?null', text, maxsplit=1)
    nested = f'{head}"program":' * depth + text + tail * depth
    forge(saved_program, graph_json=nested.encode())
    with pytest.raises(ModelFormatError):
        load(saved_program)


def test_a_program_of_another_frame(saved_program: Path) -> None:
    """The graph before the passes has the vocabulary, length and mask of the one after them."""
    obj = json.loads(contents(saved_program)[saving.GRAPH])
    forge(saved_program, graph_json=jsonvalues.dumps({**obj, "program": {**obj, "max_seq_len": 2}}))
    with pytest.raises(ModelFormatError):
        load(saved_program)
    forge(saved_program, graph_json=jsonvalues.dumps({**obj, "program": obj}))
    assert load(saved_program).program is not None


@pytest.fixture
def saved_program(tmp_path: Path) -> Path:
    """A directory with a compiled model that no pass changed."""
    raspc.compile(library.reverse(), "ab", 3).save(tmp_path / "model")
    return tmp_path / "model"


def test_files_that_a_library_wrote_for_its_user_alone_are_ordinary(tmp_path: Path) -> None:
    """Safetensors writes 0600; a model of others is read as their umask says."""
    from raspc.weights.files import fresh_directory

    with fresh_directory(tmp_path / "made", "config.json") as building:
        (building / "inner").mkdir()
        (building / "inner" / "secret").write_text("x")
        (building / "inner" / "secret").chmod(0o600)
    ordinary = tmp_path / "ordinary"
    ordinary.write_text("x")
    assert (tmp_path / "made" / "inner" / "secret").stat().st_mode == ordinary.stat().st_mode
