"""Models in a family's own parameters: made of plain ones, and read back as plain ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import sqrt

import numpy as np

from raspc.blocks.spaces import Head
from raspc.errors import InputError, ModelFormatError
from raspc.numbers.precision import Precision
from raspc.plan.plan import Plan
from raspc.stock import multiplying, naming
from raspc.stock.convert import fitting, framed
from raspc.stock.frame import Floats, Frame
from raspc.stock.multiplying import NONE, Gated, Gates
from raspc.stock.parts import ON, slots_of
from raspc.stock.placing import Told
from raspc.stock.plainly import Map
from raspc.stock.sizes import scale_of
from raspc.stock.storing import given
from raspc.stock.turning import give_back
from raspc.target import TARGETS
from raspc.target.families import FAMILIES, HUGE_THETA, Family
from raspc.target.stocked import STOCK, Held
from raspc.weights.config import Config
from raspc.weights.model import Model
from raspc.weights.params import Params


def stocked(model: Model, family: str, sharpness: float, scale: float | None = None) -> Model:
    """A plain model that was compiled for a family, in the family's parameters.

    `sharpness`: K of relu(z) = act(K·z)/K. `scale`: the root mean square of the stream, a power of two; without it, one
    that is large enough for any model of its size. Raises InputError for a model that the family cannot hold.
    """
    kind = FAMILIES[family]
    held = Held(
        model.config.family, model.config.d_model, *model.config.width_for("a stock architecture"),
        "", scale or scale_of(kind, model, model.precision), sharpness,
    )  # fmt: skip
    return _stocked(model, kind, held)


def _stocked(model: Model, family: Family, held: Held) -> Model:
    found = fitting(model, family)
    frame, parts, params = framed(
        found, family, found.unembed, STOCK[family.name].exit, model.precision, held.norm_scale, held.step_sharpness
    )
    config = replace(
        model.config, family=family.name, activation=family.activation, n_heads=parts.n_heads, d_model=frame.width,
        d_head=parts.d_head, d_mlp=parts.d_mlp,
        held=replace(
            held, frame=frame.kind, rope_theta=parts.rotation.theta if parts.rotation else HUGE_THETA,
            positions_from=parts.placing.start if parts.placing else 0,
            positions_to=parts.placing.stop if parts.placing else 0,
        ),
    )  # fmt: skip
    return replace(model, config=config, params=params, residual_labels=(*model.residual_labels, *frame.labels))


def plain_of(model: Model) -> Model:
    """The plain model that the family's parameters hold, read off them.

    What else they hold is no part of it: `strays` says whether there is any. Raises ModelFormatError for parameters
    whose sizes hold no such model.
    """
    config, held = model.config, model.config.held
    if held is None:
        return model
    family, frame = FAMILIES[config.family], frame_of(model)
    own = replace(
        config, family=held.target, activation=TARGETS[held.target].activation, n_heads=held.n_heads,
        d_model=held.d_model, d_head=held.d_head, d_mlp=held.d_mlp, held=None,
    )  # fmt: skip
    gates = multiplying.gates_in(model, family)
    if not (gates.d_mlp(held.d_mlp) <= config.widths[0].d_mlp and max(gates.used, default=0) <= held.d_mlp):
        raise ModelFormatError("the model has fewer neurons than its plan; compile it again")
    params = _Reading(model.params, config, family, frame, own, gates).params(model.precision)
    if gates.gated and model.plan is not None:
        multiplying.give_back(params, model.plan, model.alignment, own.target.names)
    if "linear" not in family.biased and model.plan is not None:
        _give_back(params, attention_biases(model.plan), own)
    if is_turned(model):
        if model.plan is None:
            raise ModelFormatError("the model ranks positions by a rotation, and what was planned of it is not there")
        try:
            give_back(params, model.plan, model.alignment, own)
        except (KeyError, IndexError, ValueError) as error:
            raise ModelFormatError(
                f"the model's alignment does not fit its plan ({error}); compile it again"
            ) from error
    labels = model.residual_labels[: held.d_model]
    return replace(model, config=own, params=Params(params, own), residual_labels=labels)


def is_turned(model: Model) -> bool:
    """Whether a rotation of the family tells positions."""
    return model.config.held is not None and model.config.held.rope_theta != HUGE_THETA


def gated_of(model: Model) -> tuple[Gated, ...]:
    """The neurons of a model in a family's parameters that multiply, read off them."""
    held = model.config.held
    if held is None:
        return ()
    family = FAMILIES[model.config.family]
    gates = multiplying.gates_in(model, family)
    if not gates.gated:
        return ()
    own = model.plain.config
    return tuple(_Reading(model.params, model.config, family, frame_of(model), own, gates).gated())


