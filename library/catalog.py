"""Keep what a library holds in SQLite: sounds, sources, scanned files, errors, and vectors that await an index."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from library.catalog_reader import (
    FROZEN,
    SOUND_COLUMNS,
    FileError,
    Published,
    damaged,
    errors_of,
    harden,
    notes_of,
    read_errors,
    read_notes,
    read_published,
)
from library.manifest import CATALOG_NAME, SourceEntry
from library.sounds import MidiProgram, Sound
from library.stamp import drop_stamp, write_stamp
from library.table import sound_line

__all__ = [
    "SOUND_COLUMNS",
    "Catalog",
    "FileError",
    "FileRecord",
    "MidiProgram",
    "Published",
    "Sound",
    "read_errors",
    "read_notes",
    "read_published",
]

_SOUND_SCHEMA = """id TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL, path TEXT NOT NULL,
    channel INTEGER, bank_msb INTEGER, bank_lsb INTEGER, program INTEGER,
    family TEXT NOT NULL, source TEXT NOT NULL, licence TEXT NOT NULL, preview TEXT NOT NULL"""


# drafts: what the running or the last build embedded, one row a sound, committed as it goes.
# sounds: frozen copies of it, one for each generation, so that a build never changes what a reader sees.
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS sources (position INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, path TEXT NOT NULL,
    kind TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS files (path TEXT PRIMARY KEY, name TEXT NOT NULL, size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL, sha256 TEXT NOT NULL, done INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS errors (path TEXT PRIMARY KEY, file TEXT NOT NULL, error TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS notes (path TEXT PRIMARY KEY, note TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS drafts ({_SOUND_SCHEMA}, file TEXT NOT NULL, row_count INTEGER NOT NULL,
    vectors BLOB NOT NULL, PRIMARY KEY (id));
CREATE INDEX IF NOT EXISTS drafts_of_file ON drafts (file);
CREATE TABLE IF NOT EXISTS sounds (generation INTEGER NOT NULL, position INTEGER NOT NULL, {_SOUND_SCHEMA},
    first_row INTEGER NOT NULL, row_count INTEGER NOT NULL, PRIMARY KEY (generation, position));
"""


@dataclass(frozen=True, slots=True)
class FileRecord:
    """Remember one scanned file: `name` begins the ids of its sounds, `done` says that all of them are embedded."""

    path: str
    name: str
    size: int
    mtime_ns: int
    sha256: str
    done: bool = False


