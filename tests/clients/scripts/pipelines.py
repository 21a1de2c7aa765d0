"""transformers: `pipeline` on plain text, with nothing but the directory.

python pipelines.py DIRECTORY…
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from common import Case, report
from transformers import AutoTokenizer, pipeline

ROWS = 40
"""How many inputs of each checkpoint are tried."""


def written(case: Case) -> dict[str, int]:
    """How many prompts are continued wrongly, as text."""
    tokenizer = AutoTokenizer.from_pretrained(case.path)
    generate = pipeline("text-generation", model=str(case.path))
    faults = tokens = 0
    for text, ids in zip(case.texts[-ROWS:], case.ids[-ROWS:], strict=True):
        tokens += tokenizer(text)["input_ids"] != ids
    for prompt, new in zip(case.prompts, case.written, strict=True):
        text = tokenizer.decode(prompt, skip_special_tokens=True)
        found = generate(text, return_full_text=False)[0]["generated_text"]
        faults += found.split() != tokenizer.decode(new, skip_special_tokens=True).split()
    return {"tokenizer": tokens, "text-generation": faults}


def labelled(case: Case) -> dict[str, int]:
    """How many inputs have a wrong label at a token; a number is no label, and is read off the logits."""
    if case.labels[0] == "number":
        return {}
    classify = pipeline("token-classification", model=str(case.path), ignore_labels=[])
    faults = 0
    for text, answers in zip(case.texts[-ROWS:], case.answers[-ROWS:], strict=True):
        said = [entity["entity"] for entity in classify(text)]
        faults += said != [case.labels[answer] for answer in answers]
    return {"token-classification": faults}


def results(case: Case) -> dict[str, int]:
    """Wrong answers of the pipeline of an exit."""
    return written(case) if case.exit == "lm" else labelled(case)


if __name__ == "__main__":
    report(results, sys.argv[1:])
