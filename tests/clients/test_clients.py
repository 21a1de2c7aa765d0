"""Checkpoints in the software of others: every program of the library that a family can hold is answered right.

Each client runs in a process of its own, which cannot import raspc. `make clients` runs these tests.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from tests.clients.cases import client, write

import raspc
from raspc import library, rasp
from raspc.attempts import has_products
from raspc.errors import RaspcError
from raspc.target.families import FAMILIES, HUGE_THETA
from raspc.weights import Model

pytestmark = [pytest.mark.clients, pytest.mark.filterwarnings("ignore::raspc.UncertainProgram")]

HELD = {
    "gpt2": 44, "gpt_neox": 44, "llama": 44, "qwen2": 44, "gemma": 44, "mistral": 44, "t5": 44,
    "bert": 42,  # the differences of frac_prevs and pair_balance have no bound after its norms
    "opt": 41,  # it has no class for labels, and numbers that are not listed are no tokens
}  # fmt: skip
"""Of how many of the 44 programs each family must hold a checkpoint, at least."""

CAUSAL = tuple(name for name, family in FAMILIES.items() if family.causal)
FEW = ("hist", "sort", "induction", "shift_by", "parity")
"""Programs for clients that take long to load one; all others are run with `-m "clients and slow"`."""

OTHERS = tuple(name for name in library.PROGRAMS if name not in FEW)
ONCE = pytest.mark.parametrize("names", [FEW, pytest.param(OTHERS, marks=pytest.mark.slow)], ids=["few", "others"])


def compiled(name: str, family: str, dtype: str = "float32") -> Model:
    """A program of the library for a family, with its mask."""
    entry = library.get(name)
    return raspc.compile(
        entry.program, entry.vocab, entry.max_seq_len, causal=FAMILIES[family].causal, target=family, dtype=dtype
    )


def checkpoints(family: str, folder: Path, exit: str | None = None, most: int = 2000) -> dict[str, Path]:
    """Those of all programs that a family can hold, by name; with numbers as labels, where they are no tokens."""
    found = {}
    for name in library.PROGRAMS:
        for leave in dict.fromkeys((exit, FAMILIES[family].exits[-1])):
            try:
                found[name] = write(compiled(name, family), family, folder / name, leave, most)
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


@pytest.mark.parametrize("family", [name for name, family in FAMILIES.items() if family.rotary])
def test_positions_by_rotation(family: str, tmp_path: Path) -> None:
    """Inputs of up to 300 tokens, in which RoPE tells the latest key and the one before; padded on either side."""
    pytest.importorskip("transformers")
    paths = {}
    for name in ("induction", "shift_by"):
        entry = library.get(name)
        model = raspc.compile(entry.program, entry.vocab, 300, causal=True, target=family, optimize=2)
        assert model.config.held is not None and model.config.held.rope_theta < HUGE_THETA
        paths[name] = write(model, family, tmp_path / name, most=60)
    answered("forward.py", paths)
    if importlib.util.find_spec("transformer_lens") is not None:
        answered("lens.py", paths)


@pytest.mark.parametrize("family", [name for name, family in FAMILIES.items() if family.gate is not None])
def test_gated_neurons_multiply(family: str, tmp_path: Path) -> None:
    """Numbers times the ones before, times the sums so far, and one of two sums, decided by a number."""
    pytest.importorskip("transformers")
    tokens, places = rasp.tokens, rasp.indices
    before = rasp.Aggregate(rasp.Select(places, places - 1, rasp.Comparison.EQ), tokens, default=0)
    total = rasp.Sum(rasp.Select(tokens, tokens, rasp.Comparison.TRUE), tokens)
    paths = {}
    for name, program in {
        "before": tokens * before,
        "total": tokens * total,
        "one": rasp.where(tokens > 2, before, total),
    }.items():
        model = raspc.compile(program, range(5), 6, causal=True, target=family, optimize=2)
        assert has_products(model)
        paths[name] = write(model, family, tmp_path / name)
    answered("forward.py", paths)
    if importlib.util.find_spec("transformer_lens") is not None:
        answered("lens.py", paths)


@pytest.mark.parametrize("family", ["llama", "t5", "gpt2", "opt", "gpt_neox", "bert"])
@ONCE
def test_bfloat16(names: Sequence[str], family: str, tmp_path: Path) -> None:
    """Programs that were compiled for the format, run in it."""
    pytest.importorskip("transformers")
    answered("forward.py", some(family, tmp_path, names, "bfloat16"))


@ONCE
def test_plain_text(names: Sequence[str], tmp_path: Path) -> None:
    """`pipeline` and `AutoTokenizer`, of a family of each kind."""
    pytest.importorskip("transformers")
    paths = {}
    for family in ("llama", "gpt2", "opt", "bert", "t5"):
        for name, path in some(family, tmp_path / family, names).items():
            paths[f"{name} {family}"] = path
    paths["writer"] = write(sorter(), "llama", tmp_path / "writer", most=200)
    answered("pipelines.py", paths)


@pytest.mark.parametrize("family", CAUSAL)
@ONCE
def test_transformer_lens(names: Sequence[str], family: str, tmp_path: Path) -> None:
    """`boot_transformers`, `run_with_cache`, and compatibility mode, in which norms are folded into the maps."""
    pytest.importorskip("transformer_lens")
    answered("lens.py", some(family, tmp_path, names))


@pytest.mark.parametrize("family", CAUSAL)
@ONCE
def test_nnsight(names: Sequence[str], family: str, tmp_path: Path) -> None:
    """Traces; a stream of another run brings its answers with it."""
    pytest.importorskip("nnsight")
    answered("nns.py", some(family, tmp_path, names))


@pytest.mark.parametrize("family", ["llama", "gpt2", "bert"])
@pytest.mark.parametrize("names", [("hist",), pytest.param(FEW + OTHERS, marks=pytest.mark.slow)], ids=["one", "all"])
def test_onnxruntime(names: Sequence[str], family: str, tmp_path: Path) -> None:
    """Through `torch.onnx.export`, with batches and lengths of any size."""
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    answered("onnxruntimes.py", some(family, tmp_path, names))


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


def some(family: str, folder: Path, names: Sequence[str], dtype: str = "float32") -> dict[str, Path]:
    """Checkpoints of some programs of the library, with the first exit of the family, where it can hold them."""
    paths = {}
    for name in names:
        with suppress(RaspcError):
            paths[name] = write(compiled(name, family, dtype), family, folder / name, most=200)
    return paths


def sorter() -> Model:
    """The program of `make demo-llama`, which writes."""
    path = Path(__file__).parents[2] / "examples" / "sort_llama.py"
    sys.path.append(str(path.parent))  # the example imports its neighbour
    spec = importlib.util.spec_from_file_location("sort_llama", path)
    assert spec is not None and spec.loader is not None
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    return raspc.compile(
        example.sort(), [*example.DIGITS, "=", "."], 13, generate=True, stop=".", prompts="[0-9]{1,6}=", optimize=2
    )
