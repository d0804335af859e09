"""Cut windows of a fixed length from a bus, every hop, at the rate of the encoder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from library.audio import SAMPLE_RATE_HZ, downmix
from realtime.resampling import BusResampler
from realtime.ring import Ring
from realtime.types import Window

__all__ = ["Grid", "WindowCutter", "file_windows"]


@dataclass(frozen=True, slots=True)
class Grid:
    """Place windows on the frames of a bus: window n starts at n * hop_s, rounded to a frame.

    Attributes:
        sample_rate: Rate of the bus in Hz.
        window_s: Length of a window.
        hop_s: Time between the starts of two windows.
    """

    sample_rate: int
    window_s: float
    hop_s: float

    @property
    def window_frames(self) -> int:
        """Length of a window in frames of the bus."""
        return round(self.window_s * self.sample_rate)

    def start(self, number: int) -> int:
        """Return the first frame of a window."""
        return round(number * self.hop_s * self.sample_rate)

    def end(self, number: int) -> int:
        """Return the frame after the last one of a window."""
        return self.start(number) + self.window_frames

    def newest(self, frames: int) -> int:
        """Return the last window that is complete when that many frames are there, -1 for none."""
        if frames < self.window_frames:
            return -1
        guess = int((frames - self.window_frames) / (self.hop_s * self.sample_rate)) + 1
        while self.end(guess) > frames:
            guess -= 1
        return guess


def file_windows(frames: NDArray[np.float32], sample_rate: int, window_s: float, hop_s: float) -> Iterator[Window]:
    """Yield the windows of frames[T, C] as a live bus would bring them; one when it is no longer than a window."""
    grid, resampler = Grid(sample_rate, window_s, hop_s), BusResampler(sample_rate, SAMPLE_RATE_HZ)
    for number in range(max(0, grid.newest(len(frames))) + 1):
        start, end = grid.start(number), min(len(frames), grid.end(number))
        piece = frames[resampler.first_frame(start, end) : end]
        yield _window(piece, grid, resampler, (start, end), 0, grid.end(number) / sample_rate, has_gap=False)


class WindowCutter:
    """Cut windows from a ring.

    Live, the newest window wins: hops that were missed are counted and never made up for. A replay takes each in turn.
    The cut is made at the rate of the bus, and what windows share is resampled once: neither the sizes of the blocks
    nor the moment of asking can change a sample (see realtime.resampling).
    """

    def __init__(self, ring: Ring, window_s: float, hop_s: float) -> None:
        self._ring = ring
        self._grid = Grid(max(1, ring.sample_rate), window_s, hop_s)
        self._resampler = BusResampler(self._grid.sample_rate, SAMPLE_RATE_HZ)
        self._epoch_frame = ring.epoch_frame
        self._offset = 0  # in 16 kHz frames: where the present rate began
        self._last = -1
        self.missed_hops = 0
        self.overwritten = 0

    def newest(self) -> Window | None:
        """Return the newest complete window, or None when none is complete since the last call."""
        self._follow_rate()
        number = self._grid.newest(self._ring.total_frames - self._epoch_frame)
        if number <= self._last:
            return None
        if self._last >= 0:  # hops before the first window were not asked for
            self.missed_hops += number - self._last - 1
        return self._cut(number)

    def next(self) -> Window | None:
        """Return the window after the last one, or None when it is not complete."""
        self._follow_rate()
        number = self._last + 1
        if self._grid.end(number) > self._ring.total_frames - self._epoch_frame:
            return None
        return self._cut(number)

    def final(self) -> Window | None:
        """Return one window of a bus that ended before its first was complete."""
        frames = self._ring.total_frames - self._epoch_frame
        if self._last >= 0 or frames < 1:
            return None
        return self._cut(0, frames)

    def next_end_frame(self) -> int:
        """Return the count of frames in the ring that completes the next window."""
        self._follow_rate()
        return self._epoch_frame + self._grid.end(self._last + 1)

    def due_in_s(self) -> float:
        """Return the time until the next window is complete, 0 when it is."""
        return max(0.0, (self.next_end_frame() - self._ring.total_frames) / self._grid.sample_rate)

    def _cut(self, number: int, frames: int | None = None) -> Window | None:
        first = self._grid.start(number)
        start = self._epoch_frame + first
        count = self._grid.window_frames if frames is None else frames
        given = self._resampler.first_frame(first, first + count)
        piece = self._ring.read(self._epoch_frame + given, first + count - given)
        self._last = number
        if piece is None:
            self.overwritten += 1
            return None
        behind_s = (self._ring.total_frames - start - count) / self._grid.sample_rate
        captured_at = self._ring.heartbeat_ns / 1e9 - behind_s
        gap = self._ring.has_gap(start, count)
        return _window(piece, self._grid, self._resampler, (first, first + count), self._offset, captured_at, gap)

    def _follow_rate(self) -> None:
        """Begin a new grid where the bus changed its rate (a JACK server that came back with another one)."""
        rate, epoch = self._ring.sample_rate, self._ring.epoch_frame
        if rate == self._grid.sample_rate and epoch == self._epoch_frame:
            return
        if self._last >= 0:
            hops = self._last + 1
            self._offset += round(hops * self._grid.hop_s * SAMPLE_RATE_HZ)
        self._grid = Grid(rate, self._grid.window_s, self._grid.hop_s)
        self._resampler = BusResampler(rate, SAMPLE_RATE_HZ)
        self._epoch_frame, self._last = epoch, -1


def _window(
    piece: NDArray[np.float32],
    grid: Grid,
    resampler: BusResampler,
    span: tuple[int, int],
    offset: int,
    captured_at: float,
    has_gap: bool,
) -> Window:
    """Make a window of frames start..end out of what of it the resampler has to be given."""
    mono, (start, end) = downmix(piece), span
    if 0 < end - start < grid.window_frames:
        # A one-shot is heard as if it were played again and again: in a window of mostly silence it is heard worse.
        mono, end = np.resize(mono, grid.window_frames), start + grid.window_frames
    audio = _fit(resampler.window(mono, start, end), round(grid.window_s * SAMPLE_RATE_HZ))
    return Window(audio, SAMPLE_RATE_HZ, offset + resampler.start(start), captured_at, has_gap)


def _fit(samples: NDArray[np.float32], length: int) -> NDArray[np.float32]:
    """Trim samples[T] or pad them with zeros to a length."""
    if len(samples) >= length:
        return samples[:length]
    return np.pad(samples, (0, length - len(samples)))
