"""Search a library: with audio, with a sound of its own, away from others, among some, or by name."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from library.errors import InputError
from library.index import Match, SoundIndex

__all__ = ["Choice", "away_from", "by_name", "choose", "search_vectors", "vectors_of_sound"]

AWAY = 0.5
"""How much of each sound to avoid is taken from the query: q - AWAY * mean(sound), then unit length again. Half moves
the list clearly and keeps it about the query; all of it would look for the opposite of the sound."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Say which sounds may be found; "" = any.

    Attributes:
        family: Instrument family, as `info` lists them.
        kind: "sample", "soundfont", "gm" ...
        name: Part of the name, in any case.
    """

    family: str = ""
    kind: str = ""
    name: str = ""


def search_vectors(
    index: SoundIndex, vectors: NDArray[np.float32], k: int, among: NDArray[np.bool_] | None = None
) -> tuple[Match, ...]:
    """Find the k sounds closest to any of vectors[n, D], in the order of the index's taste."""
    best: dict[str, Match] = {}
    for matches in index.query(vectors, k, among):
        for match in matches:
            known = best.get(match.sound.id)
            if known is None or match.score > known.score:
                best[match.sound.id] = match
    return tuple(sorted(best.values(), key=lambda match: -match.standing)[:k])


def choose(index: SoundIndex, choice: Choice, without: tuple[str, ...] = ()) -> NDArray[np.bool_] | None:
    """Return which positions a choice leaves; None where it leaves all.

    Raises:
        InputError: It leaves none.
    """
    if choice == Choice() and not without:
        return None
    found = index.generation
    among = np.zeros(len(found.base) + len(found.delta), np.bool_)
    families, kinds = set(), set()
    for position in found.positions().tolist():
        sound = found.sound(position)
        families.add(sound.family or "unknown")
        kinds.add(sound.kind)
        among[position] = _fits(sound.family or "unknown", choice.family) and _fits(sound.kind, choice.kind)
        among[position] &= choice.name.casefold() in sound.name.casefold() and sound.id not in without
    if not among.any():
        there = f"families are {', '.join(sorted(families))}; kinds {', '.join(sorted(kinds))}"
        raise InputError("this choice", "leaves no sound of the library", there)
    return among


def by_name(index: SoundIndex, among: NDArray[np.bool_], k: int) -> tuple[Match, ...]:
    """Return the first k sounds of a choice in the order of their names; nothing was compared, so their score is 1."""
    sounds = sorted(
        (index.generation.sound(int(p)) for p in np.flatnonzero(among)), key=lambda s: (s.name.casefold(), s.id)
    )
    return tuple(Match(sound, 1.0) for sound in sounds[:k])


def vectors_of_sound(index: SoundIndex, sound_id: str) -> NDArray[np.float32]:
    """Return the vectors[n, D] of a sound of the library.

    Raises:
        InputError: There is no such sound, or it has no vectors.
    """
    position = index.generation.find(sound_id)
    if position is None:
        raise InputError(sound_id, "is no sound of this library", "take a sound_id that a search with --json prints")
    vectors = index.generation.vectors_of(position)
    if not len(vectors):
        raise InputError(sound_id, "has no vectors (drum kits are never compared)", "name another sound")
    return vectors


def away_from(vectors: NDArray[np.float32], others: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Move query vectors[K, D] away from sounds (see AWAY); each is given by its vectors[n, D].

    Raises:
        InputError: Nothing of a query is left.
    """
    for other in others:
        mean = other.mean(axis=0)
        vectors = vectors - AWAY * mean / np.linalg.norm(mean)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    if norms.min() < 1e-3:
        raise InputError("--not", "leaves nothing to look for", "name fewer sounds")
    return np.asarray(vectors / norms, np.float32)


def _fits(value: str, wanted: str) -> bool:
    return not wanted or value.casefold() == wanted.casefold()
