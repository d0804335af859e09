"""Write down as an ONNX graph what one strip of a stream goes through: the trunk, then what its cells say.

It is the arithmetic of library.encoders.strips and of TimbrelNetwork.tell. On a CPU ONNX Runtime takes two thirds of
torch's time for the convolutions, and next to nothing for what lies between them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

import numpy as np
from torch import nn

from library.encoders.onnx_graph import Graph, Shape, array_of
from library.encoders.strips import along_time, fused, of_patches, single_cell_product
from library.front_end import SILENCE

if TYPE_CHECKING:
    from library.encoders.blocks import HarmonicStack, ResidualBlock
    from library.encoders.network import TimbrelNetwork
    from library.front_end import FeatureSpec

__all__ = ["look_graph", "strip_graph"]


def strip_graph(network: TimbrelNetwork, spec: FeatureSpec) -> bytes:
    """Return the graph of a network in evaluation mode, and the end of its front end.

    Inputs are "power" [F, n] of bands and "reference" [1], what counts as 0 dB; what was kept, as "kept<i>"
    [1, C, k, R] of the inputs of each convolution along time and as "waiting<i>" of those of each block's shortcut, in
    the order of their use; and "spans" [2 S] int64, where what is to be kept of each begins and ends. Outputs are
    "told" [m, R, C + traits] and "says" [m, R, 2], then all that is kept, in the order of the inputs.
    """
    trunk, rows = network.trunk, network.config.rows
    graph = _Strip()
    x = graph.convolve(graph.stacked(trunk.stack, spec), trunk.stem1, trunk.stem1_norm, 4 * rows)
    x = graph.convolve(graph.op("Relu", x), trunk.stem2, trunk.stem2_norm, 2 * rows)
    x = graph.op("Relu", x)
    for block in (cast("ResidualBlock", block) for block in trunk.blocks):
        shortcut = graph.behind("waiting", x, block.conv1.in_channels, rows)
        y = graph.op("Relu", graph.convolve(x, block.conv1, block.norm1, rows))
        y = graph.convolve(y, block.conv2, block.norm2, rows)
        x = graph.op("Relu", graph.op("Add", y, shortcut))
    x = graph.op("Squeeze", graph.op("Transpose", x, perm=[0, 2, 3, 1]), graph.ints(0))
    weight, bias = single_cell_product(trunk.widen, trunk.widen_norm)
    cells = graph.op("Relu", graph.product(x, array_of(weight), None if bias is None else array_of(bias)))
    graph.op("Concat", cells, graph.op("Relu", graph.linear(cells, network.traits)), axis=-1, out="told")
    says = [graph.linear(cells, part) for part in (network.nothing, network.saliency)]
    graph.op("Concat", *says, axis=-1, out="says")
    found: dict[str, Shape] = dict.fromkeys(("told", "says"), [None] * 3)
    found |= {f"next_{name}": shape for name, shape in graph.kept.items()}
    given: dict[str, Shape] = {"power": [spec.bands, None], "reference": [1], **graph.kept}
    return graph.written(given, found, {"spans": [None]})


def look_graph(network: TimbrelNetwork) -> bytes:
    """Return how it looks at cells.

    Inputs are "cells" [n, R, C] and "pads" [6] int64, cells of silence around them as Pad takes them; the output is
    "looks" [m, R / 2, layers * 2 C].
    """
    graph, overview = Graph(), network.overview
    size, rows, cells = overview.kernel_size[1], network.config.rows // 2, network.config.cells
    seen = graph.op("Reshape", graph.op("Pad", "cells", "pads"), graph.ints(-1, size, rows, 2 * cells))
    patches = graph.op("Reshape", graph.op("Transpose", seen, perm=[0, 2, 1, 3]), graph.ints(-1, size * 2 * cells))
    bias = 0.0 if overview.bias is None else array_of(overview.bias)
    by_row = graph.product(patches, array_of(of_patches(overview)))
    memory = graph.op(
        "Add",
        graph.op("Reshape", by_row, graph.ints(-1, rows, cells)),
        graph.constant(array_of(network.row_code) + bias),
    )
    weight, look_bias = (array_of(part) for part in network.look_weights())
    flat = graph.product(graph.op("Reshape", memory, graph.ints(-1, cells)), weight, look_bias)
    graph.op("Reshape", flat, graph.ints(-1, rows, len(weight)), out="looks")
    return graph.written({"cells": [None, 2 * rows, cells]}, {"looks": [None, rows, len(weight)]}, {"pads": [6]})


class _Strip(Graph):
    """Add convolutions that go on from strip to strip.

    Attributes:
        kept: Name and shape of each input that holds what was kept.
    """

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[str, Shape] = {}

    def stacked(self, stack: HarmonicStack, spec: FeatureSpec) -> str:
        """Return the harmonics [1, C, n, R] that a stack makes of the features (normalise_power) of power."""
        louder = self.op("Div", "power", self.op("Max", "reference", self.number(1e-20)))
        logs = self.op("Log", self.op("Max", louder, self.number(10.0 ** (spec.floor_db / 10.0))))
        features = self.op("Add", self.op("Mul", logs, self.number(10.0 / math.log(10.0) / 20.0)), self.number(1.0))
        by_time = self.op("Transpose", features, perm=[1, 0])
        below, above = stack.padding(spec.bands)
        padded = self.op("Pad", by_time, self.ints(0, below, 0, above), self.number(SILENCE))
        place = array_of(stack.get_buffer("place"))
        # What by_time() takes, but the place of rows, which it puts before the bands.
        taken = stack.get_buffer("taken").cpu().numpy().reshape(len(place), stack.CHANNELS)[:, :-1].T - len(place)
        harmonics = self.op("Gather", padded, self.constant(taken.astype(np.int64)), axis=1)  # [n, C - 1, R]
        nothing = self.op("Mul", self.parts(harmonics, [1, len(taken) - 1], axis=1)[0], self.number(0.0))
        places = self.op("Add", nothing, self.constant(place))
        stacked = self.op("Transpose", self.op("Concat", harmonics, places, axis=1), perm=[1, 0, 2])
        return self.op("Unsqueeze", stacked, self.ints(0))

    def convolve(self, x: str, conv: nn.Conv2d, norm: nn.Module, rows: int) -> str:
        """Convolve along time and rows, behind what was kept; beyond the end there is nothing."""
        conv = fused(conv, norm)
        weights = [along_time(conv), *([] if conv.bias is None else [conv.bias])]
        return self.op(
            "Conv",
            self.behind("kept", x, conv.in_channels, rows),
            *(self.constant(array_of(weight)) for weight in weights),
            strides=list(conv.stride),
            pads=[0, 1, 1, 1],  # a frame behind the last, a row beyond each end
            kernel_shape=[3, 3],
        )

    def behind(self, kind: str, x: str, channels: int, rows: int) -> str:
        """Put what comes behind what was kept, and keep a part of both."""
        place = len(self.kept)
        name = f"{kind}{place}"
        self.kept[name] = [1, channels, None, rows]
        joined = self.op("Concat", name, x, axis=2)
        begin, end = (self.op("Gather", "spans", self.constant(np.array([2 * place + i])), axis=0) for i in (0, 1))
        self.op("Slice", joined, begin, end, self.ints(2), out=f"next_{name}")
        return joined
