"""What the text library's programs compute, in plain Python."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean
from typing import Any

Tokens = Sequence[Any]


def hist2(xs: Tokens) -> list[int]:
    """For each token, how many distinct tokens occur as often."""
    counts = {x: xs.count(x) for x in xs}
    return [sum(count == counts[x] for count in counts.values()) for x in xs]


def most_frequent(xs: Tokens) -> list[Any]:
    """Each token once, by falling frequency, ties in the order of first appearance; then dashes."""
    distinct = sorted(dict.fromkeys(xs), key=lambda x: -xs.count(x))
    return distinct + ["-"] * (len(xs) - len(distinct))


def dyck(*pairs: str) -> Callable[[Tokens], list[str]]:
    """For each prefix T (balanced), P (can be completed) or F."""

    def verdicts(xs: Tokens) -> list[str]:
        stack, answers, failed = [], [], False
        for x in xs:
            opener = next(pair[0] for pair in pairs if x in pair)
            if x == opener:
                stack.append(x)
            elif not stack or stack.pop() != opener:
                failed = True
            answers.append("F" if failed else "P" if stack else "T")
        return answers

    return verdicts


def shuffle_dyck(*pairs: str) -> Callable[[Tokens], list[bool]]:
    """Whether every kind of bracket is balanced by itself."""

    def verdict(xs: Tokens) -> list[bool]:
        only = [[x for x in xs if x in pair] for pair in pairs]
        return [all(not own or dyck(pair)(own)[-1] == "T" for own, pair in zip(only, pairs, strict=True))] * len(xs)

    return verdict


def next_identical(xs: Tokens) -> list[int]:
    """The position of the next equal token, or −1."""
    return [next((j for j in range(i + 1, len(xs)) if xs[j] == x), -1) for i, x in enumerate(xs)]


def first(xs: Tokens, value: Any) -> int:
    """The first position of a value, or −1."""
    return next((i for i, x in enumerate(xs) if x == value), -1)


def last(xs: Tokens, value: Any) -> int:
    """The last position of a value, or −1."""
    return max((i for i, x in enumerate(xs) if x == value), default=-1)


def everywhere(f: Callable[[Tokens], Any]) -> Callable[[Tokens], list[Any]]:
    """The same value at each position."""
    return lambda xs: [f(xs)] * len(xs)


REFERENCES: dict[str, Callable[[Any], list[Any]]] = {
    "reverse": lambda xs: list(xs[::-1]),
    "hist": lambda xs: [xs.count(x) for x in xs],
    "hist_nobos": lambda xs: [xs.count(x) for x in xs],
    "hist2": hist2,
    "sorted": sorted,
    "most_frequent": most_frequent,
    "dyck1": dyck("()"),
    "dyck2": dyck("()", "{}"),
    "dyck3": dyck("()", "{}", "[]"),
    "shuffle_dyck1": shuffle_dyck("()"),
    "shuffle_dyck2": shuffle_dyck("()", "{}"),
    "has_focus": lambda xs: [any(y < x for y in xs) for x in xs],
    "count": everywhere(lambda xs: xs.count("a")),
    "contains": everywhere(lambda xs: "a" in xs),
    "max": lambda xs: [max(x, i) for i, x in enumerate(xs)],
    "min": lambda xs: [min(x, i) for i, x in enumerate(xs)],
    "largest": everywhere(max),
    "smallest": everywhere(min),
    "average": everywhere(fmean),
    "load_from_location": everywhere(lambda xs: xs[-1]),
    "shift": lambda xs: ["-", *xs[:-1]],
    "mark_first_instance": lambda xs: [i == first(xs, "a") for i in range(len(xs))],
    "mark_last_instance": lambda xs: [i == last(xs, "a") for i in range(len(xs))],
    "select_from_first": everywhere(lambda xs: first(xs, "a")),
    "select_from_last": everywhere(lambda xs: last(xs, "a")),
    "mark_first_of_each": lambda xs: [x not in xs[:i] for i, x in enumerate(xs)],
    "mark_last_of_each": lambda xs: [x not in xs[i + 1 :] for i, x in enumerate(xs)],
    "select_next_identical": next_identical,
    "sort": lambda xs: sorted(xs, reverse=True),
    "selector_width_pure": lambda xs: [sum(y <= x for y in xs) for x in xs],
}
"""By name; long_addition has a test of its own, since it means something on sums only."""
