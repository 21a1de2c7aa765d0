"""From a RASP program to PyTorch: compile `majority`, check every input, run one, compare with a mirror in PyTorch.

The program is 2·#1 − L at every position, where #1 counts the ones and L is the length: positive if ones are
the majority, negative if zeros are, 0 on a tie. The mirror is a small module that is built from the saved files
alone (artifacts/); what was found is written to results/parity_summary.json.
"""

from __future__ import annotations

import sys

import raspc
from raspc import library
from raspc.parity import majority

INPUT = [1, 0, 1, 1, 0, 1, 0]


def main() -> int:
    """Prints each step; the exit status is 0 if every one of them holds."""
    model = raspc.compile(library.majority(), vocab={0, 1}, max_seq_len=10)
    print(f"Compiled majority for 0, 1 and length 10: n_layers {model.config.n_layers}, d_model {model.config.d_model}")

    report = raspc.check(model)
    print(f"Checked {report.checked:,} inputs, all that there are: {report.failures} differ from the interpreter")

    answer = model.apply(["BOS", *INPUT]).decoded[1:]
    score = 2 * sum(INPUT) - len(INPUT)
    print(f"Ran {INPUT} -> {answer}; 2·#1 - L = {score}")

    print("Mirrored in PyTorch, from the files in artifacts/:")
    mirrored = majority.run("artifacts", "results")
    print("\n".join(f"  {line}" for line in mirrored.lines()))
    return 0 if report.ok and report.exhaustive and set(answer) == {score} and mirrored.ok else 1


if __name__ == "__main__":
    sys.exit(main())
