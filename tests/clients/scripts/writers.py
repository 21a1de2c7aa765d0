"""transformers: whole answers by `generate`, with a cache, of checkpoints of programs that write.

python writers.py DIRECTORY…

Beside each checkpoint lies `answers.json`: texts of prompts, and what is to follow.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer


def wrong(path: Path) -> list[tuple[str, str]]:
    """The prompts that are answered wrongly, and how."""
    tokenizer, model = AutoTokenizer.from_pretrained(path), AutoModelForCausalLM.from_pretrained(path)
    found = []
    for prompt, answer in json.loads((path / "answers.json").read_text()):
        inputs = tokenizer(prompt, return_tensors="pt")
        written = model.generate(**inputs, use_cache=True, do_sample=False)[0, inputs["input_ids"].shape[1] :]
        text = "".join(tokenizer.decode(written).split())
        found += [(prompt, text)] if text != answer else []
    return found


if __name__ == "__main__":
    sys.modules["raspc"] = None  # type: ignore[assignment]  # so that importing it would be an error
    torch.set_num_threads(1)
    print(json.dumps({path: wrong(Path(path)) for path in sys.argv[1:]}))
