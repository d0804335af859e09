"""Read presets of samplers and synths through the audio previews that lie beside them.

No preset is played: its preview is what it sounds like. A preset without a preview is not a sound.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from library.errors import AudioFileError, InputError
from library.sounds import Sound
from library.sources.base import FoundFile, Kind, clips_of_file
from library.sources.families import guess
from library.sources.nks import read_nks

__all__ = ["KIND", "PresetReader"]

_NKS = ".nksf"
_HEADS: dict[str, tuple[bytes, ...]] = {
    _NKS: (b"RIFF",),
    ".adg": (b"\x1f\x8b", b"<?xml"),
    ".adv": (b"\x1f\x8b", b"<?xml"),
    ".bwpreset": (b"BtWg",),
    ".fxp": (b"CcnK",),
    ".vstpreset": (b"VST3",),
    ".serumpreset": (b"XferJson",),
    ".vital": (b"{",),
}
"""Suffix -> how such a file begins: NKS, Ableton, Bitwig, Surge and Serum, VST 3, Serum 2, Vital."""

_FOLDERS = ("", ".previews", "Previews", "previews")
_PREVIEW_SUFFIXES = (".ogg", ".wav", ".mp3", ".flac", ".aif", ".aiff")


class PresetReader:
    """Read one preset: the name of it, the audio of its preview."""

    def __init__(self, found: FoundFile) -> None:
        self._found = found

    def __enter__(self) -> PresetReader:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        return None

    def sounds(self) -> tuple[Sound, ...]:
        """Return the preset, named by its metadata where it has some that can be read here, else after its file."""
        found = self._found
        with found.path.open("rb") as file:
            head = file.read(16)
        if not head.startswith(_HEADS[found.path.suffix.lower()]):
            raise InputError(found.path, "does not begin as such a preset does", "save it again")
        name, hints = found.path.stem, [found.path.stem, found.path.parent.name]
        if found.path.suffix.lower() == _NKS:
            info = read_nks(found.path)
            name = info.name or name
            hints = [*info.types, name, info.bank, *hints]
        family = next((known.family for known in map(guess, hints) if known.family), "")
        return (Sound(found.name, name, "preset", str(found.path), None, family, found.source, ""),)

    def notes(self) -> tuple[str, ...]:
        """Return nothing: the preview is all that is heard."""
        return ()

    def clips(self, sound: Sound) -> tuple[NDArray[np.float32], ...]:  # noqa: ARG002 the file is the sound
        """Decode the preview."""
        preview = next(_previews(self._found.path), None)
        if preview is None:
            raise InputError(self._found.path, "has no preview any more", "render one again")
        clips = clips_of_file(preview)
        if not clips:
            raise AudioFileError(preview, "is silent", "render the preview again")
        return clips


def _previews(preset: Path) -> Iterator[Path]:
    """Yield the previews of a preset: name.nksf.ogg or name.ogg beside it or in a folder for previews."""
    for folder in _FOLDERS:
        place = preset.parent / folder
        if folder and not place.is_dir():
            continue
        for stem in (preset.name, preset.stem):
            for suffix in _PREVIEW_SUFFIXES:
                path = place / f"{stem}{suffix}"
                if path.is_file():
                    yield path


def _claims(path: Path, head: bytes) -> bool:  # noqa: ARG001 damage is reported by the reader
    return path.suffix.lower() in _HEADS and any(_previews(path))


def _parts(path: Path) -> tuple[str, ...]:
    return tuple(os.path.realpath(preview) for preview in _previews(path))


KIND = Kind("preset", _claims, PresetReader, parts=_parts)
