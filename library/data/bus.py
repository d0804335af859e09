"""Make what a bus adds to a window, in the domain of band power: equaliser, room, codec, noise floor."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as f

from library.features import PowerSpectrogram
from library.front_end import FeatureSpec

__all__ = ["bus_effects", "noise_floors"]

EQ_DB, EQ_WAVES = 1.5, 3
"""An equaliser is a sum of so many waves over the bands, each of this spread."""

ROOM_FRAMES, ROOM_DB, ROOM_TAIL = (8, 50), (-18.0, -3.0), 48
"""A room's reverberation time in frames (.25 to 1.6 s), its level, and the frames that are computed of it."""

CODEC_BANDS, CODEC_LOSS = (150, 180), 1e-5
"""Bands from one of which on (3 to 8 kHz) a codec at a low rate leaves next to nothing."""

NOISE_CLIPS = 48
NOISE_TILTS = (0.0, 0.5, 1.0)
"""Exponents of frequency in the amplitude of white, pink and brown noise."""

NOISE_CORNER_HZ = 30.0
"""Below it coloured noise is flat: real floors are not infinite at 0 Hz."""


def bus_effects(power: Tensor, rng: np.random.Generator, share: float) -> Tensor:
    """Put effects that leave the instruments what they are on power[B, F, frames], in place.

    Args:
        power: Band power of our front end.
        rng: Draws which effects and how much.
        share: Share of windows that each effect is put on.
    """
    batch, bands, _ = power.shape
    equalised, roomy, coded = (np.flatnonzero(rng.random(batch) < share) for _ in range(3))
    if len(equalised):
        power[equalised] *= _like(_equaliser(rng, len(equalised), bands), power)[..., None]
    if len(roomy):
        padded = f.pad(power[roomy], (ROOM_TAIL - 1, 0)).transpose(0, 1)  # [F, rooms, frames]: a filter a room
        tails = _like(_rooms(rng, len(roomy)), power)[:, None]
        power[roomy] = f.conv1d(padded, tails, groups=len(roomy)).transpose(0, 1)
    for b in coded:
        power[b, int(rng.integers(*CODEC_BANDS)) :] *= CODEC_LOSS
    return power


def noise_floors(spec: FeatureSpec, frames: int) -> Tensor:
    """Return band power [N, F, frames], mean 1 each, of white, pink and brown Gaussian noise."""
    rng = np.random.default_rng(NOISE_CLIPS)  # the same floors for every seed: a resumed run goes on with its own
    samples = frames * spec.hop_length
    spectrum = np.fft.rfft(rng.standard_normal((NOISE_CLIPS, samples)))
    hz = np.fft.rfftfreq(samples, 1 / spec.sample_rate)
    tilt = np.arange(NOISE_CLIPS) % len(NOISE_TILTS)
    colour = np.maximum(hz, NOISE_CORNER_HZ)[None, :] ** -np.array(NOISE_TILTS)[tilt][:, None]
    audio = np.fft.irfft(spectrum * colour, samples).astype(np.float32)
    with torch.inference_mode():
        power = PowerSpectrogram(spec)(torch.from_numpy(audio))[..., :frames]
        power /= power.mean(dim=(1, 2), keepdim=True)
    floors: Tensor = power.clone()
    return floors


def _equaliser(rng: np.random.Generator, count: int, bands: int) -> NDArray[np.float64]:
    """Draw gains of power [count, bands]: a sum of slow waves in dB."""
    depth_db = rng.normal(0, EQ_DB, (count, EQ_WAVES, 1))
    phase = rng.uniform(0, 2 * np.pi, (count, EQ_WAVES, 1))
    waves = np.arange(1, EQ_WAVES + 1)[None, :, None]
    curve_db = (depth_db * np.cos(waves * np.linspace(0, np.pi, bands) + phase)).sum(axis=1)
    gains: NDArray[np.float64] = 10 ** (curve_db / 10)
    return gains


def _rooms(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    """Draw filters over frames [count, ROOM_TAIL]: the sound itself, last, and an exponential tail before it."""
    decay_frames = rng.uniform(*ROOM_FRAMES, (count, 1))
    wet = 10 ** (rng.uniform(*ROOM_DB, (count, 1)) / 10)
    tail = np.exp(-np.arange(ROOM_TAIL)[::-1] * np.log(1e6) / decay_frames)
    tail = wet * tail / tail.sum(axis=1, keepdims=True)
    tail[:, -1] += 1.0
    rooms: NDArray[np.float64] = tail
    return rooms


def _like(array: NDArray[np.float64], power: Tensor) -> Tensor:
    return torch.from_numpy(array.astype(np.float32)).to(power.device)
