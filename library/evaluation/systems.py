"""Give every compared system one face: audio in, vectors out."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as f

from library.data.clips import SPECS
from library.encoders.paper import PaperNetwork
from library.encoders.spec import Encoder, MixtureEmbedding
from library.errors import InputError
from library.features import Frontend
from library.index import SoundIndex

__all__ = ["ChanceSystem", "OurSystem", "PaperSystem", "SingleOnMixture", "System"]

_BATCH = 16
_ALWAYS = 0.5


class System(Protocol):
    """Embed single clips and mixtures."""

    name: str
    threshold: float
    general_midi: SoundIndex | None
    """The built-in library with vectors of this system, where there is one."""

    def embed(self, audio: NDArray[np.float32]) -> NDArray[np.float32]:
        """Embed audio[B, T] as unit vectors[B, D]."""
        ...

    def encode(self, audio: NDArray[np.float32]) -> MixtureEmbedding:
        """Encode mixtures audio[B, T]."""
        ...


class OurSystem:
    """Our encoders as they ship."""

    name = "timbrel"

    def __init__(self, encoder: Encoder, general_midi: SoundIndex | None = None) -> None:
        self._encoder = encoder
        self.threshold = encoder.spec.threshold
        self.general_midi: SoundIndex | None = general_midi

    def embed(self, audio: NDArray[np.float32]) -> NDArray[np.float32]:
        """Embed audio[B, T]."""
        return self._encoder.embed(audio)

    def encode(self, audio: NDArray[np.float32]) -> MixtureEmbedding:
        """Encode mixtures audio[B, T]."""
        return self._encoder.encode(audio)


class SingleOnMixture(OurSystem):
    """Our single encoder asked with the mixture: what can be had without a multi encoder."""

    name = "timbrel single on the mixture"

    def encode(self, audio: NDArray[np.float32]) -> MixtureEmbedding:
        """Return one slot a mixture."""
        return MixtureEmbedding(self._encoder.embed(audio)[:, None], np.ones((len(audio), 1), np.float32))


class ChanceSystem:
    """Answer with random vectors, as often as there are slots."""

    name = "chance"
    threshold = _ALWAYS
    general_midi: SoundIndex | None = None

    def __init__(self, dim: int = 192, slots: int = 9) -> None:
        self._rng = np.random.default_rng(0)
        self._dim, self._slots = dim, slots

    def embed(self, audio: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return one random unit vector a clip."""
        return self._draw(len(audio), self._dim)

    def encode(self, audio: NDArray[np.float32]) -> MixtureEmbedding:
        """Return random slots."""
        return MixtureEmbedding(
            self._draw(len(audio), self._slots, self._dim), np.ones((len(audio), self._slots), np.float32)
        )

    def _draw(self, *shape: int) -> NDArray[np.float32]:
        vectors = self._rng.standard_normal(shape).astype(np.float32)
        unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
        return unit


class PaperSystem:
    """The paper's single encoder and its Small multi encoder, as `timbrel train ... --network paper` left them.

    Raises:
        InputError: One of the runs is missing.
    """

    name = "paper's Small"
    threshold = _ALWAYS
    general_midi: SoundIndex | None = None

    def __init__(self, single: Path, multi: Path) -> None:
        first, second = _network_state(single), _network_state(multi)
        self._single = PaperNetwork(len(first["linear2.0.bias"])).eval()
        self._single.load_state_dict(first)
        self._multi = PaperNetwork().eval()
        self._multi.load_state_dict(second)
        self._frontend = Frontend(SPECS[1])

    def embed(self, audio: NDArray[np.float32]) -> NDArray[np.float32]:
        """Embed audio[B, T]."""
        with torch.inference_mode():
            parts = [self._single.embed(batch) for batch in self._features(audio)]
        return np.asarray(f.normalize(torch.cat(parts), dim=-1).numpy())

    def encode(self, audio: NDArray[np.float32]) -> MixtureEmbedding:
        """Encode mixtures audio[B, T]; every slot always answers."""
        with torch.inference_mode():
            parts = [self._multi.slots(batch) for batch in self._features(audio)]
        vectors = f.normalize(torch.cat(parts), dim=-1).numpy()
        return MixtureEmbedding(vectors, np.ones(vectors.shape[:2], np.float32))

    def _features(self, audio: NDArray[np.float32]) -> list[torch.Tensor]:
        from library.training.paper import paper_features

        return [
            paper_features(self._frontend(torch.from_numpy(audio[i : i + _BATCH])))
            for i in range(0, len(audio), _BATCH)
        ]


def _network_state(run: Path) -> dict[str, torch.Tensor]:
    try:
        state: dict[str, torch.Tensor] = torch.load(run / "state.pt", weights_only=True)["modules"]["network"]
    except (OSError, KeyError) as error:
        raise InputError(run, "holds no training run", "run `timbrel train ... --network paper` first") from error
    return state
