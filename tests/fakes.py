"""Provide small real implementations of the project's Protocols."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from library.encoders.spec import EncoderSpec, MixtureEmbedding
from library.features import TIMBREL_FEATURES

__all__ = ["SpectrumEncoder"]

_BANDS = 32


class SpectrumEncoder:
    """Embed audio as its average spectrum: deterministic, instant, and enough to tell tones apart.

    The first slot is the whole mixture, present when there is energy; the other slots are empty.
    """

    def __init__(self, slots: int = 3, threshold: float = 0.5, fingerprint: str = "f" * 64) -> None:
        self._spec = EncoderSpec("spectrum", _BANDS, slots, TIMBREL_FEATURES, 5.0, threshold, fingerprint)

    @property
    def spec(self) -> EncoderSpec:
        return self._spec

    def embed(self, audio: NDArray[np.float32]) -> NDArray[np.float32]:
        power = np.abs(np.fft.rfft(audio, axis=-1)) ** 2
        edges = np.geomspace(1, power.shape[-1] - 1, _BANDS + 1).astype(int)
        bands = np.stack([power[:, a : max(b, a + 1)].mean(axis=-1) for a, b in zip(edges, edges[1:], strict=False)], -1)
        vectors = np.log1p(bands) + 1e-3
        out: NDArray[np.float32] = (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)
        return out

    def encode(self, audio: NDArray[np.float32]) -> MixtureEmbedding:
        whole = self.embed(audio)
        vectors = np.repeat(whole[:, None, :], self._spec.slots, axis=1)
        presence = np.zeros((len(audio), self._spec.slots), np.float32)
        presence[:, 0] = np.where(np.abs(audio).max(axis=-1) > 1e-3, 0.95, 0.05)
        return MixtureEmbedding(vectors, presence)
