"""Check that a watched library follows its sources without being written as a whole, and that readers follow it."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

import library.follow
import library.watch
from library.build import build_library
from library.errors import LibraryError
from library.follow import LiveIndex
from library.index import SoundIndex
from library.lock import build_lock
from library.manifest import read_manifest
from library.verify import verify_library
from library.watch import Watcher
from tests.fakes import SpectrumEncoder
from tests.library.sound_files import tone, write_tone

WAIT_S = 30.0


@pytest.fixture
def src(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(library.watch, "LOOK_S", 0.05)
    for number in range(6):
        write_tone(tmp_path / "src" / f"tone {number}.wav", 110.0 * (number + 1), 0.5, 1 + number % 4)
    build_library([tmp_path / "src"], tmp_path / "lib", SpectrumEncoder())
    return tmp_path / "src"


@contextmanager
def watching(lib: Path, delta_most: int = 100, exclude: Sequence[str] = ()) -> Iterator[list[str]]:
    stop = threading.Event()
    said: list[str] = []
    watcher = Watcher(lib, SpectrumEncoder(), said.append, delta_most, exclude=exclude)
    thread = threading.Thread(target=watcher.run, args=(stop,))
    thread.start()
    try:
        until(lambda: bool(said))
        yield said
    finally:
        stop.set()
        thread.join(WAIT_S)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def names(lib: Path) -> list[str]:
    return sorted(sound.name for sound in SoundIndex.open(lib, None).sounds)


def best(lib: Path, hz: float, partials: int = 1) -> str:
    query = SpectrumEncoder().embed(tone(hz, 0.5, partials)[None])
    return SoundIndex.open(lib, None).query(query, 1)[0][0].sound.name


def test_new_changed_and_removed_files_come_as_a_delta(src: Path, tmp_path: Path) -> None:
    lib = tmp_path / "lib"
    with watching(lib):
        write_tone(src / "new.wav", 3000.0, 0.5)
        until(lambda: "new" in names(lib))
        assert best(lib, 3000.0) == "new"
        write_tone(src / "tone 0.wav", 5000.0, 0.5)
        until(lambda: best(lib, 5000.0) == "tone 0")
        (src / "tone 1.wav").unlink()
        until(lambda: "tone 1" not in names(lib))
        assert best(lib, 220.0, 2) != "tone 1"
    manifest = read_manifest(lib)
    assert (manifest.base_generation, manifest.sounds, manifest.vectors) == (1, 6, 6)
    assert verify_library(lib) == ()
    near = SoundIndex.open(lib, None, exact=False)
    assert near.search == "annoy"
    assert near.query(SpectrumEncoder().embed(tone(3000.0, 0.5, 1)[None]), 6)[0][0].sound.name == "new"


def test_a_build_after_a_watch_ends_like_an_undisturbed_one(src: Path, tmp_path: Path) -> None:
    lib = tmp_path / "lib"
    with watching(lib):
        write_tone(src / "new.wav", 3000.0, 0.5)
        until(lambda: "new" in names(lib))
    build_library([src], lib, SpectrumEncoder())
    build_library([src], tmp_path / "other", SpectrumEncoder())
    one, other = read_manifest(lib), read_manifest(tmp_path / "other")
    assert (one.base, one.content_sha256) == (None, other.content_sha256)
    assert (lib / one.vectors_name).read_bytes() == (tmp_path / "other" / other.vectors_name).read_bytes()


def test_a_large_delta_is_merged_into_a_new_index(src: Path, tmp_path: Path) -> None:
    lib = tmp_path / "lib"
    with watching(lib, delta_most=1) as said:
        for number in range(3):
            write_tone(src / f"more {number}.wav", 2000.0 + 700 * number, 0.5)
        until(lambda: any("merged" in line for line in said))
    manifest = read_manifest(lib)
    assert manifest.base_generation > 1
    assert len(names(lib)) == 9
    assert len(list(lib.glob("index-*.ann"))) == 1
    assert verify_library(lib) == ()


def test_a_source_that_is_away_keeps_its_sounds(src: Path, tmp_path: Path) -> None:
    lib = tmp_path / "lib"
    with watching(lib) as said:
        src.rename(tmp_path / "unplugged")
        until(lambda: any("is away" in line for line in said))
        time.sleep(0.3)
        assert len(names(lib)) == 6
        (tmp_path / "unplugged").rename(src)
        write_tone(src / "new.wav", 3000.0, 0.5)
        until(lambda: len(names(lib)) == 7)


def test_a_build_is_refused_while_a_watch_runs(src: Path, tmp_path: Path) -> None:
    with watching(tmp_path / "lib"), pytest.raises(LibraryError, match="built or watched by another process"):
        build_library([src], tmp_path / "lib", SpectrumEncoder())


def test_a_live_index_follows_and_goes_on_when_the_library_is_deleted(src: Path, tmp_path: Path) -> None:
    lib = tmp_path / "lib"
    said: list[str] = []
    live = LiveIndex(lib, "f" * 64, said.append)
    query = SpectrumEncoder().embed(tone(3000.0, 0.5, 1)[None])
    old = live.index
    write_tone(src / "new.wav", 3000.0, 0.5)
    build_library([src], lib, SpectrumEncoder())
    live.look()
    assert live.nearest(query, 1).rows()[0][0].sound.name == "new"
    assert len(old.query(query, 9)[0]) == 6
    shutil.rmtree(lib)
    live.look()
    live.look()
    assert said == ["library reloaded: 7 sounds", "the library was deleted; going on with what was loaded"]
    assert live.nearest(query, 1).rows()[0][0].sound.name == "new"


def test_queries_while_generations_are_swapped_never_fail(src: Path, tmp_path: Path) -> None:
    lib = tmp_path / "lib"
    live = LiveIndex(lib, "f" * 64)
    query = np.ones((3, 32), np.float32)
    with watching(lib):
        for number in range(5):
            write_tone(src / f"more {number}.wav", 1000.0 + 500 * number, 0.3)
            while len(live.nearest(query, 50).rows()[0]) < 7 + number:
                live.look()
                time.sleep(0.01)


def test_a_library_that_was_deleted_and_built_anew_ends_the_watch(src: Path, tmp_path: Path) -> None:
    lib = tmp_path / "lib"
    with build_lock(lib) as in_force:
        assert in_force()
        shutil.rmtree(lib)
        build_library([src], lib, SpectrumEncoder())
        assert not in_force()
    assert verify_library(lib) == ()