class Catalog:
    """Write the catalogue of one library; one writer at a time (see library.build).

    Args:
        lib_dir: Folder of the library; the catalogue is made if it is not there.

    Raises:
        LibraryError: The file there is not a catalogue.
    """

    def __init__(self, lib_dir: Path) -> None:
        self._path = lib_dir / CATALOG_NAME
        self._is_sealed = False
        drop_stamp(lib_dir)
        self._db = sqlite3.connect(self._path, timeout=10.0)
        try:
            harden(self._db)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.executescript(_SCHEMA)
        except sqlite3.OperationalError:  # read-only, full or busy: no damage
            self._db.close()
            raise
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise damaged(self._path, error) from error

    @property
    def connection(self) -> sqlite3.Connection:
        """The open database, for what belongs to one use alone (see library.delta)."""
        return self._db

    def __enter__(self) -> Catalog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()
        if not self._is_sealed:
            write_stamp(self._path.parent)

    def begin(self, encoder_key: str, sources: Sequence[SourceEntry], errors: Iterable[FileError]) -> None:
        """Start or go on with a build: vectors of another encoder are dropped, sources and errors replaced."""
        with self._db:
            found = self._db.execute("SELECT value FROM meta WHERE key = 'encoder'").fetchone()
            if found != (encoder_key,):
                self._db.execute("DELETE FROM drafts")
                self._db.execute("UPDATE files SET done = 0")
                self._db.execute("INSERT OR REPLACE INTO meta VALUES ('encoder', ?)", (encoder_key,))
            self._db.execute("DELETE FROM sources")
            rows = [(position, s.name, s.path, s.kind) for position, s in enumerate(sources)]
            self._db.executemany("INSERT INTO sources VALUES (?, ?, ?, ?)", rows)
            self._db.execute("DELETE FROM errors")
        for item in errors:
            self.add_error(item.path, item.path, item.error)

    def keep_files(self, paths: Iterable[str]) -> None:
        """Forget the files that are not among these paths, and their sounds."""
        with self._db:
            self._db.execute("CREATE TEMP TABLE IF NOT EXISTS kept (path TEXT PRIMARY KEY)")
            self._db.execute("DELETE FROM kept")
            self._db.executemany("INSERT OR IGNORE INTO kept VALUES (?)", ((path,) for path in paths))
            self._db.execute("DELETE FROM drafts WHERE file NOT IN (SELECT path FROM kept)")
            self._db.execute("DELETE FROM notes WHERE path NOT IN (SELECT path FROM kept)")
            self._db.execute("DELETE FROM files WHERE path NOT IN (SELECT path FROM kept)")

    def file(self, path: str) -> FileRecord | None:
        """Return what is known of a file."""
        row = self._db.execute("SELECT * FROM files WHERE path = ?", (path,)).fetchone()
        return FileRecord(row[0], row[1], row[2], row[3], row[4], bool(row[5])) if row else None

    def files(self) -> dict[str, FileRecord]:
        """Return all that is known of files, by path."""
        rows = self._db.execute("SELECT * FROM files")
        return {row[0]: FileRecord(row[0], row[1], row[2], row[3], row[4], bool(row[5])) for row in rows}

    def put_file(self, record: FileRecord, *, keep_sounds: bool) -> None:
        """Remember a file; without `keep_sounds` what was embedded of it is dropped."""
        with self._db:
            if not keep_sounds:
                self._db.execute("DELETE FROM drafts WHERE file = ?", (record.path,))
                self._db.execute("DELETE FROM notes WHERE path = ?", (record.path,))
            values = (record.path, record.name, record.size, record.mtime_ns, record.sha256, int(record.done))
            self._db.execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?)", values)

    def drafted(self, path: str) -> frozenset[str]:
        """Return the ids of the sounds of a file that are embedded."""
        return frozenset(row[0] for row in self._db.execute("SELECT id FROM drafts WHERE file = ?", (path,)))

    def drafted_vectors(self, sound_id: str) -> NDArray[np.float16] | None:
        """Return the vectors[n, D] of an embedded sound."""
        row = self._db.execute("SELECT row_count, vectors FROM drafts WHERE id = ?", (sound_id,)).fetchone()
        return None if row is None else np.frombuffer(row[1], np.float16).reshape(row[0], -1 if row[0] else 0)

    def add_sound(self, sound: Sound, path: str, vectors: NDArray[np.float16], preview: str = "") -> None:
        """Commit one embedded sound of a file, vectors[n, D]; n may be 0."""
        values = (*_columns(sound), preview, path, len(vectors), vectors.tobytes())
        with self._db:
            marks = ", ".join("?" * len(values))
            self._db.execute(f"INSERT OR REPLACE INTO drafts VALUES ({marks})", values)  # noqa: S608 only marks

    def add_error(self, path: str, file: str, error: str) -> None:
        """Commit why a file, or a part of it, can't be used."""
        with self._db:
            self._db.execute("INSERT OR REPLACE INTO errors VALUES (?, ?, ?)", (path, file, error))

    def put_notes(self, path: str, notes: Sequence[str]) -> None:
        """Commit what was left out of a file that is in the library; kept as long as the file stays as it is."""
        with self._db:
            self._db.execute("DELETE FROM notes WHERE path = ?", (path,))
            if notes:
                self._db.execute("INSERT INTO notes VALUES (?, ?)", (path, "; ".join(notes)))

    def count(self) -> int:
        """Return how many sounds are embedded so far."""
        return int(self._db.execute("SELECT count(*) FROM drafts").fetchone()[0])

    def count_errors(self) -> int:
        """Return how many errors of this build there are so far."""
        return int(self._db.execute("SELECT count(*) FROM errors").fetchone()[0])

    def errors(self) -> tuple[FileError, ...]:
        """Return all errors of this build."""
        return errors_of(self._db)

    def notes(self) -> tuple[FileError, ...]:
        """Return what was left out of files that are in the library."""
        return notes_of(self._db)

    def freeze(self, generation: int, keep: Iterable[int]) -> None:
        """Copy the drafts into a generation, ordered by source and id; all others but those to keep go."""
        order = "ORDER BY sources.position, drafts.id"
        self.drop_generations(keep)
        with self._db:
            self._db.execute(
                f"INSERT INTO sounds SELECT ?, row_number() OVER ({order}) - 1, "  # noqa: S608 only constants
                + ", ".join(f"drafts.{column}" for column in SOUND_COLUMNS.split(", "))
                + f", sum(row_count) OVER ({order}) - row_count, row_count"
                " FROM drafts JOIN sources ON drafts.source = sources.name",
                (generation,),
            )

    def drop_generations(self, keep: Iterable[int]) -> None:
        """Delete the frozen copies of all generations but some, and give their space back to the file."""
        kept = ", ".join(str(int(number)) for number in keep)
        with self._db:
            self._db.execute(f"DELETE FROM sounds WHERE generation NOT IN ({kept})")  # noqa: S608 only numbers

    def frozen(self, generation: int) -> int:
        """Return how many sounds of a generation are here; none after a damaged catalogue was made anew."""
        return int(self._db.execute("SELECT count(*) FROM sounds WHERE generation = ?", (generation,)).fetchone()[0])

    def lines(self, generation: int) -> Iterator[bytes]:
        """Yield the sounds of a frozen generation as the lines of a table."""
        return map(sound_line, self._db.execute(FROZEN, (generation,)))

    def vectors(self, generation: int) -> Iterator[bytes]:
        """Yield the vectors of a generation just frozen, sound by sound, as float16 bytes."""
        query = "SELECT vectors FROM sounds JOIN drafts USING (id) WHERE generation = ? ORDER BY position"
        for row in self._db.execute(query, (generation,)):
            yield row[0]

    def seal(self) -> None:
        """Make the catalogue readable from a read-only place: no drafts, no write-ahead log."""
        with self._db:
            for table in ("drafts", "files", "errors", "notes"):
                self._db.execute(f"DELETE FROM {table}")  # noqa: S608 constants above
        self._db.execute("PRAGMA journal_mode = DELETE")
        self._db.execute("VACUUM")
        self._is_sealed = True


def _columns(sound: Sound) -> tuple[str | int | None, ...]:
    p = sound.program
    program = (None, None, None, None) if p is None else (p.channel, p.bank_msb, p.bank_lsb, p.program)
    return (sound.id, sound.name, sound.kind, sound.path, *program, sound.family, sound.source, sound.licence)