def told_of(model: Model) -> Told | None:
    """The heads and neurons of a model in a family's parameters that make positions; None where there are none."""
    if not model.config.tells_by_distance:
        return None
    family = FAMILIES[model.config.family]
    return _Reading(model.params, model.config, family, frame_of(model), model.plain.config, NONE).told()


def attention_biases(plan: Plan) -> dict[int, Floats]:
    """What attention adds to the stream whatever it attends to, by layer, by the plan."""
    found: dict[int, Floats] = {}
    for block, stage in zip(plan.lowered.blocks, plan.schedule.stages, strict=True):
        for space, bias in block.write.bias.items() if isinstance(block, Head) else ():
            added = found.setdefault(stage // 2, np.zeros(plan.layout.d_model))
            added[plan.layout.slice(space)] += bias
    return found


def _give_back(params: dict[str, Floats], added: Mapping[int, Floats], config: Config) -> None:
    """Let attention add these again, rather than what is before it: the inverse of `without_attention_bias`."""
    names = config.target.names
    for i, bias in added.items():
        layer = names.layer(i)
        for called in (layer.query, layer.key, layer.value):
            params[called.b] = params[called.b] + bias @ params[called.w]
        params[layer.linear.b] = params[layer.linear.b] + bias
        before = names.token_embed if i == 0 else names.layer(i - 1).linear_2.b
        params[before] = params[before] - bias


def frame_of(model: Model) -> Frame:
    """The frame of a model in a family's parameters."""
    config, held = model.config, model.config.held
    if held is None or model.alignment.bos is None:
        raise ModelFormatError("the model says nothing of what of its parameters is the program's")
    return Frame(held.frame, held.d_model, config.d_model, held.norm_scale, model.alignment.bos)


def strays(model: Model) -> dict[str, float]:
    """How far parameters are from what they would be, held they the plain model alone; only those that are."""
    held = model.config.held
    if held is None:
        return {}
    try:
        again = _stocked(model.plain, FAMILIES[model.config.family], held)
    except InputError:  # no family holds what was read
        return {"positions": np.inf}
    if again.config != model.config:
        return {"config": np.inf}
    off = {name: float(np.abs(array - again.params[name]).max(initial=0.0)) for name, array in model.params.items()}
    return {name: size for name, size in off.items() if size > 0}


class _Reading:
    """Reads the plain model off a family's parameters: the inverse of what the converter does, step by step."""

    def __init__(
        self, params: Mapping[str, Floats], config: Config, family: Family, frame: Frame, own: Config, gates: Gates
    ) -> None:
        self.held = {name: np.asarray(array, np.float64) for name, array in params.items()}
        self.config, self.family, self.frame, self.own, self.gates = config, family, frame, own, gates

    def params(self, precision: Precision) -> dict[str, Floats]:
        family, own, d = self.family, self.own, self.frame.held
        names = own.target.names
        tokens = self.held[f"{family.token_embed}.weight"]
        if family.embed_scale:
            tokens = given(tokens, self.frame.width, precision)
        positions = np.zeros((own.n_ctx, d))
        if self.config.tells_by_distance:
            positions = self.told().table
        if family.pos_embed is not None:
            positions = self.held[f"{family.pos_embed}.weight"][family.pos_offset :, :d]
        found = {names.token_embed: tokens[:, :d], names.pos_embed: positions}
        for i, layer in enumerate(names.layers(own.n_layers)):
            for called, (w, b) in zip(layer, self.layer(i), strict=True):
                found |= {called.w: w, called.b: b}
        head = self.held[f"{family.classes[STOCK[family.name].exit][1]}.weight"].T
        w, b = self.frame.unread(head)
        return found | {names.unembed.w: w, names.unembed.b: b}

    def layer(self, i: int) -> list[tuple[Floats, Floats]]:
        family, own, mine = self.family, self.own, self.own.widths[0]
        n_heads, d_head, _ = self.config.widths[0]
        names = [name.format(i=i) for name in family.modules]
        if family.fused is None:
            inward = [self.weight(name) for name in names[:3]]
        else:
            inward = naming.unfused(self.weight(names[0]), family.fused, n_heads)
        into, shape = slots_of(family, mine.d_head, d_head), (n_heads, d_head)
        divisor = sqrt(d_head) if family.scales_scores else 1.0
        factor = divisor / own.target.score_divisor(mine.d_head)
        found = []
        for whole, scale in zip(inward, (factor, 1.0, 1.0), strict=True):
            w, b = self.frame.unread(whole)
            w = w.reshape(len(w), *shape)[:, : mine.n_heads, into].reshape(len(w), -1)
            found.append((w / scale, b.reshape(shape)[: mine.n_heads, into].reshape(-1) / scale))
        d = self.frame.held
        out = self.weight(names[3]).reshape(*shape, -1)[: mine.n_heads, into, :d].reshape(-1, d)
        found.append((out, self.bias(names[3], "linear")))
        return [*found, *self.neurons(names[4], names[5], i)]

    def neurons(self, inward: str, outward: str, i: int) -> list[tuple[Floats, Floats]]:
        family, mine, d = self.family, self.own.widths[0], self.frame.held
        held = self.config.held
        sharpness = 1.0 if held is None else held.step_sharpness
        gate = self.weight(inward if family.gate is None else family.gate.format(i=i))
        w, b = self.frame.unread(gate)
        back, bias = self.weight(outward)[:, :d], self.bias(outward, "linear_2")
        if len(back) > (own := max(self.gates.d_mlp(mine.d_mlp), 0 if held is None else held.positions_to)):
            bias = back[own] * ON
        kept = self.gates.kept(i, mine.d_mlp)
        if i == 0 and self.config.tells_by_distance and held is not None:
            kept = kept[: held.positions_from]
        read, thresholds, out = np.zeros((d, mine.d_mlp)), np.zeros(mine.d_mlp), np.zeros((mine.d_mlp, d))
        read[:, kept], thresholds[kept] = w[:, : len(kept)] / sharpness, b[: len(kept)] / sharpness
        out[kept] = back[: len(kept)] * (sharpness if family.gate is None else 1.0)
        return [(read, thresholds), (out, bias)]

    def told(self) -> Told:
        """The heads and neurons that make positions, which stand behind those of the program."""
        held, (n_heads, d_head, _) = self.config.held, self.config.widths[0]
        own = self.own.widths[0].n_heads
        names, columns = [name.format(i=0) for name in self.family.modules], slice(own * d_head, n_heads * d_head)
        query, key, value = (Map(*self.frame.unread(self.weight(name)[:, columns])) for name in names[:3])
        start, stop = (0, 0) if held is None else (held.positions_from, held.positions_to)
        read, thresholds = self.frame.unread(self.weight(names[4])[:, start:stop])
        d = self.frame.held
        return Told(
            self.held[f"{self.family.relative}.weight"][:, own:], query, key, value, self.weight(names[3])[columns, :d],
            Map(read, thresholds), self.weight(names[5])[start:stop, :d], self.own.n_ctx, d_head,
            self.config.target.score_divisor(d_head), self.frame.bos,
        )  # fmt: skip

    def gated(self) -> Iterator[Gated]:
        """The neurons that multiply, as the parameters have them."""
        held, plain = self.config.held, self.own.widths[0].d_mlp
        sharpness, d = 1.0 if held is None else held.step_sharpness, self.frame.held
        for i in range(self.own.n_layers):
            gate = self.frame.unread(self.weight((self.family.gate or "").format(i=i)))
            times = self.frame.unread(self.weight(self.family.modules.linear_1.format(i=i)))
            back = self.weight(self.family.modules.linear_2.format(i=i))
            for one, at in self.gates.places(i, plain):
                yield replace(
                    one, gate=gate[0][:, at] / sharpness, gate_bias=gate[1][at] / sharpness,
                    times=times[0][:, at] * sharpness, times_bias=times[1][at] * sharpness, out=back[at, :d],
                )  # fmt: skip

    def weight(self, name: str) -> Floats:
        """A map as [in, out]."""
        w = self.held[f"{name}.weight"]
        return w if self.family.rows_are_inputs else w.T

    def bias(self, name: str, role: str) -> Floats:
        """What is added to the dimensions of the program."""
        d = self.frame.held
        return self.held[f"{name}.bias"][:d] if role in self.family.biased else np.zeros(d)
