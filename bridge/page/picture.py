"""Draw the window that is being heard, as the encoder's own front end sees it."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray

from library.audio import level_db
from library.cores import one_core
from library.encoders.spec import EncoderSpec, MixtureEmbedding, MixtureStream, MultiEncoder, stream_of
from library.front_end import BANDS_PER_OCTAVE, LOWEST_NOTE, SILENCE, FeatureSpec

__all__ = ["Picture", "Tap"]

ROWS, COLUMNS = 90, 80
"""Size of the picture at most: what a second screen can show of it, 10 kB a window."""

_LOUDEST = 2.0
"""Feature that is drawn brightest: 20 dB over the mean of the window."""

_MARKS_HZ = (100, 300, 1000, 3000)


class Tap:
    """Stand before an encoder and keep what it hears; the engine thread writes, any thread reads.

    Args:
        encoder: Does the work.
    """

    def __init__(self, encoder: MultiEncoder) -> None:
        self._encoder = encoder
        self.window: NDArray[np.float32] | None = None
        """The newest window [T], 16 kHz mono; nobody writes to it again."""
        self._stream: MixtureStream | None = None

    @property
    def spec(self) -> EncoderSpec:
        """What the encoder is."""
        return self._encoder.spec

    def encode(self, audio: NDArray[np.float32]) -> MixtureEmbedding:
        """Encode audio[B, T]; keeps a reference to the first."""
        self.window = audio[0]
        return self._encoder.encode(audio)

    def stream(self) -> MixtureStream:
        """Begin a stream whose windows are kept as well."""
        self._stream = _TappedStream(self, stream_of(self._encoder))
        return self._stream

    def features(self) -> NDArray[np.float32] | None:
        """Return the features [F, frames] of the newest window, None before it; may take some 5 ms of one core."""
        seen = None if self._stream is None else self._stream.features()
        if seen is not None or self.window is None:
            return seen
        import torch

        from library.features import Frontend

        with torch.inference_mode(), one_core():
            return np.asarray(Frontend(self.spec.features)(torch.from_numpy(self.window)[None])[0, 0].numpy())

    def levels(self, hop_s: float) -> tuple[float, float]:
        """Return RMS and peak of the newest hop in dBFS."""
        window = self.window if self.window is not None else np.zeros(1, np.float32)
        newest = window[-max(1, round(hop_s * self.spec.features.sample_rate)) :]
        peak = float(np.abs(newest).max(initial=0.0))
        return level_db(newest), 20.0 * float(np.log10(max(peak, 1e-6)))


class _TappedStream:
    def __init__(self, tap: Tap, stream: MixtureStream) -> None:
        self._tap, self._stream = tap, stream

    def encode(self, audio: NDArray[np.float32], start: int) -> MixtureEmbedding:
        self._tap.window = audio
        return self._stream.encode(audio, start)

    def news(self, audio: NDArray[np.float32], start: int, present: float) -> float:
        self._tap.window = audio
        return self._stream.news(audio, start, present)

    def features(self) -> NDArray[np.float32] | None:
        return self._stream.features()


class Picture:
    """Turn the features of windows into small pictures.

    Args:
        spec: Their front end.
    """

    def __init__(self, spec: FeatureSpec) -> None:
        self._spec = spec

    def draw(self, features: NDArray[np.float32]) -> dict[str, Any]:  # Any: what JSON can hold
        """Draw features[F, frames].

        Returns:
            rows, columns and their bytes in base64, row by row from the lowest band, 0 = silence; marks = rows of some
            frequencies in Hz.
        """
        low, high = (SILENCE, _LOUDEST) if self._spec.normalise == "power" else (features.min(), features.max())
        small = _shrink(_shrink(features, ROWS).T, COLUMNS).T
        shades = np.clip((small - low) / max(high - low, 1e-9) * 255.0, 0.0, 255.0).astype(np.uint8)
        return {
            "rows": shades.shape[0],
            "columns": shades.shape[1],
            "data": base64.b64encode(shades.tobytes()).decode("ascii"),
            "marks": self._marks(features.shape[0], shades.shape[0]),
        }

    def _marks(self, bands: int, rows: int) -> list[list[float]]:
        """Return [Hz, row] of the frequencies that are written beside the picture; none for a mel scale."""
        if self._spec.scale != "log":
            return []
        lowest_hz = 440.0 * 2 ** ((LOWEST_NOTE - 69) / 12)
        places = [(hz, BANDS_PER_OCTAVE * float(np.log2(hz / lowest_hz)) * rows / bands) for hz in _MARKS_HZ]
        return [[hz, round(row, 1)] for hz, row in places if 0 <= row < rows]


def _shrink(values: NDArray[np.float32], most: int) -> NDArray[np.float32]:
    """Take the maximum over groups of rows of values[N, M], so that at most `most` are left."""
    group = -(-len(values) // most)
    return np.maximum.reduceat(values, np.arange(0, len(values), group), axis=0)
