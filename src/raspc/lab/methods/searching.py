"""Distributed alignment search (Geiger et al. 2024): find the subspace that is a variable, by gradient descent.

A rotation R of the stream is learned. Its first k columns are swapped between two runs, and the model is to answer as
the program does with the variable swapped: that is the objective of pyvene's DAS, the cross-entropy of these answers.
`backend="pyvene"` has pyvene learn it. What is found is held against controls by `raspc.lab.iia`, on pairs that it was
not learned on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from raspc import arguments
from raspc.errors import InputError
from raspc.lab.activations import Floats
from raspc.lab.forcing import Ground
from raspc.lab.interchanges import Interchange, Pairs, Subspace, iia
from raspc.lab.methods.probing import variable_of
from raspc.lab.net import Net, as_ids
from raspc.run import forward as run
from raspc.weights.model import Model

if TYPE_CHECKING:
    from torch import Tensor
else:
    Tensor = Any

STEPS, RATE, STARTS = 120, 0.05, 3
PARTED = 7919
"""How far apart the seeds of learning and of holding are."""


@dataclass(frozen=True)
class Das:
    """The subspace that was found for a variable after a stage: `basis` [k, d_model], with orthonormal rows.

    `loss`: of the best of several starts, at its end. `held`: its interchange accuracy, with controls, on other pairs.
    `pairs`, `steps`, `seed`, `dtype`, `backend`: how it was learned.
    """

    variable: str
    stage: int
    basis: Floats
    loss: float
    held: Interchange
    pairs: int
    steps: int
    seed: int
    dtype: str
    backend: str = "raspc"

    @property
    def subspace(self) -> Subspace:
        """As an alignment takes it."""
        return Subspace(self.stage, self.basis)

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self) | {"basis": self.basis.tolist(), "held": asdict(self.held)}


def das(
    model: Model, variable: str, stage: int, dims: int, *, pairs: int = 256, seed: int = 0, steps: int = STEPS,
    starts: int = STARTS, dtype: str = "float64", backend: str = "raspc",
) -> Das:  # fmt: skip
    """Search for a variable in `dims` dimensions of the stream after a stage; the best of `starts` rotations.

    Stages count as in an alignment: −1 the embedding, 2l the attention of layer l, 2l + 1 its MLP. `backend`: "raspc",
    or "pyvene" where that is installed: its rotation and its hooks, with the same objective, pairs and steps.

    Raises InputError for a variable, a stage or a number of dimensions that the model does not have, where no swap
    has an answer in the program, and for a backend that is unknown or not installed.
    """
    arguments.an(Model, "model", model, "a compiled model")
    ground = Ground(model)
    label = variable_of(ground.graph, variable)
    arguments.whole("stage", stage, -1, 2 * model.config.n_layers - 1)
    arguments.whole("dims", dims, 1, model.config.d_model)
    for argument, number in (("steps", steps), ("starts", starts)):
        arguments.whole(argument, number, 1)
    if backend not in BACKENDS:
        raise InputError(f"backend is {backend!r}, needed one of {', '.join(map(repr, BACKENDS))}")
    question = Pairs(ground, pairs, seed, dtype)
    goal, counted = question.goal(label)
    if not counted.any():
        raise InputError(f"{label}: the program has no answer where it is swapped, on any of these pairs")
    search = _Search(model, question, goal, counted, stage, dims, dtype)
    learn = BACKENDS[backend]
    loss, basis = min((learn(search, seed + i, steps) for i in range(starts)), key=lambda found: found[0])
    held = iia(model, {label: Subspace(stage, basis)}, pairs=pairs, seed=seed + PARTED)[label]
    return Das(label, stage, basis, loss, held, question.count, steps, seed, dtype, backend)


class _Search:
    def __init__(
        self, model: Model, question: Pairs, goal: Any, counted: Any, stage: int, dims: int, dtype: str
    ) -> None:
        import torch

        self.model, self.question, self.stage, self.dims = model, question, stage, dims
        self.net, self.ids = Net(model, "component", dtype), as_ids(question.ids)
        streams = [question.trace.input_embeddings, *question.trace.residuals]
        theirs = np.take_along_axis(streams[stage + 1], question.order[..., None], axis=1)
        self.theirs = torch.as_tensor(np.asarray(theirs), dtype=self.net.dtype)
        self.real = torch.from_numpy((question.ids != model.config.pad_id) & (np.arange(question.ids.shape[1]) > 0))
        self.counted = torch.from_numpy(counted)
        numbers = goal.ids if goal.numbers is None else goal.numbers
        self.goal = torch.as_tensor(np.asarray(numbers))

    def learn(self, seed: int, steps: int) -> tuple[float, Floats]:
        """The loss in the end, and the basis."""
        import torch

        generator = torch.Generator().manual_seed(seed)
        shape = (self.model.config.d_model, self.dims)
        free = torch.randn(shape, generator=generator, dtype=self.net.dtype).requires_grad_()
        descent = torch.optim.Adam([free], lr=RATE)
        best: tuple[float, Any] = (float("inf"), free.detach().clone())
        for _ in range(steps):
            columns = torch.linalg.qr(free).Q
            loss = self.loss(columns)
            if float(loss.detach()) < best[0]:
                best = float(loss.detach()), columns.detach().clone()
            descent.zero_grad()
            torch.autograd.backward(loss)
            descent.step()
        return best[0], np.asarray(best[1].T.numpy(), np.float64)

    def loss(self, columns: Tensor) -> Tensor:
        """Of the answers with what lies along these columns [d_model, k] swapped."""
        import torch

        at = -2

        def see(name: str, x: Tensor) -> Tensor:
            nonlocal at
            if name in ("input_embeddings", "residuals"):
                at += 1
                if at == self.stage:
                    moved = (self.theirs - x) @ columns @ columns.T
                    return torch.where(self.real[..., None], x + moved, x)
            return x

        hidden = run.hidden_keys(self.ids == self.model.config.pad_id, self.model.config.causal, self.net.how.arrays)
        return self.of(run.forward(self.net.parts, self.ids, hidden, self.net.how, see))

    def of(self, answers: Tensor) -> Tensor:
        """How far logits [pair, position, column] are from what the program answers, where it does."""
        import torch

        logits, goal = answers[:, 1:][self.counted], self.goal[self.counted]
        if self.model.config.output.kind == "categorical":
            found: Tensor = torch.nn.functional.cross_entropy(logits, goal.long())
            return found
        off: Tensor = torch.nn.functional.mse_loss(logits[:, 0], goal.to(logits.dtype))
        return off


def _by_pyvene(search: _Search, seed: int, steps: int) -> tuple[float, Floats]:
    from raspc.lab.methods.by_pyvene import rotation

    return rotation(search.net, search.question, search.stage, search.dims, seed, steps, RATE, search.of)


BACKENDS: dict[str, Callable[[_Search, int, int], tuple[float, Floats]]] = {
    "raspc": _Search.learn, "pyvene": _by_pyvene
}  # fmt: skip
"""Who learns a rotation: the loss and the basis of one start."""
