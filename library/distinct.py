"""Name each sound once: files that sound the same are one to a listener."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from library.generation import Generation
from library.match import Found
from library.nearest import Ranked, best_places
from library.sounds import Sound

__all__ = ["FILE_KIND", "SPARE", "Ranking", "distinct_places", "named", "stacked"]

SAME_COSINE = 0.9995
"""Two audio files whose vectors all agree this well, as many of each, are one sound to a listener (a copy, or the same
in another format): a list names the one that comes first. Equal audio always gives equal vectors. Presets are never
taken for one another: each loads something else."""

FILE_KIND = "sample"

_SAME_SCORE = (2 - 2 * SAME_COSINE) ** 0.5
"""How far apart the scores of two such sounds can lie: no farther than their vectors."""

SPARE = 10
"""Sounds looked at beyond those that are wanted, in place of those that turn out to be the same; then four times as
many, and so on."""


class Ranking(NamedTuple):
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


def stacked(rankings: Sequence[Ranking]) -> Ranking:
    """Put what there is for some queries below what there is for others."""
    if not rankings:
        nothing = np.zeros((0, 0), np.float32)
        return Ranking(nothing.astype(np.int64), nothing, nothing, nothing)
    if len(rankings) == 1:
        return rankings[0]
    width = max(ranking.positions.shape[1] for ranking in rankings)
    wide = [[_filled(column, width) for column in ranking] for ranking in rankings]
    return Ranking(*map(np.concatenate, zip(*wide, strict=True)))


def _filled(column: NDArray[Any], width: int) -> NDArray[Any]:
    missing = width - column.shape[1]
    return np.pad(column, ((0, 0), (0, missing)), constant_values=-1) if missing else column


def named(ranking: Ranking, sound_of: Callable[[int], Sound]) -> Found:
    """Return the sounds at positions."""
    positions, which = np.unique(ranking.positions, return_inverse=True)
    missing = int(np.count_nonzero(positions < 0))
    sounds = tuple(map(sound_of, positions[missing:].tolist()))
    numbers = (column.astype(np.float64) for column in (ranking.scores, ranking.taste, ranking.off))
    return Found(sounds, np.maximum(which.reshape(ranking.positions.shape) - missing, -1), *numbers)


def distinct_places(
    ranked: Ranked, keys: NDArray[np.float32], sound_of: Callable[[int], Sound], generation: Generation, k: int
) -> NDArray[np.int64]:
    """Return the places of the first k sounds of each query, [K, k or all S], best first; of the same ones the first.

    Args:
        ranked: What is ordered.
        keys: [K, S] by what.
        sound_of: Tells the sound of a position.
        generation: Holds the vectors.
        k: How many.

    Returns:
        -1 behind the last.
    """
    places = np.full((len(keys), min(k, keys.shape[1])), -1)
    first = best_places(keys, k + SPARE)
    for query, (row, scores) in enumerate(zip(keys, ranked.scores, strict=True)):
        order = first[query]
        while True:
            kept = _first(order, scores, ranked.positions, sound_of, _Distinct(generation), k)
            if len(kept) == k or len(order) == len(row):
                break
            order = best_places(row[None], 4 * len(order))[0]  # from the first on: equals may come in another order
        places[query, : len(kept)] = kept
    return places


def _first(
    order: NDArray[np.int64],
    scores: NDArray[np.float32],
    positions: NDArray[np.int64],
    sound_of: Callable[[int], Sound],
    distinct: _Distinct,
    k: int,
) -> list[int]:
    kept: list[int] = []
    for place in order.tolist():
        position = int(positions[place])
        if sound_of(position).kind != FILE_KIND or distinct.take(position, float(scores[place])):
            kept.append(place)
            if len(kept) == k:
                break
    return kept


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
