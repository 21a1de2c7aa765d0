"""What the model cards of exported directories have in common: the program, what is proved, and what dimensions hold.

Model cards: Mitchell et al. 2019, arXiv:1810.03993.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from raspc.graph.nodes import Graph
from raspc.weights import Model, wording
from raspc.weights.certificate import Certificate

MOST_WORDS = 60
"""How many tokens, answers or labels a card lists."""
MOST_LINES = 80
"""How many lines of a program a card shows."""
MOST_COLUMNS = 200
"""How much of each of them."""


def name_of(model: Model) -> str:
    """What the program is called."""
    return "a program" if model.graph is None else model.graph.labels[model.graph.output]


def listed(texts: Iterable[str]) -> str:
    """Texts as code, side by side; of many the first, and how many there are."""
    found = [f"`{code(text)}`" for text in texts]
    return ", ".join(found[:MOST_WORDS]) + (f", … ({len(found)} in all)" if len(found) > MOST_WORDS else "")


def code(text: str) -> str:
    """A text between back quotes: as Python writes it, where it has some of its own or does not show."""
    return text if text.isprintable() and text.strip() == text and "`" not in text else repr(text).replace("`", "\\x60")


def program(found: Graph | None) -> str:
    """The graph of tables, a line for each node."""
    lines = [] if found is None else str(found).splitlines()
    shown = [line if len(line) <= MOST_COLUMNS else f"{line[:MOST_COLUMNS]} …" for line in lines[:MOST_LINES]]
    return "\n".join(shown + (["…"] if len(lines) > MOST_LINES else [])).replace("```", "` ` `")


def certificate(found: Certificate | None) -> str:
    """The verdict, what it means, the weakest decision, and what is assumed."""
    if found is None:
        return "Nothing: the model was compiled without a certificate."
    verdict = found.verdict.partition(":")[0].capitalize()
    what = f"{verdict}, in {found.dtype}, up to length {found.max_seq_len}: {found.says}."
    if (weakest := found.weakest) is not None:
        what += f" The weakest decision {wording.share(weakest)}: {wording.sentence(weakest)}."
    return what + "".join(f"\n- assumed: {line}" for line in found.assumptions)


def labels(found: Sequence[str]) -> str:
    """What each dimension of the residual stream holds: stretches of one variable together."""
    return "\n".join(["| dimensions | hold |", "|---|---|", *_rows(found)])


def _rows(found: Sequence[str]) -> Iterator[str]:
    stretches: list[tuple[str, int, int]] = []
    for at, label in enumerate(found):
        variable = label.rpartition(":")[0] or label
        if stretches and stretches[-1][0] == variable:
            stretches[-1] = (variable, stretches[-1][1], at)
        else:
            stretches.append((variable, at, at))
    for _, first, last in stretches[:MOST_WORDS]:
        shown = f"`{_cell(found[first])}`" + (f" … `{_cell(found[last])}`" if last > first else "")
        yield f"| {first}{f'–{last}' if last > first else ''} | {shown} |"
    if len(stretches) > MOST_WORDS:
        yield f"| … | {len(stretches)} stretches in all |"


def _cell(label: str) -> str:
    """A label within a cell of a table."""
    return code(label[:MOST_COLUMNS]).replace("|", "\\|")
