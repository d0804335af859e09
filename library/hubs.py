"""Order sounds for a slot of a mixture, which is not clean: by all clips of a sound, and corrected for hubs.

That one clip of a sound is near to a slot says less than that most of them are: the soft maximum of their cosines
counts.

Hubs are sounds that lie near to whatever is asked. In a space of many dimensions a few points are among the nearest of
far more queries than others, and are named far too often (Radovanovic et al., JMLR 11, 2010). The cure is to take off
what a sound is near to anyhow: its mean cosine to those that it is nearest to among slots of other mixtures, a fixed
cohort that comes with the weights. It is the term of cross-domain similarity local scaling (Conneau et al., arXiv
1710.04087) that differs from sound to sound; speaker verification normalises its scores by a cohort of impostors
likewise.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from library.generation import Generation

__all__ = ["WEIGHT", "Cohort", "Hubs", "hubness", "soft_maximum", "soft_maximum_of_each", "taken_off"]

SHARPNESS = 16.0
"""Inverse temperature of the soft maximum: a clip that is .04 nearer than another counts twice as much."""

WEIGHT = 0.7
"""How much of a sound's nearness to the cohort is taken off: one of several clips is less of a hub than one of one."""

NEAREST = 0.05
"""Share of the cohort that counts."""

_CHUNK = 1024

Cohort = NDArray[np.floating] | None
"""[M, D] unit vectors of slots of other mixtures; None where nothing is to be corrected."""


def hubness(vectors: NDArray[np.float32], cohort: Cohort) -> NDArray[np.float32]:
    """Return what is taken off for sounds of one vector each, vectors[S, D]: [S], all 0 without a cohort."""
    if cohort is None:
        return np.zeros(len(vectors), np.float32)
    return taken_off(np.asarray(cohort, np.float32) @ vectors.T)


def taken_off(cosine: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what is taken off for each sound: [S] of its cosine[M, S] to slots of other mixtures."""
    nearest = max(1, round(NEAREST * len(cosine)))
    largest = np.partition(cosine, -nearest, axis=0)[-nearest:]
    return np.asarray(WEIGHT * largest.mean(axis=0), np.float32)


def soft_maximum(cosine: NDArray[np.float32], starts: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return how near sounds are by all their clips: log of the mean of exponentials, between mean and maximum.

    Args:
        cosine: [..., V] of clips.
        starts: [S] first clip of each sound, rising from 0.

    Returns:
        [..., S].
    """
    clips = np.diff(starts, append=cosine.shape[-1])
    found = np.add.reduceat(np.exp(np.float32(SHARPNESS) * cosine), starts, axis=-1) / clips
    return np.asarray(np.log(found) / SHARPNESS, np.float32)


def soft_maximum_of_each(cosine: NDArray[np.float32]) -> NDArray[np.float32]:
    """Do the same where each sound has as many clips: [..., S] of cosine[..., clips, S]."""
    sharp = np.multiply(cosine, np.float32(SHARPNESS))
    mean = np.exp(sharp, out=sharp).mean(axis=-2)
    return np.asarray(np.log(mean, out=mean) / np.float32(SHARPNESS))


class Hubs:
    """Know what is taken off for the sounds of a generation; worked out for each when it is first asked for.

    Args:
        generation: What positions mean.
        cohort: [M, D] unit vectors of slots of other mixtures.
    """

    def __init__(self, generation: Generation, cohort: NDArray[np.floating]) -> None:
        self._generation = generation
        self._cohort = np.asarray(cohort, np.float32)
        self._values = np.full(len(generation.base) + len(generation.delta), np.nan, np.float32)

    def of(self, positions: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return what is taken off for sounds that have vectors, by position."""
        missing = positions[np.isnan(self._values[positions])]
        for begin in range(0, len(missing), _CHUNK):
            some = missing[begin : begin + _CHUNK]
            vectors = [self._generation.vectors_of(position) for position in some.tolist()]
            starts = np.cumsum([0, *(len(rows) for rows in vectors[:-1])])
            self._values[some] = taken_off(soft_maximum(self._cohort @ np.concatenate(vectors).T, starts))
        return self._values[positions]
