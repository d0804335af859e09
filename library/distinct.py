"""Name each sound once: files that sound the same are one to a listener."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from library.generation import Generation
from library.match import Found
from library.sounds import Sound

__all__ = ["SAME_COSINE", "Columns", "first_distinct", "joined"]

SAME_COSINE = 0.9995
"""Two audio files whose vectors all agree this well, as many of each, are one sound to a listener (a copy, or the same
in another format): a list names the one that comes first. Equal audio always gives equal vectors. Presets are never
taken for one another: each loads something else."""

_FILE_KIND = "sample"

_SAME_SCORE = (2 - 2 * SAME_COSINE) ** 0.5
"""How far apart the scores of two such sounds can lie: no farther than their vectors."""


class Columns(NamedTuple):
    """Hold the best sounds of some queries by their positions.

    Attributes:
        positions: [N, k] best first, -1 where there is none.
        scores: [N, k] as in Found; so are the next two.
        taste: [N, k]
        off: [N, k]
    """

    positions: NDArray[np.int64]
    scores: NDArray[np.float32]
    taste: NDArray[np.float32]
    off: NDArray[np.float32]


def joined(parts: Sequence[Columns]) -> Columns:
    """Put what there is for some queries below what there is for others."""
    if not parts:
        nothing = np.zeros((0, 0), np.float32)
        return Columns(nothing.astype(np.int64), nothing, nothing, nothing)
    width = max(part.positions.shape[1] for part in parts)
    wide = [[_filled(column, width) for column in part] for part in parts]
    return Columns(*map(np.concatenate, zip(*wide, strict=True)))


def _filled(column: NDArray[Any], width: int) -> NDArray[Any]:
    missing = width - column.shape[1]
    return np.pad(column, ((0, 0), (0, missing)), constant_values=-1) if missing else column


def first_distinct(best: Columns, sound_of: Callable[[int], Sound], generation: Generation, k: int) -> Found:
    """Return the first k sounds of each query; of those that are the same, the first.

    Args:
        best: A ranking.
        sound_of: Tells the sound of a position.
        generation: Holds their vectors.
        k: How many.
    """
    positions, which = np.unique(best.positions, return_inverse=True)
    missing = int(np.count_nonzero(positions < 0))
    positions, which = positions[missing:], which.reshape(best.positions.shape) - missing
    sounds = tuple(map(sound_of, positions.tolist()))
    found = Found(sounds, which, *(column.astype(np.float64) for column in (best.scores, best.taste, best.off)))
    is_file = [sound.kind == _FILE_KIND for sound in sounds]
    if not any(is_file):
        return found.part(slice(None), k)
    keep = np.zeros(which.shape, np.bool_)
    for row in range(len(which)):
        distinct, left = _Distinct(generation), k
        for place, number in enumerate(which[row].tolist()):
            if not left or number < 0:
                break
            takes = not is_file[number] or distinct.take(int(positions[number]), float(found.score[row, place]))
            keep[row, place] = takes
            left -= takes
    return found.where(keep).part(slice(None), k)


class _Distinct:
    """Take positions of files of a ranking one by one, and refuse those that are the same as one taken before.

    Args:
        generation: What the positions mean.
    """

    def __init__(self, generation: Generation) -> None:
        self._generation = generation
        self._files: list[tuple[float, NDArray[np.float32]]] = []

    def take(self, position: int, score: float) -> bool:
        """Say whether it is another sound than all before (see SAME_COSINE)."""
        vectors = self._generation.vectors_of(position)
        for other_score, others in self._files:
            if abs(other_score - score) > _SAME_SCORE:
                continue
            if others.shape == vectors.shape and (others * vectors).sum(axis=1).min() > SAME_COSINE:
                return False
        self._files.append((score, vectors))
        return True
