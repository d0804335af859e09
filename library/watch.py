"""Keep a library current with its sources: look for changes, embed them, publish a delta, merge it now and then."""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from library.build import RECIPE, build_library, fill, scan_entries, told
from library.catalog import Catalog
from library.delta import follow, publish_delta, unfollow
from library.encoders.spec import SingleEncoder
from library.errors import LibraryError
from library.exclude import is_excluded
from library.lock import build_lock
from library.manifest import Manifest, SourceEntry, read_manifest
from library.moves import adopt_moved
from library.publish import next_generation, write_base, write_indexes
from library.sources import OpenFile, Scan, open_file

__all__ = ["DELTA_VECTORS", "Watcher"]

LOOK_S = 1.0
"""Time between two looks at the sources. Looking (a listing of each folder, one stat a file) works on every drive and
needs no package; the system's own notices, which `watchfiles` reads, don't reach network drives."""

LOOK_SHARE = 0.1
"""Looks take this share of the time at most: where one takes 0.4 s (some 40,000 files), the next comes 4 s later."""

DELTA_VECTORS = 8192
"""Vectors that came or left before a delta is merged into a new index: up to here searching them takes under 1 ms."""

Snapshot = dict[str, tuple[int, int]]
Say = Callable[[str], None]


class Watcher:
    """Watch the sources of one library; the only process that writes it meanwhile.

    Args:
        lib_dir: Folder of a library that was built.
        encoder: Embeds what is new.
        say: Told each change in a line.
        delta_most: See DELTA_VECTORS.
        exclude: Folders of the sources to leave out; see library.exclude.
        open_with: Makes the reader of a file.
    """

    def __init__(
        self,
        lib_dir: Path,
        encoder: SingleEncoder,
        say: Say,
        delta_most: int = DELTA_VECTORS,
        open_with: OpenFile = open_file,
        exclude: Sequence[str] = (),
    ) -> None:
        self._lib_dir = lib_dir
        self._encoder = encoder
        self._say = say
        self._delta_most = delta_most
        self._open_with = open_with
        self._exclude = exclude
        self._sources: tuple[SourceEntry, ...] = ()
        self._done: Snapshot = {}
        self._seen: Snapshot = {}
        self._missing: set[str] = set()
        self._merge: threading.Thread | None = None
        self._merged: Manifest | LibraryError | None = None

    def run(self, stop: threading.Event) -> None:
        """Bring the library up to date, then keep it so until the stop.

        Raises:
            LibraryError: There is no library, it is damaged, or another process builds or watches it.
        """
        self._sources = read_manifest(self._lib_dir).sources
        with build_lock(self._lib_dir) as in_force, told(self._lib_dir):
            self._base = self._begin()
            with Catalog(self._lib_dir) as catalog:
                follow(catalog, self._base.generation)
                self._say(f"watching {len(self._sources)} sources, {self._base.sounds} sounds")
                while not stop.is_set():
                    begun = time.monotonic()
                    self.look(catalog, in_force)
                    stop.wait(max(LOOK_S, (time.monotonic() - begun) / LOOK_SHARE))
            if self._merge is not None:
                self._merge.join()

    def look(self, catalog: Catalog, in_force: Callable[[], bool]) -> None:
        """Take one look; what changed since the last look is still being written, and waits for the next."""
        if not in_force():
            raise LibraryError(self._lib_dir, "was deleted", "build it again, then watch it")
        now = self._snapshot()
        restless = {
            path for path, status in now.items() if self._seen.get(path) != status and self._done.get(path) != status
        }
        self._seen = now
        settled = {path: status for path, status in now.items() if path not in restless}
        settled |= {path: self._done[path] for path in restless if path in self._done}
        if settled != self._done:
            self._done = settled
            self._update(catalog, restless)
        self._finish_merge(catalog)

    def _begin(self) -> Manifest:
        """Bring the library up to date as a build would, so that the base is whole; sources away for now stay in it."""
        self._done = self._seen = self._snapshot()
        paths = [Path(source.path) for source in self._sources]
        if self._missing:
            manifest = read_manifest(self._lib_dir)
            if manifest.base is not None:
                raise LibraryError(
                    self._lib_dir, f"{min(self._missing)} is away", "connect its drive, then watch again"
                )
            return manifest
        report = build_library(
            paths, self._lib_dir, self._encoder, open_with=self._open_with, locked=True, exclude=self._exclude
        )
        for line in report.mended:
            self._say(line)
        return report.manifest

    def _update(self, catalog: Catalog, restless: set[str]) -> None:
        here = [source for source in self._sources if source.path not in self._missing]
        scan = scan_entries(here, self._exclude, may_be_empty=True)
        away = [
            path for source in self._sources if source.path in self._missing for path in _paths_of(catalog, source.name)
        ]
        waiting = [str(found.path) for found in scan.files if str(found.path) in restless]
        ready = Scan(tuple(found for found in scan.files if str(found.path) not in restless), scan.errors)
        key = f"{self._encoder.spec.fingerprint}:{self._encoder.spec.dim}:{RECIPE}"
        catalog.begin(key, self._sources, scan.errors)
        adopt_moved(catalog, ready, self._open_with)
        catalog.keep_files([*(str(found.path) for found in ready.files), *waiting, *away])
        before = time.monotonic()
        embedded, _ = fill(catalog, ready, self._encoder, lambda _: None, self._open_with)
        keep = self._merging
        manifest, size = publish_delta(self._lib_dir, catalog, self._base, keep)
        took_s = time.monotonic() - before
        self._say(f"{embedded} sounds heard in {took_s:.1f} s: {manifest.sounds} sounds, {size} vectors in the delta")
        if size > self._delta_most and self._merge is None:
            self._start_merge(catalog, manifest)

    @property
    def _merging(self) -> int:
        return self._fresh.generation if self._merge is not None else 0

    def _start_merge(self, catalog: Catalog, manifest: Manifest) -> None:
        """Write all vectors as a new base; its indexes are made in a thread, new sounds go on coming."""
        generation = next_generation(self._lib_dir, manifest.generation)
        catalog.freeze(generation, [self._base.generation])
        follow(catalog, generation)
        self._fresh = write_base(self._lib_dir, catalog, self._encoder.spec, self._sources, generation)

        def index() -> None:
            try:
                self._merged = write_indexes(self._lib_dir, self._fresh)
            except (LibraryError, OSError) as error:
                self._merged = LibraryError(self._lib_dir, f"could not be merged ({error})", "free some disk space")

        self._merge = threading.Thread(target=index, name="merge", daemon=True)
        self._merge.start()

    def _finish_merge(self, catalog: Catalog) -> None:
        if self._merge is None or self._merge.is_alive():
            return
        self._merge.join()
        self._merge = None
        if not isinstance(self._merged, Manifest):
            unfollow(catalog, self._fresh.generation)
            self._say(str(self._merged))
            return
        unfollow(catalog, self._base.generation)
        self._base = self._merged
        manifest, _ = publish_delta(self._lib_dir, catalog, self._base)
        catalog.drop_generations([self._base.generation])
        self._say(f"merged into a new index: {manifest.sounds} sounds")

    def _snapshot(self) -> Snapshot:
        """List all files of the sources with size and time of change; a source that is away is told once and kept."""
        found: Snapshot = {}
        for source in self._sources:
            if not Path(source.path).exists():
                if source.path not in self._missing:
                    self._missing.add(source.path)
                    self._say(f"{source.path} is away; its sounds stay in the library")
                continue
            self._missing.discard(source.path)
            _list(source.path, found, self._exclude)
        return found


def _paths_of(catalog: Catalog, source: str) -> list[str]:
    """Return the files that are known of a source."""
    files = catalog.files().values()
    return [file.path for file in files if file.name == source or file.name.startswith(f"{source}/")]


def _list(top: str, found: Snapshot, exclude: Sequence[str]) -> None:
    """Add the files below a folder, or one file; links are followed once."""
    visited: set[str] = set()
    pending = [top]
    while pending:
        place = pending.pop()
        real = os.path.realpath(place)
        if real in visited:
            continue
        visited.add(real)
        try:
            with os.scandir(place) as entries:
                for entry in entries:
                    try:
                        status = entry.stat()
                    except OSError:
                        continue
                    if stat.S_ISDIR(status.st_mode):
                        inside = os.path.relpath(entry.path, top).replace(os.sep, "/") if exclude else ""
                        pending += [] if is_excluded(inside, exclude) else [entry.path]
                    else:
                        found[entry.path] = (status.st_size, status.st_mtime_ns)
        except NotADirectoryError:
            status = Path(place).stat()
            found[place] = (status.st_size, status.st_mtime_ns)
        except OSError:
            continue
