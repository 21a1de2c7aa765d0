"""Names bound to values: by assignments, loops and comprehensions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from raspc.text import syntax
from raspc.text.frames import Frame
from raspc.text.kinds import Value, kind
from raspc.text.source import Location, TextError


def items_of(iterable: Value, where: Location) -> Iterable[Value]:
    """What a loop or comprehension runs over.

    Raises TextError for what is no list, dictionary or string.
    """
    if isinstance(iterable, (list, dict, str)):
        return iterable
    raise TextError(f"a loop runs over a list; found {kind(iterable)}", where)


def unpack(targets: tuple[syntax.Name, ...], values: Sequence[Value], frame: Frame) -> None:
    """Binds each target: to the values, or to the items of the one value, a list or a string. One target for
    several values is bound to the list of them.

    Raises TextError unless there are as many as targets.
    """
    if len(targets) == 1:
        frame.bind(targets[0], values[0] if len(values) == 1 else list(values))
        return
    if len(values) == 1 and isinstance(values[0], (list, str)):
        values = values[0]
    if len(values) != len(targets):
        found = kind(values[0]) if len(values) == 1 else f"{len(values)} values"
        raise TextError(f"{len(targets)} names on the left, {found} on the right",
                        frame.source.at(targets[0].start, targets[-1].end))  # fmt: skip
    for target, value in zip(targets, values, strict=True):
        frame.bind(target, value)
