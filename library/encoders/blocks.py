"""Build the trunk: from log-mel windows to a grid of local embeddings."""

from __future__ import annotations

import math
from typing import TypeVar, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as f

from library.features import BANDS_PER_OCTAVE, SILENCE

__all__ = ["HarmonicStack", "ResidualBlock", "Trunk", "channels_last"]

_Net = TypeVar("_Net", bound=nn.Module)


class ResidualBlock(nn.Module):
    """Two plain 3x3 convolutions with a shortcut; depthwise ones are slower on CPUs."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.shortcut = (
            nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
            if stride != 1 or inputs != outputs
            else nn.Identity()
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return [B, outputs, F / stride, T / stride] of x[B, inputs, F, T]."""
        y = f.relu(self.norm1(self.conv1(x)))
        return f.relu(self.norm2(self.conv2(y)) + self.shortcut(x))


class HarmonicStack(nn.Module):
    """Lay the harmonics of each pitch on top of each other: what one note is made of lies in one column.

    On a logarithmic frequency axis a harmonic is a fixed shift (harmonic CQT, Bittner et al., ISMIR 2017).

    Args:
        rows: Bands that count as fundamentals, from the lowest up.
    """

    HARMONICS = (0.5, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16)
    CHANNELS = len(HARMONICS) + 1
    """The last channel says where on the axis a row lies: timbre depends on register."""

    def __init__(self, rows: int) -> None:
        super().__init__()
        self._rows = rows
        self._shifts = [round(BANDS_PER_OCTAVE * math.log2(h)) for h in self.HARMONICS]

    def forward(self, features: Tensor) -> Tensor:
        """Return [B, CHANNELS, rows, frames] of log features[B, 1, F, frames]; beyond the bands there is silence."""
        below = -min(self._shifts)
        above = max(0, max(self._shifts) + self._rows - features.shape[2])
        padded = f.pad(features, (0, 0, below, above), value=SILENCE)
        found = [padded[:, :, below + shift : below + shift + self._rows] for shift in self._shifts]
        place = torch.linspace(-1, 1, self._rows, device=features.device, dtype=features.dtype)
        return torch.cat([*found, place[None, None, :, None].expand_as(found[0])], dim=1)


class Trunk(nn.Module):
    """Turn features into cells: one vector for two semitones and four frames (128 ms).

    A stride-4 stem over stacked harmonics and three residual stages; the later ones are brought back to the grid of the
    first, so that a cell sees far and stays small enough to belong to one note.

    Args:
        cells: Length of a cell's vector.
        widths: Channels of stem and stages.
        rows: Rows R of cells.
    """

    STRIDE = 4

    def __init__(self, cells: int, widths: tuple[int, int, int, int], rows: int) -> None:
        super().__init__()
        w0, w1, w2, w3 = widths
        self.stack = HarmonicStack(rows * self.STRIDE)
        self.stem = nn.Conv2d(HarmonicStack.CHANNELS, w0, 5, self.STRIDE, 2, bias=False)
        self.stem_norm = nn.BatchNorm2d(w0)
        self.stage1 = ResidualBlock(w0, w1)
        self.stage2 = ResidualBlock(w1, w2, 2)
        self.stage3 = ResidualBlock(w2, w3, 2)
        self.lateral1 = nn.Conv2d(w1, cells, 1, bias=False)
        self.lateral2 = nn.Conv2d(w2, cells, 1, bias=False)
        self.lateral3 = nn.Conv2d(w3, cells, 1, bias=False)
        self.out_norm = nn.BatchNorm2d(cells)

    def forward(self, features: Tensor) -> Tensor:
        """Return cells [B, C, R, frames / 4] of features[B, 1, F, frames]."""
        x = self.stack(features).contiguous(memory_format=torch.channels_last)
        fine = self.stage1(f.relu(self.stem_norm(self.stem(x))))
        middle = self.stage2(fine)
        coarse = self.lateral3(self.stage3(middle))
        middle = self.lateral2(middle) + f.interpolate(coarse, size=middle.shape[2:], mode="nearest")
        grid = self.lateral1(fine) + f.interpolate(middle, size=fine.shape[2:], mode="nearest")
        return f.relu(self.out_norm(grid))


def channels_last(network: _Net) -> _Net:
    """Lay a network's weights out channels-last, which convolutions on CPUs prefer."""
    # torch's stubs lack the memory_format argument of Module.to.
    return cast("_Net", network.to(memory_format=torch.channels_last))  # type: ignore[call-overload]
