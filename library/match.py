"""Pair sounds with how close they are to what was asked, one by one or for many queries side by side."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from library.sounds import Sound

__all__ = ["Found", "Match"]


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
"""Make one of its fields, in a quarter of the time that a call takes."""


@dataclass(frozen=True, slots=True)
class Found:
    """Hold the nearest sounds of N queries side by side: a hop asks for hundreds, and shows a few of them.

    Attributes:
        sounds: Each once; all that are named are among them.
        which: [N, k] number of a sound, best first; -1 behind the last.
        score: [N, k] as in Match; so are the next two.
        taste: [N, k]
        off: [N, k]
    """

    sounds: tuple[Sound, ...]
    which: NDArray[np.int64]
    score: NDArray[np.float64]
    taste: NDArray[np.float64]
    off: NDArray[np.float64]

    @property
    def standing(self) -> NDArray[np.float64]:
        """By what matches are ordered [N, k]."""
        return self.score + self.taste - self.off

    def __len__(self) -> int:
        return len(self.which)

    def part(self, queries: slice | NDArray[np.int64], most: int | None = None) -> Found:
        """Return what there is for some of the queries, the first so many of each."""
        at = queries, slice(most)
        return Found(self.sounds, self.which[at], self.score[at], self.taste[at], self.off[at])

    def where(self, keep: NDArray[np.bool_]) -> Found:
        """Return those that are to be kept[N, k]; what follows moves up."""
        keep = keep & (self.which >= 0)
        order = np.argsort(~keep, axis=1, kind="stable")
        at = np.arange(len(order))[:, None], order
        return Found(self.sounds, np.where(keep, self.which, -1)[at], self.score[at], self.taste[at], self.off[at])

    def place(self, query: int, sound_id: str) -> int | None:
        """Return at which place of a query's matches a sound is."""
        for place, number in enumerate(self.which[query].tolist()):
            if number >= 0 and self.sounds[number].id == sound_id:
                return place
        return None

    def best(self, query: int) -> Sound | None:
        """Return the nearest sound of a query."""
        number = int(self.which[query, 0]) if self.which.shape[1] else -1
        return self.sounds[number] if number >= 0 else None

    def row(self, query: int) -> tuple[Match, ...]:
        """Return the matches of a query, best first."""
        numbers = self.which[query]
        there = int(np.count_nonzero(numbers >= 0))
        named = [self.sounds[number] for number in numbers[:there].tolist()]
        columns = (column[query, :there].tolist() for column in (self.score, self.taste, self.off))
        return tuple(map(_match_of, zip(named, *columns, strict=True)))

    def rows(self) -> tuple[tuple[Match, ...], ...]:
        """Return the matches of each query."""
        return tuple(self.row(query) for query in range(len(self)))
