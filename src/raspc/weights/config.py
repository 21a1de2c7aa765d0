"""The shape of a model and the meaning of its ids: what `config.json` holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from raspc import jsonvalues, values
from raspc.errors import InputError, ModelFormatError, RaspcError
from raspc.target import PLAIN, TARGETS, Target, Widths
from raspc.target.distances import BUCKETS, buckets_for, tells_by_distance
from raspc.target.families import HUGE_THETA
from raspc.target.stocked import STOCK, Held, target_named
from raspc.values import Value
from raspc.version import VERSION

FORMAT_VERSION = 2
"""The format that is written; `format_version` 1 had no plan, no target, and did not say what made it."""
_SINCE_2 = ("made_by", "target")

MAX_SIZE = 2**31 - 1
"""No size in a config may exceed what every framework can index."""

MAX_LAYERS = 4096
"""Loops over layers must be short even for a config that lies."""

_SIZES = ("n_layers", "d_model", "n_ctx", "d_vocab", "d_vocab_out")
_WIDTHS = Widths._fields
"""Sizes that may be lists, with one for each layer."""
_NAMED = {"family": "target"}
"""Fields that have another name in the file."""
_OF_POSITIONS = ("positions_from", "positions_to")
"""What is said of neurons that make positions, and left out where there are none."""
FRAMES = ("rms", "null", "mirrored")
"""The kinds of frames in which a stock family holds a program (`raspc.stock.frame`)."""
_KINDS = {"categorical": "values", "numerical": "specials"}


@dataclass(frozen=True)
class Output:
    """How logits are read.

    `categorical`: the answer is `values[argmax]`. `numerical`: column 0 is the number, and column 1 + i is
    the indicator of the special value `values[i]` (None, a word), which wins above ½.
    """

    kind: str
    values: tuple[Value, ...] = ()

    @property
    def width(self) -> int:
        """How many columns the unembedding has."""
        return len(self.values) + (self.kind == "numerical")

    def to_json(self) -> dict[str, Any]:
        """`{"kind": "categorical", "values": […]}` or `{"kind": "numerical", "specials": […]}`."""
        return {"kind": self.kind, _KINDS[self.kind]: [jsonvalues.encode(value) for value in self.values]}

    @classmethod
    def from_json(cls, obj: Any) -> Output:
        """The inverse of `to_json`. Raises ModelFormatError."""
        kind = obj.get("kind") if isinstance(obj, Mapping) else None
        if not isinstance(kind, str) or kind not in _KINDS:
            raise ModelFormatError(f"output: needed an object whose kind is one of {sorted(_KINDS)}")
        _check_names("output", obj, ("kind", _KINDS[kind]))
        return cls(kind, _values(f"output.{_KINDS[kind]}", obj[_KINDS[kind]]))


Width: TypeAlias = int | tuple[int, ...]
"""A width of all layers, or one for each layer."""


def in_words(width: Width) -> str:
    """A width as text: `2`, or `2, 0, 3` for each layer."""
    return ", ".join(map(str, width)) if isinstance(width, Sequence) else str(width)


@dataclass(frozen=True)
class Config:
    """Everything but the weights: sizes, mask, vocabulary in id order, and how logits are read.

    The real vocabulary has the first ids, then BOS, then PAD; `n_ctx` counts BOS. Sizes are 1 or more. A model that
    was compiled with `uniform=False` has tuples for `n_heads`, `d_head` and `d_mlp`, with a number for each layer; a
    layer may have no heads, whose width is then 0 too, or no neurons. `widths` gives them by layer, for any model.
    Raises ModelFormatError where the fields do not fit together.
    """

    n_layers: int
    n_heads: Width
    d_model: int
    d_head: Width
    d_mlp: Width
    n_ctx: int
    d_vocab: int
    d_vocab_out: int
    causal: bool
    vocab: tuple[Value, ...]
    bos_id: int
    pad_id: int
    output: Output
    activation: str = PLAIN.activation
    made_by: str = f"raspc {VERSION}"
    family: str = PLAIN.name
    format_version: int = FORMAT_VERSION
    held: Held | None = None

    def __post_init__(self) -> None:
        if found := _faults(self):
            raise ModelFormatError("config: " + "; ".join(found))

    @property
    def target(self) -> Target:
        """The transformer that the weights are for, which `family` names; `activation` says the same as it does."""
        found = target_named(self.family)
        assert found is not None  # a config of another target is refused
        return found

    def with_layers(self, n: int) -> Config:
        """The same with n layers."""
        return replace(self, n_layers=n)

    @property
    def uniform(self) -> bool:
        """Whether all layers have one width."""
        return isinstance(self.n_heads, int)

    @cached_property
    def widths(self) -> tuple[Widths, ...]:
        """The heads and the neurons of each layer."""
        found = (each if isinstance(each, tuple) else (each,) * self.n_layers for each in self._widths)
        return tuple(map(Widths._make, zip(*found, strict=True)))

    @property
    def _widths(self) -> tuple[Width, Width, Width]:
        return self.n_heads, self.d_head, self.d_mlp

    def width_for(self, reader: str) -> Widths:
        """The width of every layer. Raises InputError, for a `reader` that knows no other, where they differ."""
        if not self.uniform:
            raise InputError(
                f"{reader} needs one width for all layers, and this model has one for each: "
                "compile the program without uniform=False (--no-uniform)"
            )
        return self.widths[0]

    @property
    def tells_by_distance(self) -> bool:
        """Whether heads behind those of the program tell positions by biases (`raspc.target.distances`)."""
        held = self.held
        return held is not None and tells_by_distance(self.family) and self.widths[0].n_heads > held.n_heads

    @property
    def buckets(self) -> int:
        """How many buckets of distances there are, in families with biases by distance."""
        return buckets_for(self.n_ctx) if self.tells_by_distance else BUCKETS

    @property
    def bos(self) -> Value:
        """The token that opens every input."""
        return self.vocab[self.bos_id]

    @property
    def pad(self) -> Value:
        """The token that fills a batch."""
        return self.vocab[self.pad_id]

    @property
    def max_seq_len(self) -> int:
        """The longest input, BOS not counted."""
        return self.n_ctx - 1

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON, `family` as "target". Raises UnsupportedProgram for values that cannot be stored."""
        plain = {_NAMED.get(field.name, field.name): getattr(self, field.name) for field in fields(self)}
        plain |= {name: list(plain[name]) for name in _WIDTHS if isinstance(plain[name], tuple)}
        held = plain.pop("held")
        plain |= {} if held is None else {"held": _without_idle(asdict(held))}
        vocab = [jsonvalues.encode(value) for value in self.vocab]
        return plain | {"vocab": vocab, "output": self.output.to_json()}

    @classmethod
    def from_json(cls, obj: Any) -> Config:
        """The inverse of `to_json`, for format 1 too. Raises ModelFormatError for anything else."""
        if not isinstance(obj, Mapping):
            raise ModelFormatError("config: needed a JSON object")
        if obj.get("format_version") == 1 and type(obj["format_version"]) is int:
            if found := set(obj) & set(_SINCE_2):
                raise ModelFormatError(f"config: format_version 1 has no {sorted(found)}")
            obj = {**obj, "made_by": "", "target": PLAIN.name, "format_version": FORMAT_VERSION}
        obj = {"held": None, **obj}
        _check_names("config", obj, tuple(_NAMED.get(field.name, field.name) for field in fields(cls)))
        vocab, output = _values("config.vocab", obj["vocab"]), Output.from_json(obj["output"])
        rest = {name: value for name, value in obj.items() if name != "target"}
        rest |= {name: tuple(rest[name]) for name in _WIDTHS if isinstance(rest[name], list)}
        held = _held(obj["held"])
        return cls(**{**rest, "family": obj["target"], "vocab": vocab, "output": output, "held": held})


