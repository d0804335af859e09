"""Check what is found in folders, and which clips and sounds come out of it."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from library.audio import read_audio, write_audio
from library.errors import AudioFileError, InputError
from library.sounds import MidiProgram
from library.sources import FoundFile, Scan, clips_of, open_file, scan_source
from library.sources.base import clips_of_file
from library.sources.families import guess
from library.sources.phrases import phrases, single_notes
from tests.library.sound_files import tone, write_soundfont, write_tone


def scan(path: Path) -> Scan:
    return scan_source(path, "src", set())


def names(path: Path) -> list[str]:
    return [found.name for found in scan(path).files]


@pytest.mark.parametrize("suffix", ["wav", "aiff", "flac", "ogg", "mp3"])
def test_each_format_becomes_a_sound_named_after_its_file(tmp_path: Path, suffix: str) -> None:
    write_tone(tmp_path / "deep" / f"Slap bass 3.{suffix}", 110.0)
    (found,) = scan(tmp_path).files
    assert found.name == f"src/deep/Slap bass 3.{suffix}"
    with open_file(found) as reader:
        (sound,) = reader.sounds()
        (clip,) = reader.clips(sound)
    assert (sound.name, sound.kind, sound.family, sound.program) == ("Slap bass 3", "sample", "bass", None)
    assert len(clip) / 16_000 == pytest.approx(1.0, abs=0.1)  # MP3 pads


def test_opus_is_read(tmp_path: Path) -> None:
    import soundfile

    soundfile.write(tmp_path / "a.opus", tone(220.0), 16_000, format="OGG", subtype="OPUS")
    (found,) = scan(tmp_path).files
    with open_file(found) as reader:
        assert len(reader.clips(reader.sounds()[0])) == 1


def test_content_decides_before_the_suffix(tmp_path: Path) -> None:
    write_tone(tmp_path / "a.wav", 220.0).rename(tmp_path / "no suffix")
    write_soundfont(tmp_path / "font.bin", {(0, 0): "One"})
    write_soundfont(tmp_path / "font.wav", {(0, 0): "One"})
    assert [(f.path.name, f.kind) for f in scan(tmp_path).files] == [
        ("font.bin", "soundfont"),
        ("font.wav", "soundfont"),
        ("no suffix", "audio"),
    ]


def test_other_files_are_passed_over(tmp_path: Path) -> None:
    for name in ("notes.txt", "cover.jpg", "song.mid", ".DS_Store", "._tone.wav", "empty"):
        (tmp_path / name).write_bytes(b"" if name == "empty" else b"something else")
    os.mkfifo(tmp_path / "pipe")
    assert scan(tmp_path) == Scan((), ())


def test_a_pipe_named_like_audio_is_reported_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "device.wav").symlink_to("/dev/zero")
    assert [Path(error.path).name for error in scan(tmp_path).errors] == ["pipe.wav", "device.wav"]


@pytest.mark.parametrize("rate", [16_000, 22_050, 44_100, 48_000])
def test_windows_of_a_long_file_are_those_of_the_whole(tmp_path: Path, rate: int) -> None:
    time = np.arange(11 * rate) / rate
    sweep = np.asarray(0.3 * np.sin(2 * np.pi * (200 + 100 * time) * time), np.float32)
    write_audio(tmp_path / "x.wav", np.stack([sweep, sweep], 1), rate, "FLOAT")
    whole, parts = clips_of(read_audio(tmp_path / "x.wav")), clips_of_file(tmp_path / "x.wav")
    assert [len(clip) for clip in parts] == [len(clip) for clip in whole] == [80_000] * 3
    assert max(np.abs(a - b).max() for a, b in zip(whole, parts, strict=True)) < 0.02


def test_links_are_followed_once(tmp_path: Path) -> None:
    src = tmp_path / "src"
    write_tone(src / "b" / "own.wav", 220.0)
    write_tone(tmp_path / "outside" / "far.wav", 330.0)
    (src / "a-loop").symlink_to(src)
    (src / "a-again").symlink_to(src / "b")
    (src / "a-file.wav").symlink_to(src / "b" / "own.wav")
    (src / "c-first").symlink_to(tmp_path / "outside")
    (src / "d-second").symlink_to(tmp_path / "outside")
    assert names(src) == ["src/b/own.wav", "src/c-first/far.wav"]


def test_a_broken_link_is_reported(tmp_path: Path) -> None:
    (tmp_path / "gone.wav").symlink_to(tmp_path / "nothing.wav")
    (tmp_path / "gone.txt").symlink_to(tmp_path / "nothing.txt")
    (error,) = scan(tmp_path).errors
    assert error.path.endswith("gone.wav")
    assert "link to nothing" in error.error


def test_a_name_that_is_not_text_is_reported(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/caf\xe9.wav"
    write_tone(tmp_path / "x.wav", 220.0)
    os.rename(os.fsencode(tmp_path / "x.wav"), path)  # noqa: PTH104 a name in bytes
    (error,) = scan(tmp_path).errors
    error.error.encode("utf-8")
    assert "not UTF-8" in error.error


def test_sources_that_overlap_give_each_file_once(tmp_path: Path) -> None:
    write_tone(tmp_path / "sub" / "a.wav", 220.0)
    visited: set[str] = set()
    assert len(scan_source(tmp_path, "one", visited).files) == 1
    assert len(scan_source(tmp_path / "sub", "two", visited).files) == 0


def test_a_single_file_is_a_source(tmp_path: Path) -> None:
    path = write_tone(tmp_path / "a.wav", 220.0)
    write_tone(tmp_path / "b.wav", 220.0)
    assert [found.path for found in scan(path).files] == [path]


@pytest.mark.parametrize(
    ("seconds", "lengths"), [(0.02, [0.1]), (1.0, [1.0]), (5.0, [5.0]), (7.0, [5.0] * 2), (300.0, [5.0] * 6)]
)
def test_long_sounds_become_windows_and_short_ones_stay_whole(seconds: float, lengths: list[float]) -> None:
    clips = clips_of(np.full(round(seconds * 16_000), 0.1, np.float32))
    assert [len(clip) / 16_000 for clip in clips] == lengths


def test_windows_reach_from_the_first_to_the_last_frame() -> None:
    ramp = np.linspace(0.1, 1.0, 60 * 16_000, dtype=np.float32)
    clips = clips_of(ramp)
    assert (clips[0][0], clips[-1][-1]) == (ramp[0], ramp[-1])


def test_silent_windows_are_left_out() -> None:
    samples = np.concatenate([np.zeros(80_000, np.float32), tone(220.0, 5.0)])
    (clip,) = clips_of(samples)
    assert np.array_equal(clip, samples[80_000:])
    assert clips_of(np.full(80_000, 1e-4, np.float32)) == ()


def damaged(tmp_path: Path, kind: str) -> FoundFile:
    path = tmp_path / "x.wav"
    if kind == "text":
        path.write_text("this is no audio")
    elif kind == "truncated":
        write_tone(path, 220.0)
        path.write_bytes(path.read_bytes()[:9000])
    elif kind == "nan":
        write_audio(path, np.full(16_000, np.nan, np.float32), 16_000, "FLOAT")
    elif kind == "silent":
        write_audio(path, np.zeros(16_000, np.float32), 16_000)
    elif kind == "header only":
        write_audio(path, np.zeros(0, np.float32), 16_000)
    (found,) = scan(tmp_path).files
    return found


@pytest.mark.parametrize("kind", ["text", "truncated", "nan", "silent", "header only"])
def test_a_file_that_can_not_be_used_is_found_and_refused_in_one_line(tmp_path: Path, kind: str) -> None:
    with open_file(damaged(tmp_path, kind)) as reader, pytest.raises(AudioFileError, match=r"x\.wav") as caught:
        reader.clips(reader.sounds()[0])
    assert "\n" not in str(caught.value)


def test_presets_become_sounds_with_the_messages_that_load_them(tmp_path: Path) -> None:
    path = write_soundfont(tmp_path / "my.sf2", {(0, 40): "Violin", (8, 4): "Rhodes", (128, 0): "Standard"})
    with open_file(scan(path).files[0]) as reader:
        sounds = {sound.id: sound for sound in reader.sounds()}
        clips = {sound_id: reader.clips(sound) for sound_id, sound in sounds.items()}
    violin, rhodes, kit = sounds["src:0:40"], sounds["src:8:4"], sounds["src:128:0"]
    assert (violin.name, violin.kind, violin.family, violin.path) == ("Violin", "soundfont", "string", str(path))
    assert violin.program == MidiProgram(None, 0, 0, 40)
    assert (rhodes.program, rhodes.family) == (MidiProgram(None, 8, 0, 4), "keyboard")
    assert (kit.kind, kit.program) == ("drumkit", MidiProgram(9, None, None, 0))
    assert [len(clips[key]) for key in ("src:0:40", "src:8:4", "src:128:0")] == [8, 8, 0]


@pytest.mark.parametrize("keep", [0, 11, 200, 3000])
def test_a_damaged_soundfont_is_refused_in_one_line(tmp_path: Path, keep: int) -> None:
    path = write_soundfont(tmp_path / "my.sf2", {(0, 40): "Violin"})
    path.write_bytes(path.read_bytes()[:keep])
    with open_file(scan(path).files[0]) as reader, pytest.raises(InputError, match=r"my\.sf2"):
        reader.sounds()


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("Bassoon", "reed"),
        ("bass_clarinet_01", "reed"),
        ("SynthBass 2", "bass"),
        ("Contrabass", "string"),
        ("FluteVib", "flute"),
        ("Lead 8 (bass + lead)", "synth_lead"),
        ("kick_808", "percussive"),
        ("Grand Piano", "keyboard"),
        ("loop 17", ""),
    ],
)
def test_a_name_tells_the_family(name: str, family: str) -> None:
    assert guess(name).family == family


@pytest.mark.parametrize("pitch", [20, 40, 60, 84, 105])
def test_phrases_stay_in_the_range_of_a_keyboard(pitch: int) -> None:
    for notes in (*single_notes(pitch), *phrases(pitch, "keyboard"), *phrases(pitch, "bass")):
        assert all(21 <= note.pitch <= 108 and 1 <= note.velocity <= 127 for note in notes)
        assert all(note.start_s >= 0.0 and note.start_s + note.duration_s <= 5.0 for note in notes)
