"""A gallery: for each program of the library its source and its live page, and one page that lists them all.

python examples/gallery.py [FOLDER]     open FOLDER/index.html in a browser
"""

from __future__ import annotations

import inspect
import random
import re
import sys
import textwrap
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name

import raspc
from raspc import library
from raspc.library import counting, search, sequences, tracr, weiss
from raspc.view import write_page
from raspc.view.show import show
from raspc.view.source import rasp_text
from raspc.weights.files import write_text

GROUPS: Mapping[str, Any] = {
    "What Tracr's users know": tracr,
    "From the RASP paper": weiss,
    "Counting": counting,
    "Looking up": search,
    "Rewriting": sequences,
}
"""The groups of the library, as docs/library.md has them."""

MOST_PATTERNS = 4
"""So many attention patterns are drawn on a card."""

FOLDER = Path(__file__).parent / "gallery"


@dataclass(frozen=True)
class Shown:
    """A program of the library, compiled at its default size, and an input that says something."""

    entry: library.Program
    model: raspc.Model
    tokens: Sequence[Any]

    @property
    def name(self) -> str:
        """The name of the program."""
        return self.entry.name

    @property
    def answer(self) -> Sequence[Any]:
        """What the model answers on the input."""
        return self.model.apply([self.model.config.bos, *self.tokens]).decoded[1:]

    @property
    def sizes(self) -> str:
        """Layers, heads and the width of the stream."""
        config = self.model.config
        return (
            f"{_many(config.n_layers, 'layer')} · {_many(config.n_heads, 'head')} each · d_model {config.d_model} · "
            f"{_many(config.d_mlp, 'neuron')} each"
        )


