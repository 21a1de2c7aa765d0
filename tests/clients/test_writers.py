"""The library's programs that write, as stock checkpoints: whole answers by `generate` of transformers alone.

Checkpoints are loaded in a process of its own, which cannot import raspc; keys and values are kept, and the most
likely token is taken. What is wanted is plain Python. `python -m benchmarks generate --in transformers` asks all
prompts, or 2,000.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from benchmarks.generate import wanted
from tests.clients.cases import client

import raspc
from raspc.generation.checking import some_prompts
from raspc.library import WRITERS

pytestmark = [pytest.mark.clients, pytest.mark.filterwarnings("ignore::raspc.UncertainProgram")]
FEW = 6
"""So many prompts are asked of each."""


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_whole_answers(family: str, tmp_path: Path) -> None:
    """Each token of them, and the stop, of all writers."""
    pytest.importorskip("transformers")
    paths = [tmp_path / name for name in WRITERS]
    for writer, path in zip(WRITERS.values(), paths, strict=True):
        model = raspc.compile(
            writer.program, writer.vocab, writer.max_seq_len, optimize=2, target=family, **writer.options()
        )
        model.to(family, path)
        asked = [("".join(prompt), wanted(writer, prompt)) for prompt in some_prompts(model, FEW)]
        (path / "answers.json").write_text(json.dumps(asked))
    assert client("writers.py", *paths) == {str(path): [] for path in paths}
