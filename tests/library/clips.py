"""Make small clip stores: instruments that differ in their spectrum."""

from __future__ import annotations

import numpy as np

from library.data.clips import BANK, DRUMS, ONE_SHOT, PHRASE, ClipStore
from library.data.instruments import Instrument

__all__ = ["small_store"]


def small_store(classes: int = 10, clips: int = 9, frames: int = 157, seed: int = 0) -> ClipStore:
    rng = np.random.default_rng(seed)
    colour = rng.random((classes, 1, 128, 1)) ** 6
    amplitude = (colour * (0.2 + rng.random((classes, clips, 128, frames)))).reshape(-1, 128, frames)
    drums = rng.random((4, 128, frames))
    together = np.concatenate([amplitude, drums])
    together /= np.sqrt(np.square(together).mean(axis=(1, 2), keepdims=True))
    kinds = np.tile(np.resize([PHRASE, PHRASE, BANK, ONE_SHOT], clips), classes)
    return ClipStore(
        together.astype(np.float16),
        np.concatenate([np.repeat(np.arange(classes), clips), np.full(4, -1)]).astype(np.int64),
        np.concatenate([kinds, np.full(4, DRUMS)]).astype(np.int64),
        tuple(
            Instrument(f"test:{i}", f"Test {i}", "soundfont", "", 0, i, "keyboard", 40, 80, True)
            for i in range(classes)
        ),
    )
