"""Say how much work the network does a hop, and how fast this core could do it at best (roofline model).

Williams, Waterman and Patterson, CACM 52(4), 2009: no program is faster than its arithmetic at the core's rate, or its
traffic at the memory's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten
from torch.utils.flop_counter import flop_registry

from library.cores import one_core
from library.encoders.spec import MixtureStream
from realtime.types import Window

__all__ = ["Roofline", "roofline"]

_MATRIX = 384
"""Side of the matrix product that tells the core's rate: it fits the core's own cache."""

_COPIED_BYTES = 2**27
"""More than any cache holds: copying it tells the memory's rate."""

_TRIES = 20


@dataclass(frozen=True, slots=True)
class Roofline:
    """Hold work and rates of one core.

    Attributes:
        flop: Floating point operations of matrix products, convolutions and attention a hop.
        moved_bytes: Bytes that all operations read and write, views left out: traffic if no cache held anything.
        tensors: Tensors that torch allocates a hop, to be freed again; ONNX Runtime keeps its memory.
        allocated_bytes: Their size, added up.
        flop_per_s: Rate of a float32 matrix product on one core.
        bytes_per_s: Rate of a copy in memory on one core, reading and writing.
        measured_ms: Median time of a hop, in the same run.
    """

    flop: float
    moved_bytes: float
    tensors: float
    allocated_bytes: float
    flop_per_s: float
    bytes_per_s: float
    measured_ms: float

    @property
    def arithmetic_ms(self) -> float:
        """Time of the arithmetic alone."""
        return self.flop / self.flop_per_s * 1e3

    @property
    def traffic_ms(self) -> float:
        """Time of the traffic alone, all of it to memory."""
        return self.moved_bytes / self.bytes_per_s * 1e3


def roofline(stream: MixtureStream, by_torch: MixtureStream, windows: Sequence[Window]) -> Roofline:
    """Count the work of the hops of a stream after its first window, and measure this core beside it.

    Args:
        stream: A new one.
        by_torch: Another that does the same, all of it with torch, whose operations can be counted; in floats, where
            the first may count in bytes, which are read and multiplied faster.
        windows: In their order, two at least.
    """
    first, *later = windows
    with one_core():
        work, own = (_work(counted, first, later) for counted in (by_torch, stream))
        stream.encode(first.audio, first.start_frame)
        taken = [_seconds(partial(stream.encode, window.audio, window.start_frame)) for window in later]
        matrix = torch.randn(_MATRIX, _MATRIX)
        product_s = min(_seconds(lambda: matrix @ matrix) for _ in range(_TRIES))
        source = torch.zeros(_COPIED_BYTES // 4)
        target = torch.empty_like(source)
        copy_s = min(_seconds(lambda: target.copy_(source)) for _ in range(_TRIES))
    return Roofline(
        work.flop / len(later),
        work.moved_bytes / len(later),
        own.tensors / len(later),
        own.allocated_bytes / len(later),
        2 * _MATRIX**3 / product_s,
        2 * _COPIED_BYTES / copy_s,
        float(np.median(taken)) * 1e3,
    )


def _work(stream: MixtureStream, first: Window, later: Sequence[Window]) -> _Work:
    """Count what a new stream does in later windows."""
    stream.encode(first.audio, first.start_frame)
    work = _Work()
    with work:
        for window in later:
            stream.encode(window.audio, window.start_frame)
    return work


class _Work(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch leaves it untyped
    """Sum what operations compute, read, write and allocate; those made of others count by their parts."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.flop = self.moved_bytes = self.tensors = self.allocated_bytes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}  # Any: whatever an operation takes and gives
        count = flop_registry.get(func._overloadpacket)
        if count is None:
            with self:
                found = func.decompose(*args, **kwargs)
            if found is not NotImplemented:
                return found
        found = func(*args, **kwargs)
        self.flop += count(*args, **kwargs, out_val=found) if count is not None else 0
        if not func.is_view:
            given, made = (_tensors(items) for items in ((args, kwargs), found))
            self.moved_bytes += sum(tensor.nbytes for tensor in (*given, *made))
            fresh = [tensor for tensor in made if all(tensor is not other for other in given)]
            self.tensors += len(fresh)
            self.allocated_bytes += sum(tensor.nbytes for tensor in fresh)
        return found


def _tensors(items: Any) -> list[Tensor]:
    return [item for item in tree_flatten(items)[0] if isinstance(item, Tensor)]


def _seconds(action: Callable[[], object]) -> float:
    begun = time.perf_counter()
    action()
    return time.perf_counter() - begun
