"""Read audio files as sounds."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from library.errors import AudioFileError
from library.sounds import Sound
from library.sources.base import FoundFile, Kind, clips_of_file
from library.sources.families import guess

__all__ = ["KIND", "AudioFileReader"]

_SUFFIXES = frozenset(
    (".wav", ".wave", ".aif", ".aiff", ".aifc", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".caf", ".au", ".snd", ".w64",
     ".rf64")
)  # fmt: skip
_MAGIC = (b"fLaC", b"OggS", b"caff", b"ID3", b".snd", b"riff\x2e\x91\xcf\x11")


class AudioFileReader:
    """Read one audio file as one sound, named after it."""

    def __init__(self, found: FoundFile) -> None:
        self._found = found

    def __enter__(self) -> AudioFileReader:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        return None

    def sounds(self) -> tuple[Sound, ...]:
        """Return the file as a sound; its family is guessed from its name, else from its folder's."""
        found = self._found
        family = guess(found.path.stem).family or guess(found.path.parent.name).family
        path = str(found.path)
        return (Sound(found.name, found.path.stem, "sample", path, None, family, found.source, ""),)

    def notes(self) -> tuple[str, ...]:
        """Return nothing: a file is used whole or not at all."""
        return ()

    def clips(self, sound: Sound) -> tuple[NDArray[np.float32], ...]:  # noqa: ARG002 the file is the sound
        """Decode the file; see `clips_of_file`."""
        clips = clips_of_file(self._found.path)
        if not clips:
            raise AudioFileError(self._found.path, "is silent", "remove it from the folder, or record it again")
        return clips


def _claims(path: Path, head: bytes) -> bool:  # noqa: ARG001 the content tells
    form = head[8:12]
    riff = head[:4] in (b"RIFF", b"RF64", b"RIFX") and form == b"WAVE"
    return riff or (head[:4] == b"FORM" and form in (b"AIFF", b"AIFC")) or head.startswith(_MAGIC)


KIND = Kind("audio", _claims, AudioFileReader, _SUFFIXES)
