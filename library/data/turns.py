"""Turn clips in time: what leaves at one end comes back at the other."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["put_turned", "turned"]


def put_turned(out: Tensor, array: Tensor, shift: int) -> None:
    """Write array[R, T], turned in time, to out[R, T]."""
    kept = array.shape[-1] - shift
    out[:, :kept] = array[:, shift:]
    out[:, kept:] = array[:, :shift]


def turned(array: Tensor, shifts: Tensor) -> Tensor:
    """Turn each of array[N, R, T] in time by its own shift."""
    steps = array.shape[-1]
    index = (torch.arange(steps, device=array.device) + shifts[:, None]) % steps
    return array.gather(-1, index[:, None, :].expand_as(array))