def _many(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def main(folder: Path, home: str | None = None) -> None:
    """Writes every page and the list. `home`: where the site's own pages begin, for a link back."""
    shown = {name: compiled(entry) for name, entry in library.PROGRAMS.items()}
    names = list(shown)
    for at, name in enumerate(names):
        one = shown[name]
        write_page(one.model, one.tokens, folder / "live" / f"{name}.html", name)
        around = (names[at - 1], names[(at + 1) % len(names)])
        write_text(folder / f"{name}.html", program_page(one, around))
    print(write_text(folder / "index.html", index(shown, home)))


def compiled(entry: library.Program) -> Shown:
    """A program at its default size."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library's notes stand on its pages
        model = raspc.compile(entry.program, entry.vocab, entry.max_seq_len, causal=entry.causal)
    return Shown(entry, model, example(model, entry.name))


def example(model: raspc.Model, name: str) -> list[Any]:
    """An input that says something: random tokens, always the same ones."""
    assert model.graph is not None
    length = model.graph.exact_length or min(6, model.config.max_seq_len)
    return random.Random(name).choices(model.graph.vocab, k=length)


# -- the list ------------------------------------------------------------------------------------


def index(shown: Mapping[str, Shown], home: str | None) -> str:
    """The page that lists all programs, in groups, with a box to search in."""
    back = f'<a class="back" href="{escape(home)}">← raspc</a>' if home else ""
    return _page(
        "Gallery",
        f"<header>{back}<h1>Gallery</h1><p>{len(shown)} programs, each compiled exactly into the weights of a "
        'transformer. Open one to see it run.</p><label for="search">Search</label>'
        '<input id="search" type="search" placeholder="sort, brackets, count, Weiss …" autocomplete="off">'
        '<p id="found" role="status"></p></header><main>'
        + "".join(_group(title, room, shown) for title, room in GROUPS.items())
        + "</main>",
        script="search.js",
    )


def _group(title: str, room: Any, shown: Mapping[str, Shown]) -> str:
    cards = "".join(card(shown[entry.name]) for entry in room.PROGRAMS if entry.name in shown)
    if not cards:
        return ""
    return f'<section><h2>{escape(title)}</h2><div class="cards">{cards}</div></section>'


def card(one: Shown) -> str:
    """The place of a program in the list: a small picture of its run, what it does, an example, its size."""
    words = " ".join([one.name, one.entry.description, one.entry.source]).lower()
    return (
        f'<article data-words="{escape(words)}"><a href="{one.name}.html">{thumbnail(one)}'
        f"<h3>{escape(one.name)}</h3></a>"
        f"<p>{prose(one.entry.description)}</p><p><code>{line(one.tokens)} → {line(one.answer)}</code></p>"
        f'<p class="sizes">{escape(one.sizes)}</p></article>'
    )


def thumbnail(one: Shown) -> str:
    """The attention patterns of the run, side by side; of a model without heads the stream."""
    out = one.model.apply([one.model.config.bos, *one.tokens])
    patterns = [pattern[0, head] for pattern in out.attn_patterns for head in range(pattern.shape[1])]
    grids = patterns[:MOST_PATTERNS] or [out.residuals[-1][0]]
    size = max(len(grid) for grid in grids)
    parts = "".join(
        f'<g transform="translate({at * (size + 1)},0)">'
        f'<rect width="{len(grid[0])}" height="{len(grid)}" class="frame"/>'
        f"{''.join(_squares(grid))}</g>"
        for at, grid in enumerate(grids)
    )
    width = sum(len(grid[0]) + 1 for grid in grids) - 1
    told = f'role="img" aria-label="Attention of {escape(one.name)}"'
    return f'<svg viewBox="0 0 {max(width, 4 * size)} {size}" preserveAspectRatio="xMinYMid" {told}>{parts}</svg>'


def _squares(grid: Any) -> Iterator[str]:
    for y, row in enumerate(grid):
        for x, value in enumerate(row):
            if (strength := min(abs(float(value)), 1.0)) > 0.02:
                yield f'<rect x="{x}" y="{y}" width="1" height="1" opacity="{strength**0.5:.2f}"/>'


# -- one program ---------------------------------------------------------------------------------


def program_page(one: Shown, around: tuple[str, str]) -> str:
    """A program with its source in RASP and in Python, and its live page in a frame; the way back, and the ways on."""
    before, after = around
    return _page(
        one.name,
        f'<header class="bar"><a class="back" href="index.html">← Gallery</a><h1>{escape(one.name)}</h1>'
        f'<nav aria-label="Other programs"><a href="{before}.html" rel="prev">{before}</a> '
        f'<a href="{after}.html" rel="next">{after}</a></nav></header><main><div class="about">'
        f"<p>{prose(one.entry.description)} <span class='sizes'>{escape(one.sizes)} · "
        f"from {escape(one.entry.source)}</span></p>"
        f"<details><summary>Source in RASP</summary>{in_rasp(one)}</details>"
        f"<details><summary>Source in Python</summary>{coloured(python_source(one.entry), 'python')}</details>"
        f"</div><iframe src='live/{escape(one.name)}.html' title='The live page of {escape(one.name)}'></iframe>"
        "</main>",
        kind="program",
    )


def in_rasp(one: Shown) -> str:
    """The program in RASP's own text, coloured; or why there is none."""
    assert one.model.program is not None
    try:
        return coloured(rasp_text(one.model.program), "rasp")
    except raspc.UnsupportedProgram as refusal:
        return f"<p>RASP's own text has no words for this program: {escape(str(refusal).partition('; needed')[0])}.</p>"


def python_source(entry: library.Program) -> str:
    """The function that builds the program, as it stands in the library."""
    return textwrap.dedent(inspect.getsource(entry.build))


def coloured(text: str, language: str) -> str:
    """A source with colours."""
    return str(highlight(text, get_lexer_by_name(language), HtmlFormatter(cssclass="code", wrapcode=True)))


def prose(text: str) -> str:
    """A sentence, escaped, with what stands in backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def line(values: Sequence[object]) -> str:
    """Values side by side, escaped."""
    return escape(" ".join(show(value) for value in values))


def _page(title: str, body: str, script: str | None = None, kind: str = "list") -> str:
    """A whole page, with its style and script in it."""
    light = HtmlFormatter(style="friendly", cssclass="code").get_style_defs(".code")
    dark = textwrap.indent(HtmlFormatter(style="monokai", cssclass="code").get_style_defs(".code"), "  ")
    style = f"{_text('gallery.css')}\n{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n"
    running = f"<script>{_text(script)}</script>" if script else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, '
        f'initial-scale=1"><title>{escape(title)} · raspc gallery</title><style>{style}</style></head>'
        f'<body class="{kind}">{body}{running}</body></html>'
    )


def _text(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "artifacts/gallery"))
