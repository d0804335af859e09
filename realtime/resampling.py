"""Resample a bus block by block, each once, whatever windows it is cut into."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from library.audio import resample, resampling_ratio
from library.cores import one_core

__all__ = ["BusResampler"]

BLOCK_S = 0.25
"""Least length of a block: half a hop."""

CONTEXT_S = 0.005
"""Audio to both sides of a block that its samples depend on: more than the filter's half length at 8 kHz (.8 ms)."""


class BusResampler:
    """Turn windows of one stream into windows at another rate.

    Blocks lie on a fixed grid of the stream and are resampled by themselves, with what sounds around them: neither the
    windows nor the moment of asking can change a sample, but for the last few milliseconds of a window, after which
    nothing is known yet. What windows share is resampled once.

    Args:
        from_hz: Rate of the stream.
        to_hz: Rate of the windows.
    """

    def __init__(self, from_hz: int, to_hz: int) -> None:
        self._from_hz, self._to_hz = from_hz, to_hz
        self._ratio = resampling_ratio(from_hz, to_hz)
        self._unit = self._ratio.denominator  # frames after which both grids meet again
        self._block = self._units(BLOCK_S)
        self._context = self._units(CONTEXT_S)
        self._done: dict[int, NDArray[np.float32]] = {}  # blocks by number, those of the last window

    def first_frame(self, start: int, end: int) -> int:
        """Return the frame from which on a window of frames start..end has to be given.

        That is a little before what of it was not resampled with the window before, or before all of it.
        """
        first, whole = self._whole(start, end)
        if whole.start * self._block > first and whole.start - 1 not in self._done:
            return first
        new = next((number for number in whole if number not in self._done), max(whole.start, whole.stop))
        return max(first, new * self._block - self._context)

    def start(self, start: int) -> int:
        """Return the sample at the other rate that is nearest to a frame."""
        return round(start * self._ratio)

    def window(self, audio: NDArray[np.float32], start: int, end: int) -> NDArray[np.float32]:
        """Resample a window of frames start..end of the stream; windows come in their order.

        Args:
            audio: [T] mono, from first_frame(start, end) on.
            start: First frame of the window.
            end: The frame after its last.

        Returns:
            [N] from self.start(start) on.
        """
        first, whole = self._whole(start, end)
        given = end - len(audio)
        parts, done = [], {}
        with one_core():
            if (begins := whole.start * self._block) > first:
                head = self._done.get(whole.start - 1)  # a block that begins before the window
                if head is not None:
                    done[whole.start - 1] = head
                    parts.append(head[-self._samples(begins - first) :])
                else:
                    parts.append(self._stretch(audio, given, first, min(end, begins)))
            for number in whole:
                found = self._done.get(number)
                if found is None:
                    found = self._stretch(audio, given, number * self._block, (number + 1) * self._block)
                done[number] = found
                parts.append(found)
            if (begin := max(first, max(whole.start, whole.stop) * self._block)) < end:
                parts.append(self._stretch(audio, given, begin, end))
        self._done = done
        return np.concatenate(parts)[self.start(start) - self._samples(first) :]

    def _whole(self, start: int, end: int) -> tuple[int, range]:
        """Return the frame that a window is resampled from, and the blocks that lie in it."""
        first = start - start % self._unit
        return first, range(-(-first // self._block), (end - self._context) // self._block)

    def _stretch(self, audio: NDArray[np.float32], given: int, begin: int, end: int) -> NDArray[np.float32]:
        """Resample frames begin..end of audio[T] that starts at a frame, with what is known around them."""
        lead = min(self._context, begin - given)
        piece = audio[begin - lead - given : end + self._context - given]
        samples = -(-(end - begin) * self._ratio.numerator // self._unit)
        return resample(piece, self._from_hz, self._to_hz)[self._samples(lead) :][:samples]

    def _units(self, seconds: float) -> int:
        """Return that many seconds in frames, up to the next at which both grids meet."""
        return -(-round(seconds * self._from_hz) // self._unit) * self._unit

    def _samples(self, frames: int) -> int:
        return int(frames * self._ratio)
