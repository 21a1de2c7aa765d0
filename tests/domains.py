"""Random domains: as the text of what `where=` takes, each with a plain way to tell which inputs it permits."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from random import Random
from typing import Any

import raspc
from raspc import InputError, rasp, values


@dataclass(frozen=True)
class Where:
    """A domain as Python; `letters` is the same regular expression over a letter for each token of `vocab`.

    `occur`: the tokens that programs may have to be defined on. `once`: the one that no input holds twice.
    """

    text: str
    vocab: tuple[Any, ...]
    occur: tuple[Any, ...]
    letters: str | None = None
    once: Any = None

    @property
    def value(self) -> Any:
        """What `where=` takes."""
        return eval(self.text, {"rasp": rasp})

    def permits(self, xs: Sequence[Any], causal: bool) -> bool:
        """Whether an input is permitted, without the compiler."""
        if self.letters is not None:
            return re.fullmatch(self.letters, "".join(_letter(self.vocab, x) for x in xs)) is not None
        if isinstance(self.value, list):
            return [values.key(x) for x in xs] in [[values.key(x) for x in ys] for ys in self.value]
        try:
            return all(values.same(x, True) for x in raspc.interpret(self.value, xs, causal))
        except InputError:
            return False


def _letter(vocab: Sequence[Any], token: Any) -> str:
    return chr(ord("a") + [values.key(x) for x in vocab].index(values.key(token)))


def random_where(rng: Random, vocab: tuple[Any, ...], longest: int) -> Where:
    """A domain of a random kind. Seldom it permits no input at all, or every one."""
    where = rng.choice(KINDS)(rng, vocab, longest)
    return where if where.letters is None or _permits_some(where, longest) else _marked(rng, vocab, longest)


def _permits_some(where: Where, longest: int) -> bool:
    """Whether some input of few tokens is permitted."""
    lengths = range(1, min(longest, 3) + 1)
    return any(where.permits(xs, False) for n in lengths for xs in product(where.vocab, repeat=n))


Node = tuple[Any, ...]
"""A regular expression: ("token", i), or an operator and its parts."""


def _expression(rng: Random, vocab: tuple[Any, ...], longest: int) -> Where:
    return _written(vocab, _tree(rng, len(vocab), 3))


def _tree(rng: Random, tokens: int, depth: int) -> Node:
    if not depth or rng.random() < 0.2:
        some = sorted(rng.sample(range(tokens), rng.randint(1, tokens)))
        return ("|", *(("token", i) for i in some))
    kind = rng.choice(("|", "row", "row", "*", "+", "?", "times"))
    count = rng.randint(2, 3) if kind in ("|", "row") else 1
    parts = tuple(_tree(rng, tokens, depth - 1) for _ in range(count))
    least = rng.randint(0, 2)
    return (f"{{{least},{least + rng.randint(0, 2)}}}", *parts) if kind == "times" else (kind, *parts)


def _written(vocab: tuple[Any, ...], tree: Node, once: Any = None) -> Where:
    token = {i: f"<{re.escape(str(x))}>" for i, x in enumerate(vocab)}
    letter = {i: _letter(vocab, x) for i, x in enumerate(vocab)}
    occur = tuple(vocab[i] for i in sorted(set(_tokens(tree))))
    return Where(repr(_text(tree, token)), vocab, occur, _text(tree, letter), once)


def _tokens(tree: Node) -> Iterator[int]:
    if tree[0] == "token":
        yield tree[1]
    else:
        for part in tree[1:]:
            yield from _tokens(part)


def _text(tree: Node, texts: dict[int, str]) -> str:
    kind, *parts = tree
    if kind == "token":
        return texts[parts[0]]
    found = [_text(part, texts) for part in parts]
    joined = ("|" if kind == "|" else "").join(found)
    return f"({joined})" + ("" if kind in ("|", "row") else kind)


def _marked(rng: Random, vocab: tuple[Any, ...], longest: int) -> Where:
    """One marker among others, perhaps none."""
    marker = rng.randrange(len(vocab))
    others = [("token", i) for i in range(len(vocab)) if i != marker]
    rest: Node = ("*", ("|", *others)) if others else ("row",)
    end: Node = ("row",) if rng.random() < 0.3 else rest
    one: Node = ("?", ("token", marker)) if rng.random() < 0.3 else ("token", marker)
    return _written(vocab, ("row", rest, one, end), vocab[marker])


def _list(rng: Random, vocab: tuple[Any, ...], longest: int) -> Where:
    some = rng.sample(vocab, rng.randint(1, len(vocab)))
    inputs = [rng.choices(some, k=rng.randint(1, longest)) for _ in range(rng.randint(1, 12))]
    return Where(repr(inputs), vocab, tuple(x for x in vocab if any(x in xs for xs in inputs)))


def _condition(rng: Random, vocab: tuple[Any, ...], longest: int) -> Where:
    """An s-op: some that are automata, and some that are asked of each input."""
    one, other, n = rng.choice(vocab), rng.choice(vocab), rng.randrange(longest)
    count = f"rasp.SelectorWidth(rasp.Select(rasp.tokens, rasp.Full({one!r}), rasp.Comparison.EQ))"
    without = tuple(x for x in vocab if x is not one) or vocab
    text, occur, once = rng.choice((
        (f"{count} <= 1", vocab, one),
        (f"{count} == rasp.SelectorWidth(rasp.Select(rasp.tokens, {other!r}, rasp.Comparison.EQ))", vocab, None),
        (f"({count} >= 1) | (rasp.length < {n})", vocab, None),
        (f"(rasp.tokens != {one!r}) | (rasp.indices == {n})", vocab, one),
        (f"(rasp.tokens == {one!r}) == (rasp.indices == rasp.length - 1)", vocab, one),
        (f"rasp.tokens != {one!r}" if len(vocab) > 1 else "rasp.length > 0", without, None),
        (f"rasp.assume(rasp.length, range(1, {longest + 1})) > {n}", vocab, None),
    ))  # fmt: skip
    return Where(text, vocab, occur, once=once)


KINDS: tuple[Callable[[Random, tuple[Any, ...], int], Where], ...] = (_expression, _marked, _marked, _list, _condition)
