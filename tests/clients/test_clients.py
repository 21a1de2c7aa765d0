"""Checkpoints in the software of others: every program of the library that a family can hold is answered right.

Each client runs in a process of its own, which cannot import raspc. `make clients` runs these tests.
"""

from __future__ import annotations

import importlib.util
from contextlib import suppress
from pathlib import Path

import pytest
from tests.clients.cases import client, write

import raspc
from raspc import library
from raspc.errors import RaspcError
from raspc.target.families import FAMILIES
from raspc.weights import Model

pytestmark = [pytest.mark.clients, pytest.mark.filterwarnings("ignore::raspc.UncertainProgram")]

HELD = {
    "gpt2": 43, "opt": 41, "bert": 44,
    "llama": 20, "qwen2": 20, "gemma": 20, "mistral": 20, "gpt_neox": 20, "t5": 20,
}  # fmt: skip
"""Of how many of the 44 programs each family must hold a checkpoint, at least."""

CAUSAL = tuple(name for name, family in FAMILIES.items() if family.causal)
FEW = ("hist", "sort", "induction", "shift_by", "parity")
"""Programs for clients that take long to load one."""


def made(name: str, family: str, directory: Path, exit: str | None = None, most: int = 2000) -> Path:
    """A checkpoint of a program of the library. Raises RaspcError for one that the family cannot hold."""
    return write(compiled(name, family), family, directory / name, exit, most)


def compiled(name: str, family: str, dtype: str = "float32") -> Model:
    """A program of the library with the mask of a family."""
    entry = library.get(name)
    return raspc.compile(entry.program, entry.vocab, entry.max_seq_len, causal=FAMILIES[family].causal, dtype=dtype)


def checkpoints(family: str, folder: Path, exit: str | None = None, most: int = 2000) -> dict[str, Path]:
    """Those of all programs that a family can hold, by name; with numbers as labels, where they are no tokens."""
    found = {}
    for name in library.PROGRAMS:
        for leave in dict.fromkeys((exit, FAMILIES[family].exits[-1])):
            try:
                found[name] = made(name, family, folder, leave, most)
                break
            except RaspcError:
                continue
    return found


def answered(script: str, paths: dict[str, Path]) -> None:
    """No wrong answer anywhere, whatever was run."""
    found = client(script, *paths.values())
    wrong = {name: found[str(path)] for name, path in paths.items() if set(found[str(path)].values()) != {0}}
    assert wrong == {}
    assert paths


@pytest.mark.parametrize("family", FAMILIES)
def test_transformers(family: str, tmp_path: Path) -> None:
    """The whole library: all inputs or 2,000; padded left and right, eager and sdpa, with a cache, generating."""
    pytest.importorskip("transformers")
    paths = checkpoints(family, tmp_path)
    assert len(paths) >= HELD[family]
    answered("forward.py", paths)


@pytest.mark.parametrize("family", ["llama", "gpt2", "opt", "bert", "t5"])
def test_bfloat16(family: str, tmp_path: Path) -> None:
    """Programs that were compiled for the format, run in it."""
    pytest.importorskip("transformers")
    paths = {}
    for name in FEW:
        with suppress(RaspcError):
            paths[name] = write(compiled(name, family, "bfloat16"), family, tmp_path / name, most=300)
    answered("forward.py", paths)


def test_plain_text(tmp_path: Path) -> None:
    """`pipeline` and `AutoTokenizer`, of a family of each kind."""
    pytest.importorskip("transformers")
    paths = {}
    for family in ("llama", "gpt2", "opt", "bert", "t5"):
        for name, path in some(family, tmp_path / family).items():
            paths[f"{name} {family}"] = path
    paths["writer"] = write(sorter(), "llama", tmp_path / "writer", most=200)
    answered("pipelines.py", paths)


@pytest.mark.parametrize("family", CAUSAL)
def test_transformer_lens(family: str, tmp_path: Path) -> None:
    """`boot_transformers`, `run_with_cache`, and compatibility mode, in which norms are folded into the maps."""
    pytest.importorskip("transformer_lens")
    answered("lens.py", some(family, tmp_path))


@pytest.mark.parametrize("family", CAUSAL)
def test_nnsight(family: str, tmp_path: Path) -> None:
    """Traces; a stream of another run brings its answers with it."""
    pytest.importorskip("nnsight")
    answered("nns.py", some(family, tmp_path))


@pytest.mark.parametrize("family", ["llama", "gpt2", "bert"])
def test_onnxruntime(family: str, tmp_path: Path) -> None:
    """Through `torch.onnx.export`, with batches and lengths of any size."""
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    answered("onnxruntimes.py", dict(list(some(family, tmp_path).items())[:2]))


@pytest.mark.skipif(
    importlib.util.find_spec("gguf") is None or importlib.util.find_spec("xllamacpp") is None,
    reason="gguf or xllamacpp is not installed; the latter is a wheel for common processors alone",
)
def test_llama_cpp(tmp_path: Path) -> None:
    """The whole library, as far as a Llama holds it with tokens as answers; and a program that writes, given text."""
    paths, models = {}, {"writer": sorter()}
    for name in library.PROGRAMS:
        with suppress(RaspcError):
            models[name] = compiled(name, "llama")
            models[name].to("llama")
    for name, model in models.items():
        with suppress(RaspcError):
            paths[name] = write(model, "llama", tmp_path / name, most=100)
            model.to("gguf", paths[name] / "model.gguf")
    assert len(paths) >= HELD["llama"] - 5
    answered("llama_cpp.py", paths)


def some(family: str, folder: Path) -> dict[str, Path]:
    """Checkpoints of a few programs of the library, with the first exit of the family."""
    paths = {}
    for name in FEW:
        with suppress(RaspcError):
            paths[name] = made(name, family, folder, most=200)
    return paths


def sorter() -> Model:
    """The program of `make demo-llama`, which writes."""
    path = Path(__file__).parents[2] / "examples" / "sort_llama.py"
    spec = importlib.util.spec_from_file_location("sort_llama", path)
    assert spec is not None and spec.loader is not None
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    return raspc.compile(
        example.sort(), [*example.DIGITS, "=", "."], 13, generate=True, stop=".", prompts="[0-9]{1,6}=", optimize=2
    )
