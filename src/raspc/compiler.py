"""The whole way: expressions → graph → passes → what is stored → blocks → schedule → weights → model."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial as partial_of
from types import MappingProxyType
from typing import Any

from raspc import doubts, rasp, recounting
from raspc.attempts import Found, designs, model_by, turned_or_counted
from raspc.certify.proof import certificate as certificates
from raspc.certify.proof.knobs import smallest, with_knobs
from raspc.certify.proof.weights import examined
from raspc.errors import CertificateError, InvalidProgram, UnsupportedProgram
from raspc.graph.build import Built, built
from raspc.graph.checked import checked_length, checked_vocab
from raspc.graph.closure import domain_of_prompts
from raspc.graph.nodes import Graph
from raspc.graph.prompts import Prompts
from raspc.graph.where import Where, domain_of
from raspc.library.causal import says_so
from raspc.numbers.memory import DEFAULT_BUDGET
from raspc.numbers.options import DEFAULT, Options
from raspc.numbers.precision import precision_of
from raspc.plan.alternatives import Refused, attempt, best
from raspc.plan.asked import check_arguments, checked_target, options_of
from raspc.plan.budget import check_budget
from raspc.plan.plan import Plan, Size, frontier
from raspc.plan.planning import alternatives
from raspc.refusals import told
from raspc.stock.convert import usual_sharpness
from raspc.stock.model import stocked
from raspc.target import PLAIN
from raspc.target.families import FAMILIES
from raspc.weights.making import model_of
from raspc.weights.model import Model

MOST_HALVINGS = 10
"""How often scores may be halved where the least sharpness is looked for."""


def compile(
    program: rasp.SOp,
    vocab: Iterable[Any],
    max_seq_len: int,
    causal: bool | None = None,
    bos: Any = "BOS",
    pad: Any = "PAD",
    optimize: int | str = 1,
    partial: bool = False,
    strict: bool = False,
    certify: bool = True,
    verify: bool = False,
    disabled_passes: Collection[str] = (),
    solver: bool = True,
    dtype: str = "float32",
    summation: str = "any order",
    accumulate: str = "float32",
    probabilities: str = "stored",
    memory: int | str = DEFAULT_BUDGET,
    where: Where = None,
    generate: bool = False,
    stop: Any = None,
    prompts: Prompts = None,
    target: str = "plain",
    uniform: bool = True,
    sharpness: float = 1.0,
    margin: float | None = None,
    total: bool = False,
) -> Model:
    """Compile a program into the weights of a transformer that computes it exactly.

    `vocab`: the tokens, without BOS and PAD. `max_seq_len`: the longest input, BOS not counted. `causal`: hide later
    keys from a query; if it is not given, only for a program that says so, as one of `raspc.raspl` does. `optimize`:
    0 and 1 readable, 2 compact with the fewest layers, "size" compact with a layer more where that makes the model 4
    times smaller. `partial`: compile for the inputs on which the program is defined.
    `strict`: refuse what rests on an assumption. `certify`: prove the margins in that precision. `verify`: check what
    each pass over the graph requires and ensures, and that it keeps the answers on a sample. `solver`: at level 2 ask
    OR-tools for the schedule, where it is installed and the greedy one is not proved the best.
    `dtype`, `summation`, `accumulate`, `probabilities`: the precision that the model is to run in, as
    `raspc.certificate` takes them; a narrow one is refused with the length that it could do. `memory`: what the arrays
    of the model may take, in bytes or as "2 GiB"; a larger model is refused before it is made.
    `where`: the inputs that the model is for, as a regular expression over tokens, an s-op that is True at every
    position, a list of inputs, or a function of the tokens; an input outside it is refused when the model is run, and
    what cannot occur in it takes no room.
    `generate`: the program writes: it is causal, and its answer at the last token is the next token, until that is
    `stop`. `prompts`: what it goes on from, as a regular expression over tokens or a list of prompts; the inputs that
    the model is for are then these, what they begin with, and what the program makes of them.
    `target`: "plain", or the stock family whose parameters the model is to have
    (`raspc.target.families`), such as "llama" or "gpt2".
    `uniform`: all layers have the width of the widest, as most frameworks want it; with False each has the heads and
    the neurons that it needs, and one without any has no parameters for them.
    `sharpness`: by what scores of attention are multiplied, a part of what they are otherwise, and slopes of steps as
    far as these stay flat at every value; less lets gradients live. 0 is the least half, quarter, eighth … that is
    proved as 1 is.
    `margin`: by how much the right logit leads, at least 1, which it is otherwise. Codes then have room: values are
    told apart by directions of their own, not by squares of one number, and counts are decoded before they are added.
    `total`: every variable may be forced to any of its values at any position (`model.intervene`), and the model
    answers as the program does with that, for combinations too that no input leads to.

    Raises InvalidProgram for bad arguments, UnsupportedProgram for a program that cannot be compiled
    exactly, CertificateError for a model whose margins do not suffice, InternalError for a pass that does not keep
    its word.
    """
    began, tokens, n = time.perf_counter(), checked_vocab(vocab), checked_length(max_seq_len)
    causal = isinstance(program, rasp.SOp) and says_so(program) if causal is None else causal
    check_arguments(tokens, bos, pad, optimize, causal, where, generate, stop, prompts, uniform, total)
    causal = causal or generate
    precision = precision_of(dtype, summation, accumulate, probabilities)
    name = checked_target(target, bool(causal), bool(uniform), bool(generate))
    options = options_of(
        optimize, precision, disabled_passes, solver, verify, memory, name, bool(uniform), sharpness, margin, total
    )  # fmt: skip
    domain = (generate and domain_of_prompts(program, tokens, n, stop, prompts)) or domain_of(where, tokens, n, causal)
    tabulate: Tabulate = partial_of(built, program, tokens, n, causal, options.without, where=domain)
    tabulate, tabulated = combined(tabulate, doubts.settled(program, tabulate(), partial, strict), total)
    softly = partial_of(softest, sharpness=float(sharpness), certify=certify)

    def made(options: Options) -> Found:
        make = partial_of(softly, bos=bos, pad=pad, options=options, changes=tabulated.changes)
        with told(program, tabulated, options, make):
            model = replace(recounting.settled(make, tabulated.graph, tabulate), expression=program)
            doubts.warn_of_level(program, model)
            model = doubts.settled_by_expressions(model, program, tabulated, began, partial) if certify else model
        return Found(model) if name == PLAIN.name else in_family(model, name, certify)

    each = designs(options, name) if certify else (options,)
    model = model_by(one for design in each for one in turned_or_counted(made, design, tabulated.graph))
    doubts.warn_of_family(program, model)
    return model


Tabulate = Callable[..., Built]
"""A program as it is tabulated; with counts for its means, where that is asked for."""


def combined(tabulate: Tabulate, known: Built, total: bool) -> tuple[Tabulate, Built]:
    """How a program is tabulated, and that: if `total`, for all combinations of values, not those of `known` alone.

    Raises UnsupportedProgram where they are too many.
    """
    if not total:
        return tabulate, known
    tabulate = partial_of(tabulate, total=True)
    try:
        found = tabulate()
    except UnsupportedProgram as error:
        error.args = (f"{error}; total=True needs all combinations of values, those too that no input leads to",)
        raise
    return tabulate, replace(found, graph=replace(found.graph, notes=known.graph.notes))


def in_family(model: Model, name: str, certify: bool) -> Found:
    """A model in the parameters of a stock family: with the least constants and the least sharpness that are proved.

    Where none are, it is to be measured, which raises CertificateError where what the family rounds is more than the
    margins bear. Of a model that is not proved as a plain one only the usual knobs are tried: its neurons may be proved
    where they multiply.
    """
    plan, usual = model.plan, partial_of(stocked, model, name, usual_sharpness(FAMILIES[name], model.precision))
    if plan is None or not certify:
        return Found(usual())
    is_proved = model.certificate is not None and model.certificate.proved
    made = None if is_proved else usual()
    found = smallest(model, plan, name) if made is None else with_knobs(made, plan)
    if found is None:
        made = made or usual()
        return Found(made, partial_of(certified, made, plan))
    proof = certificates.examine(found.model, found.plan, model.precision, found.links)
    return Found(replace(found.model, certificate=proof))


def softest(graph: Graph, options: Options, sharpness: float, certify: bool, **asked: Any) -> Model:
    """The model of a graph in the sharpness that is asked for; of 0, in the least that halving finds proved.

    Raises what `compile_graph` raises, and InvalidProgram where the least is asked for and no certificate to find it.
    """
    make = partial_of(compile_graph, graph, certify=certify, **asked)
    if sharpness > 0:
        return make(options=options)
    if not certify:
        raise InvalidProgram("sharpness=0 is the least whose certificate holds; pass certify=True, or a number above 0")
    found = make(options=options)
    for halvings in range(1, MOST_HALVINGS):
        softer = attempt(partial_of(make, options=replace(options, sharpness=2.0**-halvings)))
        if isinstance(softer, Refused) or _verdict(softer) != _verdict(found):
            break
        found = softer
    return found


def _verdict(model: Model) -> str | None:
    return None if model.certificate is None else model.certificate.verdict


def compile_graph(
    graph: Graph,
    bos: Any = "BOS",
    pad: Any = "PAD",
    options: Options = DEFAULT,
    certify: bool = True,
    changes: Mapping[str, int] = MappingProxyType({}),
    given_up: Sequence[str] = (),
) -> Model:
    """The smallest model of a graph whose certificate holds, or the smallest if none is asked for.

    In a narrow format, where counting proves what means only measure, a design that is proved goes before all others.

    `changes`: how often each pass changed something while the graph was built. `given_up`: passes and choices that it
    is to do without.

    Raises UnsupportedProgram or CertificateError where every design is refused.
    """

    seen: list[Size] = []

    def rounds() -> Iterator[list[Plan | Refused]]:
        for plans in alternatives(graph, options, given_up):
            seen.extend(plan.size for plan in plans if isinstance(plan, Plan))
            yield plans

    measured: list[Model] = []

    def made(plan: Plan) -> Model:
        check_budget(plan)
        model = model_of(plan, bos, pad, changes, frontier(seen))
        return certified(model, plan) if certify else model

    def proved(plan: Plan) -> Model:
        model = made(plan)
        if model.certificate is not None and model.certificate.verdict != "proved":
            measured.extend(() if measured else [model])
            raise CertificateError("measured, not proved")
        return model

    if not options.precision.narrow:
        return best(rounds(), lambda plan: plan.cost, made)
    found = attempt(lambda: best(rounds(), lambda plan: plan.cost, proved))
    if isinstance(found, Refused) and not measured:
        raise found.error
    return measured[0] if isinstance(found, Refused) else found


def certified(model: Model, plan: Plan) -> Model:
    """The model with its certificate. Raises CertificateError for margins that do not suffice."""
    found = certificates.certify(model, examined(plan, model), plan.options.precision)
    return replace(model, certificate=found)
