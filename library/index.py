"""Find the nearest sounds of a library (to be filled in)."""

from __future__ import annotations

from dataclasses import dataclass

from library.sounds import Sound

__all__ = ["Match"]


@dataclass(frozen=True, slots=True)
class Match:
    """Pair a sound with how close it is.

    Attributes:
        sound: The library entry.
        score: Cosine similarity, -1..1.
    """

    sound: Sound
    score: float
