"""DAS by pyvene (Wu et al. 2024): its low-rank rotation, swapped by its hooks, in a model whose stream is modules."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from raspc.errors import InputError
from raspc.lab.activations import Floats
from raspc.lab.interchanges import Pairs
from raspc.lab.net import Net
from raspc.run import forward as run

if TYPE_CHECKING:
    from torch import Tensor
else:
    Tensor = Any


def rotation(
    net: Net, question: Pairs, stage: int, dims: int, seed: int, steps: int, rate: float,
    loss: Callable[[Tensor], Tensor],
) -> tuple[float, Floats]:  # fmt: skip
    """The least loss in a descent of so many steps, and the basis [dims, d_model] that had it.

    `loss`: of logits [pair, position, column].

    Raises InputError where pyvene is not installed.
    """
    try:
        import pyvene
    except ImportError as error:
        raise InputError("backend='pyvene' needs pyvene; pip install 'raspc[interventions]'") from error
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        sizes = {"embed_dim": net.config.d_model, "low_rank_dimension": dims, "keep_last_dim": True}
        learned = pyvene.LowRankRotatedSpaceIntervention(**sizes)
        where = {"component": f"stream[{stage + 1}].output", "intervention": learned.to(net.dtype)}
        swapped = pyvene.IntervenableModel(pyvene.IntervenableConfig([where]), model=_staged(net))
        descent = torch.optim.Adam(learned.parameters(), lr=rate)
        groups, best = tuple(_by_length(net, question)), (float("inf"), np.zeros((dims, net.config.d_model)))
        for _ in range(steps):
            found = loss(_logits(swapped, groups, net, question))
            if float(found.detach()) < best[0]:
                best = float(found.detach()), _basis(learned)
            descent.zero_grad()
            torch.autograd.backward(found)
            descent.step()
    return best


def _basis(learned: Any) -> Floats:
    return np.array(learned.rotate_layer.weight.detach().numpy().T, np.float64)


def _staged(net: Net) -> Any:
    """The model, with a module through which its stream goes after each stage: `stream[i]` after stage i − 1."""
    import torch

    class Staged(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stream = torch.nn.ModuleList(torch.nn.Identity() for _ in range(2 * net.config.n_layers + 1))
            self.config, self.device = net.config, torch.device("cpu")  # pyvene asks for both

        def forward(self, ids: Tensor) -> Tensor:
            stream = iter(self.stream)

            def see(name: str, x: Tensor) -> Tensor:
                return next(stream)(x) if name in ("input_embeddings", "residuals") else x

            hidden = run.hidden_keys(ids == net.config.pad_id, net.config.causal, net.how.arrays)
            logits: Tensor = run.forward(net.parts, ids, hidden, net.how, see)
            return logits

    return Staged()


def _by_length(net: Net, question: Pairs) -> Iterator[tuple[Any, Tensor, Tensor, Any]]:
    """Pairs of one length: their rows, ids of bases and of sources, and at which positions they are swapped."""
    import torch

    lengths = (question.ids != net.config.pad_id).sum(axis=1)
    for length in np.unique(lengths).tolist():
        rows = np.flatnonzero(lengths == length)
        base, source = (torch.tensor(ids[rows, :length]) for ids in (question.ids, question.theirs))
        here, there = [list(range(1, length))] * len(rows), question.order[rows, 1:length].tolist()
        yield torch.from_numpy(rows), base, source, {"sources->base": ([there], [here])}


def _logits(swapped: Any, groups: Any, net: Net, question: Pairs) -> Tensor:
    """[pair, position, column]: pyvene runs inputs of one length at once."""
    import torch

    logits = torch.zeros((*question.ids.shape, net.config.d_vocab_out), dtype=net.dtype)
    for rows, base, source, places in groups:
        logits[rows, : base.shape[1]] = swapped({"ids": base}, [{"ids": source}], unit_locations=places)[1]
    return logits
