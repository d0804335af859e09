"""Keep torch on one core while a window is looked at, or a library built."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

__all__ = ["one_core"]


@contextlib.contextmanager
def one_core() -> Iterator[None]:
    """Let torch use one thread within the block.

    A DAW has the other cores busy, and threads that wait for each other on a busy machine are slower than one:
    resampling 5 s of 48 kHz took 2.6 ms with one, 95 ms with two (two cores, load 8), 413 files of a library 5 to 23 s
    with one, 227 s with two (load 16). Sums also depend on how they are
    shared out: with one thread a live bus and the same recording agree to the last bit.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
