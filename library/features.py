"""Turn audio into spectrograms: the only ones in the project, one frozen FeatureSpec each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torchaudio.functional import melscale_fbanks

__all__ = [
    "BANDS_PER_OCTAVE",
    "LOWEST_NOTE",
    "PAPER_FEATURES",
    "SILENCE",
    "TIMBREL_FEATURES",
    "FeatureSpec",
    "Frontend",
    "PowerSpectrogram",
    "normalise_power",
]

POWER_FLOOR = 1e-10
"""Power below which power_to_db clips (librosa's amin, which the paper's front end keeps)."""

SILENCE = -2.0
"""Value of our features where nothing sounds: 60 dB below the mean (see normalise_power)."""

BANDS_PER_OCTAVE = 24
LOWEST_NOTE = 28
"""MIDI note at the centre of the first band of the "log" scale: a bass guitar's E."""

_WINDOWS = ((4096, 600.0), (2048, 2400.0), (1024, 8000.0))
"""Window lengths of the "log" scale and the frequency up to which each serves: long enough below to part semitones,
short enough above to keep attacks."""


@dataclass(frozen=True, slots=True)
class FeatureSpec:
    """Describe a front end.

    Attributes:
        scale: "mel" as librosa has it (Slaney), with one window; "log" with 24 bands an octave from MIDI note 28 up
            and windows that shrink with frequency: harmonics lie at fixed distances, low notes are parted.
        bands: Number of bands F.
        sample_rate: Hz.
        n_fft: Length of the Fourier transform in samples ("mel").
        win_length: Length of the Hann window in samples ("mel").
        hop_length: Step between spectrogram frames in samples.
        normalise: "peak" divides the audio by its largest sample (the paper); "power" divides band power by its mean
            over the window, which makes features independent of level and lets mixtures be made in the power domain.
        floor_db: With "power": bands this far below the mean are clipped.
    """

    scale: Literal["mel", "log"] = "mel"
    bands: int = 128
    sample_rate: int = 16_000
    n_fft: int = 2048
    win_length: int = 1024
    hop_length: int = 512
    normalise: Literal["peak", "power"] = "power"
    floor_db: float = -60.0

    def frames(self, samples: int) -> int:
        """Return the number of spectrogram frames of that many samples (centred, as librosa)."""
        return 1 + samples // self.hop_length


PAPER_FEATURES = FeatureSpec(normalise="peak")
"""Front end of arXiv 2211.07951 as released: log-mel in dB, ref 1.0, of peak-normalised audio."""

TIMBREL_FEATURES = FeatureSpec(scale="log", bands=180)
"""Front end of our encoders: log-frequency power, normalised by power instead of peak."""


class PowerSpectrogram(nn.Module):
    """Compute band powers; "mel" as librosa.feature.melspectrogram does (centred, zero-padded, power 2, Slaney)."""

    def __init__(self, spec: FeatureSpec) -> None:
        super().__init__()
        self.spec = spec
        parts = _mel_filters(spec) if spec.scale == "mel" else _log_filters(spec)
        self._lengths = [(n_fft, win_length) for n_fft, win_length, _ in parts]
        self.longest = max(n_fft for n_fft, _ in self._lengths)
        """Samples of the longest transform: a frame's audio extends half of it to both sides."""
        for i, (_, win_length, filters) in enumerate(parts):
            self.register_buffer(f"window{i}", torch.hann_window(win_length), persistent=False)
            self.register_buffer(f"filters{i}", filters, persistent=False)

    def forward(self, audio: Tensor) -> Tensor:
        """Return band power [B, F, frames] of audio[B, T] float32."""
        found = []
        for i, (n_fft, win_length) in enumerate(self._lengths):
            window, filters = self.get_buffer(f"window{i}"), self.get_buffer(f"filters{i}")
            spectrum = torch.stft(
                audio,
                n_fft,
                self.spec.hop_length,
                win_length,
                window,
                center=True,
                pad_mode="constant",
                return_complex=True,
            )
            spectrum = spectrum[:, : filters.shape[1]]
            power = spectrum.real.square() + spectrum.imag.square()  # [B, bins, frames]
            found.append(torch.matmul(filters, power))
        return torch.cat(found, dim=1) if len(found) > 1 else found[0]


def _mel_filters(spec: FeatureSpec) -> list[tuple[int, int, Tensor]]:
    filters = melscale_fbanks(
        spec.n_fft // 2 + 1,
        0.0,
        spec.sample_rate / 2,
        spec.bands,
        spec.sample_rate,
        norm="slaney",
        mel_scale="slaney",
    )
    return [(spec.n_fft, spec.win_length, filters.T.contiguous())]


def _log_filters(spec: FeatureSpec) -> list[tuple[int, int, Tensor]]:
    """Return triangles of height 1 over the bands each window serves, scaled so that a tone has one power in all."""
    step = 2 ** (1 / BANDS_PER_OCTAVE)
    centres = 440.0 * 2 ** ((LOWEST_NOTE - 69) / 12) * step ** np.arange(spec.bands)
    parts, below = [], 0.0
    for length, until in _WINDOWS:
        served = centres[(centres > below) & (centres <= until)]
        below = until
        bin_hz = spec.sample_rate / length
        bins = np.arange(length // 2 + 1) * bin_hz
        half_hz = np.maximum(served * (step - 1), bin_hz)  # a band is never narrower than the transform's own bins
        filters = np.clip(1 - np.abs(bins[None] - served[:, None]) / half_hz[:, None], 0, None)
        window = np.hanning(length + 1)[:-1]
        filters /= length * np.square(window).sum() / 2
        highest = int(np.flatnonzero(filters.any(axis=0))[-1]) + 1
        parts.append((length, length, torch.from_numpy(filters[:, :highest].astype(np.float32))))
    return parts


def normalise_power(power: Tensor, spec: FeatureSpec, reference: Tensor | None = None) -> Tensor:
    """Turn band power [B, F, frames] into the log features of a "power" spec, about zero mean and unit scale.

    Args:
        power: [B, F, frames].
        spec: Says where features are clipped.
        reference: [B, 1, 1] power that counts as 0 dB; without it each window's mean.
    """
    if reference is None:
        reference = power.mean(dim=(-2, -1), keepdim=True)
    db = 10.0 * torch.log10((power / reference.clamp_min(1e-20)).clamp_min(10.0 ** (spec.floor_db / 10.0)))
    return db / 20.0 + 1.0  # the mean of musical windows lies near -20 dB, their spread near 20 dB


class Frontend(nn.Module):
    """Turn audio into the features of one FeatureSpec."""

    def __init__(self, spec: FeatureSpec) -> None:
        super().__init__()
        self.spec = spec
        self.power = PowerSpectrogram(spec)

    def forward(self, audio: Tensor) -> Tensor:
        """Return features [B, 1, F, frames] of audio[B, T] float32."""
        if self.spec.normalise == "peak":
            audio = audio / audio.abs().amax(dim=-1, keepdim=True).clamp_min(1e-8)
            db = 10.0 * torch.log10(self.power(audio).clamp_min(POWER_FLOOR))
            return db.unsqueeze(1)
        return normalise_power(self.power(audio), self.spec).unsqueeze(1)
