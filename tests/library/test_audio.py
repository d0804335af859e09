from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from library.audio import audio_info, downmix, level_db, read_audio, resample, write_audio
from library.errors import AudioFileError


def tone(seconds: float, rate: int, hz: float = 440.0) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "aiff", "mp3"])
def test_a_stereo_file_comes_back_as_16_khz_mono(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"tone.{suffix}"
    stereo = np.stack([tone(1.0, 44_100), tone(1.0, 44_100)], axis=1)
    soundfile.write(path, stereo, 44_100)
    audio = read_audio(path)
    assert audio.dtype == np.float32
    assert abs(len(audio) - 16_000) < 1_500  # MP3 pads
    spectrum = np.abs(np.fft.rfft(audio[2_000:10_000]))
    assert abs(np.argmax(spectrum) * 16_000 / 8_000 - 440.0) < 3.0


def test_what_macos_leaves_beside_a_file_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "tone.mp3"
    soundfile.write(path, tone(1.0, 44_100), 44_100)
    (tmp_path / "._tone.mp3").write_bytes(b"\0\5\26\7" + bytes(60))
    assert audio_info(path).sample_rate == 44_100
    assert len(read_audio(path)) > 14_000


def test_a_missing_file_is_named_with_a_next_step(tmp_path: Path) -> None:
    with pytest.raises(AudioFileError, match=r"nothing\.wav: no such file; check the name"):
        read_audio(tmp_path / "nothing.wav")


def test_a_folder_is_not_audio(tmp_path: Path) -> None:
    with pytest.raises(AudioFileError, match="is a folder"):
        read_audio(tmp_path)


def test_text_named_wav_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.wav"
    path.write_text("these are the notes of a song")
    with pytest.raises(AudioFileError, match="is not audio that can be read"):
        read_audio(path)


def test_a_truncated_wav_is_refused_with_the_number_of_missing_frames(tmp_path: Path) -> None:
    path = tmp_path / "cut.wav"
    write_audio(path, tone(1.0, 16_000), 16_000, "PCM_16")
    path.write_bytes(path.read_bytes()[:-2_000])
    with pytest.raises(AudioFileError, match="truncated: 1000 frames are missing"):
        read_audio(path)


def test_nan_samples_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "nan.wav"
    samples = tone(0.5, 16_000)
    samples[100] = np.nan
    write_audio(path, samples, 16_000, "FLOAT")
    with pytest.raises(AudioFileError, match="NaN or infinite"):
        read_audio(path)


def test_a_wav_without_channels_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "none.wav"
    write_audio(path, tone(0.1, 16_000), 16_000, "PCM_16")
    data = bytearray(path.read_bytes())
    data[22:24] = b"\0\0"
    path.write_bytes(data)
    with pytest.raises(AudioFileError, match=r"none\.wav"):
        read_audio(path)


def test_a_file_without_frames_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.wav"
    write_audio(path, np.zeros(0, np.float32), 16_000)
    with pytest.raises(AudioFileError, match="holds no audio frames"):
        read_audio(path)


def test_the_header_tells_length_and_channels(tmp_path: Path) -> None:
    path = tmp_path / "tone.wav"
    write_audio(path, tone(0.25, 48_000), 48_000)
    info = audio_info(path)
    assert (info.frames, info.sample_rate, info.channels, info.duration_s) == (12_000, 48_000, 1, 0.25)


def test_downmix_averages_channels() -> None:
    assert downmix(np.array([[1.0, 0.0], [0.5, -0.5]], np.float32)).tolist() == [0.5, 0.0]


def test_resampling_removes_what_the_new_rate_cannot_hold() -> None:
    low, high = tone(1.0, 48_000, 1_000.0), tone(1.0, 48_000, 12_000.0)
    assert level_db(resample(low, 48_000, 16_000)) == pytest.approx(level_db(low), abs=0.1)
    assert level_db(resample(high, 48_000, 16_000)) < -40.0


def test_level_of_silence_and_of_full_scale() -> None:
    assert level_db(np.zeros(10, np.float32)) == -200.0
    assert level_db(np.ones(10, np.float32)) == pytest.approx(0.0)


def test_an_odd_rate_is_resampled_with_a_small_filter() -> None:
    time = np.arange(44_101) / 44_101
    out = resample(np.sin(2 * np.pi * 1000 * time).astype(np.float32), 44_101, 16_000)
    assert int(np.abs(np.fft.rfft(out[:16_000])).argmax()) == 1000


def test_a_header_with_a_senseless_rate_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    write_audio(path, np.zeros(100, np.float32), 16_000)
    data = bytearray(path.read_bytes())
    data[24:28] = (2**31 - 1).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(AudioFileError, match="2147483647 Hz"):
        audio_info(path)
