"""Say what a source of sounds is, and turn audio into the clips that are embedded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from library.audio import SAMPLE_RATE_HZ, level_db
from library.catalog import FileError
from library.sounds import Sound
from library.stretches import read_windows

__all__ = ["HEAD_BYTES", "FoundFile", "Kind", "OpenFile", "Reader", "Scan", "clips_of", "clips_of_file"]

HEAD_BYTES = 64
"""How much of the beginning of a file is looked at to tell what it is."""

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
        kind: Name of the Kind that reads it.
        parts: Real paths of the files that belong to it and are no sounds of their own; a change of one is its change.
    """

    path: Path
    name: str
    source: str
    kind: str
    parts: tuple[str, ...] = ()


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

    def notes(self) -> tuple[str, ...]:
        """Say in a line each what was left out of a file that can be used; asked after its sounds were read."""
        ...

    def clips(self, sound: Sound) -> tuple[NDArray[np.float32], ...]:
        """Return what to embed of one sound: 16 kHz mono clips; none for a sound that is not to be matched.

        Raises:
            InputError: The sound can't be read, or is silent.
            MissingDependencyError: A native part is missing.
        """
        ...


OpenFile = Callable[[FoundFile], Reader]
"""Makes the reader of a file: in this process (library.sources.open_file) or in another (library.sources.apart)."""


def _no_parts(path: Path) -> tuple[str, ...]:  # noqa: ARG001 the signature of Kind.parts
    return ()


@dataclass(frozen=True, slots=True)
class Kind:
    """Define one kind of file that can hold sounds; library.sources.registry lists them all.

    Attributes:
        name: What FoundFile.kind holds.
        claims: Whether a file is of this kind, by its path and first HEAD_BYTES bytes.
        open: Makes the reader of a file.
        suffixes: In lower case with the dot; a file of such a name that no kind claims is reported by this kind.
        parts: Real paths of the files that belong to a file; they may not exist, and must be cheap to find.
    """

    name: str
    claims: Callable[[Path, bytes], bool]
    open: Callable[[FoundFile], Reader]
    suffixes: frozenset[str] = frozenset()
    parts: Callable[[Path], tuple[str, ...]] = _no_parts


def clips_of_file(path: Path) -> tuple[NDArray[np.float32], ...]:
    """Decode the clips that stand for an audio file, as `clips_of` cuts them; no more of a long file is decoded.

    Raises:
        AudioFileError: The file can't be decoded.
    """
    windows = read_windows(path, WINDOW_S, MAX_WINDOWS)
    if len(windows) == 1:
        return clips_of(windows[0])
    return tuple(clip for clip in windows if level_db(clip) > SILENCE_DB)


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
