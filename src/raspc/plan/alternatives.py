"""The best of several alternatives: the smallest that can be finished. A refusal is a result like any other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from raspc.errors import CertificateError, UnsupportedProgram

Made = TypeVar("Made")
Done = TypeVar("Done")


@dataclass(frozen=True, eq=False)
class Refused:
    """An alternative that came to nothing, and why."""

    error: CertificateError | UnsupportedProgram | MemoryError


def attempt(make: Callable[[], Made]) -> Made | Refused:
    """What is made, or the refusal to make it."""
    try:
        return make()
    except (CertificateError, UnsupportedProgram, MemoryError) as error:
        return Refused(error.with_traceback(None))  # whose frames hold arrays that nobody needs any more


def best(
    rounds: Iterable[Iterable[Made | Refused]], size: Callable[[Made], Any], finish: Callable[[Made], Done]
) -> Done:
    """The smallest alternative of the first round in which one can be finished; of equally small ones the first.

    Later rounds are asked for only where every alternative of the earlier ones is refused.

    Raises the last refusal of the first round, where all are refused.
    """
    first: Refused | None = None
    for alternatives in rounds:
        done = _of_one_round(list(alternatives), size, finish)
        if not isinstance(done, Refused):
            return done
        first = first or done
    if first is None:
        raise ValueError("there are no alternatives")
    raise first.error


def _of_one_round(
    made: list[Made | Refused], size: Callable[[Made], Any], finish: Callable[[Made], Done]
) -> Done | Refused:
    """The smallest that can be finished, or the last refusal; none of them is held on to."""
    refused = [one for one in made if isinstance(one, Refused)]
    for one in sorted((one for one in made if not isinstance(one, Refused)), key=size):
        done = attempt(lambda one=one: finish(one))  # type: ignore[misc]
        if not isinstance(done, Refused):
            return done
        refused.append(done)
    return refused[-1]
