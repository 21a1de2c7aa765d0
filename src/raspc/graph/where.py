"""From what a person gives as `where=` to a `Domain`: an expression over tokens, an s-op, inputs, or a function."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raspc import arguments, rasp
from raspc import values as V
from raspc.errors import InvalidProgram, wrong_kind
from raspc.graph.build import build
from raspc.graph.domain import EVERYTHING, Domain
from raspc.graph.nodes import Graph, Index, Length, Listed, Token
from raspc.graph.permitted import LISTED
from raspc.graph.tables import listings
from raspc.regular.automaton import Automaton, everything, explored, of_inputs
from raspc.regular.expression import automaton_of

MOST_CELLS = 1 << 15
"""The most (position, token) or (position, length) pairs over which a condition is turned into an automaton."""

Where = str | rasp.SOp | Iterable[Sequence[Any]] | Callable[[list[Any]], Any] | None


def domain_of(where: Any, vocab: tuple[Any, ...], max_len: int, causal: bool = False) -> Domain:
    """The domain that `where` describes, over a vocabulary in canonical order.

    A text is a regular expression over tokens (`raspc.regular.expression`); an s-op must be True at every position; an
    iterable holds the inputs themselves; a function is called with the tokens of an input. Of inputs that are few
    enough to be called with, one by one, a function is turned into the set of those of which it says True.

    Raises InvalidProgram for a malformed expression, an s-op that is not always True, False or None, and inputs that
    the vocabulary or the length does not allow; TypeError for anything else.
    """
    if where is None:
        return EVERYTHING
    if isinstance(where, Domain):
        return where
    if isinstance(where, str):
        return _settled(Domain(automaton_of(where, vocab), written=where), max_len)
    if isinstance(where, rasp.SOp):
        return _of_condition(where, vocab, max_len, causal)
    if isinstance(where, rasp.Expr):
        raise wrong_kind("where", where, "an s-op; aggregate the selector, or take its width")
    if callable(where):
        return _of_function(where, vocab, max_len)
    if isinstance(where, Iterable):
        inputs = list(_checked(where, vocab, max_len))
        return Domain(of_inputs(inputs, len(vocab)), written=f"one of {len(set(inputs)):,} inputs")
    raise wrong_kind("where", where, "a regular expression, an s-op, a list of inputs, or a function of the tokens")


def _settled(domain: Domain, max_len: int) -> Domain:
    """The domain; `EVERYTHING` where it leaves out no input of 1 to `max_len` tokens."""
    assert domain.automaton is not None
    sides = (domain.automaton, everything(domain.automaton.n_tokens))
    return EVERYTHING if sides[0].sizes(max_len)[1:] == sides[1].sizes(max_len)[1:] else domain


def _checked(inputs: Iterable[Any], vocab: tuple[Any, ...], max_len: int) -> Iterator[tuple[int, ...]]:
    known = Listed(vocab)
    for xs in inputs:
        if isinstance(xs, rasp.Expr) or not isinstance(xs, Iterable):
            raise wrong_kind("where: an input", xs, "a sequence of tokens")
        tokens = [V.plain(x) for x in xs]
        if len(tokens) > max_len:
            raise InvalidProgram(
                f"where: the input {tokens!r} has {len(tokens)} tokens; the maximum length is {max_len}"
            )
        try:
            yield tuple(known.ids(tokens))
        except (KeyError, TypeError):
            raise InvalidProgram(f"where: the input {tokens!r} holds a token that is not in the vocabulary") from None


def _of_function(function: Callable[[list[Any]], Any], vocab: tuple[Any, ...], max_len: int) -> Domain:
    written = f"{getattr(function, '__name__', 'a function')}(tokens)"
    whole = everything(len(vocab))
    if sum(whole.sizes(max_len)[1:]) > LISTED:
        return Domain(predicate=function, written=written)
    every = (tuple(ids) for n in range(1, max_len + 1) for ids in whole.inputs(n).tolist())
    kept = [ids for ids in every if arguments.says("where", function, [vocab[i] for i in ids])]
    return _settled(Domain(of_inputs(kept, len(vocab)), written=written), max_len)


def _of_condition(where: rasp.SOp, vocab: tuple[Any, ...], max_len: int, causal: bool) -> Domain:
    graph = build(where, vocab, max_len, causal)
    domain = graph.variable(graph.output).domain
    values = domain.values if isinstance(domain, Listed) else None
    if values is None or any(not (x is None or any(V.same(x, truth) for truth in (True, False))) for x in values):
        found = "numbers that are not listed" if values is None else f"{', '.join(map(repr, values[:5]))}"
        raise InvalidProgram(f"where: {where.told} can be {found}; needed an s-op that is True or False")
    written = f"{where.told} is True at every position"
    automaton = _regular(graph)
    if automaton is None:
        return Domain(condition=graph, written=written)
    return _settled(Domain(automaton, written=written), max_len)


def _regular(graph: Graph) -> Automaton | None:
    """The automaton of a condition that looks at nothing but token, index and length at its own position."""
    joint = listings(graph.nodes)[graph.output]
    if joint is None or graph.exact_length is not None:
        return None
    kinds = [type(graph[root]) for root in joint.roots]
    if not set(kinds) <= {Token, Index, Length}:
        return None
    if (len(graph.vocab) + graph.max_seq_len * (Length in kinds)) * graph.max_seq_len > MOST_CELLS:
        return None
    true = np.array([V.same(value, True) for value in graph.variable(graph.output).listed.values], bool)
    order = [kinds.index(kind) for kind in (Token, Index, Length) if kind in kinds]
    cells = (true[np.maximum(joint.cells, 0)] & (joint.cells >= 0)).transpose(order)
    shape = [cells.shape[order.index(kinds.index(kind))] if kind in kinds else 1 for kind in (Token, Index, Length)]
    holds = np.broadcast_to(cells.reshape(shape), (len(graph.vocab), graph.max_seq_len, shape[2]))

    def step(state: tuple[int, tuple[int, ...]]) -> Iterator[tuple[int, tuple[int, ...]] | None]:
        index, lengths = state
        for token in range(len(graph.vocab)):
            left = tuple(n for n in lengths if _fits(n, index, holds) and holds[token, index, n])
            yield (index + 1, left) if left else None

    def ends(state: tuple[int, tuple[int, ...]]) -> bool:
        return shape[2] == 1 or state[0] - 1 in state[1] or state[0] == 0

    return explored((0, tuple(range(shape[2]))), step, ends)


def _fits(length: int, index: int, holds: NDArray[np.bool_]) -> bool:
    """Whether a position can be in an input of the length with this number: an index is below the length."""
    return index < holds.shape[1] and (holds.shape[2] == 1 or index <= length)
