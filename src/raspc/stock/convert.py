"""From a plain model to the parameters of a stock architecture.

The stream of the program is framed (`frame`), so that normalisations leave it as it is; the maps of the plain model
become maps of the framed stream (`parts`); the head becomes that of an exit (`exits`); and all of it gets the family's
names (`naming`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import lcm
from typing import Any

import numpy as np

from raspc import values
from raspc.errors import InputError
from raspc.numbers.precision import PRECISIONS, Precision
from raspc.numbers.raised import SMALL_SHARE
from raspc.stock import ending, exits, naming, placing
from raspc.stock.frame import MIRRORED, NULL, RMS, Floats, Frame, frames
from raspc.stock.parts import Parts, parts_of
from raspc.stock.plainly import Map, Plainly, plainly, without_attention_bias
from raspc.stock.sizes import largest_of, scale_of
from raspc.stock.storing import has_gain, scaled
from raspc.target.distances import BUCKETS, FARTHEST, buckets_for, farthest_for
from raspc.target.families import FAMILIES, Family
from raspc.target.stock import EXITS, Array, Stock
from raspc.values import Value
from raspc.weights.model import Model

LARGEST = 2.0**20
"""A stream that holds larger numbers is no stream for a norm."""
SHARPNESSES = (2.0**5, 2.0**8, 2.0**12, 2.0**20, 2.0**30)
"""K of relu(z) = act(K·z)/K: the first with which a model is proved."""
USUAL = 2.0**20
"""K where nothing is proved."""
WIDER = 16
"""How many times as wide as need be a stream is at most, where embeddings are multiplied by the root of its width."""
SMALL_RANGE = (2.0**5, 2.0**6, 2.0**8)
"""The same for float16, which holds no number above 65,504."""


def sharpness_of(family: Family, precision: Precision) -> tuple[float, ...]:
    """Which K may be taken for a family in a format, the one to begin with first."""
    if family.activation == "relu":
        return (1.0,)
    return SMALL_RANGE if precision.highest < 100 else SHARPNESSES


def usual_sharpness(family: Family, precision: Precision) -> float:
    """K where nothing is proved: one that is large enough for most models."""
    known = sharpness_of(family, precision)
    return USUAL if USUAL in known else known[0]


def stock_of(
    model: Model, family: str, exit: str | None = None, dtype: str | None = None,
    norm_scale: float | None = None, step_sharpness: float | None = None, stop: Value | None = None,
) -> Stock:  # fmt: skip
    """A compiled model in the parameters of a stock architecture.

    `exit`: "lm" or "labels"; without one the first that the family has. `dtype`: the number format, that of the model
    where none is given. `norm_scale`: the root mean square of the stream, a power of two; `step_sharpness`: K of
    relu(z) = act(K·z)/K, a power of two. `stop`: the token that is written beyond the longest input, of the exit "lm"
    where positions are counted (`raspc.stock.ending`).

    Raises InputError for an unknown family or exit, a program whose mask is not the family's, positions that the family
    lacks, and numbers that the format does not hold.
    """
    kind = family_of(family)
    wanted = exit_of(kind, exit)
    if (held := model.config.held) is not None:
        if model.config.family != kind.name:
            raise InputError(
                f"this model has the parameters of {model.config.family}; export it to that, or compile it with "
                f"target={kind.name!r}"
            )
        norm_scale, step_sharpness = norm_scale or held.norm_scale, step_sharpness or held.step_sharpness
        model = model.plain
    precision = precision_in(model, dtype)
    found = fitting(model, kind)
    columns = exits.EXITS[wanted](model, found.unembed)
    largest = largest_of(model)
    head = exits.below(columns.head, columns.answers, largest) if wanted == "lm" else columns.head
    scale = _held_scale(norm_scale, kind, precision) or scale_of(kind, model, precision)
    sharpness = step_sharpness or usual_sharpness(kind, precision)
    rows, head, beyond = ended(model, kind, _with_rows(found, columns), head, sharpness, _column_of(stop, columns))
    frame, parts, params = framed(rows, kind, head, wanted, precision, scale, sharpness)
    config = model.config
    n_inputs, added = len(config.vocab), columns.added
    return Stock(
        family=kind.name, architecture=kind.classes[wanted][0], exit=wanted, params=params,
        config=fields(kind, model, parts, frame, wanted, n_inputs + len(added) + 1), dtype=precision.dtype,
        tokens=(*config.vocab, *added), n_inputs=n_inputs, bos_id=config.bos_id, pad_id=config.pad_id,
        unk_id=n_inputs + len(added), answers=columns.answers, n_ctx=config.n_ctx, causal=config.causal,
        labels=(*model.residual_labels, *beyond, *frame.labels), step_sharpness=sharpness, ends=bool(beyond),
    )  # fmt: skip


def _held_scale(scale: float | None, family: Family, precision: Precision) -> float | None:
    """The scale that is asked for. Raises InputError where the format lacks its gain (Gemma)."""
    if scale is not None and not has_gain(scale, family.norms, precision):
        fine = [2.0**i for i in range(61) if has_gain(2.0**i, family.norms, precision)]
        most, least = max(one for one in fine if one < scale), min((one for one in fine if one > scale), default=None)
        raise InputError(
            f"norm_scale={scale:g}: {family.name} stores a gain less 1, and {precision.dtype} lacks {scale:g} - 1; "
            f"needed at most {most:g}" + ("" if least is None else f", or at least {least:g}")
        )
    return scale


def ended(
    model: Model, family: Family, found: Plainly, head: Map, sharpness: float, stop: int | None
) -> tuple[Plainly, Map, tuple[str, ...]]:  # fmt: skip
    """The same model and head, or with a dimension more, and its label, by which the column `stop` wins beyond N."""
    end = None if stop is None else ending.ending_of(model, family, found, head, sharpness)
    if end is None or stop is None:
        return found, head, ()
    return ending.with_ending(found, end), ending.head_with(head, end, stop), (ending.LABEL,)


def _column_of(stop: Value | None, columns: exits.Exit) -> int | None:
    return next((one.column for one in columns.answers if stop is not None and values.same(one.value, stop)), None)


def framed(
    found: Plainly, family: Family, head: Map, exit: str, precision: Precision, scale: float, sharpness: float
) -> tuple[Frame, Parts, dict[str, Array]]:  # fmt: skip
    """The narrowest frame that holds a plain model, its maps in it, and the arrays of the family's class."""
    frame = _first(family, found, _frames(family, found, scale, precision), precision)
    n_heads, d_head = heads_of(family, found, frame.width)
    parts = parts_of(found, family, frame, n_heads, d_head, sharpness)
    params = naming.named(parts, frame.read(*head), family, frame, exit, precision)
    return frame, parts, params


