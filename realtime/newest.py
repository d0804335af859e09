"""Hear what has just entered: slots of the newest part of a window, where the window as a whole does not hold them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from library.encoders.spec import MixtureEmbedding

__all__ = ["NEAR", "slots_of"]

NEAR = 0.7
"""Cosine from which a slot of the newest part is one that the window holds: the same instrument again."""


def slots_of(heard: MixtureEmbedding, present: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return vectors[K, D] and presence[K] of what one window of a stream holds, the newest part's own slots last.

    Args:
        heard: Of the window, and where B is 2 of its newest part by itself.
        present: Presence from which a slot is there.
    """
    vectors, presence = heard.vectors[0], heard.presence[0]
    for newest, strength in zip(heard.vectors[1:], heard.presence[1:], strict=True):
        known = vectors[presence >= present]
        own = (strength >= present) & ((newest @ known.T).max(axis=1, initial=-1.0) < NEAR)
        vectors, presence = np.concatenate([vectors, newest[own]]), np.concatenate([presence, strength[own]])
    return vectors, presence
