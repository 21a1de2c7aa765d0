"""A chat with a Llama that adds numbers of thirty digits: in transformers, or in llama.cpp.

printf '%030d+%030d\n' 95 7 | python examples/chat_with_an_adder.py
printf '%030d+%030d\n' 95 7 | python examples/chat_with_an_adder.py --llama-cpp

Each line is a message. The checkpoint's chat template puts the `=` after it that ends every prompt, so that one asks
for a sum and not for what follows `=`. llama.cpp comes with `pip install xllamacpp`; it is one file of 3 MB then.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from add_llama import DIGITS, adder

CHECKPOINT, FILE = Path("build/llama-add"), Path("build/llama-add.gguf")

Chat = Callable[[str], str]
"""From a message to what is said."""


def in_transformers() -> Chat:
    """The checkpoint as a pipeline that is given messages."""
    from transformers import pipeline

    if not CHECKPOINT.exists():
        adder(DIGITS, 2, "llama").to("llama", CHECKPOINT)
    generate = pipeline("text-generation", model=str(CHECKPOINT))

    def said(message: str) -> str:
        found = generate([{"role": "user", "content": message}])
        return str(found[0]["generated_text"][-1]["content"])

    return said


def in_llama_cpp() -> Chat:
    """The same as one file, in llama.cpp: keys and values in float32, without flash attention, which would round."""
    import xllamacpp

    if not FILE.exists():
        adder(DIGITS, 2, "llama").to("gguf", FILE)
    asked = xllamacpp.CommonParams()
    asked.model.path, asked.n_ctx, asked.n_parallel, asked.warmup = str(FILE), 3 * DIGITS + 6, 1, False
    asked.n_gpu_layers, asked.verbosity, asked.use_jinja = 0, -1, True
    asked.cache_type_k = asked.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
    asked.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    server = xllamacpp.Server(asked)

    def said(message: str) -> str:
        messages = [{"role": "user", "content": message}]
        told: Any = server.handle_chat_completions(
            {"messages": messages, "temperature": 0, "max_tokens": DIGITS + 2, "n_probs": 1}
        )
        found = json.loads(told) if isinstance(told, str) else told
        return str(found["choices"][0]["message"]["content"])

    return said


def main() -> int:
    """Answers each line of the standard input."""
    try:
        say = in_llama_cpp() if "--llama-cpp" in sys.argv[1:] else in_transformers()
    except ImportError as error:
        print(f"{error.name} is not installed: pip install {error.name}")
        return 2
    for line in sys.stdin:
        print(say(line.strip()), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