def family_of(name: str) -> Family:
    """The family of that name. Raises InputError."""
    found = FAMILIES.get(name.replace("-", "_"))
    if found is None:
        raise InputError(f"unknown family {name!r}; known are {', '.join(FAMILIES)}")
    return found


def exit_of(family: Family, exit: str | None) -> str:
    """The exit that is asked for, or the first that a family has. Raises InputError for one that it lacks."""
    if exit is None:
        return family.exits[0]
    if exit not in EXITS:
        raise InputError(f"unknown exit {exit!r}; known are {', '.join(EXITS)}")
    if exit not in family.exits:
        raise InputError(f"{family.name} has no class for the exit {exit}; it has {', '.join(family.exits)}")
    return exit


def precision_in(model: Model, dtype: str | None) -> Precision:
    """The number format of that name, or the model's own. Raises InputError for one that no checkpoint has."""
    if dtype is None or dtype == model.precision.dtype:
        return model.precision
    if dtype not in ("float32", "bfloat16", "float16"):
        raise InputError(f"unknown dtype {dtype!r}; known are float32, bfloat16, float16")
    if PRECISIONS[dtype].narrow:
        raise InputError(f"the model was compiled for {model.precision.dtype}; compile it with dtype={dtype!r}")
    return PRECISIONS[dtype]


def fitting(model: Model, family: Family) -> Plainly:
    """The parameters of a model that a family can hold. Raises InputError that says why it cannot."""
    if family.causal and not model.config.causal:
        raise InputError(
            f"{family.name} sees no later positions, and this program was compiled to see them; compile it with "
            "causal=True, or export it to bert or t5"
        )
    if not family.causal and model.config.causal:
        raise InputError(
            f"{family.name} sees later positions, and this program was compiled to see none; compile it with "
            "causal=False, or export it to llama or gpt2"
        )
    found = plainly(model, family)
    by_turning = bool(found.turned) and family.rotary
    if family.relative is not None and found.has_positions and placing.reads_too_soon(found):
        raise InputError(
            f"{family.name} has no table of positions, and its first layer makes them, in which this model reads them; "
            f"compile it with target={family.name!r}, which reads them later"
        )
    if family.pos_embed is None and family.relative is None and found.has_positions and not by_turning:
        raise InputError(
            f"{family.name} has no table of positions, and this model reads one; compile it with "
            f"target={family.name!r}, which counts them"
        )
    if _is_steep(model):
        raise InputError(
            f"{family.name} squares what its stream holds, and this model has steep scores, which make that large; "
            f"compile it with target={family.name!r}, which leaves them out"
        )
    if family.norms.centred and _adds(model):
        raise InputError(
            f"{family.name} rounds what BOS holds, and this model adds numbers by heads that multiply it by 2²⁶; "
            f"compile it with target={family.name!r}, which keeps that small"
        )
    found = found if "linear" in family.biased else without_attention_bias(found)
    return placing.placed(_countable(found, model, family)) if family.relative and found.has_positions else found


