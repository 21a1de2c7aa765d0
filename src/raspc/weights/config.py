"""The shape of a model and the meaning of its ids: what `config.json` holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from raspc import jsonvalues, values
from raspc.errors import ModelFormatError, RaspcError
from raspc.target import PLAIN, TARGETS, Target
from raspc.values import Value
from raspc.version import VERSION

FORMAT_VERSION = 2
"""The format that is written; `format_version` 1 had no plan, no target, and did not say what made it."""
_SINCE_2 = ("made_by", "target")

MAX_SIZE = 2**31 - 1
"""No size in a config may exceed what every framework can index."""

MAX_LAYERS = 4096
"""Loops over layers must be short even for a config that lies."""

_SIZES = ("n_layers", "n_heads", "d_model", "d_head", "d_mlp", "n_ctx", "d_vocab", "d_vocab_out")
_NAMED = {"family": "target"}
"""Fields that have another name in the file."""
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


@dataclass(frozen=True)
class Config:
    """Everything but the weights: sizes, mask, vocabulary in id order, and how logits are read.

    The real vocabulary has the first ids, then BOS, then PAD; `n_ctx` counts BOS. Sizes are 1 or more.
    Raises ModelFormatError where the fields do not fit together.
    """

    n_layers: int
    n_heads: int
    d_model: int
    d_head: int
    d_mlp: int
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

    def __post_init__(self) -> None:
        if found := _faults(self):
            raise ModelFormatError("config: " + "; ".join(found))

    @property
    def target(self) -> Target:
        """The transformer that the weights are for, which `family` names; `activation` says the same as it does."""
        return TARGETS[self.family]

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
        _check_names("config", obj, tuple(_NAMED.get(field.name, field.name) for field in fields(cls)))
        vocab, output = _values("config.vocab", obj["vocab"]), Output.from_json(obj["output"])
        rest = {name: value for name, value in obj.items() if name != "target"}
        return cls(**{**rest, "family": obj["target"], "vocab": vocab, "output": output})


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
    return _type_faults(config) or _fit_faults(config)


def _type_faults(config: Config) -> list[str]:
    found = [
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
    if not isinstance(config.family, str) or config.family not in TARGETS:
        found.append(f"target must be one of {sorted(TARGETS)}, found {config.family!r}")
    elif config.activation != config.target.activation:
        found.append(f"activation must be {config.target.activation!r}, found {config.activation!r}")
    return found


def _fit_faults(config: Config) -> list[str]:
    rules = {
        f"n_layers must be at most {MAX_LAYERS}": config.n_layers <= MAX_LAYERS,
        "d_vocab must be the number of vocab entries": config.d_vocab == len(config.vocab),
        "vocab must hold distinct values": _distinct(config.vocab),
        "bos_id and pad_id must be two different ids": _two_ids(config),
        "d_vocab_out must be the number of output columns": config.d_vocab_out == config.output.width,
        "output values must be distinct": _distinct(config.output.values),
    }
    return [text for text, holds in rules.items() if not holds]


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
