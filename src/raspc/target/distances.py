"""Biases by distance used on purpose: where a target has no table of positions, they tell how far away BOS is.

T5 adds a bias to each score, by the distance of the key from the query: one number for each head and each bucket of
distances, the same in all layers. BOS stands at place 0, so its distance is the position itself. A head that looks at
nothing but BOS and its own place tells one binary digit of that number:

    score of BOS at distance p    2m − m = m  where the digit is 0,  2m − 3m = −m  where it is 1
    score of its own place        0
    score of all other keys       −m or −3m

So one key leads all others by m or more, and softmax gives it everything: e^(−m) is nothing. What the head moves is 1
at a token and 0 at BOS, which is the digit. BOS itself sees nothing but BOS, and so all of its digits are 0.

Half of the buckets are for later keys. Of the others the first half has one distance each, so that with four buckets
for each place every distance of an input has a bucket of its own.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from raspc.target.families import FAMILIES

Ints = NDArray[np.int64]

MARGIN = 256.0
"""m, by which one key leads all others: e^(−256) is 0 in float32."""
RAISED = 2 * MARGIN
"""By what BOS is raised."""
HIDDEN = -MARGIN
"""The bias of a key that is hidden."""
SHUT = -3 * MARGIN
"""The bias by which BOS is hidden too."""
MADE = 1
"""The stage after which positions are there: the MLP of the first layer."""
BUCKETS, FARTHEST = 32, 128
"""How many buckets there are where nothing is told by distance, and from where on all distances have one."""


def tells_by_distance(target: str) -> bool:
    """Whether a target has biases by distance in place of a table of positions."""
    return target in FAMILIES and FAMILIES[target].relative is not None


def buckets_for(n_ctx: int) -> int:
    """How many buckets give each distance of inputs of up to `n_ctx` places one of its own."""
    return 4 * n_ctx


def farthest_for(n_ctx: int) -> int:
    """From where on all distances have one bucket; it is farther than all that have one of their own."""
    return max(FARTHEST, 2 * n_ctx)


def bucket_of(away: Ints, buckets: int) -> Ints:
    """The bucket of a key so many places after the query, or before it where that is negative.

    It is that of `T5Attention._relative_position_bucket` for distances that have a bucket of their own.
    """
    half = buckets // 2
    found: Ints = np.minimum(np.abs(away), half - 1) + np.where(away > 0, half, 0)
    return found


def digits_of(n_ctx: int) -> int:
    """How many binary digits the places 0 … n_ctx − 1 have."""
    return (n_ctx - 1).bit_length()


def biases_for(n_ctx: int) -> NDArray[np.float64]:
    """[buckets, digits]: the biases of one head for each binary digit, the lowest first."""
    buckets, places = buckets_for(n_ctx), np.arange(n_ctx)
    found = np.full((buckets, digits_of(n_ctx)), HIDDEN)
    for digit in range(found.shape[1]):
        found[:n_ctx, digit] = np.where(places >> digit & 1, SHUT, HIDDEN)
    found[0] = 0.0
    return found
