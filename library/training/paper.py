"""Train the paper's own networks on the same clips, for comparison (arXiv 2211.07951, section 3)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as f

from library.data.clips import ClipStore
from library.data.mixing import MixConfig, Mixer
from library.encoders.blocks import channels_last
from library.encoders.paper import PAPER_DIM, PaperLarge, PaperNetwork
from library.evaluation.protocols import mixture_scores, single_scores
from library.training.config import TrainConfig
from library.training.losses import permutation_invariant_loss
from library.training.tasks import half
from library.training.validation import feature_batches, mixture_truth, validation_mixtures, validation_rows

__all__ = ["PaperMultiTask", "PaperSingleTask", "paper_features"]

_CLEAN = MixConfig(min_sources=2, drums=0.0, noise=0.0, songs=0.0, entry=0.0, empty=0.0, effects=0.0, level_db=0.0)
"""The paper's random mixes: clean sums of 2-9 clips."""


def paper_features(features: Tensor) -> Tensor:
    """Turn our features back into decibels, which is what the paper's networks see.

    The level is set by power where the paper sets it by peak: a constant apart per window.
    """
    return (features - 1.0) * 20.0


class PaperSingleTask:
    """Train the paper's Single-Instrument Encoder as a classifier."""

    def __init__(self, train: ClipStore, valid: ClipStore, config: TrainConfig) -> None:
        torch.manual_seed(config.seed)
        self._config, self._valid = config, valid
        self.network = channels_last(PaperNetwork(len(train.instruments)))
        self.modules: dict[str, nn.Module] = {"network": self.network}
        self._mixer = Mixer(train, _CLEAN, config.seed)
        self.rng = self._mixer.rng

    def loss(self, done: float) -> tuple[Tensor, dict[str, float]]:  # noqa: ARG002 - part of the Protocol
        """Draw single clips and classify them."""
        drawn = self._mixer.singles(self._config.batch)
        with half("cpu"):
            logits = self.network(paper_features(drawn.features))
        loss = f.cross_entropy(logits.float(), drawn.label)
        return loss, {"single": float(loss.detach())}

    def validate(self) -> dict[str, float]:
        """Return EER and top-1 on validation instruments."""
        rows = validation_rows(self._valid)
        return single_scores(self.embed_rows(self._valid, rows), self._valid.label[rows], np.random.default_rng(0))

    def embed_rows(self, store: ClipStore, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Embed clips of a store as unit vectors[N, 1024]."""
        self.network.eval()
        with torch.inference_mode(), half("cpu"):
            parts = [self.network.embed(paper_features(batch)).float() for batch in feature_batches(store, rows)]
        return f.normalize(torch.cat(parts), dim=-1).numpy()


class PaperMultiTask:
    """Train the paper's Small or Large Multi-Instrument Encoder on random mixes, towards the single's embeddings."""

    def __init__(
        self,
        train: ClipStore,
        valid: ClipStore,
        config: TrainConfig,
        single: PaperSingleTask,
        network: PaperNetwork | PaperLarge,
        cache: Path,
    ) -> None:
        self._config, self._valid, self._single = config, valid, single
        self.network = channels_last(network)
        self.modules: dict[str, nn.Module] = {"network": self.network}
        self._mixer = Mixer(train, _CLEAN, config.seed)
        self.rng = self._mixer.rng
        self._mixes = validation_mixtures(valid)
        if not cache.exists():
            melodic = np.flatnonzero(train.label >= 0)
            targets = np.zeros((len(train.label), PAPER_DIM), np.float16)
            for start in range(0, len(melodic), 512):
                rows = melodic[start : start + 512]
                targets[rows] = single.embed_rows(train, rows)
            np.save(cache, targets)
        self._targets = np.load(cache, mmap_mode="r")

    def loss(self, done: float) -> tuple[Tensor, dict[str, float]]:  # noqa: ARG002 - part of the Protocol
        """Draw mixtures; the distance of the slots to the embeddings of their clips."""
        drawn = self._mixer.mixtures(self._config.batch)
        targets = torch.from_numpy(self._targets[drawn.rows.numpy()]).float()
        with half("cpu"):
            slots = self.network.slots(paper_features(drawn.features))
        loss = permutation_invariant_loss(slots.float(), targets, drawn.label >= 0)
        return loss, {"distance": float(loss.detach())}

    def validate(self) -> dict[str, float]:
        """Return the figures of mixtures of validation instruments."""
        self.network.eval()
        with torch.inference_mode():
            parts = [self.network.slots(paper_features(mix.features)) for mix in self._mixes]
        vectors = f.normalize(torch.cat(parts), dim=-1).numpy()
        first = np.array([np.flatnonzero(self._valid.label == c)[0] for c in range(len(self._valid.instruments))])
        truth = mixture_truth(self._mixes, len(self._valid.instruments))
        library = self._single.embed_rows(self._valid, first)
        scores = mixture_scores(vectors, np.ones(vectors.shape[:2], np.float32), 0.5, library, truth)
        return {"map": scores.map_macro, "f1": scores.f1_macro, "count": scores.count_error, "three": scores.top1}
