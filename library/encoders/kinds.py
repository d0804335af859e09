"""Say of which kind an instrument is, in numbers that are joined to those that say which one it is.

Two pianos by different makers are two instruments, and lie apart in a space that tells instruments apart. What they
share, a small network tells better that is trained on nothing else (families, General MIDI programs).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as f

__all__ = ["KIND_WEIGHT", "SLOT_KIND_WEIGHT", "KindHead", "joined"]

KIND_WEIGHT = 1.0
"""How much the cosine of kinds counts beside that of instruments, which counts 1, of two windows of an instrument by
itself: "piano" has to mean piano, whoever made it."""

SLOT_KIND_WEIGHT = 0.1
"""The same of two slots of mixtures, of which the kind is known less well; of a slot and a window it is the geometric
mean."""


class KindHead(nn.Module):
    """Turn what a slot is like into numbers that are about the same for sounds of one kind. A new one says nothing.

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


def joined(vectors: Tensor, kinds: Tensor, weight: float = KIND_WEIGHT) -> Tensor:
    """Join unit vectors[..., D] that say which instrument with kinds[..., k], at most of norm 1, to unit vectors.

    Where both are of norm 1 and of one weight a cosine is the mean of that of instruments and that of kinds by it;
    shorter kinds, of which less is known, count less.
    """
    return f.normalize(torch.cat([vectors, weight**0.5 * kinds.float()], dim=-1), dim=-1)
