"""What a run is asked for: which models, which questions about them, which methods to answer with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product
from typing import Annotated, Any, Literal

from msgspec import Meta

from raspc.errors import InputError
from raspc.lab.methods import method
from raspc.lab.runs import own
from raspc.lab.tasks import DTYPES, GRANULARITIES, MOST_PAIRS
from raspc.lab.under import CORRUPTIONS
from raspc.records import Count, Record

LEVELS = (0, 2)
MOST_SEEDS = 1000


class Question(Record, frozen=True):
    """What is asked of a model: how runs are corrupted, what the nodes are, which pairs are drawn, in which format."""

    corruption: Literal["zero", "mean", "resample", "shuffle"]
    seed: Count
    pairs: Annotated[int, Meta(ge=1)]
    granularity: Literal["component", "neuron"]
    dtype: Literal["float64", "float32"]


class Asked(Record, frozen=True):
    """All that a run is asked for. `suite`: a name, or a directory of saved models; `levels`: of a named suite.

    `seeds`: how many; they are 0, 1, …
    """

    suite: str
    methods: tuple[str, ...]
    corruptions: tuple[str, ...]
    levels: tuple[Literal[0, 1, 2], ...]
    seeds: Annotated[int, Meta(ge=1, le=MOST_SEEDS)]
    pairs: Annotated[int, Meta(ge=1)]
    granularity: Literal["component", "neuron"]
    dtype: Literal["float64", "float32"]

    def questions(self) -> Iterator[Question]:
        """Every question, in the order of the results."""
        for corruption, seed in product(self.corruptions, range(self.seeds)):
            yield Question.from_json(
                {"corruption": corruption, "seed": seed, "pairs": self.pairs}
                | {"granularity": self.granularity, "dtype": self.dtype},
                "question",
            )


def asked(
    suite: Any, methods: Iterable[str], corruptions: Iterable[str], levels: Iterable[int] = LEVELS, seeds: int = 1,
    pairs: int = 64, granularity: str = "component", dtype: str = "float64",
) -> Asked:  # fmt: skip
    """What is asked for, checked. Raises InputError that names the first thing that there is not."""
    chosen = (_several("methods", methods), _several("corruptions", corruptions), _several("levels", levels))
    for name in map(str, chosen[0]):
        if (text := own.source(name)) is not None:
            own.scorer(name, text)
        else:
            method(name)
    for what, given, known in (
        ("corruption", chosen[1], CORRUPTIONS), ("level", chosen[2], (0, 1, 2)),
        ("granularity", (granularity,), GRANULARITIES), ("dtype", (dtype,), DTYPES),
    ):  # fmt: skip
        for one in given:
            if one not in known:
                raise InputError(f"{what} is {one!r}, needed one of {', '.join(map(str, known))}")
    for what, count, most in (("seeds", seeds, MOST_SEEDS), ("pairs", pairs, MOST_PAIRS)):
        if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= most:
            raise InputError(f"{what} is {count!r}, needed a whole number from 1 to {most:,}")
    return Asked(str(suite), *chosen, seeds, pairs, granularity, dtype)  # type: ignore[arg-type]


def _several(what: str, given: Iterable[Any]) -> tuple[Any, ...]:
    """What was given, each once. Raises InputError for nothing, and for a text, whose letters are not meant."""
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise InputError(f"{what} is {given!r}, needed a list")
    told = list(given)
    if odd := [one for one in told if not isinstance(one, str | int)]:
        raise InputError(f"{what} hold {odd[0]!r}, needed names, or numbers of levels")
    if not told:
        raise InputError(f"no {what} given; needed one or more")
    return tuple(dict.fromkeys(told))
