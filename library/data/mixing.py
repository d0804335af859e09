"""Mix clips into windows on the fly, in the domain of band power, on any device."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as f

from library.data.bus import bus_effects, noise_floors
from library.data.clips import DRUMS, ONE_SHOT, PARTS, ClipStore
from library.data.instruments import Instrument
from library.data.makers import as_other_makers
from library.data.turns import put_turned, turned
from library.encoders.blocks import Trunk
from library.features import normalise_power

__all__ = ["MixConfig", "Mixer", "MixtureBatch", "SingleBatch"]

AUDIBLE = 10**-4.5
"""Power of a note's cell, relative to the window's mean, below which it is not heard."""

CLEAR_SHARE = 0.6
"""Share in the power of all notes played in a cell from which it is one source's."""

DROWNED_SHARE = 0.1
"""Share in the whole power of a cell below which other sources' harmonics drown the note."""


@dataclass(frozen=True, slots=True)
class MixConfig:
    """Say how mixtures are made.

    Attributes:
        min_sources: Fewest instruments of a mixture.
        max_sources: Most instruments (9 in arXiv 2211.07951).
        gain_db: Range of each source's level, uniform.
        drums: Share of mixtures with percussion, which is not to be named.
        kits: Share of it that is changed as another maker's kit might sound.
        noise: Share of windows with a noise floor.
        noise_snr_db: Range of its level below the window's.
        songs: Share of mixtures whose instruments play parts of one song, where the store has some; the others play
            in keys and tempi of their own.
        entry: Share of sources that enter or leave inside the window; a live tool hears each one enter.
        effects: Share of windows that each effect of a bus is put on: equaliser, room, a codec's upper limit.
        sampled: Share of sampled instruments among those drawn, whatever their share in the store; None leaves it.
        level_db: Range of the whole window's level around the one it is normalised to.
        empty: Share of mixtures without any instrument: noise or percussion alone.
    """

    min_sources: int = 1
    max_sources: int = 9
    gain_db: tuple[float, float] = (-8.0, 2.0)
    drums: float = 0.25
    kits: float = 0.5
    noise: float = 0.6
    noise_snr_db: tuple[float, float] = (5.0, 60.0)
    songs: float = 0.3
    entry: float = 0.25
    effects: float = 0.3
    sampled: float | None = 0.5
    level_db: float = 2.0
    empty: float = 0.12


@dataclass(frozen=True, slots=True)
class SingleBatch:
    """Hold clips of one instrument each.

    Attributes:
        features: [B, 1, F, frames].
        label: [B].
        owner: [B, N] 0 where its note plays, 1 where none does, -1 where it is drowned.
    """

    features: Tensor
    label: Tensor
    owner: Tensor


@dataclass(frozen=True, slots=True)
class MixtureBatch:
    """Hold mixtures.

    Attributes:
        features: [B, 1, F, frames].
        label: [B, S] numbers of the instruments, -1 where there is none.
        owner: [B, N] which source's note each cell of the trunk's grid holds; S where no note plays, -1 where two
            sources play alike or others drown the note.
        rows: [B, S] numbers of the clips in the store, 0 where there is none.
    """

    features: Tensor
    label: Tensor
    owner: Tensor
    rows: Tensor


