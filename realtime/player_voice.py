"""Sound one clip at a time, block by block, without a click where one replaces another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["Voice"]

SWITCH_S = 0.01
"""Time in which a clip that is replaced or stopped fades out, while the next one already sounds."""


class _Clip:
    """Hold samples[T, 2] with an identity: the same samples may be played twice."""

    def __init__(self, samples: NDArray[np.float32]) -> None:
        self.samples = samples


class Voice:
    """Render the clip that is wanted.

    play() and stop() are for one thread, render() for the audio thread. They share three references, each written
    by one side: no lock, and a change is heard in the next block.

    Args:
        rate: Hz.
    """

    def __init__(self, rate: int) -> None:
        count = max(1, round(SWITCH_S * rate))
        self._ramp = np.linspace(1.0, 0.0, count, endpoint=False, dtype=np.float32)[:, None]
        self._tail = np.zeros((count, 2), np.float32)
        self._tail_at = count  # all of it has been heard
        self._scratch = np.zeros((count, 2), np.float32)
        self._wanted: _Clip | None = None
        self._current: _Clip | None = None
        self._at = 0
        self._ended: _Clip | None = None
        self.blocks = 0
        """Blocks rendered so far: stands still when the output hangs."""

    @property
    def is_busy(self) -> bool:
        """Whether a clip is wanted that has not ended."""
        return self._wanted is not None and self._ended is not self._wanted

    def play(self, samples: NDArray[np.float32]) -> None:
        """Replace what sounds by samples[T, 2]."""
        self._wanted = _Clip(samples)

    def stop(self) -> None:
        """Fade out what sounds."""
        self._wanted = None

    def render(self, out: NDArray[np.float32]) -> None:
        """Fill out[N, 2]; the audio thread, due within the block. Copies only: must not wait, log or raise."""
        out.fill(0.0)
        wanted = self._wanted
        if wanted is not self._current:
            self._let_go()
            self._current, self._at = wanted, 0
        self._tail_at += _mix(out, self._tail, self._tail_at)
        if wanted is not None:
            self._at += _mix(out, wanted.samples, self._at)
            if self._at >= len(wanted.samples):
                self._ended = wanted
        self.blocks += 1

    def _let_go(self) -> None:
        """Put the next stretch of the current clip, faded out, into the tail, over what is left of the last one."""
        left = len(self._tail) - self._tail_at
        self._tail[:left] = self._tail[self._tail_at :]
        self._tail[left:] = 0.0
        self._tail_at = 0
        if self._current is not None:
            rest = self._current.samples[self._at : self._at + len(self._tail)]
            faded = self._scratch[: len(rest)]
            np.multiply(rest, self._ramp[: len(rest)], out=faded)
            self._tail[: len(rest)] += faded


def _mix(out: NDArray[np.float32], samples: NDArray[np.float32], at: int) -> int:
    """Add samples from `at` on to out; return how many frames there were."""
    part = samples[at : at + len(out)]
    out[: len(part)] += part
    return len(part)
