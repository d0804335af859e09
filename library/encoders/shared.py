"""Hold what a network says of windows, in plain arrays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from library.encoders.network import MixtureOutput

__all__ = ["Shared"]


@dataclass(frozen=True, slots=True)
class Shared:
    """Hold what windows say, or a window and its newest part, before calibration.

    Attributes:
        embeddings: [B, K, E] unit norm.
        presence: [B, K] logits.
        places: [B, K, D] unit norm, where slots lie; windows of one stream are compared by it.
        alone: Gives [n, E] unit norm, what the single path says of those of numbers[n]; few windows need it.
        doubt: What was taken off all presences, for the window may hold no instrument.
    """

    embeddings: NDArray[np.float32]
    presence: NDArray[np.float32]
    places: NDArray[np.float32]
    alone: Callable[[NDArray[np.int64]], NDArray[np.float32]]
    doubt: float = 0.0

    @classmethod
    def of(cls, out: MixtureOutput, alone: Callable[[NDArray[np.int64]], NDArray[np.float32]]) -> Shared:
        """Take it out of what the network itself says."""
        embeddings, presence, places = (x.cpu().numpy() for x in (out.embeddings, out.presence, out.vectors))
        return cls(embeddings, presence, places, alone)
