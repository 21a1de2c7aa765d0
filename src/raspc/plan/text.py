"""A plan as text that people read: what is stored of each variable and for whom, scores, blocks, layers, answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from raspc.blocks.reading.groups import Group
from raspc.blocks.scores.selection import Conjunct, Selection
from raspc.blocks.spaces import BOS, Block, Head, Read
from raspc.blocks.storage.stored import Reader, Stored
from raspc.graph import nodes as N
from raspc.graph.nodes import Floats, Variable
from raspc.layout.layout import Layout
from raspc.numbers.options import Options
from raspc.plan.plan import Plan

MOST_NUMBERS = 8
"""How many numbers of a direction are shown."""
MOST_DIRECTIONS = 8
"""How many directions of a group are shown."""


def plan_text(plan: Plan) -> str:
    """The whole plan: a heading, then one section for each thing that is decided, indented by two."""
    options, graph = plan.options, plan.graph
    mask = ", causal" if graph.causal else ""
    level = "s" if options.objective == "size" else options.level.value
    head = f"-O{level}, {options.precision.name}, inputs of up to {graph.max_seq_len} tokens{mask}"
    head += "".join(f"\n{line}" for line in _design(options))
    sections = {
        "stored": _stored(plan),
        "scores": _scores(plan),
        "blocks": _blocks(plan),
        "layers": _layers(plan),
        "answer": [_answer(plan)],
    }
    told = ["\n".join((name, *(f"  {line}" for line in lines))) for name, lines in sections.items()]
    return "\n\n".join((head, *told)) + "\n"


def _design(options: Options) -> Iterator[str]:
    """What the design took from a lower level, or did without, to be proved where others are not, or to be smaller."""
    if options.stored is not None:
        yield f"what is stored is decided as at -O{options.stored.value}"
    if options.given_up:
        yield f"given up: {', '.join(options.given_up)}"


# -- what is stored ------------------------------------------------------------------------------------


def _stored(plan: Plan) -> Iterator[str]:
    for place, node in enumerate(plan.graph.nodes):
        if isinstance(node, Variable):
            stored = plan.storage[place]
            yield f"{plan.graph.labels[place]}: {_origin(plan, node, stored)}{_restored(stored)}"
            yield from (f"  {line}" for group in stored.groups for line in _directions(group))
            if stored.readers:
                yield f"  read by {', '.join(_reader(plan, reader) for reader in stored.readers)}{_right_to(stored)}"


def _origin(plan: Plan, node: Variable, stored: Stored) -> str:
    """How a variable gets into the stream, or what it is read off."""
    if isinstance(node, N.Token | N.Index):
        return "embedded" if stored.kept else "not stored"
    decoded = "" if stored.design is None else f"computed by {stored.design.size} neurons"
    if stored.share is not None:
        count = f"a count, left by attention as {stored.share.form}"
        return f"{count}, then {decoded}" if decoded else count
    if stored.raised is not None:
        total = f"a sum, left by attention, ln M = {stored.raised.score:.6g}"
        return f"{total}, then {decoded}" if decoded else total
    if isinstance(node, N.Aggregate) and stored.left is not None:
        return f"a mean, left by attention, then {decoded}" if decoded else "a mean, left by attention"
    if isinstance(node, N.Aggregate):
        return "moved by a head" if stored.kept else "not stored"
    sources = ", ".join(plan.graph.labels[source] for source in stored.read_off)
    return decoded or (f"read off {sources}" if sources else "a constant")


def _restored(stored: Stored) -> str:
    return "" if stored.restored is None else f", restored by {stored.restored.design.size} neurons"


def _directions(group: Group) -> Iterator[str]:
    """The group, and the code of each direction where it is not one-hot."""
    rows, columns = group.code.shape
    if rows == columns and np.array_equal(group.code, np.eye(rows)):
        yield f"{group.space}: one-hot, {columns}"
        return
    yield f"{group.space}: {columns}{', powers' if group.steep else ''}{', noisy' if group.noisy else ''}"
    for label, column in list(zip(group.labels, group.code.T, strict=True))[:MOST_DIRECTIONS]:
        yield f"  {label} = {_numbers(column)}"
    if columns > MOST_DIRECTIONS:
        yield "  …"


def _numbers(column: Floats) -> str:
    shown = [f"{number:.6g}" for number in (column + 0.0)[:MOST_NUMBERS]]
    return ", ".join((*shown, "…") if len(column) > MOST_NUMBERS else shown)


def _reader(plan: Plan, reader: Reader) -> str:
    return f"{plan.graph.labels[reader.by]} ({reader.purpose} of {plan.graph.labels[reader.of]})"


def _right_to(stored: Stored) -> str:
    return f"; right to {stored.error:.3g}" if np.isfinite(stored.error) else ""


# -- how heads select ----------------------------------------------------------------------------------


def _scores(plan: Plan) -> Iterator[str]:
    for place, stored in enumerate(plan.storage.variables):
        if stored is not None and stored.selection is not None:
            yield f"{plan.graph.labels[place]}: {_selects(stored.selection)}"
            yield from (f"  {_conjunct(plan, conjunct)}" for conjunct in stored.selection.conjuncts)


def _selects(selection: Selection) -> str:
    what = f"{len(selection.conjuncts)} tables" if len(selection.conjuncts) > 1 else "one table"
    ties = "; scores of equals carry rounding" if selection.ties_round else ""
    return (what if selection.conjuncts else "all keys") + ties


def _conjunct(plan: Plan, conjunct: Conjunct) -> str:
    """Key and query, how many pairs are selected, and the factors in short."""
    names, factors = plan.graph.labels, conjunct.factors
    pairs = f"{int((conjunct.cells == 1).sum())} of {conjunct.cells.size} pairs"
    steep = f", steep, up to {conjunct.shortfall:.3g} below 0" if conjunct.shortfall else ""
    sides = f"keys {names[conjunct.key]}, queries {names[conjunct.query]}"
    return f"{sides}: {pairs}; rank {factors.rank}, terms up to {factors.size:.6g}{steep}"


# -- blocks and layers ---------------------------------------------------------------------------------


def _blocks(plan: Plan) -> Iterator[str]:
    for number, block in enumerate(plan.lowered.blocks):
        yield f"{number} {_block(block)}"
        yield from (f"  {name} {_spaces(read.maps)}{_bias(read)}" for name, read in _parts(block))
        yield f"  writes {_spaces(block.write.maps)}"


def _block(block: Block) -> str:
    if not isinstance(block, Head):
        many = f"neurons of {block.name}: {block.read.width}"
        return many if block.products is None else f"{many}, or {block.products.size} gated that multiply"
    sink = f"ln {np.exp(block.log_sink):.6g}" if block.log_sink is not None else f"{block.sink:g} steps"
    return (
        f"head of {block.name}, a {block.kind}, selects {block.selector}: sharpness {block.sharpness:.6g}, BOS {sink}"
    )


def _parts(block: Block) -> Iterator[tuple[str, Read]]:
    if isinstance(block, Head):
        yield from (("queries", block.query), ("keys", block.key), ("values", block.value))
    else:
        yield "reads", block.read


def _spaces(names: Iterable[str]) -> str:
    """Spaces by name, that of BOS last."""
    return ", ".join(sorted(names, key=lambda name: (name == BOS, name))) or "nothing"


def _bias(read: Read) -> str:
    return " and a constant" if np.any(read.bias) else ""


def _layers(plan: Plan) -> Iterator[str]:
    """Each stage with its blocks; how the schedule was found."""
    stages = plan.schedule.stages
    for stage in sorted(set(stages)):
        blocks = [f"{i} {plan.lowered.blocks[i].name}" for i in range(len(stages)) if stages[i] == stage]
        yield f"layer {stage // 2} {'MLP' if stage % 2 else 'attention'}: {', '.join(blocks)}"
    layout = plan.layout
    n_layers = plan.schedule.n_layers
    layers = _counted(n_layers, "layer")
    yield f"{plan.schedule.method}; {layers}, d_model {layout.d_model}, {_widths(layout, n_layers)}"
    if plan.padding.parameters:
        yield padding_text(plan)


def _widths(layout: Layout, n_layers: int) -> str:
    """The heads and the neurons of layers: once where all are alike."""
    each = [layout.widths(layer) for layer in range(n_layers)]
    heads = [f"{found.n_heads} of {found.d_head}" if found.n_heads else "none" for found in each]
    if layout.uniform:
        return f"{_counted(each[0].n_heads, 'head')} of {each[0].d_head}, d_mlp {layout.d_mlp}"
    return f"heads {', '.join(heads)}, d_mlp {', '.join(str(found.d_mlp) for found in each)}"


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def padding_text(plan: Plan) -> str:
    """How many parameters only fill up layers to the widest one, and what each layer needs."""
    padding = plan.padding
    heads, neurons = (", ".join(map(str, found)) for found in (padding.heads, padding.neurons))
    filled = f"{padding.parameters:,} of {plan.size.parameters:,} parameters"
    return f"filled up to the widest layer: {filled}; heads {heads}, neurons {neurons}"


def _answer(plan: Plan) -> str:
    what = "a number" if plan.storage.numerical else f"one of {plan.storage.answer.shape[1]}"
    label = plan.graph.labels[plan.graph.output]
    return f"{label}, {what}, read off {_spaces(plan.lowered.output.maps)}{_bias(plan.lowered.output)}"
