"""From tokens to ids and back, under the names that Tracr's users know."""

from __future__ import annotations

from collections.abc import Sequence

from raspc import weights
from raspc.compat.tracr.craft.bases import BasisDirection, Value
from raspc.errors import InputError
from raspc.weights import encoders

Encoder = encoders.CategoricalEncoder | encoders.NumericalEncoder
NumericalEncoder = encoders.NumericalEncoder


class CategoricalEncoder(encoders.CategoricalEncoder):
    """One id for each direction of a basis, in the order of the basis.

    `max_seq_len` counts BOS, as it does in Tracr. Raises InputError, a ValueError, where BOS or PAD is not
    among the values, or BOS is enforced and not named.
    """

    def __init__(
        self,
        basis: Sequence[BasisDirection],
        enforce_bos: bool = False,
        bos_token: str | None = None,
        pad_token: str | None = None,
        max_seq_len: int | None = None,
    ) -> None:
        values = tuple(direction.value for direction in basis)
        if enforce_bos and bos_token is None:
            raise InputError("CategoricalEncoder: BOS is enforced, but bos_token is None; name the token")
        for name, token in (("BOS", bos_token), ("PAD", pad_token)):
            if token is not None and token not in values:
                raise InputError(f"CategoricalEncoder: {name} ({token!r}) is not among the values {values}")
        longest = None if max_seq_len is None else max_seq_len - enforce_bos
        super().__init__(values, bos_token, pad_token, enforce_bos, longest)

    def encode(self, inputs: Sequence[Value]) -> list[int]:
        """The ids of the values. Raises InputError, a ValueError, that opens with Tracr's words."""
        try:
            return super().encode(inputs)
        except InputError as error:
            raise InputError(f"{self._in_tracrs_words(list(inputs))}: {error}") from error

    def _in_tracrs_words(self, inputs: list[Value]) -> str:
        if self.enforce_bos and (not inputs or inputs[0] != self.bos_token):
            return f"First input token must be BOS token. Should be {self.bos_token!r}"
        if self.max_seq_len is not None and len(inputs) > self.max_seq_len + self.enforce_bos:
            return "Inputs are longer than the maximum sequence length"
        return "Inputs not found in encoding"

    @property
    def bos_encoding(self) -> int | None:  # type: ignore[override]
        """The id of BOS; None without one."""
        return None if self.bos_token is None else self.encoding_map[self.bos_token]

    @property
    def pad_encoding(self) -> int | None:  # type: ignore[override]
        """The id of PAD; None without one."""
        return None if self.pad_token is None else self.encoding_map[self.pad_token]


def input_encoder(config: weights.Config) -> CategoricalEncoder:
    """The encoder of a model's inputs."""
    basis = _basis("tokens", config.vocab)
    return CategoricalEncoder(basis, True, config.bos, config.pad, config.n_ctx)


def output_encoder(config: weights.Config) -> Encoder:
    """The encoder of a model's answers."""
    if config.output.kind == "numerical":
        return NumericalEncoder()
    return CategoricalEncoder(_basis("output", config.output.values))


def _basis(name: str, values: Sequence[Value]) -> list[BasisDirection]:
    return [BasisDirection(name, value) for value in values]
