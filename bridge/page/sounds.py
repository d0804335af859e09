"""Find sounds by their id alone, and make their audio ready for a browser."""

from __future__ import annotations

import asyncio
import io
import wave
from collections import OrderedDict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bridge.commands import Refusal
from bridge.threads import in_thread
from library.errors import TimbrelError
from library.follow import LiveIndex
from library.sounds import Sound

if TYPE_CHECKING:
    from library.index import SoundIndex
    from realtime.hearing import SoundLookup

__all__ = ["PREVIEW_HZ", "Previews", "Shelf"]

PREVIEW_HZ = 44_100
MOST_KEPT = 16
"""Previews that are kept, a megabyte each; the one not asked for longest is dropped."""

MOST_KNOWN = 4096
"""Shown sounds that are remembered; the oldest is dropped."""

AT_ONCE = 2
"""Files that are decoded at the same time; who asks beyond that waits."""


class Shelf:
    """Know the sounds that pages may ask for: those that were shown, and those of the library.

    Args:
        index: Returns the library in use, None before it is loaded.
    """

    def __init__(self, index: Callable[[], SoundLookup | None]) -> None:
        self._index = index
        self._known: OrderedDict[str, Sound] = OrderedDict()
        self._asked: object = None
        self._has_audio: dict[str, bool] = {}

    def remember(self, sounds: Iterable[Sound]) -> None:
        """Take note of sounds that are shown."""
        for sound in sounds:
            self._known[sound.id] = sound
            self._known.move_to_end(sound.id)
        while len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)

    def can_hear(self, sound: Sound) -> bool:
        """Tell whether a sound has audio; asked once for each sound of a library, whose table is long."""
        if sound.kind == "sample" and sound.path:
            return True
        index = self.library or self._index()
        if index is None:
            return False
        if index is not self._asked or len(self._has_audio) >= MOST_KNOWN:
            self._asked, self._has_audio = index, {}
        if sound.id not in self._has_audio:
            self._has_audio[sound.id] = index.preview_path(sound) is not None
        return self._has_audio[sound.id]

    def path_of(self, sound_id: str) -> Path:
        """Return the file of a sound by its id; what the id looks like does not matter, only whether it is known.

        Raises:
            Refusal: 503 while the library is loaded, 404 for a sound that is not known or has no audio.
        """
        if self._index() is None:
            raise Refusal(503, "the library is being loaded")
        sound = self._known.get(sound_id) or self._in_library(sound_id)
        if sound is None:
            raise Refusal(404, "there is no such sound")
        index = self._index()
        path = None if index is None else index.preview_path(sound)
        if path is None:
            raise Refusal(404, f"{sound.name} has no audio of its own; choose loads it in your DAW")
        return path

    @property
    def library(self) -> SoundIndex | None:
        """The library, where it is one on disk."""
        index = self._index()
        return index.index if isinstance(index, LiveIndex) else None

    def _in_library(self, sound_id: str) -> Sound | None:
        library = self.library
        position = None if library is None else library.generation.find(sound_id)
        return None if library is None or position is None else library.generation.sound(position)


class Previews:
    """Make previews: two channels of 16 bits, at most six seconds, all of one level.

    Args:
        shelf: Knows the sounds.
    """

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._made: OrderedDict[Path, bytes] = OrderedDict()
        self._places = asyncio.Semaphore(AT_ONCE)

    async def wav(self, sound_id: str) -> bytes:
        """Return the preview of a sound as a WAV file.

        Raises:
            Refusal: 404 when there is none, 503 while the library is loaded or when its file can't be read.
        """
        path = self._shelf.path_of(sound_id)
        if path not in self._made:
            async with self._places:
                try:
                    made = await in_thread("page preview", lambda: make_wav(path))
                except (TimbrelError, OSError) as error:
                    raise Refusal(503, f"the audio can't be read: {_reason(error)}") from None
            self._made[path] = made
        self._made.move_to_end(path)
        while len(self._made) > MOST_KEPT:
            self._made.popitem(last=False)
        return self._made[path]


def make_wav(path: Path) -> bytes:
    """Decode the beginning of a file and shape it as previews are.

    Raises:
        TimbrelError: It can't be decoded.
        OSError: It can't be read.
    """
    from realtime.player import read_preview
    from realtime.preview_level import shape_preview

    samples, rate = read_preview(path)
    shaped = shape_preview(samples, rate, PREVIEW_HZ)
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(PREVIEW_HZ)
        file.writeframes(np.round(np.clip(shaped, -1.0, 1.0) * 32767.0).astype("<i2").tobytes())
    return out.getvalue()


def _reason(error: Exception) -> str:
    return error.strerror or "" if isinstance(error, OSError) else str(getattr(error, "rule", error))
