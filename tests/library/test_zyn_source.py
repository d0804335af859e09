"""Check how ZynAddSubFX instruments are read and rendered."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from library.build import build_library
from library.errors import InputError, MissingDependencyError
from library.index import SoundIndex
from library.sounds import MidiProgram
from library.sources import open_file, scan_source
from library.synths import zyn
from library.synths.notes import Note
from library.synths.zyn_patch import MOST_BYTES, read_patch, render_patch
from tests.fakes import SpectrumEncoder
from tests.library.sound_files import write_tone

needs_zyn = pytest.mark.skipif(not zyn.PLUGIN.exists(), reason="needs zynaddsubfx-dssi")

# One voice of the additive engine as it is by default: a sine.
PATCH = b"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE ZynAddSubFX-data>
<ZynAddSubFX-data version-major="1" version-minor="1" ZynAddSubFX-author="x">
<INSTRUMENT><INFO><string name="name">Test</string></INFO><INSTRUMENT_KIT><par name="kit_mode" value="0"/>
<INSTRUMENT_KIT_ITEM id="0"><par_bool name="enabled" value="yes"/><par_bool name="add_enabled" value="yes"/>
<ADD_SYNTH_PARAMETERS><VOICE id="0"><par_bool name="enabled" value="yes"/><par name="type" value="0"/></VOICE>
</ADD_SYNTH_PARAMETERS></INSTRUMENT_KIT_ITEM></INSTRUMENT_KIT></INSTRUMENT>
</ZynAddSubFX-data>
"""


def test_a_patch_is_named_after_its_file_and_has_its_number_in_a_bank(tmp_path: Path) -> None:
    (tmp_path / "Organ").mkdir()
    (tmp_path / "Organ" / "0007-Full Drawbars.xiz").write_bytes(gzip.compress(PATCH))
    (tmp_path / "Organ" / "Own Bass.xiz").write_bytes(PATCH)
    found = scan_source(tmp_path, "zyn", set()).files
    (first,), (second,) = (open_file(one).sounds() for one in found)
    assert (first.id, first.name, first.kind) == ("zyn/Organ/0007-Full Drawbars.xiz", "Full Drawbars", "patch")
    assert (first.program, first.family) == (MidiProgram(None, None, None, 6), "organ")
    assert (second.name, second.program, second.family) == ("Own Bass", None, "bass")


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"", "no instrument"),
        (b"\x1f\x8bnothing", "is damaged"),
        (gzip.compress(PATCH)[:200], "is truncated"),
        (gzip.compress(bytes(MOST_BYTES * 8)), "larger than"),
        (PATCH.replace(b"<INSTRUMENT>", b"<MASTER>"), "no instrument"),
    ],
)
def test_what_is_no_patch_is_refused_in_one_line(tmp_path: Path, data: bytes, rule: str) -> None:
    path = tmp_path / "x.xiz"
    path.write_bytes(data)
    with pytest.raises(InputError, match=rule) as caught:
        read_patch(path)
    assert "\n" not in str(caught.value)


def test_a_missing_plugin_costs_its_patches_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("library.synths.zyn.PLUGIN", tmp_path / "none.so")
    src = tmp_path / "src"
    write_tone(src / "a.wav", 220.0)
    (src / "b.xiz").write_bytes(PATCH)
    with pytest.raises(MissingDependencyError, match="install zynaddsubfx-dssi"):
        render_patch(src / "b.xiz", [])
    report = build_library([src], tmp_path / "lib", SpectrumEncoder())
    assert report.manifest.sounds == 1
    assert [Path(error.path).name for error in report.errors] == ["b.xiz"]


@needs_zyn
def test_a_patch_that_lies_anywhere_sounds_at_its_pitch_and_the_same_again(tmp_path: Path) -> None:
    path = tmp_path / "caf\u00e9 \u266b.xiz"
    path.write_bytes(gzip.compress(PATCH))
    clips = [([Note(0.1, 1.0, 69, 100)], 1.5), ([Note(0.1, 1.0, 57, 100)], 1.5)]
    first, again = render_patch(path, clips), render_patch(path, clips)
    assert [len(clip) for clip in first] == [24_000, 24_000]
    peaks = [float(np.argmax(np.abs(np.fft.rfft(clip)))) * 16_000 / len(clip) for clip in first]
    assert peaks == pytest.approx([440.0, 220.0], abs=3)
    assert np.abs(first[0] - again[0]).max() < 0.01 * np.abs(first[0]).max()


@needs_zyn
def test_a_patch_is_a_sound_of_a_library(tmp_path: Path) -> None:
    src = tmp_path / "src"
    src.mkdir()
    (src / "Sine Lead.xiz").write_bytes(PATCH)
    report = build_library([src], tmp_path / "lib", SpectrumEncoder())
    assert (report.errors, report.manifest.vectors) == ((), 8)
    assert [sound.name for sound in SoundIndex.open(tmp_path / "lib", None).sounds] == ["Sine Lead"]


@needs_zyn
@pytest.mark.skipif(not zyn.BANKS.exists(), reason="needs zynaddsubfx-data")
@pytest.mark.parametrize("name", ["Collection/0057-Soft Flute", "Choir and Voice/0065-Vocal Morph 1"])
def test_formant_filters_are_played_where_their_makers_set_them(name: str) -> None:
    (clip,) = render_patch(zyn.BANKS / f"{name}.xiz", [([Note(0.0, 1.0, 60, 100)], 1.5)])
    assert 0.01 < np.abs(clip).max() < 1.0


@needs_zyn
@pytest.mark.skipif(not zyn.BANKS.exists(), reason="needs zynaddsubfx-data")
def test_a_warm_pad_is_as_dark_as_the_synthesiser_plays_it() -> None:
    path = zyn.BANKS / "olivers-other" / "0014-Warm Pad.xiz"
    (clip,) = render_patch(path, [([Note(0.0, 1.0, 60, 100)], 1.5)])
    power = np.abs(np.fft.rfft(clip)) ** 2
    hz = np.fft.rfftfreq(len(clip), 1 / 16_000)
    # 15 dB and more between the octaves from 250 Hz and from 1 kHz, as recorded from ZynAddSubFX itself.
    assert power[(hz > 250) & (hz < 500)].sum() > 30 * power[(hz > 1000) & (hz < 2000)].sum()
