"""A Llama that adds: the library's `write_addition` as a checkpoint, asked random sums with transformers alone.

The program writes the digits of a sum from the last one on: `95+7=` is followed by `201.`, which is 102 backwards.
Every step of it has a name: `raspc generate DIR 95+7= --trace` shows the columns, their totals and the carry.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

from generate_with_transformers import answers

import raspc
from raspc.library import WRITERS

DIGITS = 10
DIRECTORY = Path("build/llama-add")
SUMS = 20


def sums() -> list[tuple[int, int]]:
    """Random pairs of numbers of one to ten digits; the same each time."""
    generator = random.Random(0)
    return [
        (generator.randrange(10 ** (1 + i % DIGITS)), generator.randrange(10 ** generator.randint(1, DIGITS)))
        for i in range(SUMS)
    ]


def main() -> int:
    """Prints each step; the exit status is 0 if every sum is right."""
    writer, length = WRITERS["write_addition"], 3 * DIGITS + 3
    number = f"[0-9]{{1,{DIGITS}}}"
    model = raspc.compile(
        writer.program, writer.vocab, length, generate=True, stop=".", prompts=rf"{number}\+{number}=", optimize=2,
        target="llama",
    )  # fmt: skip
    assert model.certificate is not None
    print(f"Compiled write_addition for {DIGITS} digits: {model.config.n_layers} layers, {model.certificate.verdict}")
    model.to("llama", DIRECTORY)
    print(f"Wrote {DIRECTORY}, a LlamaForCausalLM")

    asked = [f"{a}+{b}=" for a, b in sums()]
    written = answers(DIRECTORY, asked)
    right = sum(answer == writer.reference(prompt) + "." for prompt, answer in zip(asked, written, strict=True))
    for prompt, answer in list(zip(asked, written, strict=True))[:5]:
        print(f"  {prompt}{answer}")
    print(f"Added with transformers alone: {right}/{SUMS} right")
    return 0 if right == SUMS else 1


if __name__ == "__main__":
    sys.exit(main())
