"""Spoil windows the way a bus, a room, a codec or a drummer does."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from library.audio import SAMPLE_RATE_HZ

__all__ = ["add_noise", "add_to", "level", "mp3", "reverb"]

_SEED = 2023


def level(audio: NDArray[np.float32], gain_db: float) -> NDArray[np.float32]:
    """Make audio[B, T] louder or softer."""
    return audio * np.float32(10 ** (gain_db / 20))


def add_noise(audio: NDArray[np.float32], snr_db: float) -> NDArray[np.float32]:
    """Add white noise to audio[B, T]."""
    rng = np.random.default_rng(_SEED)
    return add_to(audio, rng.standard_normal(audio.shape, np.float32), -snr_db)


def add_to(audio: NDArray[np.float32], other: NDArray[np.float32], gain_db: float) -> NDArray[np.float32]:
    """Add other[B, T] to audio[B, T], so that its power is gain_db over that of the audio."""
    rms = [np.sqrt(np.square(part).mean(axis=1, keepdims=True)) for part in (audio, other)]
    scale = rms[0] / np.maximum(rms[1], 1e-9) * 10 ** (gain_db / 20)
    mixed: NDArray[np.float32] = audio + (other * scale).astype(np.float32)
    return mixed


def reverb(audio: NDArray[np.float32], time_s: float, wet_db: float) -> NDArray[np.float32]:
    """Put audio[B, T] into a room: white noise that falls by 60 dB in time_s, wet_db under the dry sound."""
    rng = np.random.default_rng(_SEED)
    samples = np.arange(round(time_s * SAMPLE_RATE_HZ))
    response = rng.standard_normal(len(samples)) * 10 ** (-3 * samples / len(samples))
    tail = fftconvolve(audio, response[None], axes=1)[:, : audio.shape[1]].astype(np.float32)
    return add_to(audio, tail, wet_db)


def mp3(audio: NDArray[np.float32], quality: float) -> NDArray[np.float32]:
    """Code audio[B, T] as MP3 and decode it; quality from 0 (best) to 1 (smallest)."""
    import soundfile

    coded = np.zeros_like(audio)
    for row, window in enumerate(audio):
        file = io.BytesIO()
        soundfile.write(
            file, window / max(1.0, np.abs(window).max()), SAMPLE_RATE_HZ, format="MP3", compression_level=quality
        )
        decoded, _ = soundfile.read(io.BytesIO(file.getvalue()), dtype="float32")
        length = min(len(window), len(decoded))
        coded[row, :length] = decoded[:length]
    return coded
