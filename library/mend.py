"""Set a damaged catalogue aside, and take over from it what the published files prove to be right."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import numpy as np

from library.catalog import Catalog, FileRecord
from library.errors import LibraryError
from library.generation import Generation, open_generation
from library.manifest import CATALOG_NAME, file_entry, read_manifest
from library.publish import present_manifest
from library.stamp import catalog_problem

__all__ = ["ASIDE_NAME", "mend_catalog"]

ASIDE_NAME = "catalog.damaged.sqlite"

_MADE_AGAIN = ("drafts", "files", "errors", "sources", "sounds")
"""Tables that a build fills; rows of any other are what nothing else knows, and are taken over as far as they read."""

_FILE = (str, str, int, int, str, int)
"""Types of a row of files."""

_LOGS = ("", "-wal", "-shm")


def mend_catalog(lib_dir: Path) -> tuple[str, ...]:
    """Make sure that a build finds a catalogue that it can go on with; the caller holds the lock of the library.

    Returns:
        What was done, a sentence each; empty when nothing was wrong.

    Raises:
        OSError: The library can't be written.
    """
    path = lib_dir / CATALOG_NAME
    if not path.exists():
        for end in _LOGS:
            path.with_name(f"{path.name}{end}").unlink(missing_ok=True)
        return (f"{path}: was missing; every file is heard again",) if present_manifest(lib_dir) else ()
    problem = catalog_problem(lib_dir)
    if not problem:
        return ()
    aside = lib_dir / ASIDE_NAME
    for end in _LOGS:
        aside.with_name(f"{aside.name}{end}").unlink(missing_ok=True)
        with suppress(FileNotFoundError):
            path.with_name(f"{path.name}{end}").replace(aside.with_name(f"{aside.name}{end}"))
    with Catalog(lib_dir) as catalog, closing(_open_damaged(aside)) as damaged:
        _copy_other_tables(damaged, catalog.connection)
        published = _published(lib_dir)
        files = _take_over(damaged, catalog, published) if published is not None else 0
    told = f"{files} files are taken over from it, any other is heard again"
    return (f"{path}: was damaged ({problem}) and is set aside as {ASIDE_NAME}; {told}",)


def _open_damaged(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    db.execute("PRAGMA trusted_schema = OFF")
    db.text_factory = lambda data: data.decode("utf-8", "replace")
    return db


def _rows(db: sqlite3.Connection, table: str, columns: str = "*") -> Iterator[tuple[Any, ...]]:  # Any: a column
    """Yield the rows of a table that can be read: from the front up to the damage, then from the back."""
    if table not in _tables(db):  # a view may have rows without end
        return
    quoted = '"' + table.replace('"', '""') + '"'
    for order in ("ASC", "DESC"):
        try:
            yield from db.execute(f"SELECT {columns} FROM {quoted} ORDER BY rowid {order}")  # noqa: S608 a name, quoted
        except sqlite3.Error:
            continue
        return


def _tables(db: sqlite3.Connection) -> dict[str, str]:
    """Return how each table was made, by name; those of modules are none of ours."""
    try:
        found = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall()
    except sqlite3.Error:
        return {}
    return {name: sql for name, sql in found if str(sql).startswith("CREATE TABLE ")}


def _copy_other_tables(damaged: sqlite3.Connection, fresh: sqlite3.Connection) -> None:
    for name, sql in _tables(damaged).items():
        if name in _MADE_AGAIN or name.startswith("sqlite_"):
            continue
        quoted = '"' + name.replace('"', '""') + '"'
        with suppress(sqlite3.Error), fresh:
            if not fresh.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (name,)).fetchone():
                fresh.execute(sql)
            for row in _rows(damaged, name):
                marks = ", ".join("?" * len(row))
                fresh.execute(f"INSERT OR REPLACE INTO {quoted} VALUES ({marks})", row)  # noqa: S608 only marks


def _published(lib_dir: Path) -> Generation | None:
    """Open the generation in force if its sounds and vectors are, byte by byte, what its manifest says."""
    try:
        manifest = read_manifest(lib_dir)
        if f"{manifest.table_name}.jsonl" not in manifest.files:  # format 1 has them in the catalogue
            return None
        names = (name for name in manifest.files if name.startswith(("vectors-", "sounds-", "delta-")))
        if any(file_entry(lib_dir / name) != manifest.files[name] for name in names):
            return None
        return open_generation(lib_dir, manifest)
    except (LibraryError, OSError):
        return None


def _take_over(damaged: sqlite3.Connection, catalog: Catalog, published: Generation) -> int:
    """Take over each file all of whose sounds are as they were published; returns how many."""
    rows = _rows(damaged, "files", "path, name, size, mtime_ns, sha256, done")
    records = {
        row[0]: FileRecord(row[0], row[1], row[2], row[3], row[4], done=True)
        for row in rows
        if tuple(map(type, row)) == _FILE and row[5] == 1
    }
    missing = {published.sound(int(position)).id: int(position) for position in published.positions()}
    taken: set[str] = set()
    doubtful: set[str] = set()
    for sound_id, file, data in _rows(damaged, "drafts", "id, file, vectors"):
        if sound_id in taken:
            continue
        record, position = records.get(file), missing.get(sound_id)
        if record is None or position is None or not sound_id.startswith(record.name):
            doubtful.add(file)
            continue
        vectors = published.vectors_of(position).astype(np.float16)
        if data != vectors.tobytes():
            doubtful.add(file)
            continue
        catalog.add_sound(published.sound(position), file, vectors, published.preview(position))
        taken.add(sound_id)
        del missing[sound_id]
    lost = {sound_id[:end] for sound_id in missing for end in _ends(sound_id)}
    whole = [record for record in records.values() if record.path not in doubtful and record.name not in lost]
    for record in whole:
        catalog.put_file(record, keep_sounds=True)
    return len(whole)


def _ends(sound_id: str) -> Iterator[int]:
    """Yield where the name of the file can end that a sound's id begins with."""
    yield len(sound_id)
    yield from (at for at, letter in enumerate(sound_id) if letter in ":/")
