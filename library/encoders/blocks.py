"""Build the trunk: from log-mel windows to a grid of local embeddings."""

from __future__ import annotations

import math
from typing import TypeVar, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as f

from library.front_end import BANDS_PER_OCTAVE, SILENCE

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
        self._below = -min(self._shifts)
        # What by_time() takes, row by row, of the rows' places and the bands, with silence below them, behind.
        bands = [torch.arange(rows) + rows + self._below + shift for shift in self._shifts]
        self.register_buffer("place", torch.linspace(-1, 1, rows), persistent=False)
        self.register_buffer("taken", torch.stack([*bands, torch.arange(rows)], dim=1).flatten(), persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        """Return [B, CHANNELS, rows, frames] of log features[B, 1, F, frames]; beyond the bands there is silence.

        Laid out channels-last, in the precision that convolutions run in.
        """
        device = features.device.type
        if torch.is_autocast_enabled(device):
            features = features.to(torch.get_autocast_dtype(device))
        below = self._below
        padded = f.pad(features[:, 0], (0, 0, below, self._above(features.shape[2])), value=SILENCE)
        shape = (len(features), self._rows, features.shape[3], self.CHANNELS)
        stacked = torch.empty(shape, dtype=features.dtype, device=features.device)
        for channel, shift in enumerate(self._shifts):
            stacked[..., channel] = padded[:, below + shift : below + shift + self._rows]
        stacked[..., -1] = self.get_buffer("place").to(features.dtype)[None, :, None]
        return stacked.permute(0, 3, 1, 2)

    def by_time(self, features: Tensor) -> Tensor:
        """Return [1, CHANNELS, n, rows] of log features[F, n], as forward() makes them, with time before rows."""
        bands, frames = features.shape
        padded = f.pad(features.T, self.padding(bands), value=SILENCE)
        found = torch.cat([self.get_buffer("place").expand(frames, -1), padded], dim=1).index_select(
            1, self.get_buffer("taken")
        )
        return found.view(1, frames, self._rows, self.CHANNELS).permute(0, 3, 1, 2)

    def padding(self, bands: int) -> tuple[int, int]:
        """Return how many silent bands lie below and above so many."""
        return self._below, self._above(bands)

    def _above(self, bands: int) -> int:
        return max(0, max(self._shifts) + self._rows - bands)


class Trunk(nn.Module):
    """Turn features into cells: one vector for two semitones and four frames (128 ms).

    Two stride-2 convolutions over stacked harmonics, then residual blocks: a cell sees the harmonics of its own pitch,
    half a second to both sides, and little of what others play.

    Args:
        cells: Length of a cell's vector.
        widths: Channels after each of the two strides.
        blocks: Residual blocks.
        rows: Rows R of cells.
    """

    STRIDE = 4

    def __init__(self, cells: int, widths: tuple[int, int], blocks: int, rows: int) -> None:
        super().__init__()
        w1, w2 = widths
        self.stack = HarmonicStack(rows * self.STRIDE)
        self.stem1 = nn.Conv2d(HarmonicStack.CHANNELS, w1, 3, 2, 1, bias=False)
        self.stem1_norm = nn.BatchNorm2d(w1)
        self.stem2 = nn.Conv2d(w1, w2, 3, 2, 1, bias=False)
        self.stem2_norm = nn.BatchNorm2d(w2)
        self.blocks = nn.Sequential(*(ResidualBlock(w2, w2) for _ in range(blocks)))
        self.widen = nn.Conv2d(w2, cells, 1, bias=False)
        self.widen_norm = nn.BatchNorm2d(cells)

    def forward(self, features: Tensor) -> Tensor:
        """Return cells [B, C, R, frames / 4] of features[B, 1, F, frames]."""
        x = self.stack(features)
        x = f.relu(self.stem1_norm(self.stem1(x)))
        x = f.relu(self.stem2_norm(self.stem2(x)))
        return f.relu(self.widen_norm(self.widen(self.blocks(x))))


def channels_last(network: _Net) -> _Net:
    """Lay a network's weights out channels-last, which convolutions on CPUs prefer."""
    # torch's stubs lack the memory_format argument of Module.to.
    return cast("_Net", network.to(memory_format=torch.channels_last))  # type: ignore[call-overload]
