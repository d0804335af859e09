"""Pass audio from one writer to any reader through shared memory, without locks."""

from __future__ import annotations

import math
import sys
import threading
import time
from collections.abc import Sized
from multiprocessing import resource_tracker
from multiprocessing.shared_memory import SharedMemory

import numpy as np
from numpy.typing import NDArray

from library.errors import CaptureError, InputError

__all__ = ["Ring"]

MAX_CHANNELS = 2
GUARD_FRAMES = 8192
"""Largest piece that is written before the counter moves: the oldest frames that a write in progress may be tearing."""

GAP_LOG = 64
"""Gaps remembered; a bus with more of them inside one window is flagged all the same."""

_HEADER = 16
# Places in the int64 header. One writer owns all of them once the ring is handed over.
_CAPACITY, _CHANNELS, _RATE, _TOTAL, _LOST, _BEAT_NS, _GAPS, _EPOCH = range(8)

_tracker_lock = threading.Lock()


class Ring:
    """Hold the newest seconds of a bus: float32 frames [capacity, channels], one int64 count of all frames written.

    One thread or process writes; any number may read. A reader copies first and looks at the counter again afterwards:
    a copy that the writer may have touched meanwhile is thrown away. That rests on stores becoming visible in their
    order (x86-64 promises it); the guard band leaves 170 ms of slack at 48 kHz for processors that promise less.
    """

    def __init__(self, memory: SharedMemory, owner: bool) -> None:
        self._memory = memory
        self._owner = owner
        self._open = True
        self._header: NDArray[np.int64] = np.ndarray((_HEADER + GAP_LOG,), np.int64, memory.buf)
        self._capacity, self._channels = int(self._header[_CAPACITY]), int(self._header[_CHANNELS])
        self._frames: NDArray[np.float32] = np.ndarray(
            (self._capacity, self._channels), np.float32, memory.buf, self._header.nbytes
        )

    @classmethod
    def create(cls, seconds: float, sample_rate: int, channels: int = MAX_CHANNELS) -> Ring:
        """Make a ring that keeps at least that many seconds readable.

        Args:
            seconds: Stretch that can be read back, over 0.
            sample_rate: Highest rate in Hz that will be written; `begin` may set a lower one.
            channels: 1 or 2.

        Raises:
            InputError: A number is out of its range.
        """
        if not (seconds > 0 and sample_rate > 0 and 1 <= channels <= MAX_CHANNELS):
            raise InputError(
                f"ring of {seconds} s, {sample_rate} Hz, {channels} channels",
                f"needs a length, a rate and 1..{MAX_CHANNELS} channels",
                "correct the call",
            )
        capacity = math.ceil(seconds * sample_rate) + GUARD_FRAMES
        size = (_HEADER + GAP_LOG) * 8 + capacity * channels * 4
        memory = SharedMemory(create=True, size=size)
        header: NDArray[np.int64] = np.ndarray((_HEADER + GAP_LOG,), np.int64, memory.buf)
        header[:] = 0
        header[_CAPACITY], header[_CHANNELS], header[_RATE] = capacity, channels, sample_rate
        del header  # a view left alive would keep the mapping from being closed if the constructor failed
        ring = cls(memory, owner=True)
        ring._frames[:] = 0.0  # its pages are there before a callback in real time writes to them
        return ring

    @classmethod
    def attach(cls, name: str) -> Ring:
        """Open a ring that another process made.

        Raises:
            CaptureError: There is no such ring.
        """
        try:
            return cls(_attach(name), owner=False)
        except FileNotFoundError as error:
            raise CaptureError(name, "is no ring of a running daemon", "start capture from the daemon") from error

    @property
    def name(self) -> str:
        """Name under which another process can attach."""
        return self._memory.name

    @property
    def channels(self) -> int:
        """Channels of a frame."""
        return self._channels

    @property
    def readable_frames(self) -> int:
        """Length of the stretch that can be read back."""
        return self._capacity - GUARD_FRAMES

    @property
    def sample_rate(self) -> int:
        """Rate in Hz of what is written now."""
        return int(self._header[_RATE])

    @property
    def total_frames(self) -> int:
        """Count of all frames ever written."""
        return int(self._header[_TOTAL])

    @property
    def lost_frames(self) -> int:
        """Count of the frames that the device reported as lost."""
        return int(self._header[_LOST])

    @property
    def heartbeat_ns(self) -> int:
        """time.monotonic_ns() of the writer's last sign of life, 0 before the first."""
        return int(self._header[_BEAT_NS])

    @property
    def epoch_frame(self) -> int:
        """Frame at which the present sample rate began."""
        return int(self._header[_EPOCH])

    def begin(self, sample_rate: int) -> None:
        """Start or resume writing at a rate in Hz; frames that are already there end in a gap."""
        if self.total_frames > 0:
            self.mark_gap()
        if sample_rate != self.sample_rate:
            self._header[_EPOCH] = self._header[_TOTAL]
            self._header[_RATE] = sample_rate
        self.beat()

    def beat(self) -> None:
        """Show that the writer lives although it has nothing to write."""
        self._header[_BEAT_NS] = time.monotonic_ns()

    def write(self, block: NDArray[np.float32]) -> None:
        """Append block[N, C] or block[N, 1]; any thread, but always the same one. Allocates and locks nothing."""
        header, done, frames = self._header, 0, len(block)
        while done < frames:
            total = int(header[_TOTAL])
            at = total % self._capacity
            count = min(frames - done, GUARD_FRAMES, self._capacity - at)
            self._frames[at : at + count] = block[done : done + count]
            header[_TOTAL] = total + count  # last: frames under the counter are complete
            done += count
        header[_BEAT_NS] = time.monotonic_ns()

    def mark_gap(self, lost_frames: int = 0) -> None:
        """Note that the next frame written does not follow the last one; the writer's thread only."""
        header = self._header
        gaps = int(header[_GAPS])
        header[_HEADER + gaps % GAP_LOG] = header[_TOTAL]
        header[_GAPS] = gaps + 1
        header[_LOST] += lost_frames

    def read(self, start_frame: int, frames: int) -> NDArray[np.float32] | None:
        """Copy a stretch out of the ring.

        Returns:
            samples[frames, channels], or None where it is not written yet or was overwritten.
        """
        if start_frame < 0 or not self._holds(start_frame, frames):
            return None
        at = start_frame % self._capacity
        first = min(frames, self._capacity - at)
        out = np.empty((frames, self._channels), np.float32)
        out[:first] = self._frames[at : at + first]
        out[first:] = self._frames[: frames - first]
        return out if self._holds(start_frame, frames) else None

    def has_gap(self, start_frame: int, frames: int) -> bool:
        """Tell whether frames are missing inside a stretch (not at its very start)."""
        gaps = int(self._header[_GAPS])
        kept = min(gaps, GAP_LOG)
        log = self._header[_HEADER : _HEADER + kept]
        if bool(np.any((log > start_frame) & (log < start_frame + frames))):
            return True
        # Gaps older than the log reaches may lie in the stretch: say so rather than call it whole.
        return gaps > GAP_LOG and int(log.min()) >= start_frame + frames

    def close(self) -> None:
        """Let go of the memory; the one who created it removes it. May be called twice."""
        if not self._open:
            return
        self._open = False
        # Counters stay readable; the views have to go before the mapping can.
        self._header = self._header.copy()
        self._frames = np.empty((0, self._channels), np.float32)
        self._memory.close()
        if self._owner:
            self._memory.unlink()

    def _holds(self, start_frame: int, frames: int) -> bool:
        total = self.total_frames
        return start_frame + frames <= total and total - start_frame <= self._capacity - GUARD_FRAMES and self._open


def _attach(name: str) -> SharedMemory:
    """Attach without telling the resource tracker, which would remove the ring when the attaching process ends."""
    if sys.version_info >= (3, 13):
        return SharedMemory(name, track=False)
    with _tracker_lock:
        register = resource_tracker.register
        resource_tracker.register = _ignore
        try:
            return SharedMemory(name)
        finally:
            resource_tracker.register = register


def _ignore(name: Sized, rtype: str) -> None:
    """Stand in for resource_tracker.register while a ring is attached."""
