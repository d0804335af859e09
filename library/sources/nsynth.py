"""Read folders in NSynth's format (Engel et al., arXiv 1704.01279): each instrument is one sound, its notes vectors.

Such a folder holds examples.json and audio/<note>.wav. Its metadata is read an entry at a time: the real train set has
289,205 of them.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from library.errors import AudioFileError, InputError
from library.sounds import Sound
from library.sources.base import FoundFile, Kind, clips_of_file

__all__ = ["KIND", "NSynthReader"]

MOST_NOTES = 8
"""Notes of an instrument that become vectors, spread over pitch and velocity."""

MOST_ENTRIES = 1_000_000
_ENTRY_CHARACTERS = 16_384
_BLOCK_CHARACTERS = 1 << 16
_KEY = re.compile(r'[\s,{]*"([^"\\]{1,200})"\s*:\s*')
_END = re.compile(r"[\s,{]*\}\s*\Z")
_NAME = "examples.json"


class NSynthReader:
    """Read the instruments of one NSynth folder."""

    def __init__(self, found: FoundFile) -> None:
        self._found = found
        self._notes: dict[str, list[tuple[int, int, str]]] = {}

    def __enter__(self) -> NSynthReader:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        return None

    def sounds(self) -> tuple[Sound, ...]:
        """List the instruments; the path of each is its middle note, which can be played."""
        families: dict[str, str] = {}
        self._notes = {}
        for note, (instrument, family, pitch, velocity) in _entries(self._found.path):
            families[instrument] = family
            self._notes.setdefault(instrument, []).append((pitch, velocity, note))
        if not families:
            raise InputError(self._found.path, "lists no instrument", "check that it is NSynth's")
        return tuple(self._sound(name, families[name]) for name in sorted(families))

    def notes(self) -> tuple[str, ...]:
        """Return nothing: notes beyond MOST_NOTES are of instruments that are heard well enough."""
        return ()

    def clips(self, sound: Sound) -> tuple[NDArray[np.float32], ...]:
        """Decode notes spread over pitch and velocity; one that is missing or silent leaves the others."""
        clips: list[NDArray[np.float32]] = []
        reason: AudioFileError | None = None
        for note in _spread(self._notes[sound.name]):
            try:
                clips += clips_of_file(self._audio(note))
            except AudioFileError as error:
                reason = error
        if not clips:
            raise reason or AudioFileError(self._found.path, f"{sound.name} is silent", "leave it out")
        return tuple(clips)

    def _sound(self, name: str, family: str) -> Sound:
        notes = _spread(self._notes[name])
        path = str(self._audio(notes[len(notes) // 2]))
        return Sound(f"{self._found.name}:{name}", name, "sample", path, None, family, self._found.source, "")

    def _audio(self, note: str) -> Path:
        return self._found.path.parent / "audio" / f"{note}.wav"


def _spread(notes: list[tuple[int, int, str]]) -> list[str]:
    """Choose notes over the range of pitch; velocities take turns."""
    pitches = sorted({pitch for pitch, _, _ in notes})
    chosen = dict.fromkeys(pitches[round(at)] for at in np.linspace(0, len(pitches) - 1, MOST_NOTES))
    names = []
    for turn, pitch in enumerate(chosen):
        layers = sorted((velocity, note) for other, velocity, note in notes if other == pitch)
        names.append(layers[(turn * 2 + 1) % len(layers)][1])
    return names


def _entries(path: Path) -> Iterator[tuple[str, tuple[str, str, int, int]]]:
    """Yield note and (instrument, family, pitch, velocity); memory holds no more than one entry and a block.

    Raises:
        InputError: The file is not in NSynth's format.
    """
    try:
        with path.open(encoding="utf-8") as file:
            for note, entry in _objects(path, file):
                row = (entry["instrument_str"], entry["instrument_family_str"], entry["pitch"], entry["velocity"])
                if not all(isinstance(v, str) for v in row[:2]) or not all(type(v) is int for v in row[2:]):
                    raise TypeError
                if "/" not in note and "\0" not in note:
                    yield note, (str(row[0]), str(row[1]), int(str(row[2])), int(str(row[3])))
    except OSError as error:
        raise InputError(path, f"can't be read ({error.strerror})", "check its permissions") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(path, "is not metadata in NSynth's format", "download it again") from error


def _objects(path: Path, file: TextIO) -> Iterator[tuple[str, dict[str, object]]]:
    decoder = json.JSONDecoder()
    buffer, at, count = file.read(_BLOCK_CHARACTERS), 0, 0
    if not buffer.lstrip().startswith("{"):
        raise ValueError(path)
    while True:
        if len(buffer) - at < _ENTRY_CHARACTERS:
            buffer, at = buffer[at:] + file.read(_BLOCK_CHARACTERS), 0
        if _END.match(buffer, at):
            return
        key = _KEY.match(buffer, at)
        if key is None or (count := count + 1) > MOST_ENTRIES:
            raise ValueError(path)
        # A whole entry lies in the buffer, or it is longer than any of NSynth's.
        entry, end = decoder.raw_decode(buffer[key.end() : key.end() + _ENTRY_CHARACTERS])
        if not isinstance(entry, dict):
            raise TypeError(path)
        at = key.end() + end
        yield key[1], entry


def _claims(path: Path, head: bytes) -> bool:
    return path.name == _NAME and head.lstrip()[:1] == b"{" and (path.parent / "audio").is_dir()


def _parts(path: Path) -> tuple[str, ...]:
    folder = os.path.realpath(path.parent / "audio")
    try:
        return tuple(os.path.join(folder, f"{note}.wav") for note, _ in _entries(path))  # noqa: PTH118 289,205 of them
    except InputError:
        return ()


KIND = Kind("nsynth", _claims, NSynthReader, parts=_parts)
