"""The library's programs that write, as stock checkpoints: whole answers by `generate` of transformers alone.

Checkpoints are loaded in a process of its own, which cannot import raspc; keys and values are kept, and the most
likely token is taken. What is wanted is plain Python. `python -m benchmarks generate --in transformers` asks all
prompts, or 2,000.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from benchmarks.generate import wanted
from tests.clients.cases import client

import raspc
from raspc.generation.checking import some_prompts
from raspc.library import WRITERS
from raspc.library.writers import Writer

pytestmark = [pytest.mark.clients, pytest.mark.filterwarnings("ignore::raspc.UncertainProgram")]
PART, FEW = 10, 6
"""A tenth of the prompts of each is asked, and at least so many."""


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_whole_answers(family: str, tmp_path: Path) -> None:
    """Each token, and the stop, of all writers; a Llama that counts positions stops beyond its longest input."""
    pytest.importorskip("transformers")
    paths, ending = [tmp_path / name for name in WRITERS], 0
    for writer, path in zip(WRITERS.values(), paths, strict=True):
        model: Any = raspc.compile(
            writer.program, writer.vocab, writer.max_seq_len, optimize=2, target=family, **writer.options()
        )
        assert model.certificate.proved
        model.to(family, path)
        many = sum(model.as_written.where.writing.prompts.sizes(writer.max_seq_len))
        asked = [("".join(prompt), wanted(writer, prompt)) for prompt in some_prompts(model, max(FEW, many // PART))]
        ends = "each longer one is answered with" in (path / "README.md").read_text()
        ending += ends
        (path / "answers.json").write_text(json.dumps(sorted(asked, key=lambda pair: len(pair[0]))))
        (path / "beyond.json").write_text(json.dumps(texts_beyond(writer) if ends else []))
    assert client("writers.py", *paths) == {str(path): [] for path in paths}
    assert ending == (12 if family == "llama" else 0)


def texts_beyond(writer: Writer) -> list[str]:
    """Texts that are longer than the longest input, all of one length, and do not end with the stop."""
    words = [str(token) for token in writer.vocab if token != writer.stop]
    return [" ".join(words[(i * k) % len(words)] for i in range(3 * writer.max_seq_len)) for k in (1, 2, 3)]
