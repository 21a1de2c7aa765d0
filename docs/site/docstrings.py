"""Docstrings are plain prose with `code` in backticks; autodoc reads reStructuredText. This stands between them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_CODE = re.compile(r"`+[^`]+`+(?=(\w)?)")
_SPECIAL = re.compile(r"([\\*|]|_(?=\W|$))")


def setup(app: Any) -> dict[str, bool]:
    """Hooks into autodoc."""
    app.connect("autodoc-process-docstring", _process)
    return {"parallel_read_safe": True}


def _process(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    lines[:] = restructured(listed(lines))


_PARAMETER = re.compile(r"(?<=[.;] )(?=`\w+`(?:, `\w+`)*(?:, [^`.:]{1,40})?: )")


def listed(lines: list[str]) -> list[str]:
    """Paragraphs that tell of one parameter after the other, as lists of these.

    >>> listed(["`a`: one. `b`, `c`: two", "lines."])
    ['- `a`: one.', '- `b`, `c`: two lines.']
    """
    found: list[str] = []
    for paragraph in "\n".join(lines).split("\n\n"):
        parts = _PARAMETER.split(" ".join(paragraph.split())) if ">>>" not in paragraph else []
        told = [part for part in parts if re.match(r"`\w+`(?:, `\w+`)*(?:, [^`.:]{1,40})?: ", part)]
        if len(told) > 1 and not paragraph.lstrip().startswith("- "):
            opening = [part.strip() for part in parts if part not in told]
            found += [*opening, *([""] if opening else []), *(f"- {part.strip()}" for part in told), ""]
        else:
            found += [*paragraph.split("\n"), ""]
    return found[:-1]


def restructured(lines: list[str]) -> list[str]:
    """The docstring as reStructuredText: code in backticks, all else as it is written, room around lists and examples.

    >>> restructured(["The `x` of *args:", "- one", ">>> f(1)", "2"])
    ['The ``x`` of \\\\*args:', '', '- one', '', '>>> f(1)', '2']
    """
    return list(_spaced(_plain(lines)))


def _plain(lines: list[str]) -> Iterator[str]:
    """Lines of prose escaped; examples and their output left alone."""
    inside = False
    text: list[str] = []
    for line in lines:
        inside = line.lstrip().startswith(">>>") or (inside and bool(line.strip()))
        if inside:
            yield from _escaped(text)
            text = []
            yield line
        else:
            text.append(line)
    yield from _escaped(text)


def _escaped(lines: list[str]) -> list[str]:
    """Code may run over the end of a line, so the lines are read as one text."""
    text, found, at = "\n".join(lines), [], 0
    for code in _CODE.finditer(text):
        found += [_SPECIAL.sub(r"\\\1", text[at : code.start()]), _literal(code)]
        at = code.end()
    return ("".join([*found, _SPECIAL.sub(r"\\\1", text[at:])])).split("\n") if lines else []


def _literal(code: re.Match[str]) -> str:
    words = " ".join(code[0].strip("`").split())
    return f"``{words}``" + ("\\ " if code[1] else "")


def _spaced(lines: Iterator[str]) -> Iterator[str]:
    """A blank line before a list or an example that follows a line of prose."""
    before = ""
    for line in lines:
        opens = line.startswith("- ") and not before.startswith(("- ", "  "))
        example = line.startswith(">>> ") and not before.startswith((">>>", "..."))
        if before.strip() and (opens or example):
            yield ""
        yield line
        before = line
