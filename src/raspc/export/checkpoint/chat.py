"""How a chat asks a program that writes: a message is a prompt, and the token that ends every prompt is put after it.

`12+09` asks a program whose prompts are `12+09=`. The template is one of Jinja, as transformers and llama.cpp read it.
"""

from __future__ import annotations

import json

import numpy as np

from raspc.export.checkpoint.vocabulary import text_of
from raspc.regular.automaton import Automaton
from raspc.values import Value
from raspc.weights import Model


def template(model: Model) -> str | None:
    """The template of a program that writes; None for another program."""
    writing = model.writing
    if writing is None:
        return None
    asked = "{{ bos_token }}{% set asked = messages[-1]['content'] | trim %}{{ asked }}"
    mark = None if writing.prompts is None else _end_of(writing.prompts, model.as_written.vocab)
    if mark is None:
        return asked
    text = json.dumps(text_of(mark), ensure_ascii=False)
    return asked + "{% if not asked.endswith(" + text + ") %}{{ " + text + " }}{% endif %}"


def _end_of(prompts: Automaton, vocab: tuple[Value, ...]) -> Value | None:
    """The token that every prompt ends with, and that stands nowhere else in it; None where there is none."""
    last = (prompts.moves >= 0) & prompts.accepting[prompts.moves]
    tokens = np.flatnonzero(last.any(axis=0))
    ends = len(tokens) == 1 and not prompts.accepting[:1].any()
    return vocab[tokens[0]] if ends and bool((prompts.moves[:, tokens[0]] >= 0).sum() == last.sum()) else None
