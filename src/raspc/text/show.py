"""How the prompt shows values, in the form that users of RASP's own interpreter know."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from raspc import rasp, values
from raspc.errors import InputError, RaspcError
from raspc.rasp import Expr
from raspc.text.examine import Answer, SelectorAnswer, on_input, written
from raspc.text.kinds import MAX_DEPTH, Builtin, Comparator, Function, Value, label
from raspc.text.operators import MAX_BITS
from raspc.text.settings import Settings
from raspc.text.source import Location, TextInputError

MAX_SHOWN = 10_000
"""How many characters of a value are shown."""

MAX_EXAMPLES = 20
"""How many s-ops and selectors of a list are shown with their examples."""

KEY = "     "
EXAMPLE = " \t "
INSIDE = "    "


def show(name: str, value: Value, settings: Settings, where: Location) -> str:
    """A value under its name, as lines of text; an s-op or selector with its example."""
    return next(rule for kind, rule in RULES if isinstance(value, kind))(name, value, settings, where)


def summary(name: str, value: Value) -> str:
    """A value under its name in one line, as a loaded file tells it."""
    if isinstance(value, Expr):
        return f"{KEY}{_kind(value)}: {name}"
    return _show_function(name, value) if isinstance(value, (Function, Builtin)) else _named(name, value)


def as_list(value: Value) -> Value:
    """What an s-op or selector gave on an input as the list that it is, which it is shown as once it has a name."""
    return list(value) if isinstance(value, (Answer, SelectorAnswer)) else value


def _kind(value: Expr) -> str:
    return "s-op" if isinstance(value, rasp.SOp) else "selector"


def _show_sop(name: str, value: Expr, settings: Settings, where: Location) -> str:
    lines = [f"{KEY}s-op: {name}"]
    if settings.show_sop:
        answer = _on_example(value, settings.sop_example, where)
        call = f"{EXAMPLE}Example: {name}({written(settings.sop_example)})"
        lines += [f"{call} {answer}"] if isinstance(answer, str) else _equation(call, settings, answer)
    return "\n".join(lines)


def _equation(call: str, settings: Settings, answer: Sequence[Value]) -> list[str]:
    """The call and its answer in a line; with `full seq display` as a table, the input above the output."""
    if not settings.full or not answer:
        return [f"{call} = {sequence(answer)}"]
    return [f"{call} = ({_kinds(answer)})", *table(settings.sop_example, answer)]


def table(xs: Sequence[Value], answer: Sequence[Value]) -> list[str]:
    """A column for each position: the token above, the value below."""
    columns = list(zip(map(token, xs), tokens(answer), strict=True))
    widths = [max(map(len, column)) for column in columns]
    rows = zip(("input: ", "output:"), zip(*columns, strict=True), strict=True)
    margin = EXAMPLE + "\t\t "
    return [
        f"{margin}{label} {' '.join(text.rjust(width) for text, width in zip(row, widths, strict=True))}"
        for label, row in rows
    ]


def _show_selector(name: str, value: Expr, settings: Settings, where: Location) -> str:
    lines = [f"{KEY}selector: {name}"]
    if settings.show_selector:
        answer = _on_example(value, settings.selector_example, where)
        lines.append(f"{EXAMPLE}Example:{' ' + answer if isinstance(answer, str) else ''}")
        lines += matrix(answer) if isinstance(answer, SelectorAnswer) else []
    return "\n".join(lines)


def _on_example(value: Expr, example: Sequence[Value], where: Location) -> Answer | SelectorAnswer | str:
    """The value on the example; in words where it is undefined there, which is no fault of the statement."""
    try:
        return on_input(value, example, where)
    except TextInputError as error:
        return f"is undefined: {error.bare} ({error.where})"
    except (RaspcError, InputError) as error:
        return f"is undefined: {error}"


def _show_answer(name: str, value: Answer, settings: Settings, where: Location) -> str:
    return f"\t =  {sequence(value, settings.full)}"


def _show_matrix(name: str, value: SelectorAnswer, settings: Settings, where: Location) -> str:
    return "\n".join(["\t =", *matrix(value)])


def _show_function(name: str, value: Function | Builtin, *where: Any) -> str:
    """Under the file that defines it, or `console` for the prompt."""
    home = value.source.stem if isinstance(value, Function) else "console"
    return f"{KEY}{home} function: {name}({', '.join(value.parameters)})"


def _show_container(name: str, value: list[Value] | dict[Value, Value], settings: Settings, where: Location) -> str:
    """The container in a line; each s-op and selector in it with an example of its own."""
    found = list(islice(_expressions(name, value, set()), MAX_EXAMPLES + 1))
    inner = [show(place, item, settings, where) for place, item in found[:MAX_EXAMPLES]]
    inner += ["… and more"] if len(found) > MAX_EXAMPLES else []
    return "\n".join([_named(name, value), *(INSIDE + line for text in inner for line in text.split("\n"))])


def _expressions(name: str, value: Value, seen: set[int], depth: int = 0) -> Iterator[tuple[str, Expr]]:
    """The s-ops and selectors at any depth of a container, each under its name or its place: `out[0]`.

    What stands in several places is told of the first.
    """
    if id(value) in seen or depth > MAX_DEPTH:
        return
    if isinstance(value, Expr):
        seen.add(id(value))
        yield label(value) or name, value
    elif isinstance(value, (list, dict)):
        seen.add(id(value))
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _expressions(f"{name}[{atom_or_more(key)}]", item, seen, depth + 1)


def _show_atom(name: str, value: Value, settings: Settings, where: Location) -> str:
    return _named(name, value)


def _named(name: str, value: Value) -> str:
    """`value: x =  "abc"`, `list: out = [1, 'a']`."""
    if isinstance(value, (list, dict)):
        return f"{KEY}{type(value).__name__}: {name} = {atom_or_more(value)}"
    return f"{KEY}value: {name} =  {quoted(value) if isinstance(value, str) else atom_or_more(value)}"


RULES: list[tuple[type | tuple[type, ...], Callable[..., str]]] = [
    (rasp.SOp, _show_sop),
    (rasp.Selector, _show_selector),
    (Answer, _show_answer),
    (SelectorAnswer, _show_matrix),
    ((Function, Builtin), _show_function),
    ((list, dict), _show_container),
    (object, _show_atom),
]


def sequence(items: Sequence[Value], full: bool = False) -> str:
    """`[1, 1, 2, 2, 1] (ints)`; `[0.2]*5 (floats)` where all are equal, unless the full sequence is wanted.

    Where one number is a float all are shown as floats.
    """
    texts = tokens(items)
    same = len(items) > 1 and all(values.same(item, items[0]) for item in items)
    text = f"[{texts[0]}]*{len(texts)}" if same and not full else f"[{', '.join(texts)}]"
    return f"{text} ({_kinds(items)})" if items else "[]"


def tokens(items: Sequence[Value]) -> list[str]:
    """Each value inside a sequence."""
    floats = _kinds(items) == FLOATS
    return [token(float(item)) if floats and abs(item) < LARGE else token(item) for item in items]


def token(item: Value) -> str:
    """A value inside a sequence: T and F, three digits after the point, strings without quotes."""
    if isinstance(item, bool):
        return "T" if item else "F"
    if isinstance(item, float):
        return _float(item)
    if isinstance(item, int) and item.bit_length() > MAX_BITS:
        return f"an integer of {item.bit_length()} bits"
    return f"({', '.join(map(token, item))})" if isinstance(item, tuple) else str(item)


def _float(number: float) -> str:
    """Three digits after the point, and at least one: 0.0, 0.333, 2.5."""
    rounded = round(number, 3)
    return f"{number:.3g}" if number and (not rounded or abs(number) >= LARGE) else str(rounded)


FLOATS = "floats"
LARGE = 1e15
"""Whole numbers from here on are shown as they are: floats do not hold each of them."""

KINDS: list[tuple[Any, str]] = [(bool, "bools"), (int, "ints"), ((int, float), FLOATS), (str, "strings")]


def _kinds(items: Sequence[Value]) -> str:
    for kind, word in KINDS:
        if all(isinstance(item, kind) and (kind is bool or not isinstance(item, bool)) for item in items):
            return word
    return "mixed"


def matrix(value: SelectorAnswer) -> list[str]:
    """A selector: a column for each key, a row for each query, 1 where it selects."""
    names = [token(item) for item in value.tokens]
    width = max(map(len, names), default=1)
    margin = EXAMPLE + "\t\t "
    head = f"{margin}{' ' * width}   {' '.join(name.rjust(width) for name in names)}"
    rows = (
        f"{margin}{name.rjust(width)} | {' '.join(('1' if entry else ' ').rjust(width) for entry in row)}"
        for name, row in zip(names, value, strict=True)
    )
    return [line.rstrip() for line in (head, *rows)]


def quoted(text: str) -> str:
    """A string as it would be written in a program: there are no escapes."""
    return f'"{text}"'


def cut(pieces: Iterable[str]) -> str:
    """Pieces of text as one, no longer than is shown: those beyond are not made."""
    found, room = [], MAX_SHOWN
    for piece in pieces:
        found.append(piece[:room])
        room -= len(piece)
        if room < 0:
            return "".join([*found, "…"])
    return "".join(found)


def atom_or_more(value: Value) -> str:
    """A value as it is shown, and as Python shows it inside a list; cut where it is long."""
    return cut(_pieces(value, 0))


def whole(value: Value) -> str:
    """The same, not cut: for a text that is to mean the value."""
    return "".join(_pieces(value, 0))


def _pieces(value: Value, depth: int) -> Iterator[str]:
    if isinstance(value, (list, tuple, dict)):
        yield from ["…"] if depth > MAX_DEPTH else _container(value, depth + 1)
    elif isinstance(value, str):
        yield repr(value) if depth else quoted(value)
    else:
        yield _one(value)


def _one(value: Value) -> str:
    """What is no string and no container."""
    if isinstance(value, Expr):
        return f"{_kind(value)} {label(value) or ''}".rstrip()
    if isinstance(value, (Function, Builtin)):
        return f"function {value.name}"
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        return f"an integer of {value.bit_length()} bits"
    return value.symbol if isinstance(value, Comparator) else str(value)


def _container(value: Value, depth: int) -> Iterator[str]:
    is_dict = isinstance(value, dict)
    yield "{" if is_dict else "["
    for place, item in enumerate(value.items() if is_dict else value):
        yield ", " if place else ""
        if is_dict:
            yield from _pieces(item[0], depth)
            yield ": "
        yield from _pieces(item[1] if is_dict else item, depth)
    yield "}" if is_dict else "]"
