"""How answers leave a stock model: as ids of tokens (`lm`), or as the columns of a token classifier (`labels`)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from raspc import values
from raspc.errors import InputError
from raspc.graph.nodes import Listed
from raspc.stock.frame import Floats
from raspc.stock.plainly import Map
from raspc.target.stock import Answer
from raspc.values import Value
from raspc.weights.model import Model

NO_ANSWER = -(2.0**14)
"""The logit of what is no answer, where answers do not lie lower still."""
REFUSED = 1 << 16
"""An answer that is one of more values than this is no token."""


class Exit(NamedTuple):
    """The head [d_model, columns], what its columns mean, and the answers that are no input tokens."""

    head: Map
    answers: tuple[Answer, ...]
    added: tuple[Value, ...]


def labels(model: Model, unembed: Map) -> Exit:
    """The columns of the plain model."""
    output = model.config.output
    if output.kind == "categorical":
        return Exit(unembed, tuple(Answer(i, value) for i, value in enumerate(output.values)), ())
    specials = tuple(Answer(i + 1, value, "special") for i, value in enumerate(output.values))
    return Exit(unembed, (Answer(0, None, "number"), *specials), ())


def lm(model: Model, unembed: Map) -> Exit:
    """A column for each token: answers that are input tokens have their ids, others are tokens behind PAD.

    One more column is that of unknown words. Raises InputError for a number that is not one of a list.
    """
    score, found = _scores(model, unembed)
    vocab = model.config.vocab
    known = {
        values.key(token): i for i, token in enumerate(vocab) if i not in (model.config.bos_id, model.config.pad_id)
    }
    added = tuple(value for value in found if values.key(value) not in known)
    ids = known | {values.key(value): len(vocab) + i for i, value in enumerate(added)}
    columns = [ids[values.key(value)] for value in found]
    n = len(vocab) + len(added) + 1
    w = np.zeros((len(unembed.w), n))
    b = np.full(n, NO_ANSWER)
    w[:, columns], b[columns] = score
    return Exit(Map(w, b), tuple(map(Answer, columns, found)), added)


def _scores(model: Model, unembed: Map) -> tuple[Map, tuple[Value, ...]]:
    """A logit for each value that the program can give, and these values."""
    output = model.config.output
    if output.kind == "categorical":
        return unembed, output.values
    graph = model.tabulated
    domain = graph.variable(graph.output).domain
    if not isinstance(domain, Listed) or len(domain) > REFUSED:
        raise InputError(
            "the answers are numbers that are not listed, so they are no tokens; export with the exit labels, which "
            "gives the number itself"
        )
    return _nearest(unembed, output.values, domain), tuple(domain.values)


def _nearest(unembed: Map, specials: tuple[Value, ...], domain: Listed) -> Map:
    """Logits the largest of which is that of the value nearest to a number x: 2·v·x − v², about the middle of all.

    A special value is above all of them where its indicator exceeds ½, and below where it does not.
    """
    numbers = domain.numbers[domain.is_number]
    middle = float(np.round((numbers.min() + numbers.max()) / 2)) if len(numbers) else 0.0
    v = domain.numbers - middle
    top = 2.0 ** np.ceil(np.log2(4 * max(float(np.abs(v).max(initial=0.0)), 1.0) ** 2))
    w, b = np.zeros((len(unembed.w), len(domain))), np.zeros(len(domain))
    for i, value in enumerate(domain.values):
        if domain.is_number[i]:
            w[:, i] = 2 * v[i] * unembed.w[:, 0]
            b[i] = 2 * v[i] * (unembed.b[0] - middle) - v[i] ** 2
        else:
            column = 1 + next(j for j, one in enumerate(specials) if values.key(one) == values.key(value))
            w[:, i] = 2 * top * unembed.w[:, column]
            b[i] = top * (2 * unembed.b[column] - 1)
    return Map(w, b)


EXITS = {"lm": lm, "labels": labels}


def below(head: Map, answers: tuple[Answer, ...], largest: Floats) -> Map:
    """The head with the columns of no answer below any logit that an answer can have.

    `largest`: how large each dimension of the stream can be.
    """
    columns = [answer.column for answer in answers]
    lowest = -float((np.abs(head.w[:, columns]) * largest[:, None]).sum(axis=0).max(initial=0.0))
    lowest -= float(np.abs(head.b[columns]).max(initial=0.0))
    b = head.b.copy()
    others = np.ones(len(b), bool)
    others[columns] = False
    b[others] = min(NO_ANSWER, -(2.0 ** np.ceil(np.log2(max(1.0, -2 * lowest)))))
    return Map(head.w, b)
