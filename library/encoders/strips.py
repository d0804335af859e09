"""Run the trunk over a stream: each convolution keeps the few inputs that its next outputs need.

The same arithmetic as library.encoders.blocks, laid out with time first: what is new lies in one piece.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as f
from torch.nn.utils.fusion import fuse_conv_bn_eval

from library.features import normalise_power

if TYPE_CHECKING:
    from library.encoders.blocks import ResidualBlock
    from library.encoders.network import TimbrelNetwork
    from library.front_end import FeatureSpec

__all__ = ["Span", "Strip", "Told", "TorchStrip", "along_time", "fused", "of_patches", "single_cell_product"]


@dataclass(frozen=True, slots=True)
class Told:
    """Hold cells and what is kept of what they say by themselves.

    Attributes:
        cells: [..., C] the cells themselves.
        traits: [..., traits] features of them.
    """

    cells: Tensor
    traits: Tensor


class Strip(Protocol):
    """Turn band power that comes strip by strip into what its cells say.

    Strips overlap at their ends: what later audio can still change is given again with the next strip. Beyond the last
    frame of a strip there is nothing, as beyond the end of a window by itself.
    """

    def begin(self) -> None:
        """Forget what came before: the next strip is the beginning, with silence before it."""
        ...

    def push(self, power: Tensor, reference: Tensor, settled: int) -> tuple[Told, int]:
        """Take a strip.

        Args:
            power: [F, n] band power from the first frame on that was not settled before.
            reference: Power that counts as 0 dB.
            settled: Frames since the beginning that later strips don't change.

        Returns:
            Cells [m, R] and what they say, from the first on that was not settled before, and how many since the
            beginning are settled now.
        """
        ...

    def look(self, cells: Tensor, before: int, after: int) -> Tensor:
        """Return what queries see of settled and other cells.

        Args:
            cells: [n, R, C].
            before: Cells of silence to put before them ...
            after: ... and behind them, so that they are a whole number of looks.

        Returns:
            [m, R / 2, layers * 2 C] looks beside each other.
        """
        ...


class Span:
    """Count what a convolution 3 long has settled, and say what of its inputs it keeps.

    Attributes:
        settled: Outputs since the beginning that later inputs don't change.
    """

    def __init__(self, stride: int) -> None:
        self._stride = stride
        self.settled = 0

    def move(self, settled: int) -> tuple[int, int]:
        """Take so many settled inputs since the beginning; return where what is kept begins and ends.

        Places count from the input that the first output so far not settled reaches back to.
        """
        begin = self._stride * self.settled - 1
        self.settled = max(self.settled, (settled + self._stride - 2) // self._stride)
        return self._stride * self.settled - 1 - begin, settled - begin


class TorchStrip:
    """Run a network with torch, on any device.

    Args:
        network: In evaluation mode, its norms folded into the convolutions (see library.encoders.runtime) or not.
        spec: Its front end.
    """

    def __init__(self, network: TimbrelNetwork, spec: FeatureSpec) -> None:
        self._network, self._spec, trunk = network, spec, network.trunk
        self._stack = trunk.stack
        self._stem = (_Conv(trunk.stem1, trunk.stem1_norm), _Conv(trunk.stem2, trunk.stem2_norm))
        self._blocks = [_Block(cast("ResidualBlock", block)) for block in trunk.blocks]
        self._widen = single_cell_product(trunk.widen, trunk.widen_norm)
        self._overview, self._look_weights = of_patches(network.overview), network.look_weights()

    def begin(self) -> None:
        """Forget what came before."""
        for conv in self._stem:
            conv.begin()
        for block in self._blocks:
            block.begin()

    def push(self, power: Tensor, reference: Tensor, settled: int) -> tuple[Told, int]:
        """Take a strip; see Strip."""
        x = self._stack.by_time(normalise_power(power[None], self._spec, reference)[0])
        for conv in self._stem:
            x, settled = conv.push(x, settled)
            x = f.relu_(x)
        for block in self._blocks:
            x, settled = block.push(x, settled)
        cells = f.relu_(f.linear(x[0].permute(1, 2, 0), *self._widen))
        return Told(cells, f.relu_(self._network.traits(cells))), settled

    def look(self, cells: Tensor, before: int, after: int) -> Tensor:
        """Return what queries see; see Strip."""
        overview = self._network.overview
        seen = f.pad(cells, (0, 0, 0, 0, before, after))
        size, rows, channels = overview.kernel_size[1], seen.shape[1] // 2, 2 * seen.shape[2]
        patches = seen.view(-1, size, rows, channels).transpose(1, 2).flatten(2)
        memory = f.linear(patches, self._overview, overview.bias) + self._network.row_code
        return f.linear(memory, *self._look_weights)


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
        first = self._convs[1].span.settled
        shortcut = x if self._waiting is None else torch.cat([self._waiting, x], dim=2)
        y, inner = self._convs[0].push(x, settled)
        y, after = self._convs[1].push(f.relu_(y), inner)
        self._waiting = shortcut[:, :, after - first : settled - first]
        return f.relu_(y.add_(shortcut)), after


class _Conv:
    """Run a convolution 3 long, with its norm, along time."""

    def __init__(self, conv: nn.Conv2d, norm: nn.Module) -> None:
        conv = fused(conv, norm)
        self._weight, self._bias = along_time(conv), conv.bias
        self._stride = conv.stride[0]
        self.begin()

    def begin(self) -> None:
        self._kept: Tensor | None = None  # inputs from the one before the next output's middle on
        self.span = Span(self._stride)

    def push(self, x: Tensor, settled: int) -> tuple[Tensor, int]:
        """Return outputs [1, C, m, R] from the first that was not settled on, and how many are settled now.

        Args:
            x: [1, C, n, R] inputs from the first that was not settled before.
            settled: Inputs since the beginning that later strips don't change.
        """
        silence = torch.zeros_like(x[:, :, :1])
        x = torch.cat([silence if self._kept is None else self._kept, x, silence], dim=2)
        y = f.conv2d(x, self._weight, self._bias, self._stride, (0, 1))
        begin, end = self.span.move(settled)
        self._kept = x[:, :, begin:end]
        return y, self.span.settled


def along_time(conv: nn.Conv2d) -> Tensor:
    """Return the weight of a convolution over [B, C, rows, time] for [B, C, time, rows]."""
    return conv.weight.transpose(2, 3).contiguous(memory_format=torch.channels_last)


def fused(conv: nn.Conv2d, norm: nn.Module) -> nn.Conv2d:
    """Return a convolution with the norm behind it folded in, where that has not been done."""
    return fuse_conv_bn_eval(conv, norm) if isinstance(norm, nn.BatchNorm2d) else conv


def of_patches(overview: nn.Conv2d) -> Tensor:
    """Return the weight of a convolution whose patches [time, rows, C] lie beside each other, for each of them flat.

    A product then does what the convolution does.
    """
    return overview.weight.permute(0, 3, 2, 1).flatten(1).contiguous()


def single_cell_product(conv: nn.Conv2d, norm: nn.Module) -> tuple[Tensor, Tensor | None]:
    """Return weight[out, in] and bias of a convolution of single cells with its norm: it is a product."""
    conv = fused(conv, norm)
    return conv.weight[:, :, 0, 0], conv.bias
