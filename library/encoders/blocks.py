"""Build the trunk: from log-mel windows to a grid of local embeddings."""

from __future__ import annotations

from typing import TypeVar, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as f

__all__ = ["ResidualBlock", "Trunk", "channels_last"]

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


class Trunk(nn.Module):
    """Turn features into cells: one vector per 8 mel bands and 8 frames.

    A stride-4 stem and three residual stages; the last stage is brought back to the grid of the second, so that a cell
    sees far and stays small enough to belong to one instrument.

    Args:
        cells: Length of a cell's vector.
        widths: Channels of the three stages.
    """

    STRIDE = 8

    def __init__(self, cells: int, widths: tuple[int, int, int]) -> None:
        super().__init__()
        w1, w2, w3 = widths
        # The second channel says where on the mel axis a cell lies: timbre depends on register.
        self.stem = nn.Conv2d(2, w1, 7, 4, 3, bias=False)
        self.stem_norm = nn.BatchNorm2d(w1)
        self.stage1 = ResidualBlock(w1, w1)
        self.stage2 = ResidualBlock(w1, w2, 2)
        self.stage3 = ResidualBlock(w2, w3, 2)
        self.lateral2 = nn.Conv2d(w2, cells, 1, bias=False)
        self.lateral3 = nn.Conv2d(w3, cells, 1, bias=False)
        self.out_norm = nn.BatchNorm2d(cells)

    def forward(self, features: Tensor) -> Tensor:
        """Return cells [B, C, F / 8, frames / 8] of features[B, 1, F, frames]."""
        bands = torch.linspace(-1, 1, features.shape[2], device=features.device, dtype=features.dtype)
        x = torch.cat([features, bands[None, None, :, None].expand_as(features)], dim=1)
        x = x.contiguous(memory_format=torch.channels_last)
        x = self.stage1(f.relu(self.stem_norm(self.stem(x))))
        middle = self.stage2(x)
        coarse = self.lateral3(self.stage3(middle))
        coarse = f.interpolate(coarse, size=middle.shape[2:], mode="nearest")
        return f.relu(self.out_norm(self.lateral2(middle) + coarse))


def channels_last(network: _Net) -> _Net:
    """Lay a network's weights out channels-last, which convolutions on CPUs prefer."""
    # torch's stubs lack the memory_format argument of Module.to.
    return cast("_Net", network.to(memory_format=torch.channels_last))  # type: ignore[call-overload]
