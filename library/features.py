"""Turn audio into spectrograms: the only ones in the project, one frozen FeatureSpec each."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as f
from torchaudio.functional import melscale_fbanks

from library.front_end import BANDS_PER_OCTAVE, LOWEST_NOTE, FeatureSpec

__all__ = ["Frontend", "PowerSpectrogram", "normalise_power"]

POWER_FLOOR = 1e-10
"""Power below which power_to_db clips (librosa's amin, which the paper's front end keeps)."""

_WINDOWS = ((4096, 600.0), (2048, 2400.0), (1024, 8000.0))
"""Window lengths of the "log" scale and the frequency up to which each serves: long enough below to part semitones,
short enough above to keep attacks."""

_THINNED, _TAPS = 8, 136
"""Of a stream the low bands are told from one sample in so many, behind a low-pass filter that is as long: that takes
half of the time. It leaves out 105 dB from where bands would be folded back."""

_THINNED_TO = 0.65
"""Part of the highest frequency that is left up to which bands may lie."""


class PowerSpectrogram(nn.Module):
    """Compute band powers; "mel" as librosa.feature.melspectrogram does (centred, zero-padded, power 2, Slaney)."""

    def __init__(self, spec: FeatureSpec) -> None:
        super().__init__()
        self.spec = spec
        parts = _mel_filters(spec) if spec.scale == "mel" else _log_filters(spec)
        self._lengths = [(n_fft, win_length) for n_fft, win_length, _ in parts]
        self.longest = max(n_fft for n_fft, _ in self._lengths)
        """Samples of the longest transform: a frame's audio extends half of it to both sides."""
        for i, (n_fft, win_length, filters) in enumerate(parts):
            window = torch.hann_window(win_length)
            self.register_buffer(f"window{i}", window, persistent=False)
            self.register_buffer(f"filters{i}", filters, persistent=False)
            edge = (n_fft - win_length) // 2
            padded = f.pad(window, (edge, n_fft - win_length - edge))
            self.register_buffer(f"weights{i}", padded, persistent=False)
            # A bin's power is the sum of two squares: each counts for the bands.
            self.register_buffer(f"pairs{i}", filters.repeat_interleave(2, dim=1), persistent=False)
            self.register_buffer(f"thinned{i}", _THINNED * padded[::_THINNED], persistent=False)
        self._is_thinned = [_can_be_thinned(n_fft, filters.shape[1], spec) for n_fft, _, filters in parts]
        self.register_buffer("low_pass", _low_pass().view(-1, _THINNED).T.contiguous(), persistent=False)

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

    def of_piece(self, audio: Tensor) -> Tensor:
        """Return band power [F, n], within .001 dB of forward()'s, of the frames that lie in a piece of audio[T] whole.

        The first frame's middle lies half of the longest transform behind its beginning.
        """
        audio = audio[: len(audio) - (len(audio) - self.longest) % self.spec.hop_length]
        found = []
        for i, (n_fft, _) in enumerate(self._lengths):
            filters, edge, hop = self.get_buffer(f"pairs{i}"), (self.longest - n_fft) // 2, self.spec.hop_length
            if self._is_thinned[i]:
                around = self._thin(audio)[edge // _THINNED :]
                frames = around.unfold(0, n_fft // _THINNED, hop // _THINNED) * self.get_buffer(f"thinned{i}")
            else:
                frames = audio[edge : len(audio) - edge].unfold(0, n_fft, hop) * self.get_buffer(f"weights{i}")
            spectrum = torch.fft.rfft(frames)
            parts = torch.view_as_real(spectrum[:, : filters.shape[1] // 2]).flatten(1)
            found.append(f.linear(filters, parts.square()))
        return torch.cat(found)

    def _thin(self, audio: Tensor) -> Tensor:
        """Return one sample in _THINNED of what a low-pass filter leaves of audio[T]."""
        before = _TAPS // 2 - 1
        by_phase = f.pad(audio, (before, _TAPS - before)).view(-1, _THINNED) @ self.get_buffer("low_pass")
        rows = _TAPS // _THINNED
        return by_phase.as_strided((len(audio) // _THINNED, rows), (rows, rows + 1)).sum(dim=1)


def _can_be_thinned(n_fft: int, bins: int, spec: FeatureSpec) -> bool:
    """Tell whether all bins that bands are told from stay below what thinning folds back."""
    fits = n_fft % _THINNED == spec.hop_length % _THINNED == 0
    return fits and bins / n_fft <= _THINNED_TO * 0.5 / _THINNED


def _low_pass() -> Tensor:
    """Return the taps [_TAPS] of a filter (Kaiser window) that leaves what one sample in _THINNED can tell."""
    count = _TAPS - 1  # an odd number has a middle
    at = np.arange(count) - count // 2
    taps = np.sinc(at / _THINNED) * np.kaiser(count, 10.06)
    return torch.from_numpy(np.append(taps / taps.sum(), 0.0).astype(np.float32))


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
