"""A Llama that adds numbers of thirty digits: `write_sum` as a checkpoint, asked random sums with transformers alone.

`12+09=` is followed by `021.`: the program writes the sum from its first digit on, so that each carry has to be known
before it is reached. Every step of it has a name; the page that is written shows them on a sum through which one carry
travels the whole way.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

from generate_with_transformers import answers

import raspc
from raspc.library import WRITERS
from raspc.library.writers import write_sum
from raspc.view import write_page

DIGITS = 30
DIRECTORY = Path("build/llama-add")
PAGE = Path("build/carry.html")
SUMS = 20
SHOWN = 4
"""The page shows numbers of so many digits, so that it can be taken in at a glance."""


def sums() -> list[str]:
    """Random pairs of numbers of thirty digits, one of them with a carry through all of its columns."""
    generator = random.Random(0)
    numbers = [[generator.randrange(10**DIGITS) for _ in range(2)] for _ in range(SUMS - 1)]
    return [f"{a:0{DIGITS}}+{b:0{DIGITS}}=" for a, b in (*numbers, (10**DIGITS - 1, 1))]


def adder(digits: int, level: int, target: str) -> raspc.Model:
    """The program for two numbers of so many digits, compiled."""
    number = f"[0-9]{{{digits}}}"
    return raspc.compile(
        write_sum(digits), WRITERS["write_sum"].vocab, 3 * digits + 3, generate=True, stop=".",
        prompts=rf"{number}\+{number}=", optimize=level, target=target,
    )  # fmt: skip


def one_carry() -> str:
    """A sum in which the last column gives a carry that every other one passes on."""
    return f"{'9' * SHOWN}+{'1':0>{SHOWN}}="


def main() -> int:
    """Prints each step; the exit status is 0 if every sum is right."""
    model = adder(DIGITS, 2, "llama")
    assert model.certificate is not None
    size = sum(array.size for array in model.params.values())
    layers, verdict = model.config.n_layers, model.certificate.verdict
    print(f"Compiled write_sum for {DIGITS} digits: {layers} layers, {size:,} parameters, {verdict}")
    model.to("llama", DIRECTORY)
    print(f"Wrote {DIRECTORY}, a LlamaForCausalLM")

    asked, reference = sums(), WRITERS["write_sum"].reference
    written = answers(DIRECTORY, asked)
    right = sum(answer == reference(prompt) + "." for prompt, answer in zip(asked, written, strict=True))
    for prompt, answer in list(zip(asked, written, strict=True))[-2:]:
        print(f"  {prompt}{answer}")
    print(f"Added with transformers alone: {right}/{SUMS} right")

    readable, prompt = adder(SHOWN, 1, "plain"), one_carry()
    write_page(readable, [*prompt, *readable.generate(prompt)[:-1]], PAGE)
    print(f"Wrote {PAGE}: a carry travels through {prompt}{''.join(readable.generate(prompt))}")
    return 0 if right == SUMS else 1


if __name__ == "__main__":
    sys.exit(main())
