"""Hear of which kind an instrument by itself is, from all of a window."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as f

from library.encoders.blocks import ResidualBlock

__all__ = ["HIDDEN", "LEAST_VARIANCE", "READINGS", "KindNetwork", "Stride"]

READINGS = 4
"""Ways of weighing the places of a window against each other."""

HIDDEN, DROPPED = 512, 0.3
"""Units between what is read and what is said, and the share of both that training leaves out."""

LEAST_VARIANCE = 1e-6


class KindNetwork(nn.Module):
    """Say of which kind the instrument of a window is: which family, which General MIDI program.

    The trunk's cells are narrow, so that a note looks alike in any mixture. Of an instrument by itself, how notes rise,
    ring and follow each other tells more: each place of this network's last layer has seen seconds and octaves. A new
    one says nothing.

    Args:
        kinds: Length of what it says.
        widths: Channels after each of the four strides.
    """

    def __init__(self, kinds: int, widths: tuple[int, int, int, int]) -> None:
        super().__init__()
        first, *others = widths
        layers: list[nn.Module] = [Stride(2, first, 5)]
        before = first
        for width in others:
            layers += [Stride(before, width, 3), ResidualBlock(width, width)]
            before = width
        self.body = nn.Sequential(*layers)
        self.weigh = nn.Conv2d(before, READINGS, 1)
        self.say = nn.Sequential(
            nn.Dropout(DROPPED),
            nn.Linear(2 * READINGS * before, HIDDEN),
            nn.ReLU(),
            nn.Dropout(DROPPED),
            nn.Linear(HIDDEN, kinds),
        )
        for parameter in self._last().parameters():
            nn.init.zeros_(parameter)

    @property
    def is_trained(self) -> bool:
        """Whether it says anything."""
        return bool(self._last().weight.any())

    def reset(self) -> None:
        """Let a new one say something, from which it can learn."""
        self._last().reset_parameters()

    def forward(self, features: Tensor) -> Tensor:
        """Return [B, kinds] of norm 1, of a new network 0, of features[B, 1, F, frames]."""
        bands = torch.linspace(-1.0, 1.0, features.shape[2], dtype=features.dtype, device=features.device)
        places = bands[None, None, :, None].expand_as(features)
        seen = self.body(torch.cat([features, places], dim=1).contiguous(memory_format=torch.channels_last))
        weights = self.weigh(seen).flatten(2).float().softmax(dim=-1)  # [B, READINGS, N]
        seen = seen.flatten(2).transpose(1, 2).float()
        mean = weights @ seen
        variance = weights @ seen.square() - mean.square()
        read = torch.cat([mean.flatten(1), variance.clamp_min(LEAST_VARIANCE).sqrt().flatten(1)], dim=1)
        return f.normalize(self.say(read).float(), dim=-1)

    def _last(self) -> nn.Linear:
        return cast("nn.Linear", self.say[-1])


class Stride(nn.Module):
    """Halve both axes."""

    def __init__(self, inputs: int, outputs: int, size: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, size, 2, size // 2, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return [B, outputs, F / 2, T / 2] of x[B, inputs, F, T]."""
        return f.relu(self.norm(self.conv(x)))
