"""What the passes did, and why each variable is stored as it is: for `raspc compile` and `raspc inspect`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from raspc.cli.output import say, table

if TYPE_CHECKING:
    from raspc.rasp import SOp
    from raspc.weights import Model
    from raspc.weights.alignment import PassFacts, ScheduleFacts

COLUMNS = {
    "nodes": "nodes", "directions": "directions", "n_layers": "layers", "n_heads": "heads", "d_head": "d_head",
    "d_model": "d_model", "d_mlp": "d_mlp", "parameters": "parameters",
}  # fmt: skip


LARGE = 1_000_000
"""A model of more parameters is not compiled again without each pass unless that is asked for."""


def facts(
    model: Model, passes: bool, explain: bool, each: bool | None = None, program: SOp | None = None
) -> dict[str, Any]:
    """What is asked for, as JSON data. `each`: whether to compile without each pass; None: if it is not large."""
    from raspc.study.ablation import ablations
    from raspc.study.explain import explain as explanations

    found: dict[str, Any] = {}
    if passes:
        found |= {
            "passes": [one.to_json() for one in recorded(model)],
            "schedule": model.alignment.schedule and model.alignment.schedule.to_json(),
            "frontier": [list(size) for size in model.alignment.frontier],
            "padding": 0 if model.plan is None else model.plan.padding.parameters,
        }
        large = sum(array.size for array in model.params.values()) > LARGE
        without = [one.to_json() for one in ablations(model, program)] if each or (each is None and not large) else None
        found["without"] = without
    if explain:
        found["variables"] = [explanation.to_json() for explanation in explanations(model)]
    return found


def planned(model: Model) -> dict[str, str]:
    """The plan as text. Raises InputError for a model that was saved without one."""
    from raspc.errors import InputError
    from raspc.weights.format1 import plan_of

    if (plan := plan_of(model)) is None:
        raise InputError("the model was saved without a plan; compile it again")
    return {"plan": str(plan)}


def tell(model: Model, found: Mapping[str, Any]) -> None:
    """The same as tables, and the plan as text."""
    if "passes" in found:
        say("what was done, pass after pass:")
        table(("pass", "changes", *COLUMNS.values()), [_row(one) for one in recorded(model) if one.changed != 0])
        if model.alignment.schedule is not None:
            say(_schedule(model.alignment.schedule))
        if model.alignment.frontier:
            say(frontier(model))
        if found["padding"]:
            say(_padding(model))
        _tell_without(found["without"])
    if "variables" in found:
        rows = [row for variable in found["variables"] for row in _explained(variable, model.config.n_layers)]
        table(("variable", "is", "form, or why it needs no space", "dimensions", "from", "to", "read by"), rows)
    if "plan" in found:
        for line in found["plan"].splitlines():
            say(line)


def frontier(model: Model) -> str:
    """Layers against parameters, of the plans that were made."""
    made = model.alignment.frontier
    if not made:
        return "layers against parameters: no plan that was made is smaller with more layers"
    each = (
        f"{layers:,}: {parameters:,}" + " (taken)" * (layers == model.config.n_layers) for layers, parameters in made
    )
    return f"layers against parameters, of the plans that were made: {'; '.join(each)}"


def _padding(model: Model) -> str:
    """What fills up layers to the widest one."""
    from raspc.plan.text import padding_text

    return "" if model.plan is None else padding_text(model.plan)


def _tell_without(found: Sequence[Mapping[str, Any]] | None) -> None:
    """The model without each pass → as it is; passes without which it would be the same in a line."""
    if found is None:
        say("--each compiles it without each pass in turn")
        return
    changed = [one for one in found if one["before"] != one["after"]]
    columns = {name: title for name, title in COLUMNS.items() if name != "directions"}
    if changed:
        say("\nthe model without a pass → as it is:")
        table(("pass", "what it does", *columns.values()), [_ablated(one, columns) for one in changed])
    same = [one["name"] for one in found if one["before"] == one["after"]]
    if same:
        say(f"the same sizes without {', '.join(same)}")


def _ablated(one: Mapping[str, Any], columns: Mapping[str, str]) -> list[str]:
    if one["before"] is None:
        return [one["name"], one["does"], "refused", *([""] * (len(columns) - 1))]
    return [one["name"], one["does"], *(_change(one["before"][name], one["after"][name]) for name in columns)]


def recorded(model: Model) -> tuple[PassFacts, ...]:
    """What the compiler recorded of its passes. Raises InputError for a model of which nothing is recorded."""
    from raspc.errors import InputError

    if not model.alignment.passes:
        raise InputError("the model holds no record of its passes; compile it again")
    return model.alignment.passes


def _row(step: PassFacts) -> list[str]:
    changed = "" if step.changed is None else str(step.changed)
    return [step.name, changed, *(_change(step.before.get(name), step.after.get(name)) for name in COLUMNS)]


def _change(before: int | None, after: int | None) -> str:
    if before is None or after is None:
        return ""
    return f"{after:,}" if before == after else f"{before:,} → {after:,}"


def _schedule(schedule: ScheduleFacts) -> str:
    """The method, and what is left open."""
    if schedule.optimal:
        return f"schedule: {schedule.method}, proved optimal"
    gaps = [f"{name} {b.found:,} where at least {b.least:,} are needed" for name, b in schedule.bounds.items()]
    return f"schedule: {schedule.method}, not proved optimal{': ' if gaps else ''}{', '.join(gaps)}"


def _explained(found: Mapping[str, Any], n_layers: int) -> Iterator[tuple[str, ...]]:
    """A row for each space of a variable, or for the reason why it has none."""
    if found["why"]:
        yield found["variable"], found["what"], found["why"], "", "", "", ""
    for i, home in enumerate(found["homes"]):
        first, last = home["dims"]
        start = ("", "") if i else (found["variable"], found["what"])
        end = "unused" if home["to_stage"] is None else stage(home["to_stage"], n_layers)
        dims = f"{first}–{last - 1}" if last > first + 1 else str(first)
        yield *start, home["form"], dims, stage(home["from_stage"], n_layers), end, ", ".join(home["readers"])


def stage(number: int, n_layers: int) -> str:
    """The name of a stage; the last is the output."""
    from raspc.certify.checking.variables import stage_name

    return "output" if number >= 2 * n_layers else stage_name(number)
