"""Play a recording into a ring, at its own speed or as fast as the engine takes it."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from library.audio import downmix, read_frames
from library.errors import InputError
from realtime.ring import MAX_CHANNELS, Ring
from realtime.types import SourceStats

__all__ = ["FileSource"]

BLOCK_FRAMES = 1024
"""Frames written at once: about what a sound card hands over."""


class FileSource:
    """Stand in for a device with the audio of a file.

    Args:
        path: Decoded at once, so that a bad file is told before anything starts.
        loop: Begin again at its end, without a gap.
        speed: Times its own speed; 0 writes only what the engine pulls, so that nothing is ever missed.
        block_frames: Frames written at once.

    Raises:
        AudioFileError: The file can't be decoded.
        InputError: A number is out of its range.
    """

    def __init__(self, path: Path, loop: bool = False, speed: float = 1.0, block_frames: int = BLOCK_FRAMES) -> None:
        if not 0.0 <= speed <= 1000.0:
            raise InputError(f"speed {speed:g}", "must be in 0..1000", "take 1, or 0 for as fast as it goes")
        frames, self._rate = read_frames(path)
        # More channels than the ring has are averaged here as they would be later on.
        self._frames = frames if frames.shape[1] <= MAX_CHANNELS else downmix(frames)[:, None]
        self._name, self._loop, self._speed, self._block = path.name, loop, speed, block_frames
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._ring: Ring | None = None
        self._written = 0
        self._ended = False

    @property
    def sample_rate(self) -> int:
        """Rate of the file in Hz."""
        return self._rate

    @property
    def duration_s(self) -> float:
        """Length of the file in seconds."""
        return len(self._frames) / self._rate

    @property
    def on_demand(self) -> bool:
        """Whether the engine pulls each hop."""
        return self._speed == 0.0

    def start(self, ring: Ring) -> None:
        """Begin to play; on demand, only say at what rate."""
        ring.begin(self._rate)
        self._ring = ring
        if not self.on_demand:
            self._thread = threading.Thread(target=self._play, args=(ring,), name="file", daemon=True)
            self._thread.start()

    def pull(self, until_frame: int) -> bool:
        """Write until the ring has counted that many frames; False when the file ended before."""
        while self._ring is not None and not self._ended and self._written < until_frame:
            self._write_block(self._ring, until_frame - self._written)
        return self._written >= until_frame

    def stop(self) -> None:
        """End; may be called twice."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def stats(self) -> SourceStats:
        """Return what happened so far; safe from any thread."""
        detail = f"file {self._name}"
        if self._ended:
            return SourceStats("ended", detail, self._written, 0, 0)
        return SourceStats("running" if self._ring is not None else "starting", detail, self._written, 0, 0)

    def _play(self, ring: Ring) -> None:
        begun = time.monotonic()
        while not self._ended:
            # Due by the clock of the whole playback, so that late blocks don't add up.
            due_s = begun + self._written / (self._rate * self._speed) - time.monotonic()
            if self._stop.wait(max(0.0, due_s)):
                return
            self._write_block(ring, self._block)

    def _write_block(self, ring: Ring, most: int) -> None:
        at = self._written % len(self._frames)
        count = min(self._block, most, len(self._frames) - at)
        block: NDArray[np.float32] = self._frames[at : at + count]
        ring.write(block)
        self._written += count
        if self._written % len(self._frames) == 0 and not self._loop:
            self._ended = True
