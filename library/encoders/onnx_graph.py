"""Write an ONNX graph down node by node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

__all__ = ["MICROSOFT", "Graph", "Shape", "array_of"]

MICROSOFT = "com.microsoft"
"""Domain of the operators that ONNX Runtime adds."""

OPSET, IR_VERSION = 18, 9
"""ONNX Runtime has read these since version 1.17 (2024)."""

_LEAST_LOGIT = -40.0
"""What is smaller counts nothing, and its products would soon be no normal numbers, which take far longer."""

Shape = Sequence[int | None]


class Graph:
    """Add one node after the other; each gives one value, which its name stands for."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[TensorProto] = []

    def op(self, kind: str, *inputs: str, out: str = "", **attributes: Any) -> str:  # Any: what ONNX attributes hold
        """Add a node with one output and return its name."""
        return self.add(kind, inputs, [out or f"v{len(self._nodes)}"], **attributes)[0]

    def parts(self, value: str, sizes: Sequence[int], axis: int) -> list[str]:
        """Split a value along an axis into parts of so many."""
        outs = [f"v{len(self._nodes)}_{number}" for number in range(len(sizes))]
        return self.add("Split", [value, self.ints(*sizes)], outs, axis=axis)

    def add(self, kind: str, inputs: Sequence[str], outs: list[str], **attributes: Any) -> list[str]:  # Any: as above
        """Add a node and return the names of its outputs."""
        self._nodes.append(helper.make_node(kind, list(inputs), outs, **attributes))
        return outs

    def constant(self, value: NDArray[Any]) -> str:
        """Add a constant and return its name."""
        name = f"c{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.asarray(value, order="C"), name))
        return name

    def number(self, value: float) -> str:
        """Add a float32."""
        return self.constant(np.array(value, np.float32))

    def ints(self, *values: int) -> str:
        """Add a list of int64."""
        return self.constant(np.array(values, np.int64))

    def product(self, x: str, weight: NDArray[np.float32], bias: NDArray[np.float32] | None = None) -> str:
        """Multiply the last axis by weight[out, in] and add a bias."""
        y = self.op("MatMul", x, self.constant(weight.T))
        return y if bias is None else self.op("Add", y, self.constant(bias))

    def linear(self, x: str, layer: nn.Linear, scale: float = 1.0) -> str:
        """Apply a linear layer whose output counts so many times."""
        return self.product(x, scale * array_of(layer.weight), scale * array_of(layer.bias))

    def layers(self, x: str, layers: nn.Module, scale: float = 1.0) -> str:
        """Apply linear layers with rectifiers between them; the last one's output counts so many times."""
        *inner, last = (layer for layer in layers.children() if isinstance(layer, nn.Linear))
        for layer in inner:
            x = self.op("Relu", self.linear(x, layer))
        return self.linear(x, last, scale)

    def norm(self, x: str, norm: nn.LayerNorm) -> str:
        """Apply a layer norm over the last axis."""
        weights = self.constant(array_of(norm.weight)), self.constant(array_of(norm.bias))
        return self.op("LayerNormalization", x, *weights, epsilon=norm.eps)

    def shares(self, logits: str, axis: int) -> tuple[str, str]:
        """Return what a softmax divides along an axis, and by what."""
        below = self.op("Sub", logits, self.op("ReduceMax", logits, self.ints(axis), keepdims=1))
        parts = self.op("Exp", self.op("Max", below, self.number(_LEAST_LOGIT)))
        return parts, self.op("ReduceSum", parts, self.ints(axis), keepdims=1)

    def unit(self, x: str) -> str:
        """Bring the last axis to unit norm."""
        return self.op("LpNormalization", x, axis=-1, p=2)

    def written(
        self,
        inputs: Mapping[str, Shape],
        outputs: Mapping[str, Shape],
        kinds: Mapping[str, type[np.generic]] | None = None,
    ) -> bytes:
        """Return the graph as a file holds it, by shapes of inputs and outputs; kinds of those that are not float32."""
        of = {name: helper.np_dtype_to_tensor_dtype(np.dtype(kind)) for name, kind in (kinds or {}).items()}
        given, found = (
            [
                helper.make_tensor_value_info(name, of.get(name, TensorProto.FLOAT), list(shape))
                for name, shape in shapes.items()
            ]
            for shapes in (inputs, outputs)
        )
        graph = helper.make_graph(self._nodes, "timbrel", given, found, self._constants)
        domains = [helper.make_opsetid("", OPSET), helper.make_opsetid(MICROSOFT, 1)]
        model = helper.make_model(graph, opset_imports=domains, ir_version=IR_VERSION)
        return bytes(model.SerializeToString())


def array_of(weight: Tensor) -> NDArray[np.float32]:
    """Return a weight as an array."""
    return np.asarray(weight.detach().cpu().numpy(), np.float32)
