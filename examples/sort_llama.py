"""A program becomes a Llama: compile it, write a checkpoint, and let transformers alone sort digits with it.

The program answers, at each position, which token comes next: after `3142=` the digits in order, then a full stop. It
says so of any text of these tokens, and never looks at a position: how often each digit stands before and after `=`
is enough.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

from generate_with_transformers import answers

import raspc
from raspc import rasp

DIGITS = "0123456789"
LONGEST = 10
DIRECTORY = Path("build/llama-sort")
PROMPTS = 200


def sort() -> rasp.SOp:
    """The next token of `3142=1234.`"""
    begun = rasp.SelectorWidth(rasp.Select(rasp.tokens, rasp.tokens, lambda key, query: key == "=")).named("begun")
    given = rasp.Select(begun, begun, lambda key, query: key == 0)
    written = rasp.Select(begun, begun, lambda key, query: key > 0)
    same = rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.EQ)
    # the last token once more, if it was given more often than it has been written …
    again = (rasp.SelectorWidth(same & given) > rasp.SelectorWidth(same & written)).named("again")
    # … else the least of the larger ones that were given; after "=", which is no digit, the least of all
    digit = rasp.map(DIGITS.find, rasp.tokens).named("digit")
    larger = rasp.Select(rasp.tokens, rasp.tokens, lambda key, query: DIGITS.find(key) > DIGITS.find(query))
    following = rasp.Aggregate(rasp.best(larger & given, digit, "min"), digit, default=10).named("following")
    return rasp.map(lambda i: f"{DIGITS}."[int(i)], rasp.where(again, digit, following)).named("sort")


def prompts() -> list[str]:
    """Random rows of one to ten digits; the same each time."""
    generator = random.Random(0)
    return ["".join(generator.choices(DIGITS, k=1 + i % LONGEST)) + "=" for i in range(PROMPTS)]


def main() -> int:
    """Prints each step; the exit status is 0 if every text is right."""
    numbers = f"[0-9]{{1,{LONGEST}}}="
    model = raspc.compile(
        sort(), [*DIGITS, "=", "."], 2 * LONGEST + 1, generate=True, stop=".", prompts=numbers, target="llama"
    )
    assert model.certificate is not None
    print(f"Compiled sort for digits: {model.config.n_layers} layers, {model.certificate.verdict}")

    model.to("llama", DIRECTORY)
    print(f"Wrote {DIRECTORY}, a LlamaForCausalLM: {', '.join(sorted(path.name for path in DIRECTORY.iterdir()))}")

    asked = prompts()
    written = answers(DIRECTORY, asked)
    right = sum(answer == "".join(sorted(prompt[:-1])) + "." for prompt, answer in zip(asked, written, strict=True))
    for prompt, answer in list(zip(asked, written, strict=True))[4:7]:
        print(f"  {prompt}{answer}")
    print(f"Generated with transformers alone: {right}/{len(asked)} right")
    return 0 if right == len(asked) else 1


if __name__ == "__main__":
    sys.exit(main())
