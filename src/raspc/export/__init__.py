"""One set of weights for every framework: each export is a pure converter from the canonical parameters.

A framework is imported only when a model goes to it, and no export knows another.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike
from typing import TYPE_CHECKING, Any

from raspc import arguments
from raspc.errors import InputError
from raspc.export import precision

if TYPE_CHECKING:
    from raspc.weights import Model


@dataclass(frozen=True)
class Converter:
    """Where a converter lives and what must be installed for it.

    `modules` are the frameworks it imports; `extra` is the extra of raspc that installs them. `runs`: whether what is
    written computes anything, rather than only keeping the weights. `given`: what the converter is told beside the
    model. `casts`: it is written in any format in which a run shows that it holds; else in that of the model alone.
    `one_width`: the framework knows no layers that differ in width, whose models its converter refuses; this is what
    the refusal calls it.
    """

    module: str
    modules: tuple[str, ...] = ()
    extra: str | None = None
    runs: bool = True
    given: Mapping[str, Any] = field(default_factory=dict)
    casts: bool = True
    one_width: str = ""

    def missing(self) -> tuple[str, ...]:
        """The frameworks that are not installed."""
        return tuple(name for name in self.modules if importlib.util.find_spec(name) is None)


CONVERTERS = {
    "torch": Converter("raspc.export.torch", ("torch",), "torch"),
    "jax": Converter("raspc.export.jax", ("jax",), "jax"),
    "haiku": Converter("raspc.export.haiku", ("jax", "haiku"), "haiku"),
    "transformer_lens": Converter(
        "raspc.export.transformer_lens", ("torch", "transformer_lens"), "transformer-lens", one_width="TransformerLens"
    ),
    "onnx": Converter("raspc.export.onnx", ("onnx",), "onnx"),
    "huggingface": Converter(
        "raspc.export.huggingface", ("torch", "transformers", "tokenizers"), "huggingface", one_width="Hugging Face"
    ),
    **{
        family: Converter(
            "raspc.export.checkpoint.writing",
            ("tokenizers",),
            "huggingface",
            given={"family": family},
            casts=False,
            one_width=family,
        )
        for family in ("llama", "gpt2", "opt", "gpt_neox", "qwen2", "gemma", "mistral", "bert", "t5")
    },
    "gguf": Converter("raspc.export.checkpoint.gguf", ("gguf",), "gguf", casts=False, one_width="gguf"),
    "npz": Converter("raspc.export.npz", runs=False),
}


def export(
    model: Model, target: str, path: str | PathLike[str] | None = None, dtype: str | None = None, **options: Any
) -> Any:
    """The model as an object of another framework; with `path`, written there as well.

    `dtype`: without one that which the model was compiled for, and float32 for `npz`, which only keeps the weights.
    `options` are those of `convert` in the target's file. What each target writes: docs/exports.md.

    Raises InputError for an unknown target or option, a framework that is not installed, a path that cannot
    be written, a dtype in which the model does not give the same answers, or a model whose layers have widths of their
    own where the framework knows none; CertificateError for a model
    whose certificate says that it failed.
    """
    found = check_target(target)
    if path is not None:
        arguments.path("path", path)
    precision.check_certificate(model)
    if found.one_width:
        model.config.width_for(found.one_width)
    if found.casts and model.config.held is not None:
        raise InputError(
            f"this model has the parameters of {model.config.family}; export it to that, or compile it without target= "
            f"for {target}"
        )
    if found.casts:
        dtype = dtype or (model.precision.dtype if found.runs else "float32")
        precision.check(model, dtype, found.runs)
    converter = importlib.import_module(found.module)
    known = getattr(converter, "OPTIONS", ())
    if unknown := sorted(set(options) - set(known)):
        raise InputError(f"unknown options {unknown} for {target}; it takes {sorted((*known, 'dtype'))}")
    return converter.convert(model, path, dtype, **found.given, **options)


def check_target(target: str) -> Converter:
    """The target of that name, ready to import. Raises InputError that says what to install."""
    arguments.an(str, "target", target, "the name of a framework")
    found = CONVERTERS.get(target.replace("-", "_"))
    if found is None:
        raise InputError(f"unknown target {target!r}; known are {', '.join(CONVERTERS)}")
    if missing := found.missing():
        raise InputError(
            f"{target} needs {' and '.join(missing)}, not installed here; pip install 'raspc[{found.extra}]'"
        )
    return found
