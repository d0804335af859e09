"""Add to an ONNX graph what counts in bytes (see library.encoders.quantise); everything lies channels-last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from library.encoders.onnx_graph import MICROSOFT, Graph, array_of
from library.encoders.quantise import BITS, ByteRange, quantised

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["ByteGraph"]


class ByteGraph(Graph):
    """Add products, convolutions and sums of bytes."""

    def byte(self, at: ByteRange) -> tuple[str, str]:
        """Add the step and the zero of a range."""
        return self.constant(np.array(at.step)), self.constant(np.array(at.zero))

    def byte_product(self, x: str, weight: Tensor, bias: Tensor | None, at: ByteRange) -> str:
        """Multiply bytes [n, m] of a range by weight[out, m] and add a bias: float32."""
        whole, steps, bias_steps = quantised(array_of(weight), _given(bias, len(weight)), at, BITS)
        parts = [self.constant(part) for part in (whole.T, steps, np.zeros(len(whole), np.int8), bias_steps)]
        return self.op("QGemm", x, *self.byte(at), *parts, domain=MICROSOFT)

    def byte_convolution(
        self,
        x: str,
        weight: NDArray[np.float32],
        bias: Tensor | None,
        at: ByteRange,
        out: ByteRange,
        *,
        bits: int,
        strides: Sequence[int],
        pads: Sequence[int],
    ) -> str:
        """Convolve bytes [1, h, w, in] of a range with weight[out, in, y, x] and add a bias: bytes of another range.

        Where that begins at 0 it rectifies as well. Beyond the ends there is 0.

        Args:
            x: What is convolved.
            weight: In floats.
            bias: In floats.
            at: Range of x.
            out: Range of the result.
            bits: Of weights.
            strides: Along both axes.
            pads: Before both axes, then behind both.
        """
        whole, steps, bias_steps = quantised(weight, _given(bias, len(weight)), at, bits)
        weights = [self.constant(part) for part in (whole, steps, np.zeros(len(whole), np.int8))]
        return self.op(
            "QLinearConv",
            *(x, *self.byte(at), *weights, *self.byte(out), self.constant(bias_steps)),
            domain=MICROSOFT,
            channels_last=1,
            strides=list(strides),
            pads=list(pads),
            kernel_shape=list(weight.shape[2:]),
        )

    def byte_sum(self, one: str, at_one: ByteRange, other: str, at_other: ByteRange, out: ByteRange) -> str:
        """Add bytes of two ranges: bytes of a third, in which what it does not hold is cut off."""
        given = [one, *self.byte(at_one), other, *self.byte(at_other), *self.byte(out)]
        return self.op("QLinearAdd", *given, domain=MICROSOFT)


def _given(bias: Tensor | None, outputs: int) -> NDArray[np.float32]:
    return np.zeros(outputs, np.float32) if bias is None else array_of(bias)
