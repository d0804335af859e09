"""Follow a library on disk: queries go to the newest generation, and never wait for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from library.errors import TimbrelError
from library.hubs import Cohort
from library.index import SoundIndex, library_path, open_library
from library.manifest import MANIFEST_NAME
from library.match import Found
from library.opinions import OPINIONS_NAME
from library.sounds import Sound
from library.taste import Taste

__all__ = ["LiveIndex"]

POLL_S = 1.0
"""Time between two looks at the manifest, and at the opinions about libraries that never change: two stats."""


class LiveIndex:
    """Answer queries from the newest generation of a library.

    A thread of its own opens each new generation beside the old one and swaps them in one assignment. A query that
    runs meanwhile ends on the old one. What can't be opened is told once; the generation at hand goes on.

    Args:
        library: Folder of the library, or "gm".
        fingerprint: Fingerprint of the encoder that asks.
        say: Called in that thread with a sentence when something changed.
        taste: Orders matches by more than the cosine; opinions that change are followed too.
        cohort: See `SoundIndex.open`.

    Raises:
        LibraryError: There is no library, or it is damaged.
        FingerprintError: It was built with other weights.
    """

    def __init__(
        self,
        library: str | Path,
        fingerprint: str | None,
        say: Callable[[str], None] | None = None,
        taste: Taste | None = None,
        cohort: Cohort = None,
    ) -> None:
        self.say = say
        self._lib_dir = library_path(library)
        self._fingerprint = fingerprint
        self._taste = taste
        self._cohort = cohort
        self._stamp = self._read_stamp()
        self._index = open_library(library, fingerprint, taste, cohort)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="library", daemon=True)

    @property
    def index(self) -> SoundIndex:
        """The newest generation."""
        return self._index

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the encoder that made the vectors."""
        return self._index.fingerprint

    def nearest(self, vectors: NDArray[np.float32], k: int) -> Found:
        """Return at most k sounds for each of vectors[N, D], best first."""
        return self._index.nearest(vectors, k)

    def preview_path(self, sound: Sound) -> Path | None:
        """Return an audio file that shows how one of its sounds sounds, if there is one."""
        return self._index.preview_path(sound)

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def close(self) -> None:
        """Stop following; queries still work."""
        self._stop.set()

    def look(self) -> None:
        """Look once, and swap when there is something new."""
        stamp = self._read_stamp()
        if stamp == self._stamp:
            return
        try:
            fresh = SoundIndex.open(self._lib_dir, self._fingerprint, taste=self._taste, cohort=self._cohort)
        except TimbrelError as error:
            gone = "the library was deleted; going on with what was loaded"
            self._tell(f"library not reloaded: {error}" if stamp else gone)
        else:
            # What the first look-up costs more than others is paid here, not by the next window.
            fresh.nearest(np.ones((1, fresh.dim), np.float32), 1)
            self._index = fresh
            self._tell(f"library reloaded: {fresh.generation.manifest.sounds} sounds")
        self._stamp = stamp

    def _run(self) -> None:
        while not self._stop.wait(POLL_S):
            self.look()

    def _read_stamp(self) -> tuple[int, ...]:
        try:
            looked = [(self._lib_dir / MANIFEST_NAME).stat()]
        except OSError:
            return ()
        if self._taste is not None:
            with suppress(OSError):  # no opinion yet
                looked.append((self._taste.own_dir / OPINIONS_NAME).stat())
        return tuple(number for status in looked for number in (status.st_ino, status.st_mtime_ns, status.st_size))

    def _tell(self, text: str) -> None:
        if self.say is not None:
            self.say(text)
