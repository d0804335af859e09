"""Check what is taken over from a damaged catalogue, and what is not."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from library.build import build_library
from library.catalog import Catalog
from library.errors import LibraryError
from library.index import SoundIndex
from library.mend import mend_catalog
from library.verify import verify_library
from tests.fakes import SpectrumEncoder
from tests.library.libraries import CountingEncoder, build_tones, clustered, make_library
from tests.library.sound_files import write_soundfont
from tests.library.test_build import content

TONES = 12


@pytest.fixture
def src(tmp_path: Path) -> Path:
    return build_tones(tmp_path, TONES)


def change(lib: Path, statement: str) -> None:
    with closing(sqlite3.connect(lib / "catalog.sqlite")) as db, db:
        db.execute(statement)


def test_a_flipped_vector_is_never_published(src: Path, tmp_path: Path) -> None:
    lib = tmp_path / "lib"
    before = content(lib)
    (vectors,) = lib.glob("vectors-*")
    row = vectors.read_bytes()[:64]
    data = (lib / "catalog.sqlite").read_bytes()
    assert data.count(row) == 1
    (lib / "catalog.sqlite").write_bytes(data.replace(row, bytes([row[0] ^ 1]) + row[1:]))
    encoder = CountingEncoder()
    (told,) = build_library([src], lib, encoder).mended
    assert f"{TONES - 1} files are taken over" in told
    assert encoder.clips == 1
    assert content(lib) == before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE files SET path = path || 'x' WHERE path LIKE '%03.wav'",
        "UPDATE files SET name = 'src/tone 01.wav' WHERE path LIKE '%02.wav'",
        "UPDATE drafts SET file = (SELECT max(path) FROM files) WHERE id LIKE '%02.wav'",
        "UPDATE drafts SET id = id || 'x' WHERE id LIKE '%02.wav'",
        "DELETE FROM drafts WHERE id > 'src/tone 06'",
        "DROP TABLE drafts",
        "DROP TABLE files",
        "DELETE FROM meta",
        "UPDATE files SET size = 'large'",
    ],
)
def test_whatever_is_wrong_in_it_the_library_ends_as_it_was(src: Path, tmp_path: Path, statement: str) -> None:
    lib = tmp_path / "lib"
    before = content(lib)
    change(lib, statement)
    assert build_library([src], lib, SpectrumEncoder()).mended
    assert content(lib) == before
    assert verify_library(lib) == ()


def test_what_nothing_else_knows_is_taken_over(src: Path, tmp_path: Path) -> None:
    lib = tmp_path / "lib"
    with Catalog(lib) as catalog, catalog.connection as db:
        db.execute("CREATE TABLE kept (id TEXT PRIMARY KEY, value INTEGER)")
        db.execute("INSERT INTO kept VALUES ('a sound', 7)")
    change(lib, "DELETE FROM drafts WHERE id LIKE '%02.wav'")
    assert build_library([src], lib, SpectrumEncoder()).mended
    with closing(sqlite3.connect(lib / "catalog.sqlite")) as db:
        assert db.execute("SELECT * FROM kept").fetchall() == [("a sound", 7)]


def test_a_soundfont_is_taken_over_whole_or_not_at_all(tmp_path: Path) -> None:
    lib = tmp_path / "lib"
    write_soundfont(tmp_path / "src" / "font.sf2", {(0, 0): "Piano", (0, 40): "Violin", (128, 0): "Kit"})
    build_library([tmp_path / "src"], lib, SpectrumEncoder())
    before = content(lib)
    change(lib, "CREATE TABLE other (x)")  # the hash no longer fits, all of it is right
    encoder = CountingEncoder()
    assert build_library([tmp_path / "src"], lib, encoder).mended
    assert encoder.clips == 0
    change(lib, "DELETE FROM drafts WHERE name = 'Violin'")
    assert build_library([tmp_path / "src"], lib, encoder).mended
    assert encoder.clips > 0
    assert content(lib) == before


def test_a_catalogue_of_a_killed_build_is_checked_by_sqlite(src: Path, tmp_path: Path) -> None:
    lib = tmp_path / "lib"
    (lib / "catalog.sha256").unlink()
    assert mend_catalog(lib) == ()
    data = bytearray((lib / "catalog.sqlite").read_bytes())
    data[4096:8192] = bytes(4096)
    (lib / "catalog.sqlite").write_bytes(data)
    assert mend_catalog(lib) != ()


def test_a_mapped_file_that_is_cut_is_an_error_and_not_the_end_of_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lib = make_library(tmp_path / "lib", list(clustered(6, 2, 16)))
    for module in ("integrity", "generation", "table", "index"):
        monkeypatch.setattr(f"library.{module}.READ_WHOLE_BYTES", 0)
    index = SoundIndex.open(lib, None, exact=False)
    query = np.ones((1, 16), np.float32)
    index.query(query, 3)
    (path,) = lib.glob("vectors-*")
    with path.open("rb+") as file:
        file.truncate(10)
    with pytest.raises(LibraryError, match="was cut to 10 bytes"):
        index.query(query, 3)
    path.unlink()
