"""Mix clips into windows on the fly, in the domain of mel power, on any device."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from library.data.clips import DRUMS, ONE_SHOT, ClipStore
from library.features import TIMBREL_FEATURES, PowerMel, normalise_power

__all__ = ["MixConfig", "Mixer", "MixtureBatch", "SingleBatch"]


NOISE_CLIPS = 48
NOISE_TILTS = (0.0, 0.5, 1.0)
"""Exponents of frequency in the amplitude of white, pink and brown noise."""

NOISE_CORNER_HZ = 30.0
"""Below it coloured noise is flat: real floors are not infinite at 0 Hz."""


@dataclass(frozen=True, slots=True)
class MixConfig:
    """Say how mixtures are made.

    Attributes:
        min_sources: Fewest instruments of a mixture.
        max_sources: Most instruments (9 in arXiv 2211.07951).
        gain_db: Range of each source's level, uniform.
        drums: Share of mixtures with percussion, which is not to be named.
        noise: Share of windows with a noise floor.
        noise_snr_db: Range of its level below the window's.
        entry: Share of sources that enter or leave inside the window.
        empty: Share of mixtures without any instrument: noise or percussion alone.
    """

    min_sources: int = 1
    max_sources: int = 9
    gain_db: tuple[float, float] = (-10.0, 2.0)
    drums: float = 0.25
    noise: float = 0.6
    noise_snr_db: tuple[float, float] = (5.0, 60.0)
    entry: float = 0.15
    empty: float = 0.05


@dataclass(frozen=True, slots=True)
class SingleBatch:
    """Hold clips of one instrument each: features[B, 1, F, frames], label[B]."""

    features: Tensor
    label: Tensor


@dataclass(frozen=True, slots=True)
class MixtureBatch:
    """Hold mixtures.

    Attributes:
        features: [B, 1, F, frames].
        label: [B, S] numbers of the instruments, -1 where there is none.
        share: [B, S + 1, F, frames] share of each source in the power of each cell; the last is noise and percussion.
        energy: [B, F, frames] power, mean 1 per window.
        rows: [B, S] numbers of the clips in the store, 0 where there is none.
    """

    features: Tensor
    label: Tensor
    share: Tensor
    energy: Tensor
    rows: Tensor


class Mixer:
    """Draw windows from a clip store.

    Args:
        store: Clips of one split.
        config: How mixtures are made.
        seed: Seed of what is drawn.
        device: Where power is summed.
    """

    def __init__(self, store: ClipStore, config: MixConfig, seed: int, device: str = "cpu") -> None:
        self._config = config
        self._rng = np.random.default_rng(seed)
        self._device = torch.device(device)
        self._amplitude = torch.from_numpy(np.array(store.amplitude)).to(device) if device != "cpu" else None
        self._store = store
        self._classes = len(store.instruments)
        self._drums = np.flatnonzero(store.kind == DRUMS)
        melodic = (store.kind != DRUMS) & (store.kind != ONE_SHOT)
        self._by_label = [np.flatnonzero(store.label == c) for c in range(self._classes)]
        self._mix_by_label = [np.flatnonzero((store.label == c) & melodic) for c in range(self._classes)]
        frames = store.amplitude.shape[2]
        floors = _noise_floors((frames - 1) * TIMBREL_FEATURES.hop_length)
        self._floors = floors[..., :frames].to(self._device)

    @property
    def rng(self) -> np.random.Generator:
        """Source of everything that is drawn; its state makes a run resumable."""
        return self._rng

    def singles(self, batch: int) -> SingleBatch:
        """Draw single-instrument windows, with noise."""
        labels = self._rng.integers(self._classes, size=batch)
        rows = np.array([self._rng.choice(self._by_label[c]) for c in labels])
        power = self._power(rows)
        power = self._roll(power.unsqueeze(1))[:, 0]
        power = power + self._noise(power, self._rng.random(batch) < self._config.noise)
        return SingleBatch(
            normalise_power(power, TIMBREL_FEATURES).unsqueeze(1), torch.from_numpy(labels).to(self._device)
        )

    def mixtures(self, batch: int) -> MixtureBatch:
        """Draw mixtures."""
        config, rng = self._config, self._rng
        most = config.max_sources
        counts = rng.integers(config.min_sources, most + 1, size=batch)
        counts[rng.random(batch) < config.empty] = 0
        labels = np.full((batch, most), -1, np.int64)
        gains = np.zeros((batch, most + 1), np.float32)
        rows = np.zeros((batch, most + 1), np.int64)
        for b, count in enumerate(counts):
            labels[b, :count] = rng.choice(self._classes, size=count, replace=False)
            rows[b, :count] = [rng.choice(self._mix_by_label[c]) for c in labels[b, :count]]
            gains[b, :count] = 10 ** (rng.uniform(*config.gain_db, size=count) / 10)
            if len(self._drums) and rng.random() < (config.drums if count else 0.5):
                rows[b, most] = rng.choice(self._drums)
                gains[b, most] = 10 ** (rng.uniform(-12, 3) / 10)
        used = gains > 0
        parts = torch.zeros(batch, most + 1, *self._store.amplitude.shape[1:], device=self._device)
        where = torch.from_numpy(used).to(self._device)
        parts[where] = self._power(rows[used]) * torch.from_numpy(gains[used]).to(self._device)[:, None, None]
        parts = self._enter(self._roll(parts))
        mix = parts.sum(dim=1)
        mix_level = mix.mean(dim=(1, 2), keepdim=True)
        # A window with nothing in it is noise alone, never digital silence: that one is gated.
        noise = self._noise(mix + (mix_level == 0), (rng.random(batch) < config.noise) | (counts == 0))
        parts[:, most] += noise
        mix = mix + noise + 1e-9
        share = parts / mix.unsqueeze(1)
        energy = mix / mix.mean(dim=(1, 2), keepdim=True)
        features = normalise_power(mix, TIMBREL_FEATURES).unsqueeze(1)
        label = torch.from_numpy(labels).to(self._device)
        return MixtureBatch(features, label, share, energy, torch.from_numpy(rows[:, :most]).to(self._device))

    def _power(self, rows: NDArray[np.int64]) -> Tensor:
        if self._amplitude is not None:
            amplitude = self._amplitude[torch.from_numpy(rows).to(self._device)]
        else:
            amplitude = torch.from_numpy(self._store.amplitude[rows])
        return amplitude.float().square()

    def _roll(self, parts: Tensor) -> Tensor:
        """Turn each source in time by its own amount: parts[B, S, F, frames]."""
        frames = parts.shape[-1]
        shifts = torch.from_numpy(self._rng.integers(frames, size=parts.shape[:2])).to(self._device)
        index = (torch.arange(frames, device=self._device) + shifts[..., None]) % frames
        return parts.gather(-1, index[:, :, None, :].expand_as(parts))

    def _enter(self, parts: Tensor) -> Tensor:
        """Let some sources enter or leave inside the window."""
        frames = parts.shape[-1]
        draws = self._rng.random(parts.shape[:2])
        at = self._rng.integers(frames // 5, frames * 3 // 5, size=parts.shape[:2])
        begin = np.where(draws < self._config.entry / 2, at, 0)
        end = np.where((draws >= self._config.entry / 2) & (draws < self._config.entry), frames - at, frames)
        step = torch.arange(frames, device=self._device)
        keep = (step >= torch.from_numpy(begin).to(self._device)[..., None]) & (
            step < torch.from_numpy(end).to(self._device)[..., None]
        )
        return parts * keep[:, :, None, :]

    def _noise(self, power: Tensor, on: NDArray[np.bool_]) -> Tensor:
        """Draw a noise floor for power[B, F, frames] where it is on, at a random level below it."""
        batch, _, frames = power.shape
        snr_db = self._rng.uniform(*self._config.noise_snr_db, size=batch)
        which = self._rng.integers(len(self._floors), size=batch)
        shift = int(self._rng.integers(frames))
        noise = self._floors[torch.from_numpy(which).to(self._device)].roll(shift, dims=-1)
        factor = torch.from_numpy((10 ** (-snr_db / 10) * on).astype(np.float32)).to(self._device)
        level = power.mean(dim=(1, 2)) * factor
        return noise * level[:, None, None]


def _noise_floors(samples: int) -> Tensor:
    """Return mel power [N, F, frames], mean 1 each, of white, pink and brown Gaussian noise."""
    rng = np.random.default_rng(NOISE_CLIPS)  # the same floors for every seed: a resumed run goes on with its own
    spectrum = np.fft.rfft(rng.standard_normal((NOISE_CLIPS, samples)))
    hz = np.fft.rfftfreq(samples, 1 / TIMBREL_FEATURES.sample_rate)
    tilt = np.arange(NOISE_CLIPS) % len(NOISE_TILTS)
    colour = np.maximum(hz, NOISE_CORNER_HZ)[None, :] ** -np.array(NOISE_TILTS)[tilt][:, None]
    audio = np.fft.irfft(spectrum * colour, samples).astype(np.float32)
    with torch.inference_mode():
        power = PowerMel(TIMBREL_FEATURES)(torch.from_numpy(audio))
        power /= power.mean(dim=(1, 2), keepdim=True)
    floors: Tensor = power.clone()
    return floors
