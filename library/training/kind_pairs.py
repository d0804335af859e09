"""Draw pairs of presets of one family that play the same notes, so that what lies between them is of the family too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from library.data.clips import ClipStore
from library.data.mixing import MixConfig, Mixer
from library.training.kinds import KINDS, NO_KIND

__all__ = ["KindPairs"]

SAME_PROGRAM = 0.5
"""Share of the pairs whose presets are of one General MIDI program, where there are two of it."""

CHANGED = 0.5
"""Share of what lies between that is changed as other makers' might sound, too."""


class KindPairs:
    """Draw windows between two presets.

    Args:
        store: Clips of library.data.unison.
        known: Names of the kinds of each grouping, by their numbers (KindLabels.known).
        rng: Draws them.
        device: Where power is mixed.
    """

    def __init__(
        self, store: ClipStore, known: Mapping[str, tuple[str, ...]], rng: np.random.Generator, device: str = "cpu"
    ) -> None:
        self._rng = rng
        self._mixer = Mixer(store, MixConfig(), rng, device)
        self._device = device
        self._of = {name: _numbers(known[name], map(of, store.instruments)) for name, of in KINDS.items()}
        family, self._program = (self._of[name] for name in KINDS)
        self._families = [np.flatnonzero(family == kind) for kind in np.unique(family[family != NO_KIND])]
        self._families = [presets for presets in self._families if len(presets) > 1]
        parts = int(store.part.max()) + 1
        self._row = np.full((len(store.instruments), parts), -1, np.int64)
        self._row[store.label, store.part] = np.arange(len(store.label))

    def draw(self, count: int) -> tuple[Tensor, dict[str, Tensor]]:
        """Return features[count, 1, F, frames] and the numbers [count] of their kinds, by grouping."""
        pairs = np.array([self._pair() for _ in range(count)])
        one, other = pairs[:, 0], pairs[:, 1]
        features = self._mixer.between(self._row[one, pairs[:, 2]], self._row[other, pairs[:, 2]], CHANGED)
        kinds = {name: np.where(of[one] == of[other], of[one], NO_KIND) for name, of in self._of.items()}
        return features, {name: torch.from_numpy(kind).to(self._device) for name, kind in kinds.items()}

    def _pair(self) -> tuple[int, int, int]:
        """Draw two presets and the number of a phrase that both play: each family as often."""
        rng = self._rng
        while True:
            presets = self._families[int(rng.integers(len(self._families)))]
            one = int(rng.choice(presets))
            others = presets[presets != one]
            alike = others[(self._program[others] == self._program[one]) & (self._program[one] != NO_KIND)]
            other = int(rng.choice(alike if len(alike) and rng.random() < SAME_PROGRAM else others))
            both = np.flatnonzero((self._row[one] >= 0) & (self._row[other] >= 0))
            if len(both):
                return one, other, int(rng.choice(both))


def _numbers(known: Sequence[str], kinds: Iterable[str]) -> NDArray[np.int64]:
    return np.array([known.index(kind) if kind in known else NO_KIND for kind in kinds])
