"""Keep likes from a running daemon, as `timbrel library like` and `forget` do."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from bridge.commands import Refusal
from bridge.config import LibraryConfig
from bridge.taste import own_dir
from bridge.threads import in_thread
from library.errors import InputError, LibraryError

if TYPE_CHECKING:
    from library.generation import Generation
    from library.opinions import Opinions
    from library.sounds import Sound
    from realtime.hearing import SoundLookup

__all__ = ["MOST_WAITING", "Likes"]

MOST_WAITING = 8
"""Likes that wait for the catalogue, which a build may hold for seconds; more are refused."""


class Likes:
    """Read and write which sounds of the library in use are liked; on the asyncio thread, the files in another.

    Args:
        settings: Say where the library is, and whether taste counts.
    """

    def __init__(self, settings: LibraryConfig) -> None:
        self._settings = settings
        self._waiting = 0
        self._turn = asyncio.Lock()

    async def read(self, index: SoundLookup) -> frozenset[str]:
        """Return the ids of the sounds that are liked; none where the library holds no opinions, or they can't be read.

        Args:
            index: The library in use.
        """
        generation = _generation(index)
        if generation is None:
            return frozenset()
        try:
            async with self._turn:  # a read that began before a write must not come after it
                return await in_thread("likes", lambda: _liked(self._opinions(generation)))
        except LibraryError:  # a like says why
            return frozenset()

    async def write(self, index: SoundLookup, sound: Sound, liked: bool) -> frozenset[str]:
        """Like a sound, or have no opinion of it; live suggestions follow within seconds.

        Returns:
            The ids of all that are liked now.

        Raises:
            Refusal: 404, the sound has left the library; 503, opinions can't be kept, or not now.
        """
        generation = _generation(index)
        if generation is None:
            raise Refusal(503, "this library keeps no opinions")
        if self._waiting >= MOST_WAITING:
            raise Refusal(503, "the library is busy; try again in a moment")

        def work() -> frozenset[str]:
            opinions = self._opinions(generation)
            opinions.write(generation, [sound.id], True if liked else None)
            return _liked(opinions)

        self._waiting += 1
        try:
            async with self._turn:
                return await in_thread("likes", work)
        except LibraryError as error:
            raise Refusal(503, str(error)) from error
        except InputError as error:
            raise Refusal(404, str(error)) from error
        finally:
            self._waiting -= 1

    def said(self, sound: Sound, liked: bool) -> str:
        """Return what is told about a like."""
        if not liked:
            return f"{sound.name} is no longer liked"
        return f"{sound.name} is liked" + ("" if self._settings.taste else "; taste is off, so that the order stays")

    def _opinions(self, generation: Generation) -> Opinions:
        from library.index import library_path
        from library.opinions import Opinions

        return Opinions(library_path(self._settings.path), generation.manifest.sealed, own_dir())


def _generation(index: SoundLookup) -> Generation | None:
    from library.follow import LiveIndex

    return index.index.generation if isinstance(index, LiveIndex) else None


def _liked(opinions: Opinions) -> frozenset[str]:
    return frozenset(sound_id for sound_id, likes in opinions.read().items() if likes)
