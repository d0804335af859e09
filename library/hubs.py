"""Correct for hubs: sounds that lie near to whatever is asked.

In a space of many dimensions a few points are among the nearest of far more queries than others, and are named far too
often (Radovanovic et al., JMLR 11, 2010). The cure is to take off what a sound is near to anyhow: its mean cosine to
those that it is nearest to among slots of other mixtures, a fixed cohort that comes with the weights. It is the term
of cross-domain similarity local scaling (Conneau et al., arXiv 1710.04087) that differs from sound to sound; speaker
verification normalises its scores by a cohort of impostors likewise.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from library.generation import Generation

__all__ = ["Cohort", "Hubs", "hubness", "nearest_mean"]

NEAREST = 0.05
"""Share of the cohort that counts."""

_CHUNK = 1024

Cohort = NDArray[np.floating] | None
"""[M, D] unit vectors of slots of other mixtures; None where nothing is to be corrected."""


def hubness(vectors: NDArray[np.float32], cohort: Cohort) -> NDArray[np.float32]:
    """Return how near each sound of vectors[S, D] is to whatever is asked: [S], all 0 without a cohort."""
    if cohort is None:
        return np.zeros(len(vectors), np.float32)
    return nearest_mean(vectors @ np.asarray(cohort, np.float32).T)


def nearest_mean(cosine: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how near each sound is to those of a cohort that it is nearest to: [S] of cosine[S, M]."""
    nearest = max(1, round(NEAREST * cosine.shape[1]))
    largest = np.partition(cosine, -nearest, axis=1)[:, -nearest:]
    return np.asarray(largest.mean(axis=1), np.float32)


class Hubs:
    """Know the hubness of the sounds of a generation; that of each is worked out when it is first asked for.

    Args:
        generation: What positions mean.
        cohort: [M, D] unit vectors of slots of other mixtures.
    """

    def __init__(self, generation: Generation, cohort: NDArray[np.floating]) -> None:
        self._generation = generation
        self._cohort = np.asarray(cohort, np.float32).T.copy()
        self._values = np.full(len(generation.base) + len(generation.delta), np.nan, np.float32)

    def of(self, positions: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the hubness of sounds that have vectors, by position."""
        missing = positions[np.isnan(self._values[positions])]
        for begin in range(0, len(missing), _CHUNK):
            some = missing[begin : begin + _CHUNK]
            vectors = [self._generation.vectors_of(position) for position in some.tolist()]
            starts = np.cumsum([0, *(len(rows) for rows in vectors[:-1])])
            nearest = np.maximum.reduceat(np.concatenate(vectors) @ self._cohort, starts, axis=0)
            self._values[some] = nearest_mean(nearest)
        return self._values[positions]
