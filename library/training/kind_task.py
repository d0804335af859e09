"""Train what hears of which kind an instrument by itself is.

Few makers of each General MIDI program are free to train on: most clips are changed as other makers' might sound, and
stripes of time and of bands are cut out (SpecAugment, arXiv 1904.08779), so that no single trait of a maker is enough.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as f

from library.data.clips import ClipStore
from library.data.instruments import Instrument
from library.data.mixing import MixConfig, Mixer
from library.encoders.blocks import channels_last
from library.encoders.kind_network import KindNetwork
from library.encoders.network import NetworkConfig
from library.front_end import SILENCE
from library.training.config import TrainConfig
from library.training.kinds import KINDS, NO_KIND, KindLabels
from library.training.tasks import Prototypes, half
from library.training.validation import feature_batches, validation_rows

__all__ = ["KindTask"]

PATCHES = 0.35
"""Share of the clips that patches of synthesisers play, whose names tell no more than a family."""

OTHER_MAKERS = 0.7
"""Share of the clips that are changed as other makers' might sound."""

CUT_SHARE, CUT_FRAMES, CUT_BANDS = 0.4, 50, 30
"""Share of the clips that a stripe is cut out of, of time and of bands, and its greatest width."""

SMOOTHED = 0.1
"""Part of each answer that is shared out among all."""

INSTRUMENT_WEIGHT = 0.3
"""Of the loss on which instrument it is, beside 1 of each on its kind: what tells makers apart tells kinds apart."""

PLACED_BY = 12
"""Clips of an instrument by which directions are placed when a network has learnt before."""

INSTRUMENTS = "instruments"
_FIRST = 5


