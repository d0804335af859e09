"""Run the paper's way from a window to names, as a yardstick: librosa features, its network, its library."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from library.encoders.paper import PAPER_DIM, PaperLarge, PaperNetwork
from library.errors import MissingDependencyError
from library.front_end import PAPER_FEATURES

__all__ = ["PaperPipeline", "PaperSize"]

PaperSize = Literal["small", "large"]


class PaperPipeline:
    """Time what arXiv 2211.07951's released code does for one mixture; the weights are random, the work is the same.

    Args:
        size: "small" or "large".
        library_size: Vectors in the library.

    Raises:
        MissingDependencyError: librosa (or timm, for "large") is not installed.
    """

    def __init__(self, size: PaperSize, library_size: int) -> None:
        try:
            import librosa
        except ImportError as error:
            raise MissingDependencyError(
                "librosa", "is needed to time the paper's pipeline", "pip install 'timbrel[bench]'"
            ) from error
        self._melspectrogram = librosa.feature.melspectrogram
        self._to_db = librosa.power_to_db
        torch.manual_seed(0)
        self._network = (PaperNetwork() if size == "small" else PaperLarge()).eval()
        vectors = np.random.default_rng(0).standard_normal((library_size, PAPER_DIM)).astype(np.float32)
        self._library = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def name(self, audio: NDArray[np.float32]) -> list[int]:
        """Return the nearest library entry of each of the nine slots for audio[T]."""
        spec = PAPER_FEATURES
        mel = self._melspectrogram(
            y=audio / max(1e-8, float(np.abs(audio).max())),
            sr=spec.sample_rate,
            n_fft=spec.n_fft,
            win_length=spec.win_length,
            hop_length=spec.hop_length,
            n_mels=spec.bands,
        )
        features = torch.from_numpy(self._to_db(mel, ref=1.0).astype(np.float32))
        with torch.inference_mode():
            slots = self._network.slots(features[None, None])[0].numpy()
        slots = slots / np.linalg.norm(slots, axis=1, keepdims=True)
        return [int(np.argmax(self._library @ slot)) for slot in slots]
