"""The page of a run: one HTML file that loads nothing from elsewhere, and is the same for the same answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from raspc.lab.runs.store import Answer, Settings
from raspc.lab.runs.summary import KINDS, SCORES, Line, summary
from raspc.lab.scores import Interval
from raspc.weights.files import write_text

PAGE = "report.html"
SHADES = 11
"""Scores are told by eleven shades too, from bad to good."""
LESS_IS_BETTER = ("cmd",)
TRUTHS = {
    "varying": "true by the weights: the program's values go along the edge to the answer",
    "under": "true by patching: an answer changes where the edge alone is corrupted",
}
READING = (
    ("AUROC", "the chance that a true edge scores higher than another one; 0.5 is guessing"),
    ("average precision", "the precision at each true edge, in the mean"),
    ("recall", "of the true edges, how many are among as many of the highest"),
    (
        "CPR, CMD",
        "the area under faithfulness, and between it and 1, over sizes from 0.001 to 1 (MIB); CMD is best at 0",
    ),
    (
        "answers kept",
        "of the answers, how many stay where all but as many of the highest as are true by “varying” is corrupted",
    ),
    ("complete, minimal", "whether nothing is missing in that circuit, and whether nothing of it can go"),
    ("–", "not told. Answers kept, complete and minimal are measured once, and told against “varying” alone"),
)
STYLE = (
    ":root{color-scheme:light dark;--ink:#1d1d1f;--paper:#fff;--line:#ccc}"
    "body{font:15px/1.5 system-ui,sans-serif;max-width:76rem;margin:2rem auto;padding:0 1rem;color:var(--ink);"
    "background:var(--paper)}"
    "table{border-collapse:collapse;margin:.5rem 0 1.5rem;font-size:13px;font-variant-numeric:tabular-nums}"
    "caption{text-align:left;font-weight:600;padding:.3rem 0}"
    "th,td{padding:.25rem .6rem;border-bottom:1px solid var(--line);text-align:right;font-weight:400}"
    "thead th{font-weight:600;vertical-align:bottom}th:first-child{text-align:left}small{font-size:11px}"
    "td[class]{white-space:nowrap}"
    ".wide{overflow-x:auto}dt{font-weight:600}dd{margin:0 0 .4rem 1rem}"
    + "".join(f".s{i}{{background:hsl(165 45% {97 - 3 * i}%)}}" for i in range(SHADES))
    + "@media(prefers-color-scheme:dark){:root{--ink:#e8e8ea;--paper:#17181a;--line:#444}"
    + "".join(f".s{i}{{background:hsl(165 45% {10 + 2 * i}%)}}" for i in range(SHADES))
    + "}"
)


def write_page(place: Path, settings: Settings, answers: Sequence[Answer], planned: int) -> Path:
    """Writes `report.html` into the directory of a run. Raises InputError where it cannot be written."""
    return write_text(place / PAGE, page(settings, answers, planned))


def page(settings: Settings, answers: Sequence[Answer], planned: int) -> str:
    """The text of the page. `planned`: how many answers were asked for."""
    rows = [row for answer in answers for row in answer.rows()]
    title = f"Methods against known circuits: {settings.asked.suite}"
    parts = [
        "<!doctype html>",
        f'<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>',
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{STYLE}</style></head><body><main>',
        f"<h1>{escape(title)}</h1>",
        _asked(settings, len(answers), planned),
        "<h2>Methods</h2>",
        *_methods(summary(rows)),
        "<h2>Models</h2>",
        *_models(rows, settings.asked.methods),
        *_refused(answers),
        "<h2>How to read the scores</h2>",
        _terms([*READING, *((f"truth “{name}”", told) for name, told in TRUTHS.items())]),
    ]
    return "\n".join([*parts, "</main></body></html>\n"])


def _asked(settings: Settings, answered: int, planned: int) -> str:
    asked = settings.asked
    done = f"{answered:,}" if answered == planned else f"{answered:,} of {planned:,}: run the same again to go on"
    return _terms(
        [
            ("models", f"{len(settings.models):,}"),
            ("answers", done),
            ("question", f"which {asked.granularity}s' edges matter, on at most {asked.pairs} pairs of inputs"),
            ("corruptions", ", ".join(asked.corruptions)),
            ("seeds", ", ".join(map(str, range(min(asked.seeds, 20)))) + (" …" if asked.seeds > 20 else "")),
            ("numbers", asked.dtype),
            ("made by", ", ".join(f"{name} {version}" for name, version in settings.made_by.items())),
        ]
    )


def _terms(pairs: Iterable[tuple[str, str]]) -> str:
    return "<dl>" + "".join(f"<dt>{escape(name)}</dt><dd>{escape(told)}</dd>" for name, told in pairs) + "</dl>"


def _methods(lines: Sequence[Line]) -> Iterable[str]:
    """A table for each corruption, kind of truth and level: methods by scores."""
    groups: dict[tuple[str, str, int | None], list[Line]] = {}
    for line in lines:
        groups.setdefault((line.corruption, line.truth, line.level), []).append(line)
    for (corruption, truth, level), found in groups.items():
        caption = f"{corruption}{_level(level)}, against the truth “{truth}”"
        yield _table(caption, ("method", "answers", *SCORES.values()), [_method(line) for line in found])


def _level(level: int | None) -> str:
    return "" if level is None else f", -O{level}"


def _method(line: Line) -> list[str]:
    count = f"{line.answers}" + (f" <small>({line.refused} refused)</small>" if line.refused else "")
    return [escape(line.method), f"<td>{count}</td>", *(_mean(name, line.means[name]) for name in SCORES)]


def _mean(name: str, found: Interval | None) -> str:
    if found is None:
        return "<td>–</td>"
    shaded = _shaded(1 - found.mean if name in LESS_IS_BETTER else found.mean)
    return f"{shaded}{found.mean:.3f} <small>[{found.low:.2f}, {found.high:.2f}]</small></td>"


def _shaded(value: float) -> str:
    return f'<td class="s{min(SHADES - 1, max(0, round(value * (SHADES - 1))))}">'


def _models(rows: Sequence[Mapping[str, Any]], methods: Sequence[str]) -> Iterable[str]:
    """A table for each corruption and kind of truth: the AUROC of each method on each model, the mean over seeds."""
    for corruption in dict.fromkeys(row["corruption"] for row in rows):
        for kind in KINDS:
            mine = [row for row in rows if (row["corruption"], row["truth"]) == (corruption, kind)]
            if not mine:
                continue
            caption = f"{corruption}, AUROC against the truth “{kind}”"
            names = dict.fromkeys(row["model"] for row in mine)
            found = [_model(name, [row for row in mine if row["model"] == name], methods) for name in names]
            yield _table(caption, ("model", "true", "of", *methods), found)


def _model(name: str, rows: Sequence[Mapping[str, Any]], methods: Sequence[str]) -> list[str]:
    counted = next((row for row in rows if row["of"] == "edges"), rows[0])
    cells = [escape(name), f"<td>{counted['true']}</td>", f"<td>{counted['candidates']}</td>"]
    return cells + [_auroc([row["auroc"] for row in rows if row["method"] == method]) for method in methods]


def _auroc(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{_shaded(sum(known) / len(known))}{sum(known) / len(known):.3f}</td>" if known else "<td>–</td>"


def _refused(answers: Sequence[Answer]) -> Iterable[str]:
    found = [answer for answer in answers if answer.refused is not None]
    if found:
        yield "<h2>Refused</h2>"
        told = [(one.model, one.method, one.question.corruption, str(one.refused)) for one in found]
        rows = [[escape(model), *map(_cell, rest)] for model, *rest in told]
        yield _table("What was not answered, and why", ("model", "method", "corruption", "why"), rows)


def _cell(text: str) -> str:
    return f"<td>{escape(text)}</td>"


def _table(caption: str, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table. Of each row the first is a text, the rest are whole cells."""
    top = "".join(f'<th scope="col">{escape(text)}</th>' for text in headers)
    body = "\n".join(f'<tr><th scope="row">{first}</th>{"".join(rest)}</tr>' for first, *rest in rows)
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{escape(caption)}"><table>'
        f"<caption>{escape(caption)}</caption><thead><tr>{top}</tr></thead>\n<tbody>{body}</tbody></table></div>"
    )
