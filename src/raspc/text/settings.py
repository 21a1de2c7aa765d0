"""What the prompt shows after a statement, and the commands that change it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

Value = Any


@dataclass(frozen=True)
class Settings:
    """The example inputs, and which examples are shown."""

    sop_example: tuple[Value, ...] = tuple("hello")
    selector_example: tuple[Value, ...] = tuple("hello")
    show_sop: bool = True
    show_selector: bool = True
    full: bool = False
    """Show `[1, 1, 1]` as it is, not as `[1]*3`."""

    def with_example(self, kind: str | None, example: tuple[Value, ...]) -> Settings:
        """Another example for s-ops, for selectors, or for both."""
        sop = self.sop_example if kind == "selector" else example
        selector = self.selector_example if kind == "s-op" else example
        return replace(self, sop_example=sop, selector_example=selector)

    def with_full(self, full: bool) -> Settings:
        """Sequences of equal values written out, or not."""
        return replace(self, full=full)

    def with_shown(self, kind: str | None, shown: bool) -> Settings:
        """Examples shown or not, for s-ops, for selectors, or for both."""
        sop = self.show_sop if kind == "selector" else shown
        selector = self.show_selector if kind == "s-op" else shown
        return replace(self, show_sop=sop, show_selector=selector)
