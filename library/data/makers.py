"""Make clips sound as instruments of the same kind by other makers might, in the domain of band power.

Few makers of each General MIDI program are free to train on. What makers differ in, body, brightness, how long notes
ring, chorus and vibrato, is drawn here far beyond what a bus does: the clip teaches no longer which instrument it is,
but still of what kind (domain randomisation, arXiv 1703.06907).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as f

from library.front_end import BANDS_PER_OCTAVE

__all__ = ["as_other_makers"]

BODY_DB, BODY_KNOTS, BODY_SHARE = 4.0, 6, 0.7
"""Broad resonances: levels at so many places over the bands, each of this spread, in this share of clips."""

COLOUR_DB, COLOUR_KNOTS, COLOUR_SHARE = 2.5, 40, 0.6
"""Narrow resonances likewise."""

DARK_BANDS, DARK_DB_PER_OCTAVE, DARK_SHARE = (80, 170), (6.0, 40.0), 0.4
"""A low-pass filter: the band where it begins, and its slope."""

TAIL_FRAMES = 80
DAMPED_FRAMES, DAMPED, DAMPED_SHARE = (6.0, 40.0), (0.3, 0.95), 0.4
"""Shorter notes: so much of what sounded before, fading over so many frames, is taken off."""

RINGING_FRAMES, RINGING, RINGING_SHARE = (4.0, 40.0), (0.02, 0.6), 0.3
"""Longer notes: so much of it is added."""

LEAST_LEFT = 0.02
"""Share of a band's power that stays at least when notes are shortened."""

MOST_SHIFT, SHIFT_SHARE = 14, 0.3
"""Bands that a recording is played higher or lower by, as samplers do between the notes that they hold."""

BLUR, BLUR_SHARE = (0.05, 0.5), 0.25
"""Power that neighbouring bands get of each other, as by chorus."""

CONTRAST, CONTRAST_SHARE = (0.75, 1.35), 0.3
"""Exponent of power: how far loud and soft lie apart."""

TREMOLO_DEPTH, TREMOLO_HZ, TREMOLO_SHARE = (0.2, 0.8), (3.0, 8.0), 0.2

_TINY = 1e-9


def as_other_makers(power: Tensor, rng: np.random.Generator, frame_s: float) -> Tensor:
    """Return power[B, F, frames] of clips as other makers' instruments of their kind might give it.

    Args:
        power: Band power of our front end, mean about 1; not changed.
        rng: Draws what is changed and how much.
        frame_s: Time between two frames.
    """
    batch, bands, _ = power.shape
    gains_db = _some(rng, batch, BODY_SHARE) * _curves(rng, batch, bands, BODY_KNOTS, BODY_DB)
    gains_db += _some(rng, batch, COLOUR_SHARE) * _curves(rng, batch, bands, COLOUR_KNOTS, COLOUR_DB)
    slope = _some(rng, batch, DARK_SHARE) * rng.uniform(*DARK_DB_PER_OCTAVE, (batch, 1))
    above = np.clip(np.arange(bands) - rng.uniform(*DARK_BANDS, (batch, 1)), 0, None)
    gains_db -= slope * above / BANDS_PER_OCTAVE
    power = power * _like(10 ** (gains_db / 10), power)[..., None]
    steps: tuple[tuple[float, Callable[[Tensor], Tensor]], ...] = (
        (DAMPED_SHARE, partial(_damped, rng=rng)),
        (RINGING_SHARE, partial(_ringing, rng=rng)),
        (SHIFT_SHARE, partial(_shifted, rng=rng)),
        (BLUR_SHARE, partial(_blurred, rng=rng)),
        (CONTRAST_SHARE, partial(_contrasted, rng=rng)),
        (TREMOLO_SHARE, partial(_shaken, rng=rng, frame_s=frame_s)),
    )
    for share, change in steps:
        chosen = torch.from_numpy(np.flatnonzero(rng.random(batch) < share)).to(power.device)
        if len(chosen):
            power[chosen] = change(power[chosen])
    return power


def _damped(power: Tensor, rng: np.random.Generator) -> Tensor:
    past = _past(power, rng.uniform(*DAMPED_FRAMES, (len(power), 1)), mean=True)
    return torch.maximum(power - _each(power, rng.uniform(*DAMPED, len(power))) * past, LEAST_LEFT * power)


def _ringing(power: Tensor, rng: np.random.Generator) -> Tensor:
    past = _past(power, rng.uniform(*RINGING_FRAMES, (len(power), 1)), mean=False)
    return power + _each(power, rng.uniform(*RINGING, len(power))) * past


def _past(power: Tensor, frames: NDArray[np.float64], *, mean: bool) -> Tensor:
    """Return what sounded before each frame, fading over frames[B, 1]: its mean or its sum."""
    ago = np.arange(TAIL_FRAMES, 0, -1)
    fades = np.exp(-ago / frames)
    if mean:
        fades /= fades.sum(axis=1, keepdims=True)
    padded = f.pad(power, (TAIL_FRAMES, 0))[..., :-1].transpose(0, 1)  # [F, B, frames]: a filter a clip
    return f.conv1d(padded, _like(fades, power)[:, None], groups=len(power)).transpose(0, 1)


def _shifted(power: Tensor, rng: np.random.Generator) -> Tensor:
    moved = torch.zeros_like(power)
    for clip, shift in enumerate(rng.integers(-MOST_SHIFT, MOST_SHIFT + 1, len(power)).tolist()):
        low, high = max(0, shift), power.shape[1] + min(0, shift)
        moved[clip, low:high] = power[clip, low - shift : high - shift]
    return moved


def _blurred(power: Tensor, rng: np.random.Generator) -> Tensor:
    padded = f.pad(power, (0, 0, 1, 1))
    return power + _each(power, rng.uniform(*BLUR, len(power))) * (padded[:, 2:] + padded[:, :-2])


def _contrasted(power: Tensor, rng: np.random.Generator) -> Tensor:
    mean = power.mean(dim=(1, 2), keepdim=True).clamp_min(_TINY)
    return (power / mean).clamp_min(_TINY) ** _each(power, rng.uniform(*CONTRAST, len(power)))


def _shaken(power: Tensor, rng: np.random.Generator, frame_s: float) -> Tensor:
    time_s = frame_s * np.arange(power.shape[-1])
    phase = rng.uniform(0, 2 * np.pi, (len(power), 1))
    wave = np.sin(2 * np.pi * rng.uniform(*TREMOLO_HZ, (len(power), 1)) * time_s + phase)
    depth = rng.uniform(*TREMOLO_DEPTH, (len(power), 1))
    return power * _like((1 + depth * wave) ** 2, power)[:, None]


def _curves(rng: np.random.Generator, batch: int, bands: int, knots: int, spread_db: float) -> NDArray[np.float64]:
    """Draw curves over the bands [batch, bands] in dB, straight between knots."""
    levels = rng.normal(0, spread_db, (batch, knots))
    place = np.linspace(0, knots - 1, bands)
    return np.stack([np.interp(place, np.arange(knots), row) for row in levels])


def _some(rng: np.random.Generator, batch: int, share: float) -> NDArray[np.bool_]:
    return rng.random((batch, 1)) < share


def _each(power: Tensor, values: NDArray[np.float64]) -> Tensor:
    return _like(values, power)[:, None, None]


def _like(array: NDArray[np.float64], power: Tensor) -> Tensor:
    return torch.from_numpy(array.astype(np.float32)).to(power.device)
