"""A gallery: a page for each program of the library at its default size, and one page that lists them.

python examples/gallery.py [FOLDER]     open FOLDER/index.html in a browser
"""

from __future__ import annotations

import random
import sys
import warnings
from collections.abc import Sequence
from html import escape
from pathlib import Path

import raspc
from raspc import library
from raspc.view import write_page
from raspc.view.show import show
from raspc.weights.files import write_text

STYLE = """
:root { color-scheme: light dark; --page: light-dark(#f5f6f8, #0f1216); --panel: light-dark(#fff, #171b21);
  --line: light-dark(#d5dbe3, #313945); --text: light-dark(#18202b, #e6eaf0); --muted: light-dark(#566273, #9aa7b8);
  --accent: light-dark(#1f5fc4, #7fb0ff); }
body { margin: 0 auto; max-width: 1320px; padding: 24px; background: var(--page); color: var(--text);
  font: 15px/1.5 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
p, h1, h2 { margin: 0; } h1 { font-size: 24px; } header p, .sizes { color: var(--muted); }
main { display: grid; gap: 14px; margin-top: 20px;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 290px), 1fr)); }
article { background: var(--panel); border: 1px solid var(--line); border-radius: 10px; padding: 14px 16px;
  display: grid; gap: 6px; align-content: start; }
h2 { font: 600 16px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; } a { color: var(--accent); }
code { font: 13px/1.5 ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
.sizes { font-size: 13px; }
"""


def main(folder: Path) -> None:
    """Writes every page and the list."""
    cards = [card(entry, folder) for entry in library.PROGRAMS.values()]
    text = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, '
        f'initial-scale=1"><title>raspc gallery</title><style>{STYLE}</style></head><body><header><h1>Gallery</h1>'
        f"<p>{len(cards)} programs, each compiled exactly into the weights of a transformer. Open one.</p>"
        f"</header><main>{''.join(cards)}</main></body></html>"
    )
    print(write_text(folder / "index.html", text))


def card(entry: library.Program, folder: Path) -> str:
    """Compile a program, write its page, and give its place in the list."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library's notes stand on its pages
        model = raspc.compile(entry.program, entry.vocab, entry.max_seq_len, causal=entry.causal)
    tokens = example(model, entry.name)
    path = write_page(model, tokens, folder / f"{entry.name}.html", entry.name)
    answer = model.apply([model.config.bos, *tokens]).decoded[1:]
    config = model.config
    sizes = f"{config.n_layers} layers · {config.n_heads} heads each · d_model {config.d_model}"
    return (
        f'<article><h2><a href="{escape(path.name)}">{escape(entry.name)}</a></h2><p>{escape(entry.description)}</p>'
        f"<p><code>{line(tokens)} → {line(answer)}</code></p><p class='sizes'>{escape(sizes)}</p></article>"
    )


def example(model: raspc.Model, name: str) -> list[object]:
    """An input that says something: random tokens, always the same ones."""
    length = model.graph.exact_length or min(6, model.config.max_seq_len)
    return random.Random(name).choices(model.graph.vocab, k=length)


def line(values: Sequence[object]) -> str:
    """Values side by side, escaped."""
    return escape(" ".join(show(value) for value in values))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "artifacts/gallery"))
