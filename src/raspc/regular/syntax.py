"""The syntax of regular expressions over tokens; `raspc.regular.expression` says what they mean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn, TypeAlias

from raspc.errors import InvalidProgram

MOST_REPEATS = 10_000
"""The largest bound of a repetition."""
MOST_DEPTH = 100
"""So deep may groups lie in groups."""

Test = Callable[[str], bool]
"""Whether a character is one of a class."""


@dataclass(frozen=True)
class Char:
    """One character of a class."""

    test: Test


@dataclass(frozen=True)
class Whole:
    """One token, whose whole text matches."""

    inner: Tree


@dataclass(frozen=True)
class Row:
    """One after another."""

    parts: tuple[Tree, ...]


@dataclass(frozen=True)
class Either:
    """One of several."""

    parts: tuple[Tree, ...]


@dataclass(frozen=True)
class Repeat:
    """From `least` to `most` times; `most` None for any number."""

    inner: Tree
    least: int
    most: int | None


Tree: TypeAlias = "Char | Whole | Row | Either | Repeat"

CLASSES: dict[str, Test] = {
    "d": str.isdecimal,
    "D": lambda char: not char.isdecimal(),
    "w": lambda char: char.isalnum() or char == "_",
    "W": lambda char: not (char.isalnum() or char == "_"),
    "s": str.isspace,
    "S": lambda char: not char.isspace(),
}
CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v", "a": "\a"}
TIMES: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
NOT_REGULAR = {
    "(?=": "a look ahead", "(?!": "a look ahead", "(?<=": "a look behind", "(?<!": "a look behind",
    "(?P=": "a reference to a group", "(?(": "a condition", "(?>": "an atomic group", "(?#": "a comment",
}  # fmt: skip


def parse(pattern: str) -> Tree:
    """The tree of an expression. Raises InvalidProgram that says where it is malformed, or not regular."""
    reader = _Reader(pattern)
    tree = reader.either(top=True)
    if reader.at < len(pattern):
        reader.fail("a closing bracket that closes nothing", f"write \\{reader.rest[:1]} for the character")
    return tree


class _Reader:
    """Reads an expression from left to right."""

    def __init__(self, pattern: str) -> None:
        self.pattern, self.at = pattern, 0
        self.open: list[str] = []

    @property
    def rest(self) -> str:
        return self.pattern[self.at :]

    def fail(self, found: str, remedy: str) -> NoReturn:
        raise InvalidProgram(f"where: in {self.pattern!r}, at character {self.at}: found {found}; {remedy}")

    def take(self, text: str) -> bool:
        """Whether a text stands here; if so, step over it."""
        here = self.pattern.startswith(text, self.at)
        self.at += len(text) if here else 0
        return here

    def either(self, top: bool = False) -> Tree:
        found = [self.row(top)]
        while self.take("|"):
            found.append(self.row(top))
        return found[0] if len(found) == 1 else Either(tuple(found))

    def row(self, top: bool) -> Tree:
        found: list[Tree] = []
        if top:
            self.take("^")
        while self.rest and self.rest[0] not in self.ends:
            if top and self.rest[0] == "$" and self.rest[1:2] in ("", "|"):
                self.at += 1
                break
            found.append(self.repeated(self.atom()))
        return found[0] if len(found) == 1 else Row(tuple(found))

    @property
    def ends(self) -> str:
        """What a row ends before; `>` is a character of its own where no `<` is open."""
        return "|)" + (">" if self.open[-1:] == ["<"] else "")

    def repeated(self, tree: Tree) -> Tree:
        again = False
        while self.rest and self.rest[0] in "*+?{":
            bounds = self.bounds()
            if bounds is None:
                break
            if again:
                self.fail("a repetition of a repetition", "put the part in brackets, as (a{2})+")
            tree, again = Repeat(tree, *bounds), True
            if self.take("+"):
                self.fail("a possessive repetition", "leave the + away")
            self.take("?")  # a lazy repetition describes the same inputs
        return tree

    def bounds(self) -> tuple[int, int | None] | None:
        """How often; None where a brace opens no repetition, and stands for itself."""
        if self.rest[0] != "{":
            self.at += 1
            return TIMES[self.pattern[self.at - 1]]
        inside, brace, _ = self.rest[1:].partition("}")
        least, comma, most = inside.partition(",")
        if not brace or not (least + most).isdecimal() or not (least or comma) or not (least + most).isascii():
            return None
        low, high = int(least or 0), int(most) if most else None if comma else int(least)
        if high is not None and high < low:
            self.fail(f"a repetition of at least {low} and at most {high}", "write the smaller number first")
        if max(low, high or 0) > MOST_REPEATS:
            self.fail(f"a repetition of {max(low, high or 0):,}", f"repeat at most {MOST_REPEATS:,} times")
        self.at += len(inside) + 2
        return low, high

    def atom(self) -> Tree:
        char = self.rest[0]
        if char in "*+?":
            self.fail("a repetition of nothing", f"write \\{char} for the character")
        if char in "^$":
            self.fail(f"{char} inside the expression", f"write \\{char} for the character; the whole input must match")
        if char == "(":
            return self.group()
        if char == "<":
            return self.whole()
        self.at += 1
        if char == "[":
            return Char(self.charset())
        if char == ".":
            return Char(lambda found: True)
        return Char(self.escape() if char == "\\" else _is(char))

    def group(self) -> Tree:
        for opening, name in NOT_REGULAR.items():
            if self.rest.startswith(opening):
                self.fail(name, "a set of inputs is described by |, *, +, ?, {m,n}, [...] and brackets alone")
        start = self.at
        self.at += 1
        if self.take("?P<"):
            self.at += len(self.rest.partition(">")[0]) + 1
        elif not self.take("?:") and self.rest.startswith("?"):
            self.fail("a flag", "write both cases, as [aA]")
        return self.closed("(", ")", start)

    def whole(self) -> Tree:
        start = self.at
        if "<" in self.open:
            self.fail("a token inside a token", "write \\< for the character")
        self.at += 1
        return Whole(self.closed("<", ">", start))

    def closed(self, opening: str, closing: str, start: int) -> Tree:
        """What stands between brackets."""
        if len(self.open) >= MOST_DEPTH:
            self.fail("brackets in more than 100 brackets", "write a flatter expression")
        self.open.append(opening)
        found = self.either()
        self.open.pop()
        if not self.take(closing):
            self.at = start
            self.fail(f"a {opening} that is never closed", f"write \\{opening} for the character")
        return found

    def escape(self) -> Test:
        """What a backslash stands before."""
        if not self.rest:
            self.fail("a backslash before nothing", "write \\\\ for the character")
        char = self.rest[0]
        self.at += 1
        if char in CLASSES:
            return CLASSES[char]
        if char in "xuU":
            return _is(self.coded({"x": 2, "u": 4, "U": 8}[char]))
        if char in CONTROLS:
            return _is(CONTROLS[char])
        if char.isalnum() and char.isascii():
            self.at -= 1
            what = "a reference to a group" if char.isdecimal() else f"\\{char}, which means nothing here"
            self.fail(what, "write the part again" if char.isdecimal() else "write the characters that you mean")
        return _is(char)

    def coded(self, digits: int) -> str:
        text = self.rest[:digits]
        self.at += digits
        try:
            return chr(int(text, 16)) if len(text) == digits else self.fail("too few digits", "write \\x41 for A")
        except (ValueError, OverflowError):
            self.fail(f"{text!r}, which is the number of no character", "write hexadecimal digits, as \\x41")

    def charset(self) -> Test:
        """A class, after its opening bracket."""
        start, negated, tests = self.at - 1, self.take("^"), list[Test]()
        first = True
        while first or not self.rest.startswith("]"):
            if not self.rest:
                self.at = start
                self.fail("a [ that is never closed", "write \\[ for the character")
            tests.append(self.range())
            first = False
        self.at += 1
        return lambda char: any(test(char) for test in tests) != negated

    def range(self) -> Test:
        low = self.member()
        if not self.rest.startswith("-") or self.rest[1:2] in ("", "]"):
            return low if callable(low) else _is(low)
        self.at += 1
        high = self.member()
        if callable(low) or callable(high):
            self.fail("a class as the end of a range", "write the ends of a range as characters")
        if high < low:
            self.fail(f"a range from {low!r} to {high!r}", "write the smaller character first")
        return lambda char: low <= char <= high

    def member(self) -> Test | str:
        """A character of a class, or a class in it."""
        char = self.rest[:1]
        self.at += 1
        if char != "\\":
            return char
        ahead = self.rest[:1]
        test = self.escape()
        if ahead in CLASSES:
            return test
        return CONTROLS.get(ahead, ahead) if ahead not in "xuU" else _coded(self.pattern, self.at, ahead)


def _coded(pattern: str, end: int, kind: str) -> str:
    """The character whose number was just read."""
    return chr(int(pattern[end - {"x": 2, "u": 4, "U": 8}[kind] : end], 16))


def _is(char: str) -> Test:
    return lambda found: found == char
