"""Check how SFZ instruments are read and played."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from library.audio import level_db, write_audio
from library.build import build_library
from library.errors import InputError
from library.index import SoundIndex
from library.sources import open_file, scan_source
from library.synths.notes import Note
from library.synths.sampler import Sampler
from library.synths.sfz import DEEPEST_INCLUDE, read_sfz
from tests.fakes import SpectrumEncoder
from tests.library.sound_files import tone, write_tone


def write_sfz(folder: Path, text: str, name: str = "Grand.sfz") -> Path:
    write_tone(folder / "Samples" / "a.wav", 440.0, 2.0)
    path = folder / name
    path.write_text(text)
    return path


def play(path: Path, pitch: int, seconds: float = 1.0, held_s: float = 0.9, velocity: int = 127) -> NDArray[np.float32]:
    return Sampler(path, read_sfz(path).regions).render([Note(0.0, held_s, pitch, velocity)], seconds)


def peak_hz(audio: NDArray[np.float32]) -> float:
    return float(np.argmax(np.abs(np.fft.rfft(audio * np.hanning(len(audio))))) * 16_000 / len(audio))


def test_regions_inherit_from_their_groups_and_headers_end_what_was_before(tmp_path: Path) -> None:
    path = write_sfz(
        tmp_path,
        "<control> default_path=Samples\\\n<global> volume=-6 // quiet\n<master> tune=10\n<group> lokey=c4 hikey=60\n"
        "<region> sample=a.wav\n<region> sample=b with space.wav key=f#3 /* no\nmore */ volume=0\n"
        "<group> trigger=release <region> sample=gone.wav\n<master><region>sample=c.wav",
    )
    first, second, third = read_sfz(path).regions
    assert (first.sample, first.low, first.high, first.volume_db, first.tune_cents) == ("Samples/a.wav", 60, 60, -6, 10)
    assert (second.sample, second.low, second.center) == ("Samples/b with space.wav", 60, 54)
    assert (second.volume_db, third.tune_cents, third.low) == (0, 0, 0)


@pytest.mark.parametrize(
    "opcodes", ["seq_position=2", "lorand=0.5", "trigger=release", "sw_last=c0 sw_default=d0", "locc1=64", "end=-1"]
)
def test_what_a_plain_key_press_does_not_sound_is_left_out(tmp_path: Path, opcodes: str) -> None:
    path = write_sfz(tmp_path, f"<region> sample=Samples/a.wav\n<region> sample=x.wav {opcodes}")
    assert [region.sample for region in read_sfz(path).regions] == ["Samples/a.wav"]


def test_includes_and_definitions_are_followed(tmp_path: Path) -> None:
    path = write_sfz(tmp_path, '#define $KEY 62\n#define $KEYS 64\n#include "Data/more.txt"\n')
    (tmp_path / "Data").mkdir()
    (tmp_path / "Data" / "more.txt").write_text("<region> sample=Samples/a.wav lokey=$KEY hikey=$KEYS\n")
    (region,) = read_sfz(path).regions
    assert (region.low, region.high) == (62, 64)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ('#include "Grand.sfz"\n', f"more than {DEEPEST_INCLUDE} levels"),
        ('#include "../../../etc/passwd"\n', "outside its folder"),
        ('#include "/etc/passwd"\n', "outside its folder"),
        ('#include "gone.txt"\n', "gone.txt, which is no file"),
        ("hello", "no <region>"),
        ("a\0b", "no text"),
        ("<region> sample=a.wav\n" * 20_001, "more than 20000 regions"),
        ("x" * 70_000, "a line of more than"),
    ],
)
def test_what_breaks_a_bound_is_refused_in_one_line(tmp_path: Path, text: str, rule: str) -> None:
    path = write_sfz(tmp_path, text)
    with pytest.raises(InputError, match=rule) as caught:
        read_sfz(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("opcodes", "pitch", "hz"),
    [
        ("pitch_keycenter=69", 69, 440.0),
        ("pitch_keycenter=a4", 57, 220.0),
        ("pitch_keycenter=69 transpose=12", 69, 880.0),
        ("pitch_keycenter=69 tune=100", 68, 440.0),
        ("pitch_keycenter=69 pitch_keytrack=0", 30, 440.0),
    ],
)
def test_a_sample_sounds_at_the_pitch_of_its_key(tmp_path: Path, opcodes: str, pitch: int, hz: float) -> None:
    path = write_sfz(tmp_path, f"<region> sample=Samples/a.wav {opcodes}")
    assert peak_hz(play(path, pitch)[:12_000]) == pytest.approx(hz, abs=3)


def test_keys_and_velocities_choose_the_region(tmp_path: Path) -> None:
    path = write_sfz(tmp_path, "<region> sample=Samples/a.wav pitch_keycenter=69 lokey=60 hikey=70 lovel=64")
    levels = [level_db(play(path, pitch, velocity=velocity)) for pitch, velocity in ((69, 64), (69, 63), (71, 100))]
    assert levels[0] > -40
    assert levels[1:] == [-200.0, -200.0]


def test_a_loop_goes_on_and_a_plain_sample_ends(tmp_path: Path) -> None:
    base = "<region> sample=Samples/a.wav pitch_keycenter=69"
    plain = play(write_sfz(tmp_path, base), 69, 4.0, 3.9)
    looped = play(write_sfz(tmp_path, f"{base} loop_mode=loop_continuous loop_start=400 loop_end=15999"), 69, 4.0, 3.9)
    assert level_db(plain[40_000:56_000]) == -200.0
    assert level_db(looped[40_000:56_000]) > -20.0


def test_the_envelope_rises_and_falls_in_its_times(tmp_path: Path) -> None:
    opcodes = "ampeg_attack=0.2 ampeg_decay=0.2 ampeg_sustain=50 ampeg_release=0.3"
    audio = play(write_sfz(tmp_path, f"<region> sample=Samples/a.wav pitch_keycenter=69 {opcodes}"), 69, 1.6, 1.0)
    level = [level_db(audio[round(16_000 * at) : round(16_000 * (at + 0.02))]) for at in (0.1, 0.2, 0.6, 1.15, 1.4)]
    assert level[1] - level[0] == pytest.approx(6, abs=1.5)
    assert level[1] - level[2] == pytest.approx(6, abs=1.5)
    assert level[2] - level[3] == pytest.approx(6, abs=1.5)
    assert level[4] == -200.0


def test_offset_end_and_volume_are_heard(tmp_path: Path) -> None:
    base = "<region> sample=Samples/a.wav pitch_keycenter=69"
    whole = play(write_sfz(tmp_path, base), 69, 3.0, 2.9)
    cut = play(write_sfz(tmp_path, f"{base} offset=8000 end=15999 volume=-20"), 69, 3.0, 2.9)
    assert level_db(whole[2000:6000]) - level_db(cut[2000:6000]) == pytest.approx(20, abs=0.5)
    assert level_db(cut[9000:]) == -200.0


def test_an_instrument_is_one_sound_and_its_samples_are_none(tmp_path: Path) -> None:
    src = tmp_path / "src"
    write_tone(src / "own.wav", 100.0)
    write_sfz(src, "<region> sample=samples\\A.WAV pitch_keycenter=69 cutoff=500 fil_veltrack=3\n<region> sample=*sine")
    report = build_library([src], tmp_path / "lib", SpectrumEncoder())
    sounds = SoundIndex.open(tmp_path / "lib", None).sounds
    assert [(s.id, s.name, s.kind) for s in sounds] == [
        ("src/Grand.sfz", "Grand", "sfz"),
        ("src/own.wav", "own", "sample"),
    ]
    assert report.errors == ()
    (note,) = report.notes
    assert "opcodes that are not played: cutoff, fil_veltrack" in note.error
    assert "*sine" in note.error
    assert SoundIndex.open(tmp_path / "lib", None).info()["notes"] == [{"path": note.path, "note": note.error}]
    assert build_library([src], tmp_path / "lib", SpectrumEncoder()).notes == report.notes


def test_a_changed_sample_is_heard_by_the_next_build(tmp_path: Path) -> None:
    write_sfz(tmp_path / "src", "<region> sample=Samples/a.wav pitch_keycenter=69")
    build_library([tmp_path / "src"], tmp_path / "lib", SpectrumEncoder())
    write_audio(tmp_path / "src" / "Samples" / "a.wav", tone(880.0, 3.0), 16_000)
    assert build_library([tmp_path / "src"], tmp_path / "lib", SpectrumEncoder()).embedded == 1


@pytest.mark.parametrize("sample", ["gone.wav", "*saw", "/dev/zero", "../../x"])
def test_an_instrument_without_a_sample_says_why(tmp_path: Path, sample: str) -> None:
    write_sfz(tmp_path / "src", f"<region> sample={sample}")
    (found,) = (f for f in scan_source(tmp_path / "src", "src", set()).files if f.kind == "sfz")
    with open_file(found) as reader, pytest.raises(InputError, match=r"Grand\.sfz"):
        reader.clips(reader.sounds()[0])
