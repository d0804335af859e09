"""Read an SFZ instrument as one sound, rendered by a small sampler of our own."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from library.audio import level_db
from library.errors import InputError
from library.sounds import Sound
from library.sources.base import SILENCE_DB, FoundFile, Kind
from library.sources.families import guess
from library.sources.phrases import CLIP_S, NOTE_CLIP_S, phrases, single_notes
from library.synths.sampler import Sampler
from library.synths.sfz import SfzInstrument, read_sfz
from library.synths.sfz_region import sample_path

__all__ = ["KIND", "SfzReader"]

_SUFFIX = ".sfz"
_SPREAD = 9
"""Semitones below and above its middle that a phrase or note reaches for."""

_NAMED = 8
"""Names in a note; a large instrument can have hundreds."""


class SfzReader:
    """Render notes and phrases with an SFZ instrument."""

    def __init__(self, found: FoundFile) -> None:
        self._found = found
        self._instrument: SfzInstrument | None = None
        self._failed: dict[str, str] = {}

    def __enter__(self) -> SfzReader:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        return None

    def sounds(self) -> tuple[Sound, ...]:
        """Return the instrument, named after its file."""
        found = self._found
        self._instrument = read_sfz(found.path)
        if not self._instrument.regions:
            builtin = ", ".join(self._instrument.builtin)
            rule = f"plays only built-in waves ({builtin})" if builtin else "has no region that a key press sounds"
            raise InputError(found.path, rule, "leave it out, or record it as audio")
        family = guess(found.path.stem).family or guess(found.path.parent.name).family
        return (Sound(found.name, found.path.stem, "sfz", str(found.path), None, family, found.source, ""),)

    def notes(self) -> tuple[str, ...]:
        """Name opcodes that are not played, built-in waves and samples that could not be read."""
        if self._instrument is None:
            return ()
        rows = (
            ("opcodes that are not played", self._instrument.unknown),
            ("built-in waves that are not played", self._instrument.builtin),
            ("samples that could not be read", sorted(self._failed)),
        )
        return tuple(f"{what}: {_some(names)}" for what, names in rows if names)

    def clips(self, sound: Sound) -> tuple[NDArray[np.float32], ...]:
        """Render single notes, then phrases, in the middle of its keys; silent clips are left out."""
        instrument = self._instrument or read_sfz(self._found.path)
        sampler = Sampler(self._found.path, instrument.regions)
        pitch = _middle(instrument, guess(sound.name).pitch)
        clips = [sampler.render(notes, NOTE_CLIP_S) for notes in single_notes(pitch)]
        clips += [sampler.render(notes, CLIP_S) for notes in phrases(pitch, sound.family)]
        self._failed = sampler.failed
        heard = tuple(clip for clip in clips if level_db(clip) > SILENCE_DB)
        if not heard:
            reason = next(iter(self._failed.values()), "all its notes are silent")
            raise InputError(self._found.path, f"makes no sound ({reason})", "check its samples")
        return heard


def _middle(instrument: SfzInstrument, pitch: int) -> int:
    low = min(region.low for region in instrument.regions)
    high = max(region.high for region in instrument.regions)
    if high - low < 2 * _SPREAD:
        return (low + high) // 2
    return min(high - _SPREAD, max(low + _SPREAD, pitch))


def _some(names: tuple[str, ...] | list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(name[:60] for name in names[:_NAMED]) + more


def _claims(path: Path, head: bytes) -> bool:
    # Text has no signature: what has one, like an Ogg file of this name, is left to its own kind.
    return path.suffix.lower() == _SUFFIX and b"\0" not in head and head[:4] not in (b"OggS", b"fLaC", b"RIFF")


def _parts(path: Path) -> tuple[str, ...]:
    """Return the samples of the instrument; they are its notes, not sounds of their own."""
    try:
        samples = dict.fromkeys(region.sample for region in read_sfz(path).regions)
        found = [os.path.realpath(sample_path(path, sample)) for sample in samples]
    except (InputError, OSError, ValueError):
        return ()
    return tuple(name for name in found if Path(name).is_file())


KIND = Kind("sfz", _claims, SfzReader, frozenset({_SUFFIX}), _parts)
