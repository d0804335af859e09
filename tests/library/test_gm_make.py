"""Check that the built-in library can be made, sealed and read from a read-only place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from library.audio import audio_info
from library.errors import FingerprintError, InputError
from library.gm import DRUM_KITS, gm_name
from library.gm.make import make_gm_library
from library.index import SoundIndex
from library.manifest import read_manifest
from library.sounds import MidiProgram, Sound
from library.synths.fluid import FluidRenderer
from library.synths.notes import Note
from library.synths.sf2 import Preset
from library.verify import verify_library
from tests.library.libraries import CountingEncoder, clustered, make_library
from tests.library.sound_files import write_soundfont


@pytest.fixture(scope="module")
def gm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gm")
    programs = {(0, program): gm_name(program) for program in range(128)}
    font = write_soundfont(folder / "font.sf2", programs | {(128, kit): f"Kit {kit}" for kit in DRUM_KITS})
    with pytest.MonkeyPatch.context() as patch:  # half a second of each program instead of half a minute
        patch.setattr("library.gm.make.render_clips", _one_short_clip)
        make_gm_library([font], folder / "data", CountingEncoder())
    return folder / "data"


def test_it_holds_each_program_with_its_messages(gm: Path) -> None:
    sounds = {sound.id: sound for sound in SoundIndex.open(gm, None).sounds}
    for program in range(128):
        sound = sounds[f"gm:{program:03d}"]
        assert (sound.name, sound.kind) == (gm_name(program), "gm")
        assert sound.program == MidiProgram(None, 0, 0, program)
    assert len(sounds) == 128 + len(DRUM_KITS)


def test_drum_kits_are_flagged_and_never_match(gm: Path) -> None:
    index = SoundIndex.open(gm, None)
    kits = [sound for sound in index.sounds if sound.kind == "drumkit"]
    assert {kit.id for kit in kits} == {f"gm:drums:{program}" for program in DRUM_KITS}
    assert {kit.program.channel for kit in kits if kit.program} == {9}
    vectors = CountingEncoder().embed(_noise())
    (matches,) = index.query(vectors, 200)
    assert {match.sound.kind for match in matches} == {"gm"}
    named = {match.sound.program.program for match in matches if match.sound.program}
    assert {0, 40, 80, 95} <= named
    assert not {47, 98, 112, 127} & named  # timpani, an effect, a bell, a gunshot


def test_every_sound_has_a_short_preview(gm: Path) -> None:
    index = SoundIndex.open(gm, None)
    for sound in index.sounds:
        path = index.preview_path(sound)
        assert path is not None
        info = audio_info(path)
        assert (info.channels, round(info.duration_s, 1)) == (1, 2.5)


def test_it_is_small_and_verifies(gm: Path) -> None:
    assert sum(path.stat().st_size for path in gm.rglob("*") if path.is_file()) < 8e6
    assert verify_library(gm) == ()


def test_reading_it_writes_nothing(gm: Path) -> None:
    before = sorted(gm.rglob("*"))
    SoundIndex.open(gm, None).info()
    verify_library(gm)
    assert sorted(gm.rglob("*")) == before
    assert read_manifest(gm).sealed


def test_other_weights_name_the_command_that_makes_it_again(gm: Path) -> None:
    with pytest.raises(FingerprintError, match="timbrel library make-gm --out"):
        SoundIndex.open(gm, "0" * 64)


def test_a_soundfont_without_all_programs_is_refused(tmp_path: Path) -> None:
    font = write_soundfont(tmp_path / "font.sf2", {(0, 0): "Piano"})
    with pytest.raises(InputError, match="lacks bank 0 program 1"):
        make_gm_library([font], tmp_path / "data", CountingEncoder())


def test_a_folder_with_other_files_is_not_replaced(gm: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "song.txt").write_text("mine")
    with pytest.raises(InputError, match="something else"):
        make_gm_library([gm.parent / "font.sf2"], tmp_path / "data", CountingEncoder())
    assert (tmp_path / "data" / "song.txt").exists()


def test_a_library_of_ones_own_is_not_replaced(gm: Path, tmp_path: Path) -> None:
    lib = make_library(tmp_path / "lib", list(clustered(3, 2, 8)))
    with pytest.raises(InputError, match="something else"):
        make_gm_library([gm.parent / "font.sf2"], lib, CountingEncoder())
    assert read_manifest(lib).sounds == 3


def _one_short_clip(renderer: FluidRenderer, preset: Preset, sound: Sound) -> tuple[NDArray[np.float32], ...]:
    return (renderer.render(preset.bank, preset.program, [Note(0.0, 0.3, 60, 96)], 0.5),)


def _noise() -> NDArray[np.float32]:
    return np.random.default_rng(3).normal(0.0, 0.1, (1, 16_000)).astype(np.float32)
