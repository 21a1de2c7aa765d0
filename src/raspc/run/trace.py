"""Every activation of a forward pass, and what sees them go by."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

A = TypeVar("A")
"""An array of some framework."""

See: TypeAlias = Callable[[str, Any], Any]
"""Is given the name and the array of each activation in turn, and gives back what the pass goes on with.

The names are those of `Trace`'s fields, and `mixed` for what the heads have mixed [batch, position, head · d_head] and
`neurons` for what the neurons give [batch, position, d_mlp], before these are mapped back to the stream.
"""


@dataclass(frozen=True, eq=False)
class Trace(Generic[A]):
    """Every activation of one forward pass, here or in an export. Each array has a leading batch axis.

    `residuals` and `layer_outputs` hold two arrays [batch, position, d_model] a layer: after or of the
    attention, then the MLP. `attn_logits` (scaled, before the mask) and `attn_patterns` (after the softmax)
    hold one array [batch, head, query, key] a layer. `unembedded` is [batch, position, d_vocab_out].
    """

    input_embeddings: A
    residuals: list[A]
    layer_outputs: list[A]
    attn_logits: list[A]
    attn_patterns: list[A]
    transformer_output: A
    unembedded: A


def unseen(name: str, x: Any) -> Any:
    """Keeps nothing and changes nothing."""
    return x


class Recorder(Generic[A]):
    """Keeps every activation that it sees."""

    def __init__(self) -> None:
        self.kept: defaultdict[str, list[A]] = defaultdict(list)

    def __call__(self, name: str, x: A) -> A:
        """See one activation; it stays as it is."""
        self.kept[name].append(x)
        return x

    def trace(self) -> Trace[A]:
        """What one whole pass has shown."""
        kept = self.kept
        return Trace(
            kept["input_embeddings"][0], kept["residuals"], kept["layer_outputs"],
            kept["attn_logits"], kept["attn_patterns"], kept["transformer_output"][0], kept["unembedded"][0],
        )  # fmt: skip
