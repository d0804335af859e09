"""Keep what a producer thinks of single sounds: liked, skipped, or no opinion."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from library.catalog_reader import connect_read_only, harden
from library.errors import InputError, LibraryError
from library.generation import Generation
from library.manifest import CATALOG_NAME, MANIFEST_NAME
from library.stamp import catalog_problem, drop_stamp, write_stamp

__all__ = ["OPINIONS_NAME", "Opinions"]

OPINIONS_NAME = "opinions.sqlite"
"""File for the opinions about libraries that never change. All of those are General MIDI, with the same ids."""

_BUSY_S = 30.0
"""Longest wait for a build that writes the same catalogue; its longest transaction copies all sounds."""

# No key: after a file was replaced by another of its name, two rows can hold one id, each of another content.
_SCHEMA = """CREATE TABLE IF NOT EXISTS opinions (id TEXT NOT NULL, liked INTEGER NOT NULL, file_sha256 TEXT NOT NULL,
    part TEXT NOT NULL)"""
_BY_CONTENT = "CREATE INDEX IF NOT EXISTS files_of_content ON files (sha256)"

# An opinion is about a content: it goes where the file goes, and holds for its copies. Where that content is gone the
# file was edited, and its id still tells which sound is meant.
_OF_CATALOG = """SELECT opinions.rowid AS number, coalesce(files.name || part, id) AS sound, liked
    FROM opinions LEFT JOIN files ON files.sha256 = file_sha256"""
_OF_IDS = "SELECT rowid AS number, id AS sound, liked FROM opinions"

_CONTENT = """SELECT files.sha256, substr(drafts.id, length(files.name) + 1)
    FROM drafts JOIN files ON files.path = drafts.file WHERE drafts.id = ?"""


class Opinions:
    """Read and write the opinions about one library; they are in its catalogue, in a table that no build touches.

    Writing needs no lock of the library: it is one short transaction beside those of a build or a watch.

    Args:
        lib_dir: Folder of the library.
        sealed: It never changes (see Manifest.sealed): the opinions are in a file of `own_dir` instead.
        own_dir: Folder of the user's own data.
    """

    def __init__(self, lib_dir: Path, sealed: bool, own_dir: Path) -> None:
        self._lib_dir = lib_dir
        self._sealed = sealed
        self.path = own_dir / OPINIONS_NAME if sealed else lib_dir / CATALOG_NAME
        self._view = _OF_IDS if sealed else _OF_CATALOG

    def read(self) -> dict[str, bool]:
        """Return by sound id what is liked (True) or skipped (False); an older library holds no opinion.

        Raises:
            LibraryError: The file can't be read.
        """
        if not self.path.is_file():
            return {}
        try:
            with closing(connect_read_only(self.path, immutable=False)) as db:
                if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'opinions'").fetchone():
                    return {}
                rows = db.execute(f"{self._view} ORDER BY number")
                return {sound: bool(liked) for _, sound, liked in rows if isinstance(sound, str)}
        except sqlite3.Error as error:
            raise self._unusable(error) from error

    def write(self, generation: Generation, sound_ids: Sequence[str], liked: bool | None) -> None:
        """Like or skip sounds, or with None have no opinion of them; readers that follow the library see it soon.

        Args:
            generation: The library as it is.
            sound_ids: Sounds of it. To forget, those that left it are fine too.
            liked: The opinion, in place of an older one.

        Raises:
            InputError: One of them is no sound of the library; then none is changed.
            LibraryError: The opinions can't be written.
        """
        known = self.read() if liked is None else {}
        for sound_id in sound_ids:
            if sound_id not in known and generation.find(sound_id) is None:
                step = "take a sound id as `timbrel library search --name TEXT` shows it"
                raise InputError(sound_id, "is no sound of this library", step)
        if not self._sealed and (problem := catalog_problem(self._lib_dir)):
            raise LibraryError(self.path, problem, "run `timbrel library build` again: it mends it")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if not self._sealed:
                drop_stamp(self._lib_dir)
            with closing(sqlite3.connect(self.path, timeout=_BUSY_S)) as db, db:
                harden(db)
                db.execute("BEGIN IMMEDIATE")
                self._write(db, dict.fromkeys(sound_ids), liked)
            if not self._sealed:
                write_stamp(self._lib_dir)
                os.utime(self._lib_dir / MANIFEST_NAME)  # what readers look at: see library.follow
        except (sqlite3.Error, OSError) as error:
            raise self._unusable(error) from error

    def _write(self, db: sqlite3.Connection, sound_ids: dict[str, None], liked: bool | None) -> None:
        db.execute(_SCHEMA)
        if not self._sealed:
            db.execute(_BY_CONTENT)
        for sound_id in sound_ids:
            old = f"SELECT number FROM ({self._view}) WHERE sound = ?"  # noqa: S608 constants above
            db.execute(f"DELETE FROM opinions WHERE rowid IN ({old})", (sound_id,))  # noqa: S608
            if liked is not None:
                content = None if self._sealed else db.execute(_CONTENT, (sound_id,)).fetchone()
                db.execute("INSERT INTO opinions VALUES (?, ?, ?, ?)", (sound_id, liked, *(content or ("", ""))))

    def _unusable(self, error: Exception) -> LibraryError:
        return LibraryError(self.path, f"its opinions can't be used ({error})", "see that it is yours and not damaged")
