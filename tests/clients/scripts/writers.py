"""transformers: whole answers by `generate`, with a cache, of checkpoints of programs that write.

python writers.py DIRECTORY…

Beside each checkpoint lie `answers.json`, texts of prompts and what is to follow, and `beyond.json`, texts that are
longer than the longest input and that end with the stop; none where nothing is promised there.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

AT_ONCE = 128
"""So many prompts are one batch, padded on the left."""


def wrong(path: Path) -> list[tuple[str, str]]:
    """The prompts that are answered wrongly, and how."""
    tokenizer, model = AutoTokenizer.from_pretrained(path), AutoModelForCausalLM.from_pretrained(path)
    asked, found = json.loads((path / "answers.json").read_text()), []
    for start in range(0, len(asked), AT_ONCE):
        prompts, answers = zip(*asked[start : start + AT_ONCE], strict=True)
        inputs = tokenizer(list(prompts), return_tensors="pt", padding=True)
        written = model.generate(**inputs, use_cache=True, do_sample=False)[:, inputs["input_ids"].shape[1] :]
        texts = ["".join(text.split()).replace(tokenizer.pad_token, "") for text in tokenizer.batch_decode(written)]
        found += [one[::2] for one in zip(prompts, answers, texts, strict=True) if one[1] != one[2]]
    return found + going_on(path, tokenizer, model)


def going_on(path: Path, tokenizer: Any, model: Any) -> list[tuple[str, str]]:
    """What is written after texts beyond the longest input where it is not the stop at once; `max_length` is raised."""
    texts = json.loads((path / "beyond.json").read_text())
    if not texts:
        return []
    inputs = tokenizer(texts, return_tensors="pt")["input_ids"]
    long = inputs.shape[1]
    written = model.generate(inputs, max_length=long + 50)[:, long:]
    return [("beyond", str(row)) for row in written.tolist() if row != [model.generation_config.eos_token_id]]


if __name__ == "__main__":
    sys.modules["raspc"] = None  # type: ignore[assignment]  # so that importing it would be an error
    torch.set_num_threads(1)
    print(json.dumps({path: wrong(Path(path)) for path in sys.argv[1:]}))
