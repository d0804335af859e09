"""Check that each file of a library may be cut, flipped or lost: readers say so in a line, a build repairs it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from library.build import build_library
from library.errors import LibraryError
from library.follow import LiveIndex
from library.index import SoundIndex
from library.mend import ASIDE_NAME
from library.verify import verify_library
from tests.fakes import SpectrumEncoder
from tests.library.libraries import CountingEncoder, build_tones
from tests.library.sound_files import tone, write_tone
from tests.library.test_build import content

FILES = ("manifest.json", "catalog.sqlite", "index-*", "vectors-*", "sounds-*.jsonl", "sounds-*.spans")
DAMAGES = ("cut", "flipped", "gone")
TONES = 40

pytestmark = [pytest.mark.parametrize("pattern", FILES), pytest.mark.parametrize("damage", DAMAGES)]


@pytest.fixture
def src(tmp_path: Path) -> Path:
    return build_tones(tmp_path, TONES)


def spoil(lib: Path, pattern: str, damage: str) -> Path:
    (path,) = lib.glob(pattern)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x40
    path.write_bytes(data[: len(data) // 2] if damage == "cut" else data)
    if damage == "gone":
        path.unlink()
    return path


def test_readers_name_it_in_a_line(src: Path, tmp_path: Path, pattern: str, damage: str) -> None:
    lib = tmp_path / "lib"
    no_manifest = (pattern, damage) == ("manifest.json", "gone")  # then it may be a build that goes on
    name = "its build has not ended yet" if no_manifest else pattern.split("*")[0]
    spoil(lib, pattern, damage)
    assert name in problem(lambda: "\n".join(verify_library(lib)))
    told = problem(lambda: SoundIndex.open(lib, None, exact=False).info())
    assert name in told
    assert "timbrel library build" in told
    assert "\n" not in told


def problem(read: Callable[[], object]) -> str:
    """Return what a reader says, or raises."""
    try:
        return str(read())
    except LibraryError as error:
        return str(error)


def test_a_build_repairs_it_and_hears_again_only_what_is_lost(
    src: Path, tmp_path: Path, pattern: str, damage: str
) -> None:
    lib = tmp_path / "lib"
    before = content(lib)
    spoil(lib, pattern, damage)
    encoder = CountingEncoder()
    report = build_library([src], lib, encoder)
    assert content(lib) == before
    assert verify_library(lib) == ()
    if pattern != "catalog.sqlite":
        assert (encoder.clips, report.mended) == (0, ())
        return
    (told,) = report.mended
    assert ("was missing" if damage == "gone" else "was damaged") in told
    assert (lib / ASIDE_NAME).exists() == (damage != "gone")
    assert encoder.clips < TONES // 2 if damage == "flipped" else encoder.clips <= TONES
    assert build_library([src], lib, CountingEncoder()).mended == ()


def test_a_running_daemon_goes_on_and_takes_what_is_repaired(
    src: Path, tmp_path: Path, pattern: str, damage: str
) -> None:
    lib = tmp_path / "lib"
    said: list[str] = []
    live = LiveIndex(lib, "f" * 64, said.append)
    query = SpectrumEncoder().embed(np.stack([tone(174.0, 0.3, 3), tone(3000.0, 0.3, 1)]))
    before = live.nearest(query, 5).rows()
    spoil(lib, pattern, damage)
    live.look()
    assert live.nearest(query, 5).rows() == before
    write_tone(src / "new.wav", 3000.0, 0.3)
    build_library([src], lib, SpectrumEncoder())
    live.look()
    assert live.nearest(query, 1).rows()[1][0].sound.name == "new"
    assert said[-1] == f"library reloaded: {TONES + 1} sounds"
