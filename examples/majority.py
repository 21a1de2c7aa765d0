"""From a RASP program to PyTorch: compile `majority`, check every input, run one, compare the two frameworks.

The program is 2·#1 − L at every position, where #1 counts the ones and L is the length: positive if ones are the
majority, negative if zeros are, 0 on a tie.
"""

from __future__ import annotations

import sys

import numpy as np
import torch

import raspc
from raspc import library
from raspc.weights import Model

INPUT = [1, 0, 1, 1, 0, 1, 0]
TOLERANCE = 1e-5


def main() -> int:
    """Prints each step; the exit status is 0 if every one of them holds."""
    model = raspc.compile(library.majority(), vocab={0, 1}, max_seq_len=10)
    config = model.config
    print(f"compiled   majority for 0, 1 and length 10: n_layers {config.n_layers}, d_model {config.d_model}")

    report = raspc.check(model)
    print(f"checked    {report.checked:,} inputs, all that there are: {report.failures} differ from the interpreter")

    answer = model.apply(["BOS", *INPUT]).decoded[1:]
    print(f"run        {INPUT} -> {answer}")
    right = all(round(value) == 2 * sum(INPUT) - len(INPUT) for value in answer)
    print(f"majority   of {'ones' if answer[-1] > 0 else 'zeros'}: 2·#1 - L = {2 * sum(INPUT) - len(INPUT)}")

    difference = torch_difference(model)
    print(f"PyTorch    outputs match: {difference <= TOLERANCE}; largest difference: {difference:.1e}")
    return 0 if report.ok and report.exhaustive and right and difference <= TOLERANCE else 1


def torch_difference(model: Model) -> float:
    """The largest difference between the logits of NumPy and of PyTorch over every input of full length."""
    bits = (np.arange(2**10)[:, None] >> np.arange(10)) & 1
    inputs = [["BOS", *row] for row in bits.tolist()]
    ours = model.apply_batch(inputs)
    with torch.no_grad():
        theirs = model.to("torch")(torch.from_numpy(ours.ids))
    return float(np.abs(theirs.numpy() - ours.unembedded).max())


if __name__ == "__main__":
    sys.exit(main())
