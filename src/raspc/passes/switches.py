"""Every pass that can be left out for study: what it does, what it requires and ensures, and where it is.

The one list: the command line, the documentation and the tests read it. Without a pass the model is another one, as a
rule a larger one, or the program is refused as too large; the answers of a model never depend on it. What has no
switch, because without it there would be no model, is named in docs/optimiser.md.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from raspc.errors import InvalidProgram


@dataclass(frozen=True)
class Switch:
    """A pass that has a switch. `room`: where in the compiler it acts; `where`: the place that decides."""

    name: str
    room: str
    does: str
    requires: str
    ensures: str
    where: str


SWITCHES: tuple[Switch, ...] = (
    # -- while the graph is built --
    Switch("share", "graph", "nodes with equal tables are one node", "equal kind, arguments, value set and table",
         "no two tables, widths or aggregates of a graph are equal", "graph/store.py"),
    Switch("fold", "graph", "what does not vary is a constant: tables, selectors, aggregates of one value",
         "defined wherever its arguments are", "no table varies with nothing; no selector is constant",
         "graph/store.py, graph/build.py, graph/tabulate.py"),
    Switch("compose", "graph", "a function, or a selector, of a function of one variable is one of that variable",
         "the value is listed over one root", "a table over one root has it as its argument",
         "graph/store.py, graph/tabulate.py"),
    Switch("causal", "graph", "under a causal mask a selector over indices is free where the mask hides the key",
         "causal; key and query are the index", "`indices <= indices` is the selector of everything", "graph/build.py"),
    Switch("never_empty", "graph", "proofs that a selection is never empty: no default, and BOS does not compete",
         "every query selects itself, or a present index, by tables", "no default in the value set, widths from 1",
         "graph/build.py"),
    Switch("single", "graph", "proofs by structure that all selected keys hold one value; else a search decides",
         "at most one index, or one value for each class of keys", "the aggregate is a pick: it moves a value",
         "graph/build.py"),
    # -- graph to graph --
    Switch("complement_widths", "passes", "the width of a selector with a simple complement is length − its width",
         "the complement is a conjunction of tables; at most 96 positions", "fewer heads, or narrower ones",
         "passes/complement_widths.py"),
    Switch("split_widths", "passes", "the width of a disjunction is a sum of widths, by inclusion and exclusion",
         "at most 4 terms and 5 widths", "every such width is of a conjunction of tables", "passes/split_widths.py"),
    # -- what is stored of each variable --
    Switch("virtual", "blocks", "a function of one variable takes no layer: its features are features of that variable",
         "its value is listed over one root", "no neurons and no space, unless a person wants to read it",
         "blocks/reading/readiness.py"),
    Switch("separable", "blocks", "a function g(x) + h(z) takes no layer: it is read off its terms",
         "the sum holds for all values that can occur, and none of them is None", "no neurons but those of its terms",
         "blocks/reading/readiness.py"),
    Switch("basis", "blocks", "a basis of the features that readers need is stored, not one direction for each value",
         "level 2, or a variable without a name", "every demanded feature is in the span of what is stored",
         "blocks/storage/storing.py"),
    Switch("number_answers", "blocks", "the answer is read off its number v by the logits 2vx − v²",
         "level 2; the number is right to 1/(2·max|v|)", "the right logit leads by at least 1",
         "blocks/storage/storing.py"),
    Switch("add_shares", "blocks", "widths that are added have BOS raised so far that their shares are added instead",
         "at most 96 positions", "one staircase decodes the sum, in the layer of its heads", "blocks/reading/left.py"),
    # -- selectors as scores --
    Switch("squares", "blocks", "equality of numbers is −(k − q)²: two or three score directions",
         "integers, at most 2,048 in size", "0 where equal, at most −1 elsewhere", "blocks/scores/penalty.py"),
    Switch("renumber", "blocks", "classes of keys and queries that are partners get one number each, for the squares",
         "each class of keys is selected by at most one class of queries, and conversely", "equality of numbers",
         "blocks/scores/penalty.py"),
    Switch("distinct_rows", "blocks", "keys (or queries) that are selected alike share one score direction",
         "equal rows, or columns, of the table", "rank at most the number of distinct rows",
         "blocks/scores/penalty.py"),
    Switch("low_rank", "blocks", "rows that are sums of other rows of a table need no score direction of their own",
         "fewer independent rows than distinct ones, coefficients that are multiples of 1/4",
         "the same penalty, number for number", "blocks/scores/low_rank.py"),
    Switch("digits", "blocks", "equality of numbers is by their two digits where scores are rounded",
         "integers that spread over 8 or more; a head that scores steeply too", "terms of about 4B, not 4B²",
         "blocks/scores/penalty.py"),
    Switch("steep", "blocks", "a comparison is one product of powers for each block of values, not a direction a value",
         "level 2; a count that is decoded, or a pick, so that selected keys may weigh a little less than others",
         "a penalty within N⁻¹·2⁻¹⁴ of 0 where selected, at most −1 elsewhere", "blocks/scores/selection.py"),
    # -- functions by neurons --
    Switch("merge_values", "blocks", "values with equal slices of a function's table are one",
         "slices agree wherever both are defined", "no two equal slices are left", "blocks/neurons.py"),
    Switch("square_gates", "blocks", "a cell is found by squares of numbers rather than by indicators",
         "a variable without rounding, of more than three values", "two features of each variable",
         "blocks/designing.py"),
    Switch("lines", "blocks", "a function of several variables is a staircase along one sum of them, if one tells its "
         "values apart", "gaps of at least eight roundings", "two neurons a step, in the layer of its heads",
         "blocks/designing.py"),
    Switch("gated_lines", "blocks", "a function is a staircase along one variable for each cell of the others",
         "at most one of the variables is undecoded", "two neurons a step and cell", "blocks/designing.py"),
    Switch("pulse", "blocks", "a function that is special in one case is a pulse along a sum that is 0 there alone",
         "the sum is 8 roundings from 0 in every other case", "two or four neurons, in the layer of its heads",
         "blocks/designing.py"),
    # -- layers and places --
    Switch("drop_dead", "blocks", "heads, neurons and embeddings that no one reads are not made", "level 2",
         "every block is read, by the output in the end", "blocks/lower.py"),
    Switch("schedule", "weights", "blocks with room to wait even out the layers", "the fewest layers are kept",
         "no block before what it reads", "plan/planning.py"),
    Switch("smallest", "weights", "all schedules with the fewest layers are laid out, and the smallest model is taken",
         "level 2; at most 32 such schedules", "no schedule with so few layers makes a smaller model",
         "plan/planning.py"),
    Switch("solver", "weights", "CP-SAT goes on where the greedy schedule is not proved the best",
         "level 2; more schedules than `smallest` takes; OR-tools",
         "at least as good as greedy; optimal, or bound and gap", "plan/planning.py"),
    Switch("share_heads", "weights", "heads of a layer that score alike are one", "equal scores, sink and sharpness",
         "heads × width is no larger", "layout/heads.py"),
    Switch("split_heads", "weights", "the values of a wide head are moved by several narrow ones", "level 2",
         "heads × width is no larger", "layout/heads.py"),
    Switch("reuse", "weights", "dimensions are used again after their last reader",
         "level 2; an MLP between the last reader and the next tenant clears them",
         "no two spaces with readers to come in one dimension; fewer parameters", "layout/placement.py"),
)  # fmt: skip

OPTIONAL: tuple[str, ...] = tuple(switch.name for switch in SWITCHES)


def checked(names: Collection[str]) -> tuple[str, ...]:
    """Names of passes, in the order of the compiler. Raises InvalidProgram for one that there is not."""
    if unknown := sorted(set(names) - set(OPTIONAL)):
        raise InvalidProgram(
            f"no pass that can be left out is called {' or '.join(map(repr, unknown))}; there are {', '.join(OPTIONAL)}"
        )
    return tuple(name for name in OPTIONAL if name in names)
