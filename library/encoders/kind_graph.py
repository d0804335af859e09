"""Write down as an ONNX graph what says of which kind an instrument by itself is; its convolutions count in bytes.

It is the arithmetic of library.encoders.kind_network, laid out channels-last (see library.encoders.quantise).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
from torch import nn

from library.encoders.byte_graph import ByteGraph
from library.encoders.kind_network import LEAST_VARIANCE, Stride
from library.encoders.onnx_graph import array_of
from library.encoders.quantise import BITS, STEM_BITS, ByteRange
from library.encoders.strips import fused, single_cell_product

if TYPE_CHECKING:
    from library.encoders.blocks import ResidualBlock
    from library.encoders.kind_network import KindNetwork
    from library.encoders.quantise import KindRanges
    from library.front_end import FeatureSpec

__all__ = ["kind_graph"]

_CHANNELS = 4
"""Of features and places, filled up: direct convolutions take multiples of four."""


def kind_graph(network: KindNetwork, spec: FeatureSpec, ranges: KindRanges) -> bytes:
    """Return the graph of a network in evaluation mode: "kinds" [1, k] of norm 1 of "features" [F, n]."""
    graph = _Kinds()
    x, at = graph.stacked(spec.bands, ranges.features), ranges.features
    reaches = iter(ranges.layers)
    for layer in network.body:
        if isinstance(layer, Stride):
            (after,) = next(reaches)
            x = graph.convolve(x, layer.conv, layer.norm, at, after)
        else:
            block = cast("ResidualBlock", layer)
            inner, added, after = next(reaches)
            y = graph.convolve(x, block.conv1, block.norm1, at, inner)
            y = graph.convolve(y, block.conv2, block.norm2, inner, added)
            x = graph.byte_sum(y, added, x, at, after)
        at = after
    graph.read(x, at, network)
    return graph.written({"features": [spec.bands, None]}, {"kinds": [1, None]})


class _Kinds(ByteGraph):
    """Add what a kind network goes through."""

    def stacked(self, bands: int, at: ByteRange) -> str:
        """Return features beside their places [1, F, n, channels]."""
        seen = self.op("Unsqueeze", self.op("QuantizeLinear", "features", *self.byte(at)), self.ints(0, 3))
        rest = np.full((1, bands, 1, _CHANNELS - 1), at.zero)
        rest[0, :, 0, 0] = at.bytes_of(np.linspace(-1.0, 1.0, bands))
        frames = self.op("Shape", "features", start=1)
        shape = self.op("Concat", self.ints(1, bands), frames, self.ints(_CHANNELS - 1), axis=0)
        return self.op("Concat", seen, self.op("Expand", self.constant(rest), shape), axis=3)

    def convolve(self, x: str, conv: nn.Conv2d, norm: nn.Module, at: ByteRange, out: ByteRange) -> str:
        """Convolve; beyond the ends there is nothing."""
        conv = fused(conv, norm)
        weight, bits = array_of(conv.weight), BITS
        if conv.in_channels < _CHANNELS:
            weight, bits = np.pad(weight, ((0, 0), (0, _CHANNELS - conv.in_channels), (0, 0), (0, 0))), STEM_BITS
        pads = 2 * cast("tuple[int, int]", conv.padding)
        return self.byte_convolution(x, weight, conv.bias, at, out, bits=bits, strides=conv.stride, pads=pads)

    def read(self, x: str, at: ByteRange, network: KindNetwork) -> None:
        """Read what places say, by what each reading gives them, and say the kind."""
        width = network.weigh.in_channels
        seen = self.op("Reshape", self.op("DequantizeLinear", x, *self.byte(at)), self.ints(-1, width))
        weigh, bias = single_cell_product(network.weigh, nn.Identity())
        logits = self.product(seen, array_of(weigh), None if bias is None else array_of(bias))
        weights = self.op("Transpose", self.op("Div", *self.shares(logits, axis=0)), perm=[1, 0])
        mean = self.op("MatMul", weights, seen)
        squares = self.op("MatMul", weights, self.op("Mul", seen, seen))
        variance = self.op("Sub", squares, self.op("Mul", mean, mean))
        spread = self.op("Sqrt", self.op("Max", variance, self.number(LEAST_VARIANCE)))
        read = self.op("Concat", *[self.op("Reshape", part, self.ints(1, -1)) for part in (mean, spread)], axis=1)
        self.op("Identity", self.unit(self.layers(read, network.say)), out="kinds")
