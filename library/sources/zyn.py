"""Read ZynAddSubFX instruments (.xiz), in banks or lying anywhere, as sounds."""

from __future__ import annotations

import re
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from library.audio import level_db
from library.errors import InputError
from library.sounds import MidiProgram, Sound
from library.sources.base import SILENCE_DB, FoundFile, Kind
from library.sources.families import guess
from library.sources.phrases import CLIP_S, NOTE_CLIP_S, phrases, single_notes
from library.synths.zyn_patch import read_patch, render_patch

__all__ = ["KIND", "ZynReader"]

_SUFFIX = ".xiz"
_NUMBERED = re.compile(r"(\d{4})-(.+)")
_PROGRAMS = 128


class ZynReader:
    """Render notes and phrases with one instrument, in a process that may crash."""

    def __init__(self, found: FoundFile) -> None:
        self._found = found

    def __enter__(self) -> ZynReader:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        return None

    def sounds(self) -> tuple[Sound, ...]:
        """Return the instrument, named after its file; one that lies in a bank has its number there as program.

        The number of the bank is not said: ZynAddSubFX counts the banks that it finds, so it differs from user to user.
        """
        found = self._found
        read_patch(found.path)
        numbered = _NUMBERED.fullmatch(found.path.stem)
        name = numbered[2].strip() if numbered else found.path.stem
        slot = int(numbered[1]) - 1 if numbered else -1
        program = MidiProgram(None, None, None, slot) if 0 <= slot < _PROGRAMS else None
        family = guess(name).family or guess(found.path.parent.name).family
        return (Sound(found.name, name, "patch", str(found.path), program, family, found.source, ""),)

    def notes(self) -> tuple[str, ...]:
        """Return nothing: the synthesiser plays all of a patch."""
        return ()

    def clips(self, sound: Sound) -> tuple[NDArray[np.float32], ...]:
        """Render single notes, then phrases; silent clips are left out."""
        pitch = guess(sound.name).pitch
        wanted = [(notes, NOTE_CLIP_S) for notes in single_notes(pitch)]
        wanted += [(notes, CLIP_S) for notes in phrases(pitch, sound.family)]
        clips = tuple(clip for clip in render_patch(self._found.path, wanted) if level_db(clip) > SILENCE_DB)
        if not clips:
            raise InputError(self._found.path, "is silent", "leave it out")
        return clips


def _claims(path: Path, head: bytes) -> bool:
    return path.suffix.lower() == _SUFFIX and (head[:2] == b"\x1f\x8b" or head.lstrip()[:5] == b"<?xml")


KIND = Kind("zyn", _claims, ZynReader, frozenset({_SUFFIX}))
