"""Everything that can be left out of a compile for study, gathered from where it is declared.

Passes come from `raspc.passes.pipeline`; choices are the `CHOICE` or the `CHOICES` of the files that make the
candidates. Without one the model is another, as a rule a larger one, or the program is refused as too large; the
answers of a model never depend on it. What has no switch, because without it there would be no model, is named in
docs/passes.md.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from types import ModuleType

from raspc import blocks, graph, layout, target
from raspc.errors import InvalidProgram, wrong_kind
from raspc.numbers.choice import STEPS, Choice
from raspc.passes.contract import Pass
from raspc.passes.pipeline import PIPELINE

ROOMS: tuple[ModuleType, ...] = (graph, target, blocks, layout)
"""Where choices are declared."""


@dataclass(frozen=True)
class Switch:
    """A pass or a choice that can be left out, for `raspc list --passes`. `where`: the file that declares it."""

    name: str
    step: str
    does: str
    requires: str
    ensures: str
    where: str


def _gathered() -> tuple[Switch, ...]:
    """All switches in the order of the steps of a compile."""
    found = [*(_of_pass(one) for one in PIPELINE if one.optional), *_of_choices()]
    return tuple(sorted(found, key=lambda switch: STEPS.index(switch.step)))


def _of_pass(one: Pass) -> Switch:
    requires, ensures = ("; ".join(each.says for each in claims) for claims in (one.requires, one.ensures))
    return Switch(one.name, "passes", one.does, requires, ensures, _file(one.rewrite.__module__))


def _of_choices() -> Iterator[Switch]:
    for module in _modules():
        for choice in _declared(module):
            told = (choice.does, choice.requires, choice.ensures, _file(module.__name__))
            yield Switch(choice.name, choice.step, *told)


def _modules() -> Iterator[ModuleType]:
    for room in ROOMS:
        for found in pkgutil.walk_packages(room.__path__, f"{room.__name__}."):
            yield importlib.import_module(found.name)


def _declared(module: ModuleType) -> tuple[Choice, ...]:
    """The choices of one file."""
    one: Choice | None = getattr(module, "CHOICE", None)
    several: tuple[Choice, ...] = getattr(module, "CHOICES", ())
    return several if one is None else (one, *several)


def _file(module: str) -> str:
    return module.removeprefix("raspc.").replace(".", "/") + ".py"


SWITCHES: tuple[Switch, ...] = _gathered()
OPTIONAL: tuple[str, ...] = tuple(switch.name for switch in SWITCHES)


def checked(names: Collection[str]) -> tuple[str, ...]:
    """Names of passes and choices, in the order of the compiler.

    Raises InvalidProgram for one that there is not; TypeError for what is no collection of names, one alone among them.
    """
    if isinstance(names, str) or not isinstance(names, Collection) or not all(isinstance(name, str) for name in names):
        raise wrong_kind("disabled_passes", names, "names of passes, as a list or a set")
    if unknown := sorted(set(names) - set(OPTIONAL)):
        raise InvalidProgram(
            f"no pass that can be left out is called {' or '.join(map(repr, unknown))}; there are {', '.join(OPTIONAL)}"
        )
    return tuple(name for name in OPTIONAL if name in names)
