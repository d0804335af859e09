"""Play a clip as another maker's instrument of its kind might sound, in the domain of band power.

Two pianos differ in colour, in where their resonances lie and in how fast they die away, and are pianos. Clips that
are changed so teach what kind of instrument they are, no longer which (domain randomisation, arXiv 1703.06907).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as f

from library.data.bus import equaliser
from library.features import BANDS_PER_OCTAVE

__all__ = ["revoiced"]

COLOUR_DB, COLOUR_WAVES = 4.0, 6
"""Spread and number of the waves over the bands that recolour a clip."""

RESONANCE_BANDS = 8
"""Most bands that resonances move by: a third of an octave."""

ENVELOPE_WIDTH = BANDS_PER_OCTAVE + 1
"""Bands that a spectral envelope is smoothed over: an octave, wider than the gaps between low harmonics."""

DECAY = (0.6, 1.6)
"""Exponents of a clip's loudness over time: below 1 it lasts longer, above 1 it dies sooner."""

_FLOOR = 1e-7


def revoiced(power: Tensor, rng: np.random.Generator) -> Tensor:
    """Return power[B, F, frames] with other colours, resonances and decays; each clip keeps its mean power.

    Args:
        power: Band power of our front end, one instrument a clip.
        rng: Draws how much.
    """
    batch, bands, _ = power.shape
    mean = power.mean(dim=(1, 2), keepdim=True).clamp_min(1e-12)
    changed = _moved_resonances(power, mean, rng)
    gains = equaliser(rng, batch, bands, COLOUR_DB, COLOUR_WAVES)
    changed = changed * torch.from_numpy(gains.astype(np.float32)).to(power.device)[..., None]
    loudness = changed.mean(dim=1, keepdim=True)
    exponent = torch.from_numpy(rng.uniform(*DECAY, (batch, 1, 1)).astype(np.float32)).to(power.device)
    changed = changed * (loudness / loudness.mean(dim=2, keepdim=True).clamp_min(1e-12) + _FLOOR) ** (exponent - 1)
    return changed * mean / changed.mean(dim=(1, 2), keepdim=True).clamp_min(1e-12)


def _moved_resonances(power: Tensor, mean: Tensor, rng: np.random.Generator) -> Tensor:
    """Move the mean spectrum's smooth envelope along the bands; pitches stay where they are."""
    spectrum = (power.mean(dim=2, keepdim=True) / mean + _FLOOR).log().transpose(1, 2)  # [B, 1, F]
    side = ENVELOPE_WIDTH // 2
    envelope = f.avg_pool1d(f.pad(spectrum, (side, side), mode="replicate"), ENVELOPE_WIDTH, 1)[:, 0]
    shifts = rng.integers(-RESONANCE_BANDS, RESONANCE_BANDS, len(power), endpoint=True)
    place = torch.arange(power.shape[1]) - torch.from_numpy(shifts)[:, None]
    moved = envelope.gather(1, place.clamp(0, power.shape[1] - 1).to(power.device))
    return power * (moved - envelope).exp()[..., None]
