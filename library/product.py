"""Multiply a few vectors by many that stay the same."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

__all__ = ["Product"]

LAID_OUT = 1 << 20
"""Numbers up to which columns are laid out: that takes some times their memory while it is done, and their lay-out is
read from a cache then. Of more, most of the time goes into reading them."""


class Product:
    """Keep columns[D, N] in the order in which they are read.

    ONNX Runtime lays a constant factor out so once and for all; torch and numpy do it in each product, which takes
    longer than the product of a few rows. It is done when it is first needed.
    """

    def __init__(self, columns: NDArray[np.float32]) -> None:
        self._columns = columns

    def __call__(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return rows[K, D] @ columns[D, N]."""
        if self._columns.size > LAID_OUT:
            return rows @ self._columns
        product: NDArray[np.float32] = self._session.run(None, {"rows": rows})[0]
        return product

    @cached_property
    def _session(self) -> InferenceSession:
        from library.encoders.onnx_graph import Graph
        from library.encoders.onnx_session import open_graph

        graph, (length, count) = Graph(), self._columns.shape
        graph.op("MatMul", "rows", graph.constant(self._columns), out="product")
        return open_graph(graph.written({"rows": [None, length]}, {"product": [None, count]}))
