"""Say which sounds of a library are in a mixture, given what its slots are near to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["UNFITTED", "SetRule", "probabilities"]


@dataclass(frozen=True, slots=True)
class SetRule:
    """Name a set of sounds; both numbers are fitted on validation mixtures and kept with the weights.

    Attributes:
        sharpness: Inverse temperature of the softmax over a library's sounds: how far a cosine can be trusted.
        threshold: Probability from which a sound is named.
    """

    sharpness: float = 10.0
    threshold: float = 0.2


UNFITTED = SetRule()


def probabilities(cosine: NDArray[np.float32], presence: NDArray[np.float32], sharpness: float) -> NDArray[np.float32]:
    """Return how likely each sound is in each mixture: that at least one slot is there and is this sound (noisy or).

    Args:
        cosine: [M, K, C] of slots and sounds, less each sound's hubness where it is known (see library.hubs); one
            vector a sound, no two of them the same.
        presence: [M, K] probability that a slot holds an instrument.
        sharpness: See SetRule.

    Returns:
        [M, C], 0..1.
    """
    likely = np.exp(sharpness * (cosine - cosine.max(axis=-1, keepdims=True)))
    likely /= likely.sum(axis=-1, keepdims=True)
    found: NDArray[np.float32] = 1.0 - np.prod(1.0 - presence[..., None] * likely, axis=1)
    return found
