"""Score sounds by their nearest vectors, and walk down a ranking."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from library.generation import Generation
from library.hubs import soft_maximum
from library.table import SoundTable

__all__ = ["SAME_COSINE", "Distinct", "Part", "Ranked", "best_first", "merged"]

SAME_COSINE = 0.9995
"""Two audio files whose vectors all agree this well, as many of each, are one sound to a listener (a copy, or the same
in another format): a list names the one that comes first. Equal audio always gives equal vectors. Presets are never
taken for one another: each loads something else."""

_FILE_KIND = "sample"

_SAME_SCORE = (2 - 2 * SAME_COSINE) ** 0.5
"""How far apart the scores of two such sounds can lie: no farther than their vectors."""

_CHUNK_ROWS = 8192
_FIRST_LOOK = 128


@dataclass(frozen=True, slots=True)
class Ranked:
    """Hold how near sounds are to one query.

    Attributes:
        positions: [S] each once.
        scores: [S] cosine of the nearest vector of each.
        standing: [S] what they are ordered by, before taste and hubs.
    """

    positions: NDArray[np.int64]
    scores: NDArray[np.float32]
    standing: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Part:
    """Hold the vectors of a base or a delta with the sounds that own them.

    Attributes:
        vectors: [N, D] unit norm.
        owners: [S] position of each sound that has vectors, rising.
        starts: [S] first vector of each.
        copy: The vectors as float32 where they are few enough to be kept so.
        by_all: Order sounds by all their vectors (see library.hubs), not by the nearest.
    """

    vectors: NDArray[np.float16]
    owners: NDArray[np.int64]
    starts: NDArray[np.int64]
    copy: NDArray[np.float32] | None
    by_all: bool

    @classmethod
    def of(
        cls, vectors: NDArray[np.float16], table: SoundTable, offset: int, exact_values: int, by_all: bool = False
    ) -> Part:
        """Leave out sounds without vectors (drum kits), so that every segment of vectors has an owner."""
        matchable = np.flatnonzero(table.row_count)
        copy = vectors.astype(np.float32) if vectors.size <= exact_values else None
        return cls(vectors, matchable + offset, table.first_row[matchable], copy, by_all)

    def all(self, queries: NDArray[np.float32]) -> list[Ranked]:
        """Return for each of queries[K, D] the score of every sound."""
        if not len(self.starts):
            return [_no_sounds()] * len(queries)
        if self.copy is not None:
            scores = queries @ self.copy.T
        else:
            # float16 products are slow, and a float32 copy of all would be large: by chunks.
            scores = np.empty((len(queries), len(self.vectors)), np.float32)
            for start in range(0, len(self.vectors), _CHUNK_ROWS):
                chunk = self.vectors[start : start + _CHUNK_ROWS].astype(np.float32)
                scores[:, start : start + len(chunk)] = queries @ chunk.T
        nearest, standing = self._by_sound(scores, self.starts)
        return [Ranked(self.owners, *row) for row in zip(nearest, standing, strict=True)]

    def rows_of(self, chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return the rows of the sounds that are chosen[positions]."""
        ends = np.append(self.starts[1:], len(self.vectors))
        spans = [np.arange(self.starts[at], ends[at]) for at in np.flatnonzero(chosen[self.owners])]
        return np.concatenate([np.zeros(0, np.int64), *spans])

    def some(self, query: NDArray[np.float32], rows: NDArray[np.int64]) -> Ranked:
        """Return the sounds that own these rows, scored by all their stored vectors."""
        if not len(rows):
            return _no_sounds()
        owner = np.unique(np.searchsorted(self.starts, rows, side="right") - 1)
        count = np.append(self.starts[1:], len(self.vectors))[owner] - self.starts[owner]
        first = np.cumsum(count) - count
        whole = np.arange(count.sum()) + np.repeat(self.starts[owner] - first, count)
        cosine = self.vectors[whole].astype(np.float32) @ query
        return Ranked(self.owners[owner], *self._by_sound(cosine, first))

    def _by_sound(
        self, cosine: NDArray[np.float32], starts: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the score and the standing of sounds, [..., S] each, of cosine[..., V] of their vectors."""
        nearest = np.maximum.reduceat(cosine, starts, axis=-1)
        return nearest, soft_maximum(cosine, starts) if self.by_all else nearest


def merged(base: Ranked, delta: Ranked, blocked: NDArray[np.bool_]) -> Ranked:
    """Join sounds of a base and a delta, without those that are blocked[positions]."""
    positions = np.concatenate([base.positions, delta.positions])
    scores = np.concatenate([base.scores, delta.scores])
    standing = np.concatenate([base.standing, delta.standing])
    usable = ~blocked[positions] & np.isfinite(scores)  # vectors of others may hold NaN
    return Ranked(positions[usable], scores[usable], standing[usable])


def _no_sounds() -> Ranked:
    return Ranked(np.zeros(0, np.int64), np.zeros(0, np.float32), np.zeros(0, np.float32))


def best_first(scores: NDArray[np.float32]) -> Iterator[int]:
    """Yield the places of scores[S] from the best on; the first few cost no sorting of all."""
    left = np.arange(len(scores))
    look = _FIRST_LOOK
    while len(left):
        if look < len(left):
            parted = np.argpartition(-scores[left], look)
            head, left = np.sort(left[parted[:look]]), left[parted[look:]]
        else:
            head, left = np.sort(left), left[:0]
        yield from head[np.argsort(-scores[head], kind="stable")].tolist()
        look *= 16


class Distinct:
    """Take positions of a ranking one by one, and refuse those that are the same as one taken before.

    Args:
        generation: What the positions mean.
    """

    def __init__(self, generation: Generation) -> None:
        self._generation = generation
        self._files: list[tuple[float, NDArray[np.float32]]] = []

    def take(self, position: int, kind: str, score: float) -> bool:
        """Say whether it is another sound than all before (see SAME_COSINE)."""
        if kind != _FILE_KIND:
            return True
        vectors = self._generation.vectors_of(position)
        for other_score, others in self._files:
            if abs(other_score - score) > _SAME_SCORE:
                continue
            if others.shape == vectors.shape and (others * vectors).sum(axis=1).min() > SAME_COSINE:
                return False
        self._files.append((score, vectors))
        return True
