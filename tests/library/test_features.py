from __future__ import annotations

import librosa
import numpy as np
import pytest
import torch

from library.audio import read_audio
from library.demo import load_demo_song
from library.features import Frontend, PowerSpectrogram
from library.front_end import BANDS_PER_OCTAVE, LOWEST_NOTE, PAPER_FEATURES, TIMBREL_FEATURES

RNG = np.random.default_rng(0)
NOISE = RNG.standard_normal((2, 80_000)).astype(np.float32)


def test_mel_power_is_that_of_librosa() -> None:
    ours = PowerSpectrogram(PAPER_FEATURES)(torch.from_numpy(NOISE))[0].numpy()
    theirs = librosa.feature.melspectrogram(
        y=NOISE[0], sr=16_000, n_fft=2048, win_length=1024, hop_length=512, n_mels=128
    )
    assert ours.shape == theirs.shape == (128, 157)
    np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-5 * theirs.max())


def test_the_papers_features_are_decibels_of_peak_normalised_audio() -> None:
    ours = Frontend(PAPER_FEATURES)(torch.from_numpy(NOISE[:1] * 0.01))[0, 0].numpy()
    mel = librosa.feature.melspectrogram(
        y=NOISE[0] / np.abs(NOISE[0]).max(), sr=16_000, n_fft=2048, win_length=1024, hop_length=512, n_mels=128
    )
    np.testing.assert_allclose(ours, 10 * np.log10(np.maximum(mel, 1e-10)), atol=0.05)


def test_our_features_do_not_depend_on_level() -> None:
    frontend = Frontend(TIMBREL_FEATURES)
    loud, quiet = frontend(torch.from_numpy(NOISE)), frontend(torch.from_numpy(NOISE * 0.003))
    torch.testing.assert_close(loud, quiet, rtol=1e-3, atol=1e-3)


def test_a_piece_of_a_stream_has_the_power_of_its_frames_in_all_of_it() -> None:
    song = torch.from_numpy(read_audio(load_demo_song().audio)[:80_000].copy())
    spectrogram = PowerSpectrogram(TIMBREL_FEATURES)
    whole, hop, half = spectrogram(song[None])[0], TIMBREL_FEATURES.hop_length, spectrogram.longest // 2
    least = whole.mean() * 10 ** (TIMBREL_FEATURES.floor_db / 10)
    for first, count, more in ((4, 20, 0), (90, 1, 3), (4, 149, 0), (40, 9, 511)):
        found = spectrogram.of_piece(song[first * hop - half : (first + count - 1) * hop + half + more])
        expected = whole[:, first : first + count]
        assert found.shape == expected.shape
        apart_db = 10 * torch.log10(found.clamp_min(least) / expected.clamp_min(least))
        assert apart_db.abs().max() < 0.001


def test_silence_gives_finite_features() -> None:
    assert torch.isfinite(Frontend(TIMBREL_FEATURES)(torch.zeros(1, 80_000))).all()


def test_a_tenth_of_a_second_is_enough() -> None:
    features = Frontend(TIMBREL_FEATURES)(torch.from_numpy(NOISE[:, :1600]))
    assert features.shape == (2, 1, TIMBREL_FEATURES.bands, TIMBREL_FEATURES.frames(1600))


@pytest.mark.parametrize("note", [29, 45, 64, 73, 88, 101])
def test_a_tone_lies_in_the_band_of_its_note_with_one_power_in_all_registers(note: int) -> None:
    time_s = torch.arange(80_000) / 16_000
    tone = torch.sin(2 * np.pi * 440.0 * 2 ** ((note - 69) / 12) * time_s)
    power = PowerSpectrogram(TIMBREL_FEATURES)(tone[None])[0, :, 78]
    assert int(power.argmax()) == (note - LOWEST_NOTE) * BANDS_PER_OCTAVE // 12
    assert 0.15 < float(power.max()) < 0.5


def test_bands_above_the_window_of_their_register_are_silent_for_a_low_tone() -> None:
    tone = torch.sin(2 * np.pi * 220.0 * torch.arange(80_000) / 16_000)
    power = PowerSpectrogram(TIMBREL_FEATURES)(tone[None])[0, :, 78]
    assert float(power[80:].max()) < 1e-4 * float(power.max())
