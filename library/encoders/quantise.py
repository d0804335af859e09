"""Put the numbers of convolutions into bytes: what each may be, and the steps between them.

No audio is needed for it: the norm behind a convolution has learnt how what it gives is spread (data-free quantisation,
Nagel et al., ICCV 2019, arXiv 1906.04721). Of that spread REACH standard deviations fit into a byte; what goes further
is cut off. Behind a rectifier nothing is below 0, so that cutting off and rectifying are one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray
from torch import nn

from library.encoders.kind_network import Stride
from library.encoders.onnx_graph import array_of

if TYPE_CHECKING:
    from library.encoders.blocks import ResidualBlock, Trunk
    from library.encoders.kind_network import KindNetwork
    from library.encoders.network import TimbrelNetwork
    from library.front_end import FeatureSpec

__all__ = ["BITS", "STEM_BITS", "ByteRange", "KindRanges", "Ranges", "TrunkRanges", "quantised", "ranges_of"]

REACH = 4.0
"""In mixtures of training phrases 99.99 % of all activations lie below 3.4 to 4 of them."""

LOUDEST_DB = 24.0
"""Over the mean power of a window; one feature in 10,000 is louder."""

BITS, STEM_BITS = 8, 7
"""Of weights. A processor with AVX2 and without VNNI adds two products of bytes in 16 bits, which is too little for the
large numbers that features are; what rectifiers leave is smaller."""


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Map numbers from low (0 at most) to high (0 at least) to 0..255.

    Attributes:
        low: What becomes 0.
        high: What becomes 255.
    """

    low: float
    high: float

    @property
    def step(self) -> np.float32:
        """Numbers between two bytes."""
        return np.float32((self.high - self.low) / 255.0)

    @property
    def zero(self) -> np.uint8:
        """The byte of 0."""
        return np.uint8(np.round(-self.low / self.step))

    def bytes_of(self, numbers: NDArray[np.floating]) -> NDArray[np.uint8]:
        """Return the bytes that are nearest."""
        return np.clip(np.round(numbers / self.step) + self.zero, 0, 255).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class TrunkRanges:
    """Say how far activations reach.

    Attributes:
        features: What goes in.
        stems: Behind each of the two strided convolutions.
        blocks: For each residual block: between its convolutions, behind the second, and behind the sum.
        cells: What comes out.
    """

    features: ByteRange
    stems: tuple[ByteRange, ByteRange]
    blocks: tuple[tuple[ByteRange, ByteRange, ByteRange], ...]
    cells: ByteRange


@dataclass(frozen=True, slots=True)
class KindRanges:
    """Say how far activations of a kind network reach.

    Attributes:
        features: What goes in.
        layers: For each layer of its body: of a stride what is behind it, of a residual block as in TrunkRanges.
    """

    features: ByteRange
    layers: tuple[tuple[ByteRange, ...], ...]


@dataclass(frozen=True, slots=True)
class Ranges:
    """Say how far activations of a network reach: of its trunk, and of what says kinds."""

    trunk: TrunkRanges
    kinds: KindRanges


def ranges_of(network: TimbrelNetwork, spec: FeatureSpec) -> Ranges:
    """Read how far activations reach from a network's norms; they must not have been folded into the convolutions."""
    return Ranges(_of_trunk(network.trunk, spec), _of_kinds(network.kind_network, spec))


def _of_trunk(trunk: Trunk, spec: FeatureSpec) -> TrunkRanges:
    stems = _rectified(_normed(trunk.stem1_norm)), _rectified(_normed(trunk.stem2_norm))
    blocks, before = [], stems[1]
    for block in trunk.blocks:
        blocks.append(_block(cast("ResidualBlock", block), before))
        before = blocks[-1][-1]
    return TrunkRanges(_features(spec), stems, tuple(blocks), _rectified(_normed(trunk.widen_norm)))


def _of_kinds(network: KindNetwork, spec: FeatureSpec) -> KindRanges:
    layers: list[tuple[ByteRange, ...]] = []
    for layer in network.body:
        if isinstance(layer, Stride):
            layers.append((_rectified(_normed(layer.norm)),))
        else:
            layers.append(_block(cast("ResidualBlock", layer), layers[-1][-1]))
    return KindRanges(_features(spec), tuple(layers))


def _features(spec: FeatureSpec) -> ByteRange:
    return ByteRange(spec.floor_db / 20.0 + 1.0, LOUDEST_DB / 20.0 + 1.0)


def _block(block: ResidualBlock, before: ByteRange) -> tuple[ByteRange, ByteRange, ByteRange]:
    added = _normed(block.norm2)
    high = float(np.hypot(before.high, added.high))  # what goes by and what is added vary independently
    return _rectified(_normed(block.norm1)), added, ByteRange(0.0, high)


def quantised(
    weight: NDArray[np.float32], bias: NDArray[np.float32], given: ByteRange, bits: int
) -> tuple[NDArray[np.int8], NDArray[np.float32], NDArray[np.int32]]:
    """Round weight[out, ...] and bias[out] of what is applied to bytes.

    What rounding leaves over of one weight is carried to the next: what neighbouring taps are given is alike, so that
    errors cancel. It leaves a third of the noise of rounding each by itself.

    Returns:
        The weight, the step between two of its numbers for each output, and the bias in steps of the product.
    """
    flat = weight.reshape(len(weight), -1).astype(np.float64)
    most = 2 ** (bits - 1) - 2  # what is carried can add one
    steps = np.maximum(np.abs(flat).max(axis=1) / most, 1e-12).astype(np.float32)
    sums = np.round(np.cumsum(flat / steps[:, None], axis=1))
    whole = np.diff(sums, axis=1, prepend=0.0).astype(np.int8).reshape(weight.shape)
    return whole, steps, np.round(bias / (steps * given.step)).astype(np.int32)


def _normed(norm: nn.Module) -> ByteRange:
    mean, spread = array_of(cast("nn.BatchNorm2d", norm).bias), np.abs(array_of(cast("nn.BatchNorm2d", norm).weight))
    low, high = float((mean - REACH * spread).min()), float((mean + REACH * spread).max())
    return ByteRange(min(low, 0.0), max(high, 1e-3))


def _rectified(of: ByteRange) -> ByteRange:
    return ByteRange(0.0, of.high)
