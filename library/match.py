"""Pair sounds with how close they are to what was asked, each sound once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from library.generation import Generation
from library.sounds import Sound

__all__ = ["SAME_COSINE", "Match", "first_distinct"]

SAME_COSINE = 0.9995
"""Two audio files whose vectors all agree this well, as many of each, are one sound to a listener (a copy, or the same
in another format): a list names the one that comes first. Equal audio always gives equal vectors. Presets are never
taken for one another: each loads something else."""

_FILE_KIND = "sample"

_SAME_SCORE = (2 - 2 * SAME_COSINE) ** 0.5
"""How far apart the scores of two such sounds can lie: no farther than their vectors."""


class Match(NamedTuple):
    """Pair a sound with how close it is.

    Attributes:
        sound: The library entry.
        score: Cosine similarity, -1..1.
        taste: What the producer's taste adds to it in the order (see library.taste).
        off: What is taken off it there, for a slot of a mixture (see library.hubs): it is near by few of its clips, or
            near to whatever is asked.
    """

    sound: Sound
    score: float
    taste: float = 0.0
    off: float = 0.0

    @property
    def standing(self) -> float:
        """By what matches are ordered."""
        return self.score + self.taste - self.off


_match_of = partial(tuple.__new__, Match)
"""Make one of its fields: a few hundred are made in each hop, and this takes a quarter of what a call takes."""


def first_distinct(
    generation: Generation,
    sound_of: Callable[[int], Sound],
    columns: tuple[Sequence[int], Sequence[float], Sequence[float], Sequence[float]],
    k: int,
) -> tuple[Match, ...]:
    """Return the first k sounds of a ranking; of those that are the same, the first.

    Args:
        generation: What positions mean.
        sound_of: Tells the sound of a position.
        columns: Positions, best first, and the score, taste and off of each.
        k: How many.
    """
    positions, *numbers = columns
    first = list(map(sound_of, positions[:k]))
    if not any(sound.kind == _FILE_KIND for sound in first):
        return tuple(map(_match_of, zip(first, *numbers, strict=False)))
    matches: list[Match] = []
    distinct = _Distinct(generation)
    for position, score, taste, off in zip(*columns, strict=True):
        sound = sound_of(position)
        if sound.kind != _FILE_KIND or distinct.take(position, score):
            matches.append(Match(sound, score, taste, off))
            if len(matches) == k:
                break
    return tuple(matches)


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