def _countable(found: Plainly, model: Model, family: Family) -> Plainly:
    """A model whose places the format can number. Raises InputError for one with more."""
    precision, n = model.precision, model.config.max_seq_len
    if not precision.holds(np.arange(n + 1.0)):
        raise InputError(
            f"{family.name} makes positions of the numbers of places, of which {precision.name} holds those up to "
            f"{2**precision.bits} alone, and this model has {n}; compile it for fewer tokens, or for float32"
        )
    return found


def _adds(model: Model) -> bool:
    """Whether the heads of sums multiply what BOS holds by so much that a layer norm spoils it."""
    plan = model.plan
    return plan is not None and any(
        stored.raised is not None and stored.raised.at_key > SMALL_SHARE * 2 * plan.graph.max_seq_len
        for stored in plan.storage.variables
        if stored is not None
    )


def _is_steep(model: Model) -> bool:
    """Whether some head compares by features that are large on purpose."""
    plan = model.plan
    steeply = plan is not None and any(
        selection.shortfall > 0 for stored in plan.storage.variables if stored and (selection := stored.selection)
    )
    return steeply or bool((largest_of(model) > LARGEST).any())


def heads_of(family: Family, found: Plainly, width: int) -> tuple[int, int]:
    """How many heads a layer has, and how wide they are."""
    if family.own_width:
        return found.n_heads, 4 * found.d_head if family.rotary else found.d_head
    return width // found.d_head, found.d_head


def _frames(family: Family, found: Plainly, scale: float, precision: Precision) -> Iterator[Frame]:
    kind = RMS if family.norms.kind == "rms" else MIRRORED if precision.narrow else NULL
    if family.own_width:
        steps = 2 if family.embed_scale and precision.narrow else lcm(found.own_heads, 2)  # 64 is no multiple of 3
        return frames(kind, found.d_model, scale, steps, bos=found.bos)
    return frames(kind, found.d_model, scale, lcm(found.d_head, 2), found.n_heads * found.d_head, found.bos)


def _first(family: Family, found: Plainly, choices: Iterator[Frame], precision: Precision) -> Frame:
    """The narrowest frame for which the embeddings can be written; any will do where these are not scaled.

    A width whose root is a power of two will do for all numbers but those that the format hardly holds. Raises
    InputError where none does.
    """
    frame = narrowest = next(choices)
    while family.embed_scale and not _is_given(frame.embedding(found.token_embed), frame.width, precision):
        frame = next(choices)
        if frame.width > WIDER * narrowest.width:
            raise InputError(
                f"{family.name} multiplies embeddings by the root of its width, and those of this program are no such "
                f"products in {precision.dtype}; compile it for float32, or with target='llama'"
            )
    return frame


def _is_given(embedding: Floats, width: int, precision: Precision) -> bool:
    """Whether some table of the format, times the root of the width, is that one."""
    try:
        scaled(embedding, width, precision)
    except ValueError:
        return False
    return True


def _with_rows(found: Plainly, columns: exits.Exit) -> Plainly:
    """The same with a row of embeddings, which holds nothing, for each answer that is no token, and for the unknown."""
    more = np.zeros((len(columns.added) + 1, found.d_model))
    return replace(found, token_embed=np.vstack([found.token_embed, more]))


def fields(
    family: Family, model: Model, parts: Parts, frame: Frame, exit: str, n_tokens: int
) -> dict[str, Any]:  # fmt: skip
    """What `config.json` says."""
    sizes = {
        "n_layers": model.config.n_layers, "n_heads": parts.n_heads, "n_kv_heads": parts.n_heads,
        "d_model": frame.width, "d_embed": frame.width, "d_head": parts.d_head, "d_mlp": parts.d_mlp,
        "n_ctx": model.config.n_ctx,
    }  # fmt: skip
    named = {name: sizes[size] for size, name in family.sizes.items()}
    ids = {"vocab_size": n_tokens, "bos_token_id": model.config.bos_id, "pad_token_id": model.config.pad_id}
    architecture = {"model_type": family.model_type, "architectures": [family.classes[exit][0]]}
    told = {**_turning(family, parts), **_distances(family, parts, model.config.n_ctx)}
    return {**architecture, **named, **ids, **family.fields, **told}


def _turning(family: Family, parts: Parts) -> dict[str, Any]:
    """The base of a rotation that ranks positions, where there is one."""
    if parts.rotation is None:
        return {}
    return {"rope_parameters": {**family.fields["rope_parameters"], "rope_theta": parts.rotation.theta}}


def _distances(family: Family, parts: Parts, n_ctx: int) -> dict[str, Any]:
    """The buckets of distances, of a family that has biases by them."""
    if family.relative is None:
        return {}
    buckets, farthest = BUCKETS, FARTHEST
    if parts.placing is not None:
        buckets, farthest = buckets_for(n_ctx), farthest_for(n_ctx)
    return {"relative_attention_num_buckets": buckets, "relative_attention_max_distance": farthest}
