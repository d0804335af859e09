"""Make small clip stores: instruments that differ in their spectrum."""

from __future__ import annotations

import numpy as np

from library.data.clips import BANK, CELLS, DRUMS, FRAMES, ONE_SHOT, PHRASE, ROWS, ClipStore
from library.data.instruments import Instrument
from library.front_end import TIMBREL_FEATURES, FeatureSpec

__all__ = ["small_store"]


def small_store(classes: int = 10, clips: int = 9, seed: int = 0, spec: FeatureSpec = TIMBREL_FEATURES) -> ClipStore:
    rng = np.random.default_rng(seed)
    bands = spec.bands
    colour = rng.random((classes, 1, bands, 1)) ** 6
    amplitude = (colour * (0.2 + rng.random((classes, clips, bands, FRAMES)))).reshape(-1, bands, FRAMES)
    together = np.concatenate([amplitude, rng.random((4, bands, FRAMES))])
    together /= np.sqrt(np.square(together).mean(axis=(1, 2), keepdims=True))
    notes = (rng.random((len(together), ROWS, CELLS)) < 0.1).astype(np.uint8)
    notes[-4:] = 0
    kinds = np.tile(np.resize([PHRASE, PHRASE, BANK, ONE_SHOT], clips), classes)
    return ClipStore(
        together.astype(np.float16),
        notes,
        np.concatenate([np.repeat(np.arange(classes), clips), np.full(4, -1)]).astype(np.int64),
        np.concatenate([kinds, np.full(4, DRUMS)]).astype(np.int64),
        np.full(len(together), -1, np.int64),
        tuple(
            Instrument(f"test:{i}", f"Test {i}", "soundfont", "", 0, i, "keyboard", 40, 80, True)
            for i in range(classes)
        ),
        spec,
    )
