"""Say of which kind an instrument is, in numbers that are joined to those that say which one it is.

Two pianos by different makers are two instruments, and lie apart in a space that tells instruments apart. What they
share, a small network tells better that is trained on nothing else (families, General MIDI programs).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as f

__all__ = ["KIND_WEIGHT", "KindHead", "joined"]

KIND_WEIGHT = 0.25
"""How much the cosine of kinds counts beside that of instruments, which counts 1: more would name General MIDI programs
better still, and instruments of one kind in mixtures worse."""


class KindHead(nn.Module):
    """Turn what a sound is like into numbers that are about the same for sounds of one kind. A new one says nothing.

    Args:
        given: Length of what it is given.
        width: Units of its two layers.
        kinds: Length of what it says.
    """

    def __init__(self, given: int, width: int, kinds: int) -> None:
        super().__init__()
        last = nn.Linear(width, kinds)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.layers = nn.Sequential(nn.Linear(given, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), last)

    def forward(self, given: Tensor) -> Tensor:
        """Return [..., kinds] of given[..., given]."""
        said: Tensor = self.layers(given)
        return said


def joined(vectors: Tensor, kinds: Tensor) -> Tensor:
    """Join unit vectors[..., D] that say which instrument with kinds[..., k], at most of norm 1, to unit vectors.

    Where both are of norm 1 a cosine is the weighted mean of that of instruments and that of kinds; shorter kinds, of
    which less is known, count less.
    """
    return f.normalize(torch.cat([vectors, KIND_WEIGHT**0.5 * kinds.float()], dim=-1), dim=-1)
