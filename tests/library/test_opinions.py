"""Check that opinions outlive what happens to a library and its files, and that they can be written at any time."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

import library.watch
from library.build import build_library
from library.catalog import Catalog
from library.errors import InputError, LibraryError
from library.index import SoundIndex
from library.lock import build_lock
from library.manifest import CATALOG_NAME
from library.opinions import OPINIONS_NAME, Opinions
from library.publish import seal
from library.stamp import drop_stamp
from library.taste import Taste
from library.verify import verify_library
from tests.fakes import SpectrumEncoder
from tests.library.sound_files import tone, write_tone
from tests.library.test_old_formats import GOLDEN
from tests.library.test_watch import names, until, watching


@pytest.fixture
def src(tmp_path: Path) -> Path:
    for number, name in enumerate(("bass", "organ", "flute")):
        write_tone(tmp_path / "src" / f"{name}.wav", 110.0 * (number + 1), 0.5, 1 + number)
    build(tmp_path)
    return tmp_path / "src"


def build(tmp_path: Path) -> None:
    build_library([tmp_path / "src"], tmp_path / "lib", SpectrumEncoder())


def opinions(tmp_path: Path, sealed: bool = False) -> Opinions:
    return Opinions(tmp_path / "lib", sealed, tmp_path / "own")


def tell(tmp_path: Path, liked: bool | None, *ids: str) -> None:
    opinions(tmp_path).write(SoundIndex.open(tmp_path / "lib", None).generation, ids, liked)


def test_a_later_opinion_replaces_the_earlier_one(src: Path, tmp_path: Path) -> None:
    tell(tmp_path, True, "src/bass.wav", "src/organ.wav", "src/bass.wav")
    tell(tmp_path, False, "src/bass.wav")
    assert opinions(tmp_path).read() == {"src/bass.wav": False, "src/organ.wav": True}
    tell(tmp_path, None, "src/bass.wav")
    assert opinions(tmp_path).read() == {"src/organ.wav": True}


def test_an_unknown_sound_is_one_line_and_none_is_changed(src: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^src/none.wav: is no sound of this library; take a sound id as"):
        tell(tmp_path, True, "src/bass.wav", "src/none.wav")
    assert opinions(tmp_path).read() == {}
    with pytest.raises(InputError, match="is no sound"):
        tell(tmp_path, None, "src/none.wav")


def test_builds_keep_opinions_and_verify_finds_nothing_wrong(src: Path, tmp_path: Path) -> None:
    tell(tmp_path, True, "src/bass.wav")
    write_tone(src / "new.wav", 900.0, 0.5)
    build(tmp_path)
    build_library([src], tmp_path / "lib", SpectrumEncoder(fingerprint="e" * 64))  # other weights
    assert opinions(tmp_path).read() == {"src/bass.wav": True}
    assert verify_library(tmp_path / "lib") == ()


def test_an_opinion_follows_a_moved_file_and_holds_for_copies(src: Path, tmp_path: Path) -> None:
    tell(tmp_path, False, "src/bass.wav")
    shutil.copy(src / "bass.wav", src / "copy.wav")
    (src / "deep").mkdir()
    (src / "bass.wav").rename(src / "deep" / "sub.wav")
    build(tmp_path)
    assert opinions(tmp_path).read() == {"src/copy.wav": False, "src/deep/sub.wav": False}
    tell(tmp_path, None, "src/copy.wav")
    assert opinions(tmp_path).read() == {}


def test_an_edited_file_keeps_its_opinion_and_one_that_took_its_name_has_none(src: Path, tmp_path: Path) -> None:
    tell(tmp_path, True, "src/bass.wav", "src/organ.wav")
    write_tone(src / "bass.wav", 113.0, 0.5)
    (src / "organ.wav").rename(src / "old organ.wav")
    write_tone(src / "organ.wav", 500.0, 0.5)
    build(tmp_path)
    assert opinions(tmp_path).read() == {"src/bass.wav": True, "src/old organ.wav": True}
    tell(tmp_path, False, "src/organ.wav")
    assert opinions(tmp_path).read() == {"src/bass.wav": True, "src/old organ.wav": True, "src/organ.wav": False}


def test_a_sound_that_left_keeps_its_opinion_until_it_is_forgotten(src: Path, tmp_path: Path) -> None:
    tell(tmp_path, True, "src/bass.wav")
    (src / "bass.wav").unlink()
    build(tmp_path)
    assert opinions(tmp_path).read() == {"src/bass.wav": True}
    tell(tmp_path, None, "src/bass.wav")
    assert opinions(tmp_path).read() == {}


def test_opinions_are_written_while_a_watch_holds_the_library_and_outlive_its_merges(
    src: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library.watch, "LOOK_S", 0.05)
    with watching(tmp_path / "lib", delta_most=1) as said:
        tell(tmp_path, False, "src/bass.wav")
        for number in range(3):
            write_tone(src / f"new {number}.wav", 700.0 + 90.0 * number, 0.5)
        until(lambda: "new 2" in names(tmp_path / "lib"))
        tell(tmp_path, True, "src/new 2.wav")
        until(lambda: any("merged" in line for line in said))
    assert opinions(tmp_path).read() == {"src/bass.wav": False, "src/new 2.wav": True}
    index = SoundIndex.open(tmp_path / "lib", None, taste=Taste(tmp_path))
    found = index.query(SpectrumEncoder().embed(tone(110.0, 0.5)[None]), 9)[0]
    assert {match.sound.id: match.taste > 0 for match in found if match.taste} == {
        "src/bass.wav": False, "src/new 2.wav": True,
    }  # fmt: skip


def test_an_opinion_waits_for_a_transaction_of_a_build_and_needs_no_lock(src: Path, tmp_path: Path) -> None:
    told = threading.Thread(target=tell, args=(tmp_path, True, "src/bass.wav"))
    with build_lock(tmp_path / "lib"), Catalog(tmp_path / "lib") as catalog:
        catalog.connection.execute("BEGIN IMMEDIATE")
        told.start()
        told.join(0.5)
        assert told.is_alive()
        assert opinions(tmp_path).read() == {}  # a reader waits for nobody
        catalog.connection.commit()
        told.join(30.0)
        assert opinions(tmp_path).read() == {"src/bass.wav": True}


def test_a_library_of_format_1_has_no_opinions_and_takes_some(tmp_path: Path) -> None:
    lib = Path(shutil.copytree(GOLDEN / "library-format-1", tmp_path / "lib"))
    assert opinions(tmp_path).read() == {}
    tell(tmp_path, True, "golden-source/font.sf2:0:0", "golden-source/long organ.flac")
    index = SoundIndex.open(lib, None, taste=Taste(tmp_path, {"golden-source": 0.5}))
    found = index.query(SpectrumEncoder().embed(tone(220.0, 1.0, 1)[None]), 9)[0]
    assert {match.sound.name: round(match.taste, 3) for match in found} == {
        "low flute": -0.1, "bass": -0.1, "long organ": -0.05, "Grand Piano": -0.05,
    }  # fmt: skip
    assert verify_library(lib) == ()


def test_opinions_about_a_sealed_library_are_kept_beside_the_users_own_data(src: Path, tmp_path: Path) -> None:
    with Catalog(tmp_path / "lib") as catalog:
        seal(tmp_path / "lib", catalog, [])
    before = {path.name: path.read_bytes() for path in (tmp_path / "lib").iterdir()}
    sealed = opinions(tmp_path, sealed=True)
    sealed.write(SoundIndex.open(tmp_path / "lib", None).generation, ["src/bass.wav"], True)
    assert (sealed.read(), sealed.path) == ({"src/bass.wav": True}, tmp_path / "own" / OPINIONS_NAME)
    assert {path.name: path.read_bytes() for path in (tmp_path / "lib").iterdir()} == before
    index = SoundIndex.open(tmp_path / "lib", None, taste=Taste(tmp_path / "own"))
    assert [m.taste > 0 for m in index.query(SpectrumEncoder().embed(tone(110.0, 0.5)[None]), 1)[0]] == [True]


def test_what_can_not_be_read_or_written_is_one_line(src: Path, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / OPINIONS_NAME).write_bytes(b"not a database, but long enough to look like something" * 20)
    with pytest.raises(LibraryError, match="its opinions can't be used"):
        opinions(tmp_path, sealed=True).read()
    with closing(sqlite3.connect(tmp_path / "lib" / CATALOG_NAME)) as db:
        db.execute("CREATE TABLE opinions (id TEXT)")
    with pytest.raises(LibraryError, match="its content is not what it was"):
        tell(tmp_path, True, "src/bass.wav")
    drop_stamp(tmp_path / "lib")
    with pytest.raises(LibraryError, match="its opinions can't be used"):
        tell(tmp_path, True, "src/bass.wav")


def test_an_opinion_leaves_a_library_that_is_as_it_should_be(src: Path, tmp_path: Path) -> None:
    tell(tmp_path, True, "src/bass.wav")
    assert verify_library(tmp_path / "lib") == ()