class Mixer:
    """Draw windows from a clip store.

    Args:
        store: Clips of one split.
        config: How mixtures are made.
        seed: Seed of what is drawn, or what draws it.
        device: Where power is summed.
    """

    def __init__(
        self, store: ClipStore, config: MixConfig, seed: int | list[int] | np.random.Generator, device: str = "cpu"
    ) -> None:
        self._config = config
        self._rng = np.random.default_rng(seed)
        self._device = torch.device(device)
        self._store = store
        self._frame_s = store.spec.hop_length / store.spec.sample_rate
        # On an accelerator the clips lie in its memory; on a CPU they stay in the mapped files.
        self._clips = tuple(_tensor(array, self._device) for array in (store.amplitude, store.notes))
        self._classes = len(store.instruments)
        self._chance = _chances(store.instruments, config.sampled)
        self._drums = np.flatnonzero(store.kind == DRUMS)
        melodic = (store.kind != DRUMS) & (store.kind != ONE_SHOT)
        in_songs = np.flatnonzero(store.part >= 0)
        moments = store.part[in_songs] // PARTS
        self._moments = [in_songs[moments == m] for m in np.unique(moments)]
        self._by_label = [np.flatnonzero(store.label == c) for c in range(self._classes)]
        self._mix_by_label = [np.flatnonzero((store.label == c) & melodic) for c in range(self._classes)]
        self._floors = noise_floors(store.spec, store.amplitude.shape[2]).to(self._device)

    @property
    def rng(self) -> np.random.Generator:
        """Source of everything that is drawn; its state makes a run resumable."""
        return self._rng

    def singles(self, batch: int, of: NDArray[np.int64] | None = None) -> SingleBatch:
        """Draw single-instrument windows, with noise: of any instruments, or of those numbers[B]."""
        rng = self._rng
        labels = rng.choice(self._classes, size=batch, p=self._chance) if of is None else of
        rows = np.array([rng.choice(self._by_label[c]) for c in labels])
        power, notes = self._draw(rows, np.full(batch, -1))
        mix = bus_effects(power.clone(), rng, self._config.effects)
        mix = mix + self._noise(mix, rng.random(batch) < self._config.noise)
        features = self._features(mix)
        each = torch.arange(batch, device=self._device)
        owner = self._owners(mix, power, notes, each, torch.zeros_like(each), 1)
        return SingleBatch(features, torch.from_numpy(labels).to(self._device), owner)

    def other_makers(self, labels: NDArray[np.int64]) -> Tensor:
        """Return features[B, 1, F, frames] of a clip of each of labels[B], as another maker's of its kind might be."""
        rng = self._rng
        rows = np.array([rng.choice(self._by_label[c]) for c in labels])
        power, _ = self._draw(rows, np.full(len(rows), -1))
        mix = as_other_makers(power, rng, self._frame_s)
        mix = bus_effects(mix, rng, self._config.effects)
        return self._features(mix + self._noise(mix, rng.random(len(rows)) < self._config.noise))

    def mixtures(self, batch: int, largest: int | None = None) -> MixtureBatch:
        """Draw mixtures, of at most `largest` instruments where that is less than the config's most."""
        config, rng = self._config, self._rng
        most = config.max_sources
        counts = rng.integers(config.min_sources, min(most, largest or most) + 1, size=batch)
        counts[rng.random(batch) < config.empty] = 0
        labels = np.full((batch, most), -1, np.int64)
        gains = np.zeros((batch, most + 1), np.float32)
        rows = np.zeros((batch, most + 1), np.int64)
        turns = np.full(batch, -1, np.int64)
        for b, count in enumerate(counts):
            picked = self._song(count) if rng.random() < config.songs else []
            if picked:
                turns[b] = rng.integers(self._store.notes.shape[-1])  # parts of a song stay together
            else:
                chosen = rng.choice(self._classes, size=count, replace=False, p=self._chance)
                picked = [int(rng.choice(self._mix_by_label[c])) for c in chosen]
            sources = len(picked)
            labels[b, :sources] = self._store.label[picked]
            rows[b, :sources] = picked
            gains[b, :sources] = 10 ** (rng.uniform(*config.gain_db, size=sources) / 10)
            if len(self._drums) and rng.random() < (config.drums if count else 0.5):
                rows[b, most] = rng.choice(self._drums)
                gains[b, most] = 10 ** (rng.uniform(-12, 3) / 10)
        used = gains > 0
        where, source = (torch.from_numpy(index).to(self._device) for index in np.nonzero(used))
        power, notes = self._draw(rows[used], np.repeat(turns[:, None], most + 1, axis=1)[used])
        kits = torch.nonzero(source == most)[:, 0]
        kits = kits[torch.from_numpy(rng.random(len(kits)) < config.kits).to(self._device)]
        if len(kits):
            power[kits] = as_other_makers(power[kits], rng, self._frame_s)
        power, notes = self._enter(power, notes, torch.from_numpy(gains[used]).to(self._device))
        shape = self._store.amplitude.shape[1:]
        mix = torch.zeros(batch, *shape, device=self._device).index_add_(0, where, power)
        mix = bus_effects(mix, rng, self._config.effects)
        silent = mix.mean(dim=(1, 2), keepdim=True) == 0
        # A window with nothing in it is noise alone, never digital silence: that one is gated.
        mix = mix + self._noise(mix + silent, (rng.random(batch) < config.noise) | (counts == 0)) + 1e-9
        features = self._features(mix)
        label = torch.from_numpy(labels).to(self._device)
        owner = self._owners(mix, power, notes, where, source, most)
        return MixtureBatch(features, label, owner, torch.from_numpy(rows[:, :most]).to(self._device))

    def _features(self, mix: Tensor) -> Tensor:
        """Return features[B, 1, F, frames]; a live window's level is known to within a few dB only."""
        offset_db = self._rng.uniform(-self._config.level_db, self._config.level_db, size=len(mix))
        factor = torch.from_numpy((10 ** (offset_db / 10)).astype(np.float32)).to(self._device)[:, None, None]
        return normalise_power(mix, self._store.spec, mix.mean(dim=(1, 2), keepdim=True) * factor).unsqueeze(1)

    def _song(self, count: int) -> list[int]:
        """Draw clips of different parts of one moment of a song, played by different instruments: at most count."""
        if not self._moments or not count:
            return []
        moment = self._moments[int(self._rng.integers(len(self._moments)))]
        picked: dict[int, int] = {}
        for row in self._rng.permutation(moment).tolist():
            part, label = int(self._store.part[row]), int(self._store.label[row])
            taken = {int(self._store.label[other]) for other in picked.values()}
            if len(picked) < count and part not in picked and label not in taken:
                picked[part] = row
        return list(picked.values())

    def _draw(self, rows: NDArray[np.int64], turns: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Return power[N, F, frames] and notes[N, rows, cells] of clips turned in time by so many cells.

        Those whose turn is below 0 are turned by a number of their own.
        """
        own = self._rng.integers(self._store.notes.shape[-1], size=len(rows))
        shifts = np.where(turns < 0, own, turns)
        if self._device.type != "cpu":
            index = torch.from_numpy(rows).to(self._device)
            turn = torch.from_numpy(shifts).to(self._device)
            power, notes = (array[index] for array in self._clips)
            return turned(power.float().square(), turn * Trunk.STRIDE), turned(notes, turn)
        # Clip by clip: on a CPU what counts is how often memory is gone through.
        amplitude, played = self._clips
        power = torch.empty(len(rows), *amplitude.shape[1:])
        notes = torch.empty(len(rows), *played.shape[1:], dtype=played.dtype)
        for i, (row, shift) in enumerate(zip(rows.tolist(), shifts.tolist(), strict=True)):
            put_turned(power[i], amplitude[row], shift * Trunk.STRIDE)
            put_turned(notes[i], played[row], shift)
        return power.square_(), notes

    def _enter(self, power: Tensor, notes: Tensor, gain: Tensor) -> tuple[Tensor, Tensor]:
        """Set the level of each source; some enter or leave inside the window."""
        cells = notes.shape[-1]
        draws = self._rng.random(len(power))
        at = self._rng.integers(cells // 5, cells * 4 // 5, size=len(power))
        begin = np.where(draws < self._config.entry / 2, at, 0)
        end = np.where((draws >= self._config.entry / 2) & (draws < self._config.entry), cells - at, cells)
        step = np.arange(cells)
        keep = torch.from_numpy((step >= begin[:, None]) & (step < end[:, None])).to(self._device)[:, None]
        level = gain[:, None, None] * keep.repeat_interleave(Trunk.STRIDE, dim=-1)
        return power.mul_(level), notes * keep

    def _owners(self, mix: Tensor, power: Tensor, notes: Tensor, where: Tensor, source: Tensor, sources: int) -> Tensor:
        """Say whose note each cell holds (see MixtureBatch.owner)."""
        batch = len(mix)
        if self._store.spec.scale != "log":
            return torch.zeros(batch, 0, dtype=torch.long, device=self._device)
        rows = notes.shape[1]
        own = f.avg_pool2d(power[:, : rows * Trunk.STRIDE], Trunk.STRIDE)
        played = torch.zeros(batch, sources + 1, *own.shape[1:], device=self._device)
        played[where, source] = own * notes
        total = f.avg_pool2d(mix[:, : rows * Trunk.STRIDE], Trunk.STRIDE)
        best, owner = played[:, :sources].max(dim=1)
        sum_played = played[:, :sources].sum(dim=1)
        audible = best > AUDIBLE * mix.mean(dim=(1, 2))[:, None, None]
        clear = (best > CLEAR_SHARE * sum_played) & (best > DROWNED_SHARE * total)
        return torch.where(audible, torch.where(clear, owner, -1), sources).flatten(1)

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


def _chances(instruments: Sequence[Instrument], sampled: float | None) -> NDArray[np.float64]:
    """Return how likely each instrument is to be drawn."""
    is_sampled = np.array([instrument.engine == "soundfont" for instrument in instruments])
    if sampled is None or is_sampled.all() or not is_sampled.any():
        return np.full(len(instruments), 1 / len(instruments))
    chances: NDArray[np.float64] = np.where(is_sampled, sampled / is_sampled.sum(), (1 - sampled) / (~is_sampled).sum())
    return chances


def _tensor(array: NDArray[np.float16] | NDArray[np.uint8], device: torch.device) -> Tensor:
    """Return an array as a tensor, without a copy on a CPU; nothing writes to it."""
    if device.type != "cpu":
        return torch.from_numpy(np.array(array)).to(device)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(array)
