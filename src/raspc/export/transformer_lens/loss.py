"""The loss of a compiled model: what its logits say of the program's own answers, not of the next token.

A program gives an answer at each position, and the columns of the logits are answers, which need not be tokens. So
the loss that TransformerLens computes of its own, of each next token, would mean nothing here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from raspc import values as V
from raspc.errors import InputError
from raspc.graph.evaluate import Batch, run_graph
from raspc.graph.nodes import UNDEFINED
from raspc.weights import Model


@dataclass(frozen=True, eq=False)
class Loss:
    """The cross-entropy of logits against the answers of a program, called as TransformerLens calls its `loss_fn`."""

    model: Model

    @cached_property
    def columns(self) -> NDArray[np.intp]:
        """For each value of the program's output the column of the logits that stands for it."""
        output, graph = self.model.config.output, self.model.as_written
        if output.kind != "categorical":
            raise InputError(
                "found a program that answers numbers, needed one whose answers are classes: there is no cross-entropy "
                "of a number; take return_type='logits', whose column 0 is the number"
            )
        place = {V.key(value): column for column, value in enumerate(output.values)}
        known = graph.variable(graph.output).listed.values
        return np.array([place.get(V.key(value), UNDEFINED) for value in known], np.intp)

    def answers(self, ids: NDArray[np.intp]) -> NDArray[np.intp]:
        """[input, position]: the column of the answer; −1 at BOS, at PAD, and where the program has no answer."""
        config, graph = self.model.config, self.model.as_written
        columns = self.columns
        if ids.ndim != 2 or (ids[:, 0] != config.bos_id).any():
            raise InputError("found ids that do not open with BOS, needed [input, position], BOS first, for a loss")
        real = (ids != config.pad_id)[:, 1:]
        tokens = np.where(real, ids[:, 1:], UNDEFINED).astype(np.int32)
        run = run_graph(graph, Batch(tokens, real.sum(axis=1).astype(np.int64), config.causal))
        found = run.column(graph.output).ids
        answered = real & (found >= 0) & ~run.undefined[:, None]
        return np.pad(
            np.where(answered, columns[np.maximum(found, 0)], UNDEFINED), ((0, 0), (1, 0)), constant_values=-1
        )

    def __call__(
        self, logits: Tensor, tokens: Tensor, attention_mask: Tensor | None = None, per_token: bool = False
    ) -> Tensor:
        """The mean over all answers; with `per_token` each of them [input, position − 1], 0 where there is none.

        Raises InputError for a program whose answers are numbers, for a model that holds no program, and for ids that
        do not open with BOS.
        """
        found = self.answers(np.asarray(tokens.detach().cpu().numpy(), np.intp))
        labels = torch.as_tensor(found[:, 1:], device=logits.device)
        losses = torch.nn.functional.cross_entropy(
            logits[:, 1:].flatten(0, 1), labels.flatten(), reduction="none", ignore_index=-1
        ).view(labels.shape)
        counted: Any = (labels != UNDEFINED).sum()
        return losses if per_token else losses.sum() / counted.clamp(min=1)
