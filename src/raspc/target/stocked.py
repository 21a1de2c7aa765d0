"""A stock family as a target: which parameters it has, with which shapes; and what of them is a program's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from raspc.target.families import FAMILIES, HUGE_THETA, Family
from raspc.target.names import Names
from raspc.target.target import TARGETS, Axes, Sizes, Target, Widths


@dataclass(frozen=True)
class Held:
    """What of a model in a family's parameters is the program's: the sizes of the plain model that it holds.

    `target`: that of the plain model. `frame`: the kind of frame (`raspc.stock.frame`); `norm_scale`: its root mean
    square; `step_sharpness`: K of relu(z) = act(K·z)/K. `rope_theta`: the base of a rotation, HUGE_THETA where nothing
    that is in use turns. `positions_from`, `positions_to`: the neurons of the first layer that make positions of what
    heads tell by biases, which stand behind the heads of the program (`raspc.target.distances`).
    """

    target: str
    d_model: int
    n_heads: int
    d_head: int
    d_mlp: int
    frame: str
    norm_scale: float
    step_sharpness: float
    rope_theta: float = HUGE_THETA
    positions_from: int = 0
    positions_to: int = 0

    @property
    def widths(self) -> Widths:
        """Those of every layer of the plain model."""
        return Widths(self.n_heads, self.d_head, self.d_mlp)


@dataclass(frozen=True)
class StockTarget(Target):
    """A family as the target of a model: its parameters have the names and the shapes of the family's classes."""

    @property
    def family(self) -> Family:
        """The row of the table."""
        return FAMILIES[self.name]

    @property
    def exit(self) -> str:
        """The exit whose head the model has: that of labels, where the family has one."""
        return self.family.exits[-1]

    def parameters(self, sizes: Sizes) -> dict[str, Axes]:
        """The name and shape of every parameter, as the family's class for the exit has them."""
        family, d = self.family, sizes.d_model
        found: dict[str, Axes] = {f"{family.token_embed}.weight": (sizes.d_vocab, d)}
        if family.pos_embed is not None:
            found[f"{family.pos_embed}.weight"] = (sizes.n_ctx + family.pos_offset, d)
        for i, widths in enumerate(sizes.widths):
            found |= self._layer(i, d, widths.n_heads * widths.d_head, widths.d_mlp)
        for once in (family.norms.first, family.norms.last):
            found |= {} if once is None else self._norm(once, d)
        name = family.classes[self.exit][1]
        found[f"{name}.weight"] = (sizes.d_vocab_out, d)
        if self.exit == "labels":
            found[f"{name}.bias"] = (sizes.d_vocab_out,)
        named = {"n_heads": sizes.widths[0].n_heads, "d_model": d}
        if family.relative is not None:
            found[f"{family.relative}.weight"] = (sizes.buckets, sizes.widths[0].n_heads)
        return found | {
            name: tuple(named[n] if isinstance(n, str) else n for n in shape) for name, shape in family.idle.items()
        }

    def _layer(self, i: int, d: int, inner: int, d_mlp: int) -> dict[str, Axes]:
        family, found = self.family, dict[str, Axes]()
        ends = {
            "query": (d, inner), "key": (d, inner), "value": (d, inner), "linear": (inner, d),
            "linear_1": (d, d_mlp), "linear_2": (d_mlp, d),
        }  # fmt: skip
        if family.fused is not None:
            ends = {"query": (d, 3 * inner), **{role: ends[role] for role in ("linear", "linear_1", "linear_2")}}
        for role, (rows, columns) in ends.items():
            name = getattr(family.modules, role).format(i=i)
            found[f"{name}.weight"] = (rows, columns) if family.rows_are_inputs else (columns, rows)
            if role in family.biased:
                found[f"{name}.bias"] = (columns,)
        if family.gate is not None:
            found[f"{family.gate.format(i=i)}.weight"] = (d_mlp, d)
        for norm in (family.norms.attention, family.norms.mlp):
            found |= self._norm(norm.format(i=i), d)
        return found

    def _norm(self, name: str, d: int) -> dict[str, Axes]:
        gain: dict[str, Axes] = {f"{name}.weight": (d,)}
        return gain | {f"{name}.bias": (d,)} if self.family.norms.centred else gain


def _target(family: Family) -> StockTarget:
    names = Names(
        f"{family.token_embed}.weight", f"{family.pos_embed}.weight", family.modules,
        family.classes[family.exits[-1]][1], ".weight", ".bias",
    )  # fmt: skip
    return StockTarget(
        family.name, names, family.activation, family.norms.kind, family.pos_embed is not None, bool(family.biased),
        family.scales_scores,
    )  # fmt: skip


STOCK: dict[str, StockTarget] = {name: _target(family) for name, family in FAMILIES.items()}
"""By name."""


def target_named(name: Any) -> Target | None:
    """The plain target or the stock family of that name, if there is one."""
    if not isinstance(name, str):
        return None
    return TARGETS.get(name) or STOCK.get(name)