def _held(obj: Any) -> Held | None:
    """What of a family's parameters is the program's, from JSON. Raises ModelFormatError."""
    if obj is None:
        return None
    kinds = {"target": str, "frame": str, "norm_scale": float, "step_sharpness": float, "rope_theta": float}
    if not isinstance(obj, Mapping):
        raise ModelFormatError("config.held: needed a JSON object")
    obj = {"rope_theta": HUGE_THETA, **dict.fromkeys(_OF_POSITIONS, 0), **obj}
    _check_names("config.held", obj, tuple(field.name for field in fields(Held)))
    for name, value in obj.items():
        if type(value) is not kinds.get(name, int):
            raise ModelFormatError(f"config.held: {name} must be of type {kinds.get(name, int).__name__}")
    return Held(**obj)


def _without_idle(held: dict[str, Any]) -> dict[str, Any]:
    """The same without the neurons that make positions, where there are none."""
    told = held["positions_to"] > 0
    return {name: value for name, value in held.items() if told or name not in _OF_POSITIONS}


def _check_names(where: str, obj: Mapping[str, Any], names: Sequence[str]) -> None:
    missing, unknown = sorted(set(names) - set(obj)), sorted(set(obj) - set(names))
    if missing or unknown:
        raise ModelFormatError(f"{where}: fields missing: {missing}, fields unknown: {unknown[:5]}")


def _values(where: str, obj: Any) -> tuple[Value, ...]:
    if not isinstance(obj, list):
        raise ModelFormatError(f"{where}: needed a list of values")
    return tuple(jsonvalues.decode(item) for item in obj)


def _faults(config: Config) -> list[str]:
    """Every fault; those of types alone where there are any, as the others rest on them."""
    return _type_faults(config) or _width_faults(config) or _fit_faults(config)


