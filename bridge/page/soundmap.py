"""Lay the library out for the page, beside the engine and only when a page asks."""

from __future__ import annotations

import asyncio
import json

from bridge.commands import Refusal
from bridge.page.sounds import Shelf
from bridge.threads import in_thread
from library.errors import InputError
from library.index import SoundIndex

__all__ = ["LibraryMap"]


class LibraryMap:
    """Keep the map of one generation of the library.

    The plane is that of `timbrel library map --method pca`: it is there in a moment. UMAP would take a core from the
    engine for many seconds.

    Args:
        shelf: Knows the library.
    """

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._made: tuple[SoundIndex, bytes] | None = None
        self._making = asyncio.Lock()

    async def json(self) -> bytes:
        """Return the columns of `timbrel library map` as JSON.

        Raises:
            Refusal: 503 while the library is loaded, 404 where it can't be laid out.
        """
        library = self._shelf.library
        if library is None:
            raise Refusal(503, "there is no library to draw yet")
        async with self._making:
            if self._made is None or self._made[0] is not library:
                try:
                    self._made = library, await in_thread("page map", lambda: _lay_out(library))
                except InputError as error:
                    raise Refusal(404, str(error)) from None
            return self._made[1]


def _lay_out(library: SoundIndex) -> bytes:
    from library.soundmap import map_sounds

    return json.dumps(map_sounds(library, "pca").to_json(), ensure_ascii=False, separators=(",", ":")).encode()
