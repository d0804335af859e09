"""Order sounds by more than their cosine: the one place that knows the rule.

    standing = cosine
             + LIKED                            where the producer likes the sound
             - SKIPPED                          where the producer skips it
             + WEIGHT * (weight of source - 1)  for each sound of a source with a weight of 0..2

Sounds are ordered by their standing, in a search as in live suggestions; the score that is shown stays the cosine.
Nothing is hidden: a skipped sound is still found where little else is near. Without a Taste the cosine alone counts.

Where a library is searched by candidates (over 20,000 vectors), each liked sound is compared, however far it is;
weights order the nearest few hundred vectors.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from library.generation import Generation
from library.opinions import Opinions
from library.sounds import Sound
from library.table import SoundTable

__all__ = ["LIKED", "SKIPPED", "WEIGHT", "Leaning", "Taste", "lean"]

LIKED = 0.05
"""A liked sound comes before those that are hardly nearer. In the built-in library the second sound lies .06 behind the
first (median): it wins where the ear might choose either, and does not come up everywhere."""

SKIPPED = 0.3
"""There the twentieth sound lies .36 behind the first: a skipped one leaves the list, or ends it."""

WEIGHT = 0.2
"""A source of weight 1.25 is as if all of it were liked; one of weight 0 comes after nearly all else."""


@dataclass(frozen=True, slots=True)
class Taste:
    """Say where a producer's taste is found.

    Attributes:
        own_dir: Folder of the user's own data, with the opinions about libraries that never change.
        weights: Factor 0..2 by name of a source, 1 = neutral; names of other libraries' sources mean nothing.
    """

    own_dir: Path
    weights: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Leaning:
    """Hold what a taste makes of one generation, by position.

    Attributes:
        added: [positions] float32, standing less cosine.
        liked: [positions] bool.
        weighted: A source has a weight.
    """

    added: NDArray[np.float32]
    liked: NDArray[np.bool_]
    weighted: bool


def lean(taste: Taste, lib_dir: Path, generation: Generation) -> Leaning | None:
    """Return what a taste makes of a generation; None where it makes no difference.

    Raises:
        LibraryError: The opinions can't be read.
    """
    sources = [source.name for source in generation.manifest.sources]
    opinions = Opinions(lib_dir, generation.manifest.sealed, taste.own_dir).read()
    weights = {name: taste.weights[name] for name in sources if taste.weights.get(name, 1.0) != 1.0}
    if not opinions and not weights:
        return None
    tables = (generation.base, generation.delta)
    added = [np.zeros(len(table), np.float32) for table in tables]
    liked = [np.zeros(len(table), np.bool_) for table in tables]
    for table, table_added, table_liked in zip(tables, added, liked, strict=True):
        for name, (begin, end) in _stretches(table, sources).items():
            table_added[begin:end] = WEIGHT * (weights.get(name, 1.0) - 1.0)
            for sound_id, likes in opinions.items():
                if not sound_id.startswith(name):  # an id begins with its source
                    continue
                at = bisect_left(table, sound_id.encode(), begin, end, key=_id)
                if at < end and table[at].id == sound_id:
                    table_added[at] += LIKED if likes else -SKIPPED
                    table_liked[at] = likes
    return Leaning(np.concatenate(added), np.concatenate(liked), bool(weights))


def _stretches(table: SoundTable, sources: list[str]) -> dict[str, tuple[int, int]]:
    """Return where the sounds of each source lie: tables are ordered by source, then by id (see library.catalog)."""
    order = {name: number for number, name in enumerate(sources)}

    def rank(sound: Sound) -> int:
        return order.get(sound.source, len(order))

    ends = [bisect_left(table, number, key=rank) for number in range(len(order) + 1)]
    return {name: (ends[number], ends[number + 1]) for name, number in order.items()}


def _id(sound: Sound) -> bytes:
    return sound.id.encode()
