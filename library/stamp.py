"""Tell a whole catalogue from a damaged one: by a hash left when it was closed, else by SQLite's own check."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from library.catalog_reader import connect_read_only
from library.manifest import CATALOG_NAME, file_entry

__all__ = ["catalog_problem", "drop_stamp", "write_stamp"]

_STAMP_NAME = "catalog.sha256"
_HEX_DIGITS = 64


def write_stamp(lib_dir: Path) -> None:
    """Leave the hash of a catalogue that was just closed; where a reader still has its log open, there is none."""
    if (lib_dir / f"{CATALOG_NAME}-wal").exists():
        return
    part = lib_dir / f"{_STAMP_NAME}.tmp"
    with suppress(OSError):  # a full disk: then the next build asks SQLite
        part.write_text(file_entry(lib_dir / CATALOG_NAME).sha256, encoding="ascii")
        part.replace(lib_dir / _STAMP_NAME)


def drop_stamp(lib_dir: Path) -> None:
    """Take the hash away before the catalogue is opened for writing.

    Raises:
        OSError: The library is read-only.
    """
    (lib_dir / _STAMP_NAME).unlink(missing_ok=True)


def catalog_problem(lib_dir: Path) -> str:
    """Say what is wrong with the catalogue of a library, "" when nothing is.

    While it is being written, and after a build was killed, only its structure can be checked, not each value in it.
    """
    path = lib_dir / CATALOG_NAME
    if not path.is_file():
        return "is missing from the library"
    stamp = _read(lib_dir)
    if stamp and file_entry(path).sha256 == stamp:
        return _strange(path)
    if stamp and _read(lib_dir) == stamp:  # else a writer opened it meanwhile
        return "its content is not what it was when it was written"
    try:
        with closing(connect_read_only(path, immutable=False)) as db:
            (found,) = db.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError:  # busy, or not to be read: that says nothing about its content
        return ""
    except sqlite3.DatabaseError as error:
        return str(error)
    return "" if found == "ok" else " ".join(str(found).split())


def _strange(path: Path) -> str:
    """Say what a catalogue holds that none of ours does; a fitting hash tells damage, not where a file comes from."""
    try:
        with closing(connect_read_only(path, immutable=True)):
            return ""
    except sqlite3.OperationalError:
        return ""
    except sqlite3.DatabaseError as error:
        return str(error)


def _read(lib_dir: Path) -> str:
    try:
        if not (lib_dir / _STAMP_NAME).is_file():
            return ""
        with (lib_dir / _STAMP_NAME).open(encoding="ascii", errors="replace") as file:
            text = file.read(2 * _HEX_DIGITS).strip()
    except OSError:
        return ""
    return text if len(text) == _HEX_DIGITS else ""
