"""What the alignment of a model says, as records: where each variable lives, and which heads or neurons compute it.

The compiler writes it (`align`), `labels.json` holds it, and what is said of the graph and of the sizes of the model is
compared with these when a model is loaded (`fitting`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from msgspec import Meta, field

from raspc.numbers.options import DEFAULT, Level, Options
from raspc.numbers.precision import Precision, precision_of
from raspc.records import Count, Record, Span, Stage

Label = str
"""The name of a variable or selector in the graph."""


class HeadPart(Record, frozen=True, tag_field="sublayer", tag="attention"):
    """A head, or a part of one, that computes a variable.

    `moved`: which of the values of its block this head moves; `column`: the first of its own columns that they take.
    Models of old say neither: there a head moved all of them, from column 0.
    """

    layer: Count
    head: Count
    moved: Span | None = field(name="values", default=None)
    column: Count | None = None


class Use(HeadPart, frozen=True, tag_field="sublayer", tag="attention", kw_only=True):
    """A head that selects by a selector, and the name of its block."""

    block: str = field(name="for")


class NeuronPart(Record, frozen=True, tag_field="sublayer", tag="mlp"):
    """A half-open range of neurons that compute a variable."""

    layer: Count
    neurons: Span


Part = HeadPart | NeuronPart


class SpaceFacts(Record, frozen=True):
    """Dimensions [start, stop) of the residual stream that hold a variable, in one of its forms.

    `from_stage`: the stage that writes it; `to_stage`: the last that reads it, None if none does. Where others use
    the dimensions later, `until_stage` is the last stage after which they all hold this space, and `cleared` gives
    the layer whose MLP clears each of them, as pairs (dimension, layer).
    """

    name: str
    dims: Span
    from_stage: Stage
    to_stage: Stage | None
    until_stage: Stage | None = None
    cleared: tuple[tuple[Count, Count], ...] = ()

    def held_after(self, stage: int) -> bool:
        """Whether the dimensions hold the space after a stage."""
        return self.from_stage <= stage and (self.until_stage is None or stage <= self.until_stage)


class VariableFacts(Record, frozen=True):
    """Its node in the graph, what computes it, the spaces that hold it; without spaces, what it is read off."""

    node: Count
    computed_by: tuple[Part, ...]
    spaces: tuple[SpaceFacts, ...]
    read_from: tuple[Label, ...]

    @property
    def heads(self) -> tuple[HeadPart, ...]:
        """The heads that compute it."""
        return tuple(part for part in self.computed_by if isinstance(part, HeadPart))

    @property
    def neurons(self) -> tuple[NeuronPart, ...]:
        """The neurons that compute it."""
        return tuple(part for part in self.computed_by if isinstance(part, NeuronPart))


class BoundFacts(Record, frozen=True):
    """A quantity of a schedule that is not proved least: what was found, what there is at least, the gap as a part."""

    found: Count
    least: Count
    gap: Annotated[float, Meta(ge=0, le=1)]


class ScheduleFacts(Record, frozen=True):
    """How the schedule was found, whether it is proved optimal, and the quantities of which it is not."""

    method: str
    optimal: bool
    bounds: Mapping[str, BoundFacts] = field(default_factory=dict)


class PassFacts(Record, frozen=True):
    """What a pass did: sizes before and after it, or how often it changed something."""

    name: str
    before: Mapping[str, Count]
    after: Mapping[str, Count]
    changed: Count | None = None


class DesignFacts(Record, frozen=True):
    """What the design that was taken adds to what was asked for; nothing where it is the first one.

    `stored`: the lower level at which it is decided what is stored; `given_up`: passes and choices it does without.
    """

    stored: Annotated[int, Meta(ge=0, le=2)] | None = None
    given_up: tuple[str, ...] = ()


class Format(Record, frozen=True):
    """The precision that a model was compiled for, by the options of `precision_of`."""

    name: str
    summation: str = "any order"
    accumulate: str = "float32"
    probabilities: str = "stored"

    def __post_init__(self) -> None:
        precision_of(**self.to_json())

    @property
    def precision(self) -> Precision:
        """The precision itself."""
        return precision_of(**self.to_json())


class Compression(Record, frozen=True):
    """How the stream of a model was made narrower: from `full` dimensions to `d`."""

    d: Count
    method: str
    start: str | None
    seed: Annotated[int, Meta(ge=0)]
    full: Count


class Rotation(Record, frozen=True):
    """The orthogonal basis that the stream of a model was turned to."""

    seed: Annotated[int, Meta(ge=0)]
    haar: bool


class Permutation(Record, frozen=True):
    """The order to which heads and neurons of each layer were brought."""

    seed: Annotated[int, Meta(ge=0)]


class Alignment(Record, frozen=True, kw_only=True):
    """Where each variable lives and what computes it, and how the model came to be.

    A model that no compiler made has an empty one. `bos`: the dimension that marks BOS. `passes`: in order.
    `objective`: "size" where layers had a price. `frontier`: pairs of layers and parameters, of the plans that were
    made those that no other one is as good as in both; nothing where that is one. `sharpness`, `margin`: as they were
    asked for (`raspc.numbers.options`); nothing where they were not.
    """

    optimize: Annotated[int, Meta(ge=0, le=2)] | None = None
    objective: Literal["size"] | None = None
    frontier: tuple[tuple[Count, Count], ...] = ()
    bos: Count | None = None
    precision: Format | None = None
    design: DesignFacts | None = None
    schedule: ScheduleFacts | None = None
    variables: Mapping[Label, VariableFacts] = field(default_factory=dict)
    selectors: Mapping[Label, tuple[Use, ...]] = field(default_factory=dict)
    passes: tuple[PassFacts, ...] = ()
    compression: Compression | None = None
    rotation: Rotation | None = None
    permutation: Permutation | None = None
    sharpness: Annotated[float, Meta(gt=0, le=1)] | None = None
    margin: Annotated[float, Meta(gt=0)] | None = None

    def to_json(self) -> dict[str, Any]:
        """The alignment as JSON data; one that has variables tells its selectors and passes even if there are none."""
        told: dict[str, Any] = {"selectors": {}, "passes": []} if self.variables else {}
        return told | super().to_json()

    def options(self, without: tuple[str, ...] = ()) -> Options:
        """What the model was compiled for, and by which design; the defaults where nothing is said.

        `without`: the passes and choices that were left out.
        """
        level = DEFAULT.level if self.optimize is None else Level(self.optimize)
        precision = DEFAULT.precision if self.precision is None else self.precision.precision
        design = DesignFacts() if self.design is None else self.design
        stored = None if design.stored is None else Level(design.stored)
        objective = DEFAULT.objective if self.objective is None else self.objective
        sharpness = DEFAULT.sharpness if self.sharpness is None else self.sharpness
        return Options(
            level, precision, without, stored, design.given_up, objective=objective, sharpness=sharpness,
            margin=self.margin,
        )  # fmt: skip

    @property
    def spaces(self) -> dict[str, SpaceFacts]:
        """All spaces, by name."""
        return {space.name: space for place in self.variables.values() for space in place.spaces}
