"""Write down as an ONNX graph what one strip of a stream goes through: the trunk, then what its cells say.

It is the arithmetic of library.encoders.strips and of TimbrelNetwork.tell, the trunk's in bytes (see
library.encoders.quantise): on a CPU ONNX Runtime then takes a third of the time of its own float convolutions, and a
quarter of torch's. Everything lies as [time, rows, C], so that nothing is turned.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
from torch import nn

from library.encoders.byte_graph import ByteGraph
from library.encoders.onnx_graph import Shape, array_of
from library.encoders.quantise import BITS, STEM_BITS, ByteRange, TrunkRanges
from library.encoders.strips import along_time, fused, of_patches, single_cell_product
from library.front_end import SILENCE

if TYPE_CHECKING:
    from library.encoders.blocks import HarmonicStack, ResidualBlock
    from library.encoders.network import TimbrelNetwork
    from library.front_end import FeatureSpec

__all__ = ["Kept", "look_graph", "strip_graph"]

_STACKED = 16
"""Channels that harmonics and places are filled up to: direct convolutions take multiples of four."""

_PLACE = 2.0
"""Rows' places (-1..1) count so many times, and their weights so much less: they share the range of the features."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Describe an input that holds what was kept of a strip.

    Attributes:
        name: Of the input; of the output that holds it and all that came behind it "next_" and this.
        rows: Of the grid.
        channels: Of each.
        before: Columns of silence before the beginning.
        silence: What silence is.
    """

    name: str
    rows: int
    channels: int
    before: int
    silence: int


def strip_graph(network: TimbrelNetwork, spec: FeatureSpec, ranges: TrunkRanges) -> tuple[bytes, list[Kept]]:
    """Return the graph of a network in evaluation mode, and the end of its front end.

    Inputs are "power" [F, n] of bands and "reference" [1], what counts as 0 dB, then what was kept, bytes
    [1, k, rows, C] each: as "kept<i>" of the inputs of each convolution along time and as "waiting<i>" of those of each
    block's shortcut, in the order of their use. Outputs are "cells" [m, R, C] and "traits" [m, R, traits], then what
    was kept with all that came behind it, in the order of the inputs.
    """
    trunk, rows = network.trunk, network.config.rows
    graph, (stem1, stem2) = _Strip(), ranges.stems
    x = graph.stacked(trunk.stack, spec, ranges.features)
    x = graph.convolve(x, trunk.stem1, trunk.stem1_norm, 4 * rows, ranges.features, stem1)
    x = graph.convolve(x, trunk.stem2, trunk.stem2_norm, 2 * rows, stem1, stem2)
    at = stem2
    for block, (inner, added, after) in zip(trunk.blocks, ranges.blocks, strict=True):
        block = cast("ResidualBlock", block)
        shortcut = graph.behind("waiting", x, rows, block.conv1.in_channels)
        y = graph.convolve(x, block.conv1, block.norm1, rows, at, inner)
        y = graph.convolve(y, block.conv2, block.norm2, rows, inner, added)
        x, at = graph.byte_sum(y, added, shortcut, at, after), after
    graph.told(x, at, network)
    kept: dict[str, Shape] = {one.name: [1, None, one.rows, one.channels] for one in graph.kept}
    found: dict[str, Shape] = {"cells": [None] * 3, "traits": [None] * 3}
    found |= {f"next_{name}": shape for name, shape in kept.items()}
    kinds = dict.fromkeys([*kept, *(f"next_{name}" for name in kept)], np.uint8)
    return graph.written({"power": [spec.bands, None], "reference": [1], **kept}, found, kinds), graph.kept


def look_graph(network: TimbrelNetwork, cells_at: ByteRange) -> bytes:
    """Return how it looks at cells, whose range is given: in bytes, as the trunk counts.

    Inputs are "cells" [n, R, C] and "pads" [6] int64, cells of silence around them as Pad takes them; the output is
    "looks" [m, R / 2, layers * 2 C].
    """
    graph, overview = ByteGraph(), network.overview
    size, rows, cells = overview.kernel_size[1], network.config.rows // 2, network.config.cells
    seen = graph.op("QuantizeLinear", graph.op("Pad", "cells", "pads"), *graph.byte(cells_at))
    seen = graph.op("Reshape", seen, graph.ints(-1, size, rows, 2 * cells))
    patches = graph.op("Reshape", graph.op("Transpose", seen, perm=[0, 2, 1, 3]), graph.ints(-1, size * 2 * cells))
    by_row = graph.byte_product(patches, of_patches(overview), overview.bias, cells_at)
    row_code = graph.constant(array_of(network.row_code))
    memory = graph.op("Add", graph.op("Reshape", by_row, graph.ints(-1, rows, cells)), row_code)
    weight, look_bias = (array_of(part) for part in network.look_weights())
    flat = graph.product(graph.op("Reshape", memory, graph.ints(-1, cells)), weight, look_bias)
    graph.op("Reshape", flat, graph.ints(-1, rows, len(weight)), out="looks")
    found: dict[str, Shape] = {"looks": [None, rows, len(weight)]}
    return graph.written({"cells": [None, 2 * rows, cells], "pads": [6]}, found, {"pads": np.int64})


class _Strip(ByteGraph):
    """Add convolutions of bytes that go on from strip to strip.

    Attributes:
        kept: What they keep.
    """

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[Kept] = []

    def stacked(self, stack: HarmonicStack, spec: FeatureSpec, at: ByteRange) -> str:
        """Return harmonics and places [1, n, rows, channels] that a stack makes of the features of power."""
        louder = self.op("Div", "power", self.op("Max", "reference", self.number(1e-20)))
        logs = self.op("Log", self.op("Max", louder, self.number(10.0 ** (spec.floor_db / 10.0))))
        features = self.op("Add", self.op("Mul", logs, self.number(10.0 / math.log(10.0) / 20.0)), self.number(1.0))
        place = array_of(stack.get_buffer("place"))
        silence, first_place = spec.bands, spec.bands + 1  # rows behind the bands
        rest = self.constant(at.bytes_of(np.concatenate([[SILENCE], _PLACE * place]))[:, None])
        shape = self.op("Concat", self.ints(len(place) + 1), self.op("Shape", "power", start=1), axis=0)
        rows = [self.op("QuantizeLinear", features, *self.byte(at)), self.op("Expand", rest, shape)]
        # What by_time() takes of the rows' places and the bands, with silence below them, behind.
        taken = stack.get_buffer("taken").cpu().numpy().reshape(len(place), stack.CHANNELS)[:, :-1]
        taken = taken - len(place) - stack.padding(spec.bands)[0]
        taken = np.where((taken < 0) | (taken >= spec.bands), silence, taken)
        spare = np.full((len(place), _STACKED - stack.CHANNELS), silence)  # weights are 0 there
        taken = np.concatenate([taken, first_place + np.arange(len(place))[:, None], spare], axis=1)
        found = self.op(
            "Gather", self.op("Concat", *rows, axis=0), self.constant(taken.ravel().astype(np.int64)), axis=0
        )
        return self.op("Reshape", self.op("Transpose", found, perm=[1, 0]), self.ints(1, -1, *taken.shape))

    def convolve(self, x: str, conv: nn.Conv2d, norm: nn.Module, rows: int, at: ByteRange, out: ByteRange) -> str:
        """Convolve along time and rows, behind what was kept; beyond the end there is nothing."""
        conv = fused(conv, norm)
        weight, bits = array_of(along_time(conv)), BITS
        if not self.kept:  # its last channel holds the places
            weight = np.pad(weight, ((0, 0), (0, _STACKED - conv.in_channels), (0, 0), (0, 0)))
            weight[:, conv.in_channels - 1] /= _PLACE
            bits = STEM_BITS
        x = self.behind("kept", x, rows, weight.shape[1], int(at.zero))
        pads = [0, 1, 1, 1]  # a frame behind the last, a row beyond each end
        return self.byte_convolution(x, weight, conv.bias, at, out, bits=bits, strides=conv.stride, pads=pads)

    def behind(self, kind: str, x: str, rows: int, channels: int, silence: int = 0) -> str:
        """Put what comes behind what was kept."""
        kept = Kept(f"{kind}{len(self.kept)}", rows, channels, int(kind == "kept"), silence)
        self.kept.append(kept)
        return self.op("Concat", kept.name, x, axis=1, out=f"next_{kept.name}")

    def told(self, x: str, at: ByteRange, network: TimbrelNetwork) -> None:
        """Widen the trunk's bytes to cells, and tell their traits."""
        config = network.config
        weight, bias = single_cell_product(network.trunk.widen, network.trunk.widen_norm)
        flat = self.op("Reshape", x, self.ints(-1, weight.shape[1]))
        cells = self.op("Relu", self.byte_product(flat, weight, bias, at))
        traits = self.op("Relu", self.linear(cells, network.traits))
        self.op("Reshape", cells, self.ints(-1, config.rows, config.cells), out="cells")
        self.op("Reshape", traits, self.ints(-1, config.rows, config.traits), out="traits")
