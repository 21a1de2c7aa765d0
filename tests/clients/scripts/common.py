"""What the scripts of clients share: the inputs, the answers that are right, and how answers are read off logits.

The scripts run where raspc cannot be imported: a checkpoint has to stand for itself.
"""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

sys.modules["raspc"] = None  # type: ignore[assignment]  # installed or not, importing it is an error from here on

TOLERANCE = 1e-3
"""How far a number may be off, relative to its size or to 1; raspc promises less, at most this."""
NARROW = {"bfloat16": 2**-6, "float16": 2**-9}
"""The same in a narrow format: four units of it, which is what raspc promises."""


class Case:
    """A checkpoint with its inputs: `ids` begin with BOS; `answers` are right, from the first token on.

    An answer is the number of a logit, or a number itself, a float.
    """

    def __init__(self, directory: str | Path) -> None:
        self.path = Path(directory)
        facts = json.loads((self.path / "rows.json").read_text())
        self.exit, self.dtype, self.pad, self.family = facts["exit"], facts["dtype"], facts["pad"], facts["family"]
        self.tolerance: float = NARROW.get(self.dtype, TOLERANCE)
        self.n_ctx: int = facts["n_ctx"]
        self.ids: list[list[int]] = facts["ids"]
        self.texts: list[str] = facts["texts"]
        self.answers: list[list[Any]] = facts["answers"]
        self.prompts: list[list[int]] = facts["prompts"]
        self.written: list[list[int]] = facts["written"]
        self.labels: list[str] = facts["labels"]
        self.words: list[str] = facts["words"]

    def batches(self, most: int | None = None, rows: int = 256) -> Iterator[tuple[list[list[int]], list[list[Any]]]]:
        """Inputs with their answers, the last ones if only so many; those of like length stand together."""
        order = sorted(range(len(self.ids))[-(most or 0) :], key=lambda i: len(self.ids[i]))
        for start in range(0, len(order), rows):
            chosen = order[start : start + rows]
            yield [self.ids[i] for i in chosen], [self.answers[i] for i in chosen]

    def padded(self, batch: Sequence[Sequence[int]], left: bool) -> tuple[list[list[int]], list[list[int]]]:
        """Rows of one length, and where they hold tokens; a column of padding stays, if there is room, for the mask."""
        longest = min(max(map(len, batch)) + 1, self.n_ctx)
        ids, mask = [], []
        for row in batch:
            fill = [self.pad] * (longest - len(row))
            ids.append([*fill, *row] if left else [*row, *fill])
            mask.append([0] * len(fill) + [1] * len(row) if left else [1] * len(row) + [0] * len(fill))
        return ids, mask


def wrong(
    logits: Any, answers: Sequence[Sequence[Any]], left: bool = False, tolerance: float = TOLERANCE
) -> int:  # fmt: skip
    """How many rows of logits [row, position, column], padded, hold an answer that is not right."""
    return sum(not right(_own(logits[i], len(row), left), row, tolerance) for i, row in enumerate(answers))


def _own(logits: Any, n: int, left: bool) -> Any:
    """The logits of the tokens of a row: those after BOS."""
    return logits[len(logits) - n :] if left else logits[1 : n + 1]


def right(logits: Any, answers: Sequence[Any], tolerance: float = TOLERANCE) -> bool:
    """Whether logits [position, column] say these answers."""
    is_number = any(isinstance(answer, float) for answer in answers)
    said = logits.argmax(-1).tolist() if not is_number else None
    return all(
        says_number(logits[i], answer, tolerance) if is_number else said[i] == answer
        for i, answer in enumerate(answers)
    )


def says_number(logits: Any, answer: Any, tolerance: float) -> bool:
    """Column 0 is the number, unless the sign of a special value exceeds ½."""
    signs = logits[1:].tolist()
    if signs and max(signs) > 0.5:
        return bool(answer == 1 + signs.index(max(signs)))
    return isinstance(answer, float) and abs(float(logits[0]) - answer) <= tolerance * max(1.0, abs(answer))


def report(results: Callable[[Case], dict[str, Any]], directories: Sequence[str]) -> None:
    """What a script finds in each directory, as its last line; an error is found like a wrong answer."""
    found: dict[str, Any] = {}
    for directory in directories:
        try:
            found[directory] = results(Case(directory))
        except Exception as error:
            traceback.print_exc()
            found[directory] = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(found))
