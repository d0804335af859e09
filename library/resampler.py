"""Resample with torchaudio's windowed sinc, some samples in one product."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as f
from torchaudio.transforms import Resample

__all__ = ["Resampler"]

AT_ONCE = 32
"""Samples that come of one row of the product, at least: of 48 kHz torchaudio makes one of each, and a quarter of a
second takes .54 ms instead of .04."""


class Resampler:
    """Turn audio at one rate into audio at another, as `torchaudio.transforms.Resample` does, to rounding.

    Args:
        from_hz: Rate of what comes, an integer.
        to_hz: Rate of what is made of it.
    """

    def __init__(self, from_hz: int, to_hz: int) -> None:
        kernel, self._width, unit = _kernel(from_hz, to_hz)
        made, taps = kernel.shape
        rows = -(-AT_ONCE // made)
        self._from, self._to = unit, made
        self._step = rows * unit
        self._filters = kernel.new_zeros(rows, made, taps + (rows - 1) * unit)
        for row in range(rows):
            self._filters[row, :, row * unit : row * unit + taps] = kernel
        self._filters = self._filters.flatten(0, 1)  # [samples, frames that they are made of]

    def __call__(self, samples: Tensor) -> Tensor:
        """Return [ceil(T * to_hz / from_hz)] of samples[T] float32."""
        count = -(-len(samples) * self._to // self._from)
        taken = self._filters.shape[1]
        rows = -(-count // len(self._filters))
        after = (rows - 1) * self._step + taken - self._width - len(samples)
        padded = f.pad(samples, (self._width, max(0, after)))
        return f.linear(padded.unfold(0, taken, self._step)[:rows], self._filters).flatten()[:count]


def _kernel(from_hz: int, to_hz: int) -> tuple[Tensor, int, int]:
    """Return torchaudio's filters [samples, taps], how far they reach back, and the frames that those samples span."""
    known = Resample(from_hz, to_hz)
    kernel: Tensor = known.kernel
    return kernel[:, 0], int(known.width), known.orig_freq // known.gcd
