"""The model card of a checkpoint, README.md: what it computes, how to run it, what is proved, and its limits.

Model cards: Mitchell et al. 2019, arXiv:1810.03993; the head is what the Hub of Hugging Face reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from raspc.export import cards
from raspc.export.checkpoint.labels import labels
from raspc.export.checkpoint.vocabulary import Vocabulary, text_of
from raspc.target.families import FAMILIES
from raspc.target.stock import Stock
from raspc.values import Value
from raspc.version import VERSION
from raspc.weights import Model
from raspc.weights.certificate import Certificate

TASKS: Mapping[str, str] = MappingProxyType({"lm": "text-generation", "labels": "token-classification"})
"""What a pipeline of transformers for an exit is called."""


def card(model: Model, stock: Stock, words: Vocabulary, stop: Value | None = None) -> str:
    """The whole page, in Markdown."""
    return "\n\n".join(_blocks(model, stock, words, stop)) + "\n"


def _blocks(model: Model, stock: Stock, words: Vocabulary, stop: Value | None) -> Iterator[str]:
    name = cards.name_of(model)
    tags = ["raspc", "RASP", "compiled", "interpretability"]
    yield f"---\nlibrary_name: transformers\npipeline_tag: {TASKS[stock.exit]}\ntags: [{', '.join(tags)}]\n---"
    yield f"# {name}, as a {stock.architecture}"
    yield (
        f"The weights of this {stock.architecture} were not trained. raspc {VERSION} compiled them from a program, "
        f"`{name}`, in the language RASP (Weiss, Goldberg, Yahav 2021). It is a stock model: `transformers` alone "
        "loads it, and no code lies beside the weights."
    )
    yield "## How to run it"
    prompt = _prompt(model, stock)
    yield _HOW[stock.exit].format(text=_example(stock, words) if prompt is None else _joined(prompt, words))
    if stock.exit == "lm":
        yield _batches(stock)
    yield "## What goes in, and what comes out"
    yield f"Tokens: {cards.listed(words.plain[: stock.n_inputs - 2])}. {_spaces(words)}"
    if prompt is not None and model.writing is not None:
        yield f"Prompts: `{cards.code(model.writing.written)}`."
    yield f"{_ANSWERS[stock.exit]}: {cards.listed(_answers(stock))}."
    yield "## The program"
    yield f"```\n{cards.program(model.program)}\n```"
    yield "## What is proved"
    yield _certificate(model.certificate, model.config.family, stock)
    yield "## What its dimensions hold"
    yield cards.labels(stock.labels)
    yield "## Limits"
    yield "\n".join(f"- {line}" for line in _limits(stock, words, stop))


_HOW = {
    "lm": "```python\nfrom transformers import pipeline\n\n"
    'generate = pipeline("text-generation", model="PATH")\n'
    "print(generate({text!r}, return_full_text=False))\n```",
    "labels": "```python\nfrom transformers import pipeline\n\n"
    'classify = pipeline("token-classification", model="PATH", ignore_labels=[])\n'
    "print(classify({text!r}))\n```",
}
"""`ignore_labels`: without it the pipeline drops the label O, which a program may well give."""

_ANSWERS = {
    "lm": "The next token, after each position, is one of",
    "labels": "Each token gets a label, the first that is largest, of",
}


def _example(stock: Stock, words: Vocabulary) -> str:
    """Some tokens of the program as text, three at most."""
    return _joined(words.plain[: min(3, stock.n_inputs - 2, stock.n_ctx - 1)], words)


def _joined(chosen: Sequence[str], words: Vocabulary) -> str:
    return ("" if words.is_of_characters else " ").join(chosen)


def _prompt(model: Model, stock: Stock) -> list[str] | None:
    """The first of the shortest prompts of a program that writes, as texts; None where every input is one."""
    writing = model.writing
    if writing is None or writing.prompts is None or stock.exit != "lm":
        return None
    longest = stock.n_ctx - 1
    length = next((n for n, many in enumerate(writing.prompts.sizes(longest)) if n and many), None)
    if length is None:
        return None
    (first,) = writing.prompts.inputs(length, 0, 1)
    return [text_of(model.as_written.vocab[token]) for token in first]


def _batches(stock: Stock) -> str:
    """What prompts of several lengths at once need: `max_length` counts what fills the shorter ones."""
    alone = (
        "Ask prompts of several lengths one at a time, as the pipeline does without `batch_size`: in a batch "
        "`max_length` counts the padding of the shorter ones"
    )
    if FAMILIES[stock.family].pos_embed is not None:
        return f"{alone}, and the table of positions ends where the longest one does."
    return f"{alone}. Or pass `max_new_tokens={stock.n_ctx}` in its place."


def _spaces(words: Vocabulary) -> str:
    if words.is_of_characters:
        return "Each is one character; spaces are dropped."
    return "Of several that fit the text the longest is taken, so put spaces between them; these are dropped."


def _answers(stock: Stock) -> Iterable[str]:
    if stock.exit == "labels":
        return labels(stock.answers)
    return (text_of(answer.value) for answer in sorted(stock.answers, key=lambda answer: answer.column))


def _certificate(found: Certificate | None, family: str, stock: Stock) -> str:
    what = cards.certificate(found)
    converted = found is not None and family != stock.family
    return f"Of the model of the target `{family}`, which this one was converted from. {what}" if converted else what


def _limits(stock: Stock, words: Vocabulary, stop: Value | None) -> Iterator[str]:
    """What the checkpoint does not do, a line each."""
    longest = f"Inputs of up to {stock.n_ctx - 1} tokens after {words.texts[words.bos]}"
    if stock.ends:
        yield f"{longest}; each longer one is answered with `{cards.code(text_of(stop))}`, which ends generation."
    else:
        yield f"{longest}; on longer ones the answers mean nothing{_beyond(stock)}."
    if stock.exit == "lm" and stop is None:
        yield f"There is no token that ends the answer; text ends at {stock.n_ctx + 1} tokens, `max_length`."
    elif stock.exit == "lm":
        yield f"`{cards.code(text_of(stop))}` ends the answer; so does `max_length`, {stock.n_ctx + 1} tokens."
    yield f"It answers exactly in {stock.dtype}; load it in that format, and do not cast or quantise it."
    unknown = words.texts[words.unknown]
    yield f"`{unknown}` stands for text that is no token; with it in the input the answers mean nothing."
    if stock.exit == "lm":
        yield "Choose the largest logit (`do_sample` is off): the others do not say how likely a token is."
    yield from stock.notes


def _beyond(stock: Stock) -> str:
    """What a language model does there that has no neuron to end it."""
    if stock.exit != "lm":
        return ""
    if FAMILIES[stock.family].pos_embed is not None:
        return ": the table of positions ends there, as `max_length` does; a greater one is an error of transformers"
    return ": nothing ends them but `max_length`, so leave it as it is"