def _type_faults(config: Config) -> list[str]:
    found = [
        f"{name} must be an integer from 1 to {MAX_SIZE}, or a list of one from 0 on for each layer, found {said:.60}"
        for name in _WIDTHS
        if not _is_width(getattr(config, name)) and (said := repr(getattr(config, name)))
    ]
    found += [
        f"{name} must be an integer from 1 to {MAX_SIZE}, found {getattr(config, name)!r}"
        for name in _SIZES
        if not _is_int(getattr(config, name)) or not 1 <= getattr(config, name) <= MAX_SIZE
    ]
    found += [
        f"{name} must be an integer, found {getattr(config, name)!r}"
        for name in ("bos_id", "pad_id")
        if not _is_int(getattr(config, name))
    ]
    if not isinstance(config.causal, bool):
        found.append(f"causal must be true or false, found {config.causal!r}")
    if config.format_version != FORMAT_VERSION or not _is_int(config.format_version):
        found.append(f"format_version must be {FORMAT_VERSION}, found {config.format_version!r}")
    if not isinstance(config.made_by, str):
        found.append(f"made_by must be a string, found {config.made_by!r}")
    if target_named(config.family) is None:
        found.append(f"target must be one of {sorted((*TARGETS, *STOCK))}, found {config.family!r}")
    elif config.activation != config.target.activation:
        known, said = config.target.activation, config.activation
        found.append(f"activation must be {known!r}, found {said!r}, for the target {config.family}")
    return found


def _is_width(obj: Any) -> bool:
    """Whether it is a size, or a tuple of sizes that may be 0."""
    least, each = (0, obj) if isinstance(obj, tuple) else (1, (obj,))
    return all(_is_int(size) and least <= size <= MAX_SIZE for size in each)


def _width_faults(config: Config) -> list[str]:
    """What is wrong with the widths of layers, if there are not too many of these to look at."""
    if config.n_layers > MAX_LAYERS:
        return [f"n_layers must be at most {MAX_LAYERS}"]
    lists = {name: size for name in _WIDTHS if isinstance(size := getattr(config, name), tuple)}
    if lists and len(lists) < len(_WIDTHS):
        return [f"{', '.join(_WIDTHS)} must be numbers, or all of them lists; of lists there are {', '.join(lists)}"]
    if wrong := {name: len(sizes) for name, sizes in lists.items() if len(sizes) != config.n_layers}:
        return [
            f"{name} must have a number for each of {config.n_layers} layers, found {n}" for name, n in wrong.items()
        ]
    if odd := [i for i, widths in enumerate(config.widths) if (widths.n_heads == 0) != (widths.d_head == 0)]:
        return [f"layer {odd[0]} must have both heads and a width of heads, or neither"]
    return []


def _fit_faults(config: Config) -> list[str]:
    rules = {
        "held must say what of a stock family's parameters is the program's, and of no other": _held_fits(config),
        "d_vocab must be the number of vocab entries": config.d_vocab == len(config.vocab),
        "vocab must hold distinct values": _distinct(config.vocab),
        "bos_id and pad_id must be two different ids": _two_ids(config),
        "d_vocab_out must be the number of output columns": config.d_vocab_out == config.output.width,
        "output values must be distinct": _distinct(config.output.values),
    }
    return [text for text, holds in rules.items() if not holds]


def _held_fits(config: Config) -> bool:
    held = config.held
    if held is None or config.family not in STOCK or not config.uniform:
        return held is None and config.family not in STOCK
    own, most = (held.d_model, *held.widths), (config.d_model, *config.widths[0])
    gated = STOCK[config.family].family.gate is not None  # then what multiplies may stand for many plain neurons
    most = (*most[:-1], MAX_SIZE) if gated else most
    sizes = all(1 <= one <= other for one, other in zip(own, most, strict=True))
    powers = all(
        np.isfinite(x) and x > 0 and np.frexp(x)[0] == 0.5 and 2.0**-64 < x < 2.0**64
        for x in (held.norm_scale, held.step_sharpness)
    )
    turns = 1.0 < held.rope_theta <= HUGE_THETA
    places = 0 <= held.positions_from <= held.positions_to <= (most[-1] if config.tells_by_distance else 0)
    return sizes and powers and turns and places and held.target in TARGETS and held.frame in FRAMES


def _two_ids(config: Config) -> bool:
    ids = {config.bos_id, config.pad_id}
    return len(ids) == 2 and all(0 <= i < len(config.vocab) for i in ids)


def _is_int(obj: Any) -> bool:
    return isinstance(obj, int) and not isinstance(obj, bool)


def _distinct(items: tuple[Value, ...]) -> bool:
    try:
        return len({values.key(item) for item in items}) == len(items)
    except (TypeError, RaspcError):
        return False
