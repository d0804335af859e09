"""Turn audio into spectrograms: the only ones in the project, one frozen FeatureSpec each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torchaudio.functional import melscale_fbanks

__all__ = ["PAPER_FEATURES", "TIMBREL_FEATURES", "FeatureSpec", "Frontend", "PowerMel", "normalise_power"]

POWER_FLOOR = 1e-10
"""Power below which power_to_db clips (librosa's amin, which the paper's front end keeps)."""


@dataclass(frozen=True, slots=True)
class FeatureSpec:
    """Describe a log-mel front end.

    Attributes:
        sample_rate: Hz.
        n_fft: Length of the Fourier transform in samples.
        win_length: Length of the Hann window in samples.
        hop_length: Step between spectrogram frames in samples.
        n_mels: Number of mel bands F (Slaney scale and norm, as librosa).
        f_min: Lower edge of the lowest band in Hz.
        f_max: Upper edge of the highest band in Hz.
        normalise: "peak" divides the audio by its largest sample (the paper); "power" divides the mel power by its mean
            over the window, which makes features independent of level and lets mixtures be made in the power domain.
        floor_db: With "power": bands this far below the mean are clipped.
    """

    sample_rate: int = 16_000
    n_fft: int = 2048
    win_length: int = 1024
    hop_length: int = 512
    n_mels: int = 128
    f_min: float = 0.0
    f_max: float = 8_000.0
    normalise: Literal["peak", "power"] = "power"
    floor_db: float = -60.0

    def frames(self, samples: int) -> int:
        """Return the number of spectrogram frames of that many samples (centred, as librosa)."""
        return 1 + samples // self.hop_length


PAPER_FEATURES = FeatureSpec(normalise="peak")
"""Front end of arXiv 2211.07951 as released: log-mel in dB, ref 1.0, of peak-normalised audio."""

TIMBREL_FEATURES = FeatureSpec(normalise="power")
"""Front end of our encoders: the paper's mel power, normalised by power instead of peak."""


class PowerMel(nn.Module):
    """Compute mel power spectrograms as librosa.feature.melspectrogram does (centred, zero-padded, power 2, Slaney)."""

    window: Tensor
    filters: Tensor

    def __init__(self, spec: FeatureSpec) -> None:
        super().__init__()
        self.spec = spec
        self.register_buffer("window", torch.hann_window(spec.win_length), persistent=False)
        filters = melscale_fbanks(
            spec.n_fft // 2 + 1,
            spec.f_min,
            spec.f_max,
            spec.n_mels,
            spec.sample_rate,
            norm="slaney",
            mel_scale="slaney",
        )
        self.register_buffer("filters", filters.T.contiguous(), persistent=False)

    def forward(self, audio: Tensor) -> Tensor:
        """Return mel power [B, F, frames] of audio[B, T] float32."""
        spec = self.spec
        spectrum = torch.stft(
            audio,
            spec.n_fft,
            spec.hop_length,
            spec.win_length,
            self.window,
            center=True,
            pad_mode="constant",
            return_complex=True,
        )
        power = spectrum.real.square() + spectrum.imag.square()  # [B, bins, frames]
        return torch.matmul(self.filters, power)


def normalise_power(power: Tensor, spec: FeatureSpec) -> Tensor:
    """Turn mel power [B, F, frames] into the log features of a "power" spec, about zero mean and unit scale."""
    mean = power.mean(dim=(-2, -1), keepdim=True).clamp_min(1e-20)
    db = 10.0 * torch.log10((power / mean).clamp_min(10.0 ** (spec.floor_db / 10.0)))
    return db / 20.0 + 1.0  # the mean of musical windows lies near -20 dB, their spread near 20 dB


class Frontend(nn.Module):
    """Turn audio into the features of one FeatureSpec."""

    def __init__(self, spec: FeatureSpec) -> None:
        super().__init__()
        self.spec = spec
        self.power_mel = PowerMel(spec)

    def forward(self, audio: Tensor) -> Tensor:
        """Return features [B, 1, F, frames] of audio[B, T] float32."""
        if self.spec.normalise == "peak":
            audio = audio / audio.abs().amax(dim=-1, keepdim=True).clamp_min(1e-8)
            db = 10.0 * torch.log10(self.power_mel(audio).clamp_min(POWER_FLOOR))
            return db.unsqueeze(1)
        return normalise_power(self.power_mel(audio), self.spec).unsqueeze(1)
