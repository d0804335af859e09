"""Score sounds by their vectors, and order them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from library.hubs import soft_maximum, soft_maximum_of_each
from library.product import Product
from library.table import SoundTable

__all__ = ["Part", "Ranked", "best_places", "merged"]

_CHUNK_ROWS = 8192

_SORTED_WHOLE = 8
"""Where no more than so many times what is wanted is there, sorting all is quicker than finding the best first."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """Hold how near sounds are to queries.

    Attributes:
        positions: [S] each once.
        scores: [K, S] cosine of the nearest vector of each.
        standing: [K, S] what they are ordered by, before taste and hubs.
    """

    positions: NDArray[np.int64]
    scores: NDArray[np.float32]
    standing: NDArray[np.float32]

    def of(self, query: int) -> Ranked:
        """Return what there is for one of the queries."""
        return Ranked(self.positions, self.scores[query : query + 1], self.standing[query : query + 1])


@dataclass(frozen=True, slots=True)
class Part:
    """Hold the vectors of a base or a delta with the sounds that own them.

    Attributes:
        vectors: [N, D] unit norm.
        owners: [S] position of each sound that has vectors, rising.
        starts: [S] first vector of each.
        product: Returns the cosines of queries and all vectors, where those are few enough to be kept as float32.
        each: How many vectors each sound has, where all have as many and there is a product; otherwise 0. Then the
            first of all sounds come first in it, then the second ones: they are brought together in a tenth of the
            time.
        by_all: Order sounds by all their vectors (see library.hubs), not by the nearest.
    """

    vectors: NDArray[np.float16]
    owners: NDArray[np.int64]
    starts: NDArray[np.int64]
    product: Product | None
    each: int
    by_all: bool

    @classmethod
    def of(
        cls, vectors: NDArray[np.float16], table: SoundTable, offset: int, exact_values: int, by_all: bool = False
    ) -> Part:
        """Leave out sounds without vectors (drum kits), so that every segment of vectors has an owner."""
        matchable = np.flatnonzero(table.row_count)
        starts, counts = table.first_row[matchable], table.row_count[matchable]
        product, each = None, 0
        if vectors.size <= exact_values:
            each = int(counts[0]) if len(counts) and (counts == counts[0]).all() else 0
            order = np.arange(len(vectors)).reshape(-1, each).T.ravel() if each else slice(None)
            product = Product(vectors[order].T.astype(np.float32, order="C"))
        return cls(vectors, matchable + offset, starts, product, each, by_all)

    def all(self, queries: NDArray[np.float32]) -> Ranked:
        """Return for queries[K, D] the score of every sound."""
        if not len(self.starts):
            return _no_sounds(len(queries))
        if self.product is not None:
            scores = self.product(queries)
            if self.each:
                clips = scores.reshape(len(queries), self.each, len(self.starts))
                nearest = clips.max(axis=1)
                return Ranked(self.owners, nearest, soft_maximum_of_each(clips) if self.by_all else nearest)
        else:
            # float16 products are slow, and a float32 copy of all would be large: by chunks.
            scores = np.empty((len(queries), len(self.vectors)), np.float32)
            for start in range(0, len(self.vectors), _CHUNK_ROWS):
                chunk = self.vectors[start : start + _CHUNK_ROWS].astype(np.float32)
                scores[:, start : start + len(chunk)] = queries @ chunk.T
        return Ranked(self.owners, *self._by_sound(scores, self.starts))

    def rows_of(self, chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return the rows of the sounds that are chosen[positions]."""
        ends = np.append(self.starts[1:], len(self.vectors))
        spans = [np.arange(self.starts[at], ends[at]) for at in np.flatnonzero(chosen[self.owners])]
        return np.concatenate([np.zeros(0, np.int64), *spans])

    def some(self, query: NDArray[np.float32], rows: NDArray[np.int64]) -> Ranked:
        """Return the sounds that own these rows, scored for query[D] by all their stored vectors."""
        if not len(rows):
            return _no_sounds(1)
        owner = np.unique(np.searchsorted(self.starts, rows, side="right") - 1)
        count = np.append(self.starts[1:], len(self.vectors))[owner] - self.starts[owner]
        first = np.cumsum(count) - count
        whole = np.arange(count.sum()) + np.repeat(self.starts[owner] - first, count)
        cosine = query[None] @ self.vectors[whole].astype(np.float32).T
        return Ranked(self.owners[owner], *self._by_sound(cosine, first))

    def _by_sound(
        self, cosine: NDArray[np.float32], starts: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the score and the standing of sounds, [..., S] each, of cosine[..., V] of their vectors."""
        nearest = np.maximum.reduceat(cosine, starts, axis=-1)
        return nearest, soft_maximum(cosine, starts) if self.by_all else nearest


def merged(base: Ranked, delta: Ranked, blocked: NDArray[np.bool_]) -> Ranked:
    """Join sounds of a base and a delta, without those that are blocked[positions]."""
    positions, scores, standing = base.positions, base.scores, base.standing
    if len(delta.positions):
        positions = np.concatenate([positions, delta.positions])
        scores = np.concatenate([scores, delta.scores], axis=1)
        standing = np.concatenate([standing, delta.standing], axis=1)
    usable = ~blocked[positions] & np.isfinite(scores).all(axis=0)  # vectors of others may hold NaN
    if usable.all():
        return Ranked(positions, scores, standing)
    return Ranked(positions[usable], scores[:, usable], standing[:, usable])


def _no_sounds(queries: int) -> Ranked:
    none = np.zeros((queries, 0), np.float32)
    return Ranked(np.zeros(0, np.int64), none, none)


def best_places(keys: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """Return the places of the largest of keys[K, S], [K, count or S] from the best on; of equals the first leads."""
    if _SORTED_WHOLE * count < keys.shape[1]:
        places = np.sort(np.argpartition(keys, -count, axis=1)[:, -count:], axis=1)
        order = np.argsort(-np.take_along_axis(keys, places, axis=1), axis=1, kind="stable")
        return np.take_along_axis(places, order, axis=1)
    return np.argsort(-keys, axis=1, kind="stable")[:, :count]
