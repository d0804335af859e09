"""Give every compared system one face: audio in, vectors out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as f

from library.data.clips import SPECS
from library.encoders.paper import PAPER_DIM, PAPER_SLOTS, PaperLarge, PaperNetwork
from library.encoders.released import ReleasedKind, load_released
from library.encoders.spec import Encoder, MixtureEmbedding
from library.errors import InputError
from library.features import Frontend
from library.front_end import PAPER_FEATURES
from library.hubs import Cohort
from library.index import SoundIndex
from library.naming import SetRule

__all__ = ["ChanceSystem", "OurSystem", "PaperSystem", "SingleOnMixture", "System"]

_BATCH = 16
_ALWAYS = 0.5


class System(Protocol):
    """Embed single clips and mixtures."""

    name: str
    threshold: float
    rule: SetRule | None
    """How sets are named; None for the nearest of each slot, as in the paper."""

    cohort: Cohort
    """Corrects for hubs, where the system knows how (see library.hubs)."""

    general_midi: SoundIndex | None
    """The built-in library with vectors of this system, where there is one."""

    single: str
    """Which single encoder it has: what two systems share is measured once."""

    def embed(self, audio: NDArray[np.float32]) -> NDArray[np.float32]:
        """Embed audio[B, T] as unit vectors[B, D]."""
        ...

    def encode(self, audio: NDArray[np.float32]) -> MixtureEmbedding:
        """Encode mixtures audio[B, T]."""
        ...


class OurSystem:
    """Our encoders as they ship."""

    name = "timbrel"
    single = "timbrel"

    def __init__(self, encoder: Encoder, general_midi: SoundIndex | None = None) -> None:
        self._encoder = encoder
        self.threshold = encoder.spec.threshold
        self.rule: SetRule | None = encoder.spec.rule
        self.cohort: Cohort = encoder.spec.cohort
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

    def __init__(self, encoder: Encoder, general_midi: SoundIndex | None = None) -> None:
        super().__init__(encoder, general_midi)
        self.rule = self.cohort = None

    def encode(self, audio: NDArray[np.float32]) -> MixtureEmbedding:
        """Return one slot a mixture."""
        return MixtureEmbedding(self._encoder.embed(audio)[:, None], np.ones((len(audio), 1), np.float32))


class ChanceSystem:
    """Answer with random vectors, as often as there are slots."""

    name = single = "chance"
    threshold = _ALWAYS
    rule: SetRule | None = None
    cohort: Cohort = None
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
    """The paper's single encoder and one of its multi encoders.

    Args:
        single: Run of `timbrel train single --network paper`, or a file that `timbrel weights import` wrote.
        multi: The same for the multi encoder.

    Raises:
        InputError: One of them is missing or is something else.
    """

    name = "paper's Small"
    single = "paper's"
    threshold = _ALWAYS
    rule: SetRule | None = None
    cohort: Cohort = None
    general_midi: SoundIndex | None = None

    def __init__(self, single: Path, multi: Path) -> None:
        self._single = _PaperPart(single)
        self._multi = _PaperPart(multi)
        if self._multi.kind == "large":
            self.name = "paper's Large"
        if self._single.kind != "single" or self._multi.kind == "single":
            raise InputError(f"{single}, {multi}", "must be a single and a multi encoder", "give them in this order")

    def embed(self, audio: NDArray[np.float32]) -> NDArray[np.float32]:
        """Embed audio[B, T]."""
        with torch.inference_mode():
            parts = [self._single.network.embed(batch) for batch in self._single.features(audio)]
        return np.asarray(f.normalize(torch.cat(parts), dim=-1).numpy())

    def encode(self, audio: NDArray[np.float32]) -> MixtureEmbedding:
        """Encode mixtures audio[B, T]; every slot always answers."""
        with torch.inference_mode():
            parts = [
                self._multi.network(batch).view(-1, PAPER_SLOTS, PAPER_DIM) for batch in self._multi.features(audio)
            ]
        vectors = f.normalize(torch.cat(parts), dim=-1).numpy()
        return MixtureEmbedding(vectors, np.ones(vectors.shape[:2], np.float32))


class _PaperPart:
    """One of the paper's networks with the front end that it was trained on."""

    def __init__(self, path: Path) -> None:
        self.network: Any  # Any: timm's ConvNeXt, or PaperNetwork
        if path.is_dir() or not path.exists():
            state = _network_state(path)
            self.kind: ReleasedKind = _kind(state)
            network = PaperLarge() if self.kind == "large" else PaperNetwork(len(state["linear2.0.bias"]))
            network.load_state_dict(state)
            self.network = (network.net if isinstance(network, PaperLarge) else network).eval()
            self._frontend = Frontend(SPECS[1])
        else:
            self.kind, self.network = load_released(path)
            self._frontend = Frontend(PAPER_FEATURES)

    def features(self, audio: NDArray[np.float32]) -> Iterator[torch.Tensor]:
        """Yield what the network sees of audio[B, T], batch by batch."""
        from library.training.paper import paper_features

        for start in range(0, len(audio), _BATCH):
            found = self._frontend(torch.from_numpy(audio[start : start + _BATCH]))
            yield paper_features(found) if self._frontend.spec.normalise == "power" else found


def _kind(state: Mapping[str, torch.Tensor]) -> ReleasedKind:
    if not any(key.startswith("linear2.") for key in state):
        return "large"
    return "small" if len(state["linear2.0.bias"]) == PAPER_SLOTS * PAPER_DIM else "single"


def _network_state(run: Path) -> dict[str, torch.Tensor]:
    try:
        state: dict[str, torch.Tensor] = torch.load(run / "state.pt", weights_only=True)["modules"]["network"]
    except (OSError, KeyError) as error:
        raise InputError(run, "holds no training run", "run `timbrel train ... --network paper` first") from error
    return state
