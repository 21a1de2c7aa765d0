"""Arguments of a call, matched with the parameters of what is called."""

from __future__ import annotations

from collections.abc import Sequence

from raspc.text.kinds import Builtin, Function, Value
from raspc.text.operators import Refused
from raspc.text.source import nearest


def bind(function: Function, given: Sequence[Value], named: dict[str, Value]) -> dict[str, Value]:
    """The value of each parameter of a function of the text.

    Raises Refused for too many, too few, unknown or doubled arguments.
    """
    return _bind(function.name, function.parameters, function.defaults, given, named)


def bind_builtin(function: Builtin, given: Sequence[Value], named: dict[str, Value]) -> list[Value]:
    """The arguments of a function of the language, those left out as None.

    Raises Refused as `bind` does.
    """
    if function.repeats and not named and len(given) >= len(function.parameters):
        return list(given)
    names = tuple(name.rstrip("?") for name in function.parameters)
    defaults = {name.rstrip("?"): None for name in function.parameters if name.endswith("?")}
    bound = _bind(function.name, names, defaults, given, named)
    return [bound[name] for name in names]


def _bind(
    name: str, parameters: Sequence[str], defaults: dict[str, Value] | object,
    given: Sequence[Value], named: dict[str, Value],
) -> dict[str, Value]:  # fmt: skip
    assert isinstance(defaults, dict)
    if len(given) == len(parameters) and not named:
        return dict(zip(parameters, given, strict=True))
    signature = f"{name}({', '.join(parameters)})"
    if len(given) > len(parameters):
        raise Refused(f"{signature} takes {_count(parameters, defaults)}; found {len(given)}")
    bound = dict(zip(parameters, given, strict=False))
    for key, value in named.items():
        if key not in parameters:
            raise Refused(f'{signature} has no parameter "{key}"{nearest(key, parameters)}')
        if key in bound:
            raise Refused(f'{signature} is given "{key}" twice')
        bound[key] = value
    if missing := [p for p in parameters if p not in bound and p not in defaults]:
        found = len(given) + len(named)
        raise Refused(f"{signature} takes {_count(parameters, defaults)}; found {found}: {missing[0]} is missing")
    return {p: bound.get(p, defaults.get(p)) for p in parameters}


def _count(parameters: Sequence[str], defaults: dict[str, Value]) -> str:
    least, most = len(parameters) - len(defaults), len(parameters)
    span = str(most) if least == most else f"{least} to {most}"
    return f"{span} argument{'' if span == '1' else 's'}"
