"""Check that the catalogue keeps what is committed and shows readers only what is published."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from library.catalog import Catalog, FileError, FileRecord, MidiProgram, Sound, read_errors, read_published
from library.errors import InputError, LibraryError
from library.manifest import SourceEntry
from tests.library.libraries import sound

SOURCES = [SourceEntry("s", "/nowhere", "folder")]
RECORD = FileRecord("/nowhere/a", "made/a", 10, 20, "hash", done=True)


def rows(count: int) -> NDArray[np.float16]:
    return np.arange(count * 4, dtype=np.float16).reshape(count, 4)


def test_each_field_of_a_sound_comes_back(tmp_path: Path) -> None:
    kept = Sound("i", "näme", "soundfont", "/p", MidiProgram(None, 8, None, 127), "bass", "s", "MIT")
    with Catalog(tmp_path) as catalog:
        catalog.begin("key", SOURCES, [])
        catalog.add_sound(kept, "/p", rows(2), "previews/x.ogg")
        catalog.add_sound(sound("j"), "/p", rows(0))
        catalog.add_sound(sound("k"), "/p", rows(3))
        catalog.freeze(1, [0])
        assert b"".join(catalog.vectors(1)) == rows(2).tobytes() + rows(3).tobytes()
    published = read_published(tmp_path, 1, immutable=False)
    assert published.sounds == (kept, sound("j"), sound("k"))
    assert [published.table.preview(position) for position in range(3)] == ["previews/x.ogg", "", ""]
    assert published.table.first_row.tolist() == [0, 2, 2]
    assert published.table.row_count.tolist() == [2, 0, 3]


def test_a_published_generation_does_not_change_under_a_build(tmp_path: Path) -> None:
    with Catalog(tmp_path) as catalog:
        catalog.begin("key", SOURCES, [])
        catalog.add_sound(sound("a"), "/nowhere/a", rows(1))
        catalog.freeze(1, [0])
        before = read_published(tmp_path, 1, immutable=False)
        catalog.add_sound(replace(sound("a"), name="renamed"), "/nowhere/a", rows(2))
        catalog.keep_files([])
        assert catalog.count() == 0
        after = read_published(tmp_path, 1, immutable=False)
    assert after.sounds == before.sounds
    assert after.content_sha256 == before.content_sha256


def test_sounds_come_in_the_order_of_their_sources(tmp_path: Path) -> None:
    sources = [SourceEntry("z", "/z", "folder"), SourceEntry("a", "/a", "folder")]
    with Catalog(tmp_path) as catalog:
        catalog.begin("key", sources, [])
        for sound_id, source in (("a/1", "a"), ("z/2", "z"), ("z/1", "z")):
            catalog.add_sound(replace(sound(sound_id), source=source), "/f", rows(1))
        catalog.freeze(1, [0])
    assert [s.id for s in read_published(tmp_path, 1, immutable=False).sounds] == ["z/1", "z/2", "a/1"]


def test_another_encoder_drops_vectors_and_the_same_keeps_them(tmp_path: Path) -> None:
    with Catalog(tmp_path) as catalog:
        catalog.begin("one", SOURCES, [])
        catalog.put_file(RECORD, keep_sounds=False)
        catalog.add_sound(sound("a"), RECORD.path, rows(1))
        catalog.begin("one", SOURCES, [])
        assert (catalog.count(), catalog.file(RECORD.path)) == (1, RECORD)
        catalog.begin("two", SOURCES, [])
        assert (catalog.count(), catalog.file(RECORD.path)) == (0, replace(RECORD, done=False))


def test_a_changed_file_loses_its_sounds(tmp_path: Path) -> None:
    with Catalog(tmp_path) as catalog:
        catalog.begin("key", SOURCES, [])
        catalog.add_sound(sound("a"), RECORD.path, rows(1))
        catalog.add_sound(sound("b"), "/nowhere/b", rows(1))
        catalog.put_file(RECORD, keep_sounds=True)
        assert catalog.drafted(RECORD.path) == {"a"}
        catalog.put_file(RECORD, keep_sounds=False)
        assert catalog.drafted(RECORD.path) == frozenset()
        assert catalog.drafted("/nowhere/b") == {"b"}


def test_errors_are_those_of_the_last_build(tmp_path: Path) -> None:
    with Catalog(tmp_path) as catalog:
        catalog.begin("key", SOURCES, [FileError("x", "x: old")])
        catalog.begin("key", SOURCES, [FileError("y", "y: new")])
        catalog.add_error("b", "b", "b: too")
        assert catalog.errors() == (FileError("b", "b: too"), FileError("y", "y: new"))
    assert read_errors(tmp_path, immutable=False) == (FileError("b", "b: too"), FileError("y", "y: new"))


def test_a_sealed_catalogue_is_read_without_files_beside_it(tmp_path: Path) -> None:
    with Catalog(tmp_path) as catalog:
        catalog.begin("key", SOURCES, [])
        catalog.add_sound(sound("a"), "/nowhere/a", rows(1))
        catalog.freeze(1, [0])
        catalog.seal()
    tmp_path.chmod(0o555)
    assert read_published(tmp_path, 1, immutable=True).sounds == (sound("a"),)
    assert [path.name for path in tmp_path.iterdir()] == ["catalog.sqlite"]
    tmp_path.chmod(0o755)


def test_a_catalogue_that_is_none_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "catalog.sqlite").write_bytes(b"text that is no database" * 200)
    with pytest.raises(LibraryError, match="is not a catalogue"):
        Catalog(tmp_path)
    with pytest.raises(LibraryError, match="is not a catalogue"):
        read_errors(tmp_path, immutable=False)


def test_a_program_out_of_range_in_the_catalogue_is_one_clear_error(tmp_path: Path) -> None:
    with Catalog(tmp_path) as catalog:
        catalog.begin("key", SOURCES, [])
        catalog.add_sound(replace(sound("a"), program=MidiProgram(None, 0, 0, 1)), "/nowhere/a", rows(1))
        catalog.freeze(1, [0])
    with closing(sqlite3.connect(tmp_path / "catalog.sqlite")) as db, db:
        db.execute("UPDATE sounds SET program = 300")
    with pytest.raises(InputError, match="300"):
        read_published(tmp_path, 1, immutable=False).sounds  # noqa: B018 made when asked for
