"""Say what a spectrogram is made of, apart from how it is made: library.features needs torch, which loads slowly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["BANDS_PER_OCTAVE", "LOWEST_NOTE", "PAPER_FEATURES", "SILENCE", "TIMBREL_FEATURES", "FeatureSpec"]

SILENCE = -2.0
"""Value of our features where nothing sounds: 60 dB below the mean (see library.features)."""

BANDS_PER_OCTAVE = 24
LOWEST_NOTE = 28
"""MIDI note at the centre of the first band of the "log" scale: a bass guitar's E."""


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
