"""Choose what runs are validated on: the same clips and mixtures each time."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from library.data.clips import DRUMS, PHRASE, ClipStore
from library.data.mixing import MixConfig, Mixer, MixtureBatch
from library.features import normalise_power

__all__ = ["VALIDATION_MIXTURES", "feature_batches", "mixture_truth", "validation_mixtures", "validation_rows"]

VALIDATION_MIXTURES = 240
VALIDATION_CLIPS = 26
_BATCH = 32


def validation_mixtures(valid: ClipStore, count: int = VALIDATION_MIXTURES) -> list[MixtureBatch]:
    """Draw the same clean mixtures of 2-9 validation instruments each time."""
    clean = MixConfig(
        min_sources=2,
        gain_db=(-3.0, 3.0),
        drums=0.0,
        noise=0.0,
        entry=0.0,
        effects=0.0,
        sampled=None,
        level_db=0.0,
        empty=0.0,
    )
    mixer = Mixer(valid, clean, seed=1)
    return [mixer.mixtures(_BATCH) for _ in range(count // _BATCH)]


def mixture_truth(mixes: list[MixtureBatch], classes: int) -> NDArray[np.bool_]:
    """Return which of the instruments are in each mixture: [M, C]."""
    labels = torch.cat([mix.label for mix in mixes]).numpy()
    truth = np.zeros((len(labels), classes), bool)
    for row, found in enumerate(labels):
        truth[row, found[found >= 0]] = True
    return truth


def validation_rows(store: ClipStore) -> NDArray[np.int64]:
    """Return the clips that validation embeds: the first phrases of each instrument."""
    rows = [np.flatnonzero((store.label == c) & (store.kind == PHRASE)) for c in range(len(store.instruments))]
    return np.concatenate([found[:VALIDATION_CLIPS] for found in rows])


def feature_batches(store: ClipStore, rows: NDArray[np.int64]) -> list[Tensor]:
    """Return the features of clips of a store, in batches [B, 1, F, frames]."""
    if (store.kind[rows] == DRUMS).any():
        raise ValueError("percussion has no instrument")
    parts = [torch.from_numpy(store.amplitude[rows[i : i + _BATCH]]).float() for i in range(0, len(rows), _BATCH)]
    return [normalise_power(part.square(), store.spec).unsqueeze(1) for part in parts]
