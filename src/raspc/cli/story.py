"""What the passes did, and why each variable is stored as it is: for `raspc compile` and `raspc inspect`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from raspc.cli.output import answer, say, table

if TYPE_CHECKING:
    from raspc.weights import Model

COLUMNS = {
    "nodes": "nodes", "directions": "directions", "n_layers": "layers", "n_heads": "heads", "d_head": "d_head",
    "d_model": "d_model", "d_mlp": "d_mlp", "parameters": "parameters",
}  # fmt: skip


def facts(model: Model, passes: bool, explain: bool) -> dict[str, Any]:
    """What is asked for, as JSON data."""
    from raspc.weights.explain import explain as explanations

    found: dict[str, Any] = {}
    if passes:
        found |= {"passes": recorded(model), "schedule": model.alignment.get("schedule")}
    if explain:
        found["variables"] = [explanation.to_json() for explanation in explanations(model)]
    return found


def tell(model: Model, passes: bool, explain: bool, as_json: bool = False) -> None:
    """What is asked for, as JSON or as tables."""
    found = facts(model, passes, explain)
    answer(found, as_json, lambda: _tell(found, model.config.n_layers))


def recorded(model: Model) -> list[dict[str, Any]]:
    """What the compiler recorded of its passes. Raises InputError for a model of which nothing is recorded."""
    from raspc.errors import InputError

    if not model.alignment.get("passes"):
        raise InputError("the model holds no record of its passes; compile it again")
    return list(model.alignment["passes"])


def _tell(found: Mapping[str, Any], n_layers: int) -> None:
    if "passes" in found:
        table(("pass", *COLUMNS.values()), [_row(step) for step in found["passes"]])
        say(_schedule(found["schedule"]))
    if "variables" in found:
        rows = [row for variable in found["variables"] for row in _explained(variable, n_layers)]
        table(("variable", "is", "form, or why it needs no space", "dimensions", "from", "to", "read by"), rows)


def _row(step: Mapping[str, Any]) -> list[str]:
    return [step["name"], *(_change(step["before"].get(name), step["after"].get(name)) for name in COLUMNS)]


def _change(before: int | None, after: int | None) -> str:
    if before is None or after is None:
        return ""
    return f"{after:,}" if before == after else f"{before:,} → {after:,}"


def _schedule(schedule: Mapping[str, Any]) -> str:
    """The method, and what is left open."""
    if schedule.get("optimal"):
        return f"schedule: {schedule['method']}, proved optimal"
    bounds = schedule.get("bounds", {})
    gaps = [f"{name} {b['found']:,} where at least {b['least']:,} are needed" for name, b in bounds.items()]
    return f"schedule: {schedule['method']}, not proved optimal{': ' if gaps else ''}{', '.join(gaps)}"


def _explained(found: Mapping[str, Any], n_layers: int) -> Iterator[tuple[str, ...]]:
    """A row for each space of a variable, or for the reason why it has none."""
    from raspc.cli.inspect import stage

    if found["why"]:
        yield found["variable"], found["what"], found["why"], "", "", "", ""
    for i, home in enumerate(found["homes"]):
        first, last = home["dims"]
        start = ("", "") if i else (found["variable"], found["what"])
        end = "unused" if home["to_stage"] is None else stage(home["to_stage"], n_layers)
        dims = f"{first}–{last - 1}" if last > first + 1 else str(first)
        yield *start, home["form"], dims, stage(home["from_stage"], n_layers), end, ", ".join(home["readers"])
