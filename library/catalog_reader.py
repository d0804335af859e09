"""Read the catalogue of a library without changing it."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from library.errors import InputError, LibraryError
from library.manifest import CATALOG_NAME
from library.sounds import Sound
from library.table import SoundTable, sound_line

__all__ = [
    "FROZEN", "SOUND_COLUMNS", "FileError", "Published", "connect_read_only", "damaged", "errors_of",
    "harden", "notes_of", "read_errors", "read_notes", "read_published",
]  # fmt: skip

SOUND_COLUMNS = "id, name, kind, path, channel, bank_msb, bank_lsb, program, family, source, licence, preview"

FROZEN = f"SELECT {SOUND_COLUMNS}, first_row, row_count FROM sounds WHERE generation = ? ORDER BY position"  # noqa: S608
"""Rows of a generation in the order of their vectors."""


_MOST_VALUE_BYTES = 16 << 20
"""Longest text or vectors in one place: those of a sound are below 100 KB."""


@dataclass(frozen=True, slots=True)
class FileError:
    """Tell why a file, or one preset of it, is not in the library."""

    path: str
    error: str

    @property
    def kind(self) -> str:
        """What is wrong without the details that differ from file to file: "truncated", "silent" ..."""
        rule = self.error.removeprefix(f"{self.path}: ")  # "path: rule: detail (more); next step"
        head, _, tail = rule.partition(": ")
        rule = tail if tail and Path(head).is_absolute() else rule  # a part's error names its file
        return re.sub(r"\d+", "N", re.split(r"; |: | \(", rule)[0]).removeprefix("is ")


@dataclass(frozen=True, slots=True)
class Published:
    """Hold the frozen sounds of one generation in the order of their vectors.

    Attributes:
        table: The sounds by position, and which vectors are theirs.
        content_sha256: Hash of all this.
    """

    table: SoundTable
    content_sha256: str

    @property
    def sounds(self) -> tuple[Sound, ...]:
        """All sounds."""
        return tuple(self.table)


def read_published(lib_dir: Path, generation: int, *, immutable: bool) -> Published:
    """Read the sounds of one generation.

    Args:
        lib_dir: Folder of the library.
        generation: Which generation.
        immutable: Nobody writes this catalogue, and its folder may be read-only.

    Raises:
        LibraryError: The catalogue is damaged.
    """
    path = lib_dir / CATALOG_NAME
    try:
        with closing(connect_read_only(path, immutable)) as db:
            lines = [sound_line(row) for row in db.execute(FROZEN, (generation,))]
            return Published(SoundTable.of_lines(lines), sha256(b"".join(lines)).hexdigest())
    except (sqlite3.Error, ValueError, TypeError, OverflowError, InputError) as error:
        raise damaged(path, error) from error


def read_errors(lib_dir: Path, *, immutable: bool) -> tuple[FileError, ...]:
    """Read which files the last build could not use.

    Raises:
        LibraryError: The catalogue is damaged.
    """
    return _read(lib_dir, errors_of, immutable)


def read_notes(lib_dir: Path, *, immutable: bool) -> tuple[FileError, ...]:
    """Read what was left out of files that are in the library.

    Raises:
        LibraryError: The catalogue is damaged.
    """
    return _read(lib_dir, notes_of, immutable)


def _read(
    lib_dir: Path, query: Callable[[sqlite3.Connection], tuple[FileError, ...]], immutable: bool
) -> tuple[FileError, ...]:
    path = lib_dir / CATALOG_NAME
    try:
        with closing(connect_read_only(path, immutable)) as db:
            return query(db)
    except sqlite3.Error as error:
        raise damaged(path, error) from error


def connect_read_only(path: Path, immutable: bool) -> sqlite3.Connection:
    """Open a catalogue to read it; immutable = nobody writes it, and its folder may be read-only."""
    # A reader of a write-ahead log needs to write beside it; where it can't, no build can either.
    frozen = immutable or not os.access(path.parent, os.W_OK)
    options = "mode=ro&immutable=1" if frozen else "mode=ro"
    db = sqlite3.connect(f"{path.resolve().as_uri()}?{options}", uri=True, timeout=10.0)
    try:
        harden(db)
    except sqlite3.Error:
        db.close()
        raise
    return db


def harden(db: sqlite3.Connection) -> None:
    """Let a database do nothing by itself: it may come from anyone (sqlite.org/security.html).

    Raises:
        sqlite3.DatabaseError: It holds views, triggers or tables of modules, which no catalogue has: a view can have
            rows without end, a trigger runs with each row that is written.
    """
    db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MOST_VALUE_BYTES)
    db.execute("PRAGMA trusted_schema = OFF")
    db.execute("PRAGMA cell_size_check = ON")
    found = db.execute(
        "SELECT type, name FROM sqlite_master WHERE type IN ('view', 'trigger') OR sql LIKE 'CREATE VIRTUAL%' LIMIT 1"
    ).fetchone()
    if found is not None:
        raise sqlite3.DatabaseError(f"it holds the {found[0]} {str(found[1])[:60]!r}")


def errors_of(db: sqlite3.Connection) -> tuple[FileError, ...]:
    """Return the errors of the last build."""
    return tuple(FileError(*map(str, row)) for row in db.execute("SELECT path, error FROM errors ORDER BY path"))


def notes_of(db: sqlite3.Connection) -> tuple[FileError, ...]:
    """Return what was left out of files that are in the library."""
    if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'notes'").fetchone():  # an older library
        return ()
    return tuple(FileError(*map(str, row)) for row in db.execute("SELECT path, note FROM notes ORDER BY path"))


def damaged(path: Path, error: Exception) -> LibraryError:
    """Return the error that says that a catalogue can't be read."""
    return LibraryError(
        path, f"is not a catalogue that can be read ({error})", "run `timbrel library build` again: it mends it"
    )
