"""Run the trunk over a stream: each convolution keeps the few inputs that its next outputs need.

The same arithmetic as library.encoders.blocks, laid out with time first: what is new lies in one piece.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as f

from library.encoders.blocks import ResidualBlock, Trunk

__all__ = ["TrunkStrip", "along_time"]


class TrunkStrip:
    """Turn features that come strip by strip into cells.

    Strips overlap at their ends: what later audio can still change is given again with the next strip. Beyond the last
    frame of a strip there is nothing, as beyond the end of a window by itself.

    Args:
        trunk: In evaluation mode, its norms folded into the convolutions (see library.encoders.runtime) or not.
    """

    def __init__(self, trunk: Trunk) -> None:
        self._trunk = trunk
        self._stem = (_Conv(trunk.stem1, trunk.stem1_norm), _Conv(trunk.stem2, trunk.stem2_norm))
        self._blocks = [_Block(cast("ResidualBlock", block)) for block in trunk.blocks]

    def begin(self) -> None:
        """Forget what came before: the next strip is the beginning, with silence before it."""
        for conv in self._stem:
            conv.begin()
        for block in self._blocks:
            block.begin()

    def push(self, features: Tensor, settled: int) -> tuple[Tensor, int]:
        """Take a strip.

        Args:
            features: [F, n] from the first frame on that was not settled before.
            settled: Frames since the beginning that later strips don't change.

        Returns:
            Cells [m, R, C] from the first on that was not settled before, and how many since the beginning are now.
        """
        trunk = self._trunk
        x = trunk.stack.by_time(features)
        for conv in self._stem:
            x, settled = conv.push(x, settled)
            x = f.relu_(x)
        for block in self._blocks:
            x, settled = block.push(x, settled)
        cells = f.relu(trunk.widen_norm(trunk.widen(x)))[0]
        return cells.permute(1, 2, 0).contiguous(), settled


class _Block:
    """Run a residual block that keeps the size."""

    def __init__(self, block: ResidualBlock) -> None:
        self._convs = (_Conv(block.conv1, block.norm1), _Conv(block.conv2, block.norm2))
        self._waiting: Tensor | None = None  # settled inputs of outputs that are not settled

    def begin(self) -> None:
        self._waiting = None
        for conv in self._convs:
            conv.begin()

    def push(self, x: Tensor, settled: int) -> tuple[Tensor, int]:
        first = self._convs[1].settled
        shortcut = x if self._waiting is None else torch.cat([self._waiting, x], dim=2)
        y, inner = self._convs[0].push(x, settled)
        y, after = self._convs[1].push(f.relu_(y), inner)
        self._waiting = shortcut[:, :, after - first : settled - first]
        return f.relu_(y.add_(shortcut)), after


class _Conv:
    """Run a convolution 3 long, with its norm, along time.

    Attributes:
        settled: Outputs since the beginning that later inputs don't change.
    """

    def __init__(self, conv: nn.Conv2d, norm: nn.Module) -> None:
        self._weight = along_time(conv)
        self._bias, self._norm = conv.bias, norm
        self._stride = conv.stride[0]
        self._kept: Tensor | None = None  # inputs from the one before the next output's middle on
        self.settled = 0

    def begin(self) -> None:
        self._kept, self.settled = None, 0

    def push(self, x: Tensor, settled: int) -> tuple[Tensor, int]:
        """Return outputs [1, C, m, R] from the first that was not settled on, and how many are settled now.

        Args:
            x: [1, C, n, R] inputs from the first that was not settled before.
            settled: Inputs since the beginning that later strips don't change.
        """
        silence = torch.zeros_like(x[:, :, :1])
        begin = self._stride * self.settled - 1  # input that the first output reaches back to
        x = torch.cat([silence if self._kept is None else self._kept, x, silence], dim=2)
        y = self._norm(f.conv2d(x, self._weight, self._bias, self._stride, (0, 1)))
        self.settled = max(self.settled, (settled + self._stride - 2) // self._stride)
        self._kept = x[:, :, self._stride * self.settled - 1 - begin : settled - begin]
        return y, self.settled


def along_time(conv: nn.Conv2d) -> Tensor:
    """Return the weight of a convolution over [B, C, rows, time] for [B, C, time, rows]."""
    return conv.weight.transpose(2, 3).contiguous(memory_format=torch.channels_last)
