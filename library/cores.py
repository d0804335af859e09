"""Keep torch and numpy on one core while a window is looked at, or a library built."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

__all__ = ["one_core"]


@contextlib.contextmanager
def one_core() -> Iterator[None]:
    """Let torch and the BLAS of numpy use one thread within the block.

    It takes some 15 us, up to 140 where other work lies between; inside another such block it is for free.

    A DAW has the other cores busy, and threads that wait for each other on a busy machine are slower than one:
    resampling 5 s of 48 kHz took 2.6 ms with one, 95 ms with two (two cores, load 8), 413 files of a library 5 to 23 s
    with one, 227 s with two (load 16); of look-ups of .3 ms one in ten took 9 ms with two and 2.5 with one (load
    2). Sums also depend on how they are shared out: with one thread a live bus and the same recording agree to the last
    bit.
    """
    if _here.inside:  # by this thread
        yield
        return
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    _here.inside = True
    try:
        with _pools().limit(limits=1, user_api="blas"):
            yield
    finally:
        _here.inside = False
        torch.set_num_threads(before)


class _Here(threading.local):
    inside = False


_here = _Here()


@lru_cache(maxsize=1)
def _pools() -> ThreadpoolController:
    """Find the thread pools of what is loaded, once: numpy is by then."""
    import numpy  # noqa: F401 - its BLAS is looked for
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
