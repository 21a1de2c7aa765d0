"""llama.cpp, by the wheel of xllamacpp: a GGUF file, given ids and given plain text.

python llama_cpp.py DIRECTORY…            each with a model.gguf in it
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import xllamacpp
from common import Case, report

ROWS = 30
"""How many inputs of each checkpoint are tried, at each of their lengths."""


def server(path: Path, n_ctx: int) -> Any:
    """llama.cpp on one thread, in float32 wherever it lets one choose."""
    found = xllamacpp.CommonParams()
    found.model.path = str(path)
    found.n_ctx, found.n_parallel, found.warmup, found.n_gpu_layers = n_ctx + 1, 1, False, 0
    found.cache_type_k = found.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
    found.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    found.cpuparams.n_threads = found.cpuparams_batch.n_threads = 1
    found.verbosity = -1
    return xllamacpp.Server(found)


def continued(running: Any, prompt: list[int] | str, count: int) -> tuple[list[int], str]:
    """The ids and the text that it writes after a prompt."""
    asked = {"prompt": prompt, "n_predict": count, "temperature": 0, "n_probs": 1}
    told = running.handle_completions(asked)
    choice = (json.loads(told) if isinstance(told, str) else told)["choices"][0]
    return [token["id"] for token in choice["logprobs"]["content"]], choice["text"]


def results(case: Case) -> dict[str, int]:
    """Wrong next tokens after ids; and wrong texts after plain text."""
    running = server(case.path / "model.gguf", case.n_ctx)
    tokens = texts = 0
    for ids, answers in zip(case.ids[-ROWS:], case.answers[-ROWS:], strict=True):
        found = [continued(running, ids[:n], 1)[0] for n in range(2, len(ids) + 1)]
        tokens += found != [[answer] for answer in answers]
    for prompt, new in zip(case.prompts, case.written, strict=True):
        text = " ".join(case.words[i] for i in prompt[1:])
        if text:  # of an empty prompt llama.cpp makes nothing
            texts += continued(running, text, len(new))[0] != new
    return {"ids": tokens, "text": texts}


if __name__ == "__main__":
    report(results, sys.argv[1:])
