"""Check that sounds are found by position and by id without loading the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from library.errors import LibraryError
from library.sounds import MidiProgram
from library.table import SoundTable, read_table, sound_line, write_table

ROWS = [
    ["a/1", 'with "quotes", and ü', "sample", "/a", None, None, None, None, "bass", "a", "", "", 0, 2],
    ["a/10", "a/1", "soundfont", "/b", None, 8, 0, 5, "", "a", "MIT", "previews/x.ogg", 2, 0],
    ["b", "last", "sample", "/c", None, None, None, None, "", "a", "", "", 2, 3],
]


@pytest.fixture(params=["memory", "file"])
def table(request: pytest.FixtureRequest, tmp_path: Path) -> SoundTable:
    lines = [sound_line(row) for row in ROWS]
    if request.param == "memory":
        return SoundTable.of_lines(lines)
    write_table(tmp_path / "x.jsonl", tmp_path / "x.spans", lines)
    return read_table(tmp_path / "x.jsonl", tmp_path / "x.spans")


def test_each_sound_comes_back(table: SoundTable) -> None:
    assert [sound.name for sound in table] == ['with "quotes", and ü', "a/1", "last"]
    assert table[1].program == MidiProgram(None, 8, 0, 5)
    assert (table[-1].id, [sound.id for sound in table[1:]], table.preview(1)) == ("b", ["a/10", "b"], "previews/x.ogg")
    assert (table.first_row.tolist(), table.row_count.tolist()) == ([0, 2, 2], [2, 0, 3])


def test_an_id_is_found_as_a_whole(table: SoundTable) -> None:
    assert [table.find(name) for name in ("a/1", "a/10", "b")] == [0, 1, 2]
    assert [table.find(name) for name in ("a", "last", 'with "quotes"')] == [None, None, None]


def test_no_sounds_are_a_table_too(tmp_path: Path) -> None:
    write_table(tmp_path / "x.jsonl", tmp_path / "x.spans", [])
    assert list(read_table(tmp_path / "x.jsonl", tmp_path / "x.spans")) == []


def test_files_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    write_table(tmp_path / "x.jsonl", tmp_path / "x.spans", [sound_line(row) for row in ROWS])
    with (tmp_path / "x.jsonl").open("ab") as file:
        file.write(b"more")
    with pytest.raises(LibraryError, match="does not fit"):
        read_table(tmp_path / "x.jsonl", tmp_path / "x.spans")