class KindTask:
    """Learn the families and General MIDI programs of training instruments from single clips.

    Args:
        train: Clips to learn from.
        valid: Clips of other makers' presets, which validation asks with.
        config: Its batch, scale, seed.
        device: "cpu" or "cuda".
        start: What was learnt before; None or a new network to begin anew.
        known: More presets of known kinds to learn from (library.data.known), if there are any.
    """

    def __init__(
        self,
        train: ClipStore,
        valid: ClipStore,
        config: TrainConfig,
        device: str = "cpu",
        start: KindNetwork | None = None,
        known: ClipStore | None = None,
    ) -> None:
        torch.manual_seed(config.seed)
        self._config, self._valid, self._device = config, valid, torch.device(device)
        sizes = NetworkConfig()
        network = KindNetwork(sizes.kinds, sizes.kind_widths)
        network.reset()
        if start is not None and start.is_trained:
            network.load_state_dict(start.state_dict())
        self.network = channels_last(network.to(device))
        self._stores = (train,) if known is None else (train, known)
        presets = [row for store in self._stores for row in store.instruments]
        self._labels = KindLabels.read(presets, device)
        counts = {**{name: len(kinds) for name, kinds in self._labels.known.items()}, INSTRUMENTS: len(presets)}
        self._directions = {name: Prototypes(count, sizes.kinds).to(device) for name, count in counts.items()}
        if start is not None and start.is_trained:
            self._place()
        self.modules: dict[str, nn.Module] = {"kind_network": self.network, **self._directions}
        self.rng = np.random.default_rng(config.seed)
        self._mixers = [Mixer(store, MixConfig(), self.rng, device) for store in self._stores]

    def loss(self, done: float) -> tuple[Tensor, dict[str, float]]:  # noqa: ARG002 - part of the Protocol
        """Draw clips, each kind as often, and name their kinds."""
        features, number = self._draw()
        with half(self._device.type):
            said = self.network(features)
        wanted = {**{name: of[number] for name, of in self._labels.of.items()}, INSTRUMENTS: number}
        parts = {name: self._named(said, name, of) for name, of in wanted.items() if (of != NO_KIND).any()}
        total = torch.stack([INSTRUMENT_WEIGHT ** (name == INSTRUMENTS) * part for name, part in parts.items()]).sum()
        return total, {name: float(part.detach()) for name, part in parts.items()}

    def _draw(self) -> tuple[Tensor, Tensor]:
        """Draw features [B, 1, F, frames] of clips, and the numbers [B] of what plays them."""
        drawn = self._labels.draw(self.rng, self._config.batch, PATCHES)
        features: list[Tensor] = []
        numbers: list[NDArray[np.int64]] = []
        first = 0
        for store, mixer in zip(self._stores, self._mixers, strict=True):
            label = drawn[(drawn >= first) & (drawn < first + len(store.instruments))] - first
            changed = self.rng.random(len(label)) < OTHER_MAKERS
            if changed.any():
                features.append(mixer.other_makers(label[changed]))
            if not changed.all():
                features.append(mixer.singles(int((~changed).sum()), label[~changed]).features)
            numbers += [label[changed] + first, label[~changed] + first]
            first += len(store.instruments)
        return self._cut(torch.cat(features)), torch.from_numpy(np.concatenate(numbers)).to(self._device)

    def validate(self) -> dict[str, float]:
        """Return how often the family of General MIDI presets is told, and their program is one of the first five."""
        presets = self._valid.instruments
        rows = np.array([row for row in validation_rows(self._valid) if _is_gm(presets[self._valid.label[row]])])
        if not len(rows):
            return {}
        said = self._hear(self._valid, rows)
        told = {}
        for (name, kind_of), first in zip(KINDS.items(), (1, _FIRST), strict=True):
            known = self._labels.known[name]
            best = self._logits(said, name).topk(min(first, len(known)), dim=1).indices.tolist()
            kinds = [kind_of(presets[c]) for c in self._valid.label[rows]]
            told[name] = float(
                np.mean([kind in [known[n] for n in row] for kind, row in zip(kinds, best, strict=True)])
            )
        return told

    def _place(self) -> None:
        """Put the directions of kinds and of instruments where their clips are heard."""
        heard: list[Tensor] = []
        numbers: list[NDArray[np.int64]] = []
        first = 0
        for store in self._stores:
            found = [np.flatnonzero(store.label == c) for c in range(len(store.instruments))]
            rows = np.concatenate([clips[:: max(1, len(clips) // PLACED_BY)] for clips in found])
            heard.append(self._hear(store, rows))
            numbers.append(store.label[rows] + first)
            first += len(store.instruments)
        said, label = torch.cat(heard), torch.from_numpy(np.concatenate(numbers)).to(self._device)
        every = torch.arange(first, device=self._device)
        for name, of in {**self._labels.of, INSTRUMENTS: every}.items():
            number = of[label]
            directions = self._directions[name].weight
            sums = torch.zeros_like(directions).index_add_(0, number.clamp_min(0), said * (number >= 0)[:, None])
            with torch.no_grad():
                directions.copy_(f.normalize(sums, dim=-1))

    def _hear(self, store: ClipStore, rows: NDArray[np.int64]) -> Tensor:
        """Return what the network says of clips [N, kinds]."""
        self.network.eval()
        with torch.inference_mode(), half(self._device.type):
            return torch.cat([self.network(batch.to(self._device)).float() for batch in feature_batches(store, rows)])

    def _named(self, said: Tensor, name: str, wanted: Tensor) -> Tensor:
        logits = self._logits(said, name)
        return f.cross_entropy(logits, wanted, ignore_index=NO_KIND, label_smoothing=SMOOTHED)

    def _logits(self, said: Tensor, name: str) -> Tensor:
        return self._config.scale * said @ f.normalize(self._directions[name].weight, dim=-1).T

    def _cut(self, features: Tensor) -> Tensor:
        """Silence a stripe of frames in some clips, and one of bands in others."""
        for axis, most in ((3, CUT_FRAMES), (2, CUT_BANDS)):
            chosen = np.flatnonzero(self.rng.random(len(features)) < CUT_SHARE)
            for clip, (begin, width) in zip(
                chosen, self._stripes(len(chosen), features.shape[axis], most), strict=True
            ):
                features[clip].narrow(axis - 1, begin, width).fill_(SILENCE)
        return features

    def _stripes(self, count: int, length: int, most: int) -> list[tuple[int, int]]:
        widths: NDArray[np.int64] = self.rng.integers(1, min(most, length), size=count)
        return [(int(self.rng.integers(length - width)), int(width)) for width in widths]


def _is_gm(preset: Instrument) -> bool:
    """Tell whether a preset's number says what it is; in other banks it may mean another sound."""
    return preset.engine == "soundfont" and preset.bank == 0
