"""Say what a source of sounds is, and turn audio into the clips that are embedded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from library.audio import SAMPLE_RATE_HZ, level_db
from library.catalog import FileError
from library.sounds import Sound

__all__ = ["FoundFile", "Reader", "Scan", "clips_of"]

WINDOW_S = 5.0
MAX_WINDOWS = 6
"""More windows of one long file make the index larger and find nothing new."""

SHORTEST_S = 0.1
"""The encoders hear at least this much; shorter sounds are followed by silence."""

SILENCE_DB = -60.0


@dataclass(frozen=True, slots=True)
class FoundFile:
    """Point to a file that can hold sounds.

    Attributes:
        path: Where it lies.
        name: Source and path inside it; begins the ids of its sounds.
        source: Name of the source.
        kind: How to read it.
    """

    path: Path
    name: str
    source: str
    kind: Literal["audio", "soundfont"]


@dataclass(frozen=True, slots=True)
class Scan:
    """List what was found in a source, and what could not even be looked at."""

    files: tuple[FoundFile, ...]
    errors: tuple[FileError, ...]


class Reader(Protocol):
    """Read the sounds of one file; entered as a context manager."""

    def __enter__(self) -> Reader:
        """Begin; opens nothing heavy."""
        ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """Close what was opened."""
        ...

    def sounds(self) -> tuple[Sound, ...]:
        """List the sounds without decoding audio.

        Raises:
            InputError: The file is damaged.
        """
        ...

    def clips(self, sound: Sound) -> tuple[NDArray[np.float32], ...]:
        """Return what to embed of one sound: 16 kHz mono clips; none for a sound that is not to be matched.

        Raises:
            InputError: The sound can't be read, or is silent.
            MissingDependencyError: A native part is missing.
        """
        ...


def clips_of(samples: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
    """Cut samples[T] (16 kHz) into the clips that stand for it: all of a short sound, windows spread over a long one.

    Returns:
        Clips that are not silent; none when all are.
    """
    window = round(WINDOW_S * SAMPLE_RATE_HZ)
    shortest = round(SHORTEST_S * SAMPLE_RATE_HZ)
    if len(samples) < shortest:
        samples = np.pad(samples, (0, shortest - len(samples)))
    count = min(MAX_WINDOWS, -(-len(samples) // window))
    starts = np.linspace(0, max(0, len(samples) - window), count).round().astype(int)
    clips = (samples[start : start + window] for start in starts)
    return tuple(clip for clip in clips if level_db(clip) > SILENCE_DB)
