from __future__ import annotations

import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from library.audio import SAMPLE_RATE_HZ, level_db
from library.data.workers import run_jobs
from library.errors import InputError, MissingDependencyError
from library.synths import zyn
from library.synths.amsynth import PLUGIN, AmsynthRenderer, read_bank
from library.synths.dssi import DssiPlugin
from library.synths.fluid import FluidRenderer
from library.synths.notes import Note, to_events
from library.synths.sf2 import presets
from library.synths.zyn import ZynRenderer, list_zyn_programs

FONT = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")
needs_font = pytest.mark.skipif(not FONT.exists(), reason="needs fluid-soundfont-gm")
needs_amsynth = pytest.mark.skipif(not PLUGIN.exists(), reason="needs amsynth")
needs_zyn = pytest.mark.skipif(not zyn.PLUGIN.exists(), reason="needs zynaddsubfx-dssi and zynaddsubfx-data")


def peak_hz(audio: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> float:
    return float(np.argmax(np.abs(np.fft.rfft(audio * np.hanning(len(audio))))) * SAMPLE_RATE_HZ / len(audio))


def test_events_are_in_order_and_offs_come_first() -> None:
    events = to_events([Note(0.5, 0.5, 64, 90), Note(0.0, 0.5, 64, 80)], 100)
    assert [(event.frame, event.velocity) for event in events] == [(0, 80), (50, 0), (50, 90), (100, 0)]


@needs_font
def test_fluidr3_lists_128_programs_and_its_drum_kits() -> None:
    found = presets(FONT)
    assert {preset.program for preset in found if preset.bank == 0} == set(range(128))
    assert any(preset.bank == 128 for preset in found)


@needs_font
def test_a_note_sounds_at_its_pitch_while_it_is_held() -> None:
    with FluidRenderer(FONT) as renderer:
        audio = renderer.render(0, 73, [Note(0.5, 1.0, 69, 100)], 2.5)  # flute
    assert len(audio) == round(2.5 * SAMPLE_RATE_HZ)
    assert abs(peak_hz(audio[12_000:20_000]) - 440.0) < 5.0
    assert level_db(audio[:7_000]) < -80.0
    assert level_db(audio[12_000:20_000]) > -50.0


RENDERED = """
import ctypes, hashlib, sys
for _ in range(int(sys.argv[1])):
    ctypes.CDLL(None).rand()
from library.synths.fluid import FluidRenderer
from library.synths.notes import Note
with FluidRenderer(sys.argv[2]) as renderer:
    print(hashlib.sha256(renderer.render(0, 73, [Note(0.1, 0.5, 69, 100)], 1.0)).hexdigest())
"""


@needs_font
def test_notes_are_the_same_samples_whoever_else_drew_random_numbers() -> None:
    words = [sys.executable, "-c", RENDERED]
    found = [subprocess.run([*words, count, FONT], stdout=subprocess.PIPE, check=True).stdout for count in ("0", "7")]
    assert found[0] == found[1]


@needs_font
def test_a_preset_that_the_font_lacks_is_refused() -> None:
    with FluidRenderer(FONT) as renderer, pytest.raises(InputError, match="bank 77 program 5"):
        renderer.render(77, 5, [Note(0, 1, 60, 90)], 1.0)


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"not a soundfont, only text", "is not a SoundFont"),
        (b"RIFF" + struct.pack("<I", 500) + b"sfbkLIST" + struct.pack("<I", 400) + b"INFO", "is truncated"),
        (b"RIFF" + struct.pack("<I", 4) + b"sfbk", "has no preset list"),
    ],
)
def test_damaged_soundfonts_are_refused(tmp_path: Path, content: bytes, rule: str) -> None:
    path = tmp_path / "bad.sf2"
    path.write_bytes(content)
    with pytest.raises(InputError, match=rule):
        presets(path)


def test_an_amsynth_bank_is_read_patch_by_patch(tmp_path: Path) -> None:
    path = tmp_path / "a.bank"
    path.write_text(
        "amSynth\n<preset> <name> one two\n<parameter> amp_attack 0.5\n<preset> <name> b\n<parameter> x 1\n"
    )
    first, second = read_bank(path)
    assert (first.name, first.controls) == ("one two", (("amp_attack", 0.5),))
    assert second.name == "b"


def test_another_file_is_no_amsynth_bank(tmp_path: Path) -> None:
    path = tmp_path / "a.bank"
    path.write_text("hello")
    with pytest.raises(InputError, match="is not an amsynth bank"):
        read_bank(path)


def test_a_missing_plugin_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(MissingDependencyError, match="install its package"):
        DssiPlugin(tmp_path / "none.so", 48_000)


@needs_amsynth
def test_patches_differ_and_a_patch_repeats_itself() -> None:
    bank = read_bank(Path("/usr/share/amsynth/banks/BriansBank01.amSynth.bank"))
    renderer, notes = AmsynthRenderer(), [Note(0.1, 1.0, 57, 100)]
    first, again, other = (renderer.render(bank[i], notes, 1.5) for i in (3, 3, 8))
    assert np.isfinite(first).all()
    assert level_db(first) > -40.0
    shape = [np.abs(np.fft.rfft(audio)) for audio in (first, again, other)]
    alike = [
        float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b))) for a, b in ((shape[0], shape[1]), (shape[0], shape[2]))
    ]
    assert alike[0] > 0.95 > alike[1]


def _zyn_spectra(names: list[str]) -> list[list[float]]:
    torch.set_num_threads(1)
    programs = {f"{row.bank}/{row.name}": row for row in list_zyn_programs()}
    renderer, spectra = ZynRenderer(), []
    for name in names:
        audio = renderer.render(programs[name].bank_number, programs[name].program, [Note(0.1, 1.0, 57, 100)], 1.5)
        spectra.append(np.abs(np.fft.rfft(audio)).tolist())
    return spectra


@needs_zyn
def test_zynaddsubfx_programs_differ_and_a_program_repeats_itself() -> None:
    names = ["Organ/Organ 1", "Plucked/Plucked 1", "Organ/Organ 1"]
    (outcome,) = run_jobs(_zyn_spectra, [names], 1, limit_s=40.0)  # the plugin can crash its process while it loads
    assert outcome.result is not None, outcome.error
    first, other, again = (np.array(spectrum) / np.linalg.norm(spectrum) for spectrum in outcome.result)
    assert float(first @ again) > float(first @ other) + 0.05  # its tremolo begins anywhere: never quite the same


def test_loading_fluidsynth_leaves_standard_output_to_results() -> None:
    program = "from library.synths.fluid import load_fluidsynth; load_fluidsynth()"
    ended = subprocess.run(
        [sys.executable, "-c", program], env=os.environ | {"CI": "true"}, capture_output=True, text=True, timeout=60
    )
    if "MissingDependencyError" in ended.stderr:
        pytest.skip("needs libfluidsynth3")
    assert ended.stdout == ""
