"""Define the values that cross thread and package borders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from library.index import Match
from realtime.ring import Ring

__all__ = [
    "Analysis",
    "AudioSource",
    "EngineState",
    "ReplaySource",
    "Skipped",
    "SourceStats",
    "Suggestion",
    "Timing",
    "Window",
]

EngineState = Literal["loading", "listening", "silent", "no-device", "degraded", "stopped"]
"""What the engine is doing, in one word."""

Skipped = Literal["silent", "warming", "gap", "not-finite", "no-audio", "error"]
"""Why a window brought nothing: too quiet, not yet full, overwritten audio, NaN, device lost, encoder failed."""


@dataclass(frozen=True, slots=True)
class Window:
    """Hold one stretch of the bus as the encoder sees it.

    Attributes:
        audio: [T] float32 mono.
        sample_rate: Hz (always 16000 when it reaches the encoder).
        start_frame: Index of the first frame since the source started, at `sample_rate`.
        captured_at: time.monotonic() when its last frame was captured, in seconds.
        has_gap: Frames were lost inside it.
    """

    audio: NDArray[np.float32]
    sample_rate: int
    start_frame: int
    captured_at: float
    has_gap: bool


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Offer the best sounds for one instrument that is being heard.

    Attributes:
        slot: Number of the track, stable while the instrument plays, from 1.
        matches: Best sounds, best first.
        presence: Smoothed presence of the slot, 0..1.
        since_s: How long the instrument has been heard, in seconds.
        locked: The user keeps this slot as it is.
    """

    slot: int
    matches: tuple[Match, ...]
    presence: float
    since_s: float
    locked: bool = False


@dataclass(frozen=True, slots=True)
class Timing:
    """Say how long each stage of one hop took, in milliseconds."""

    window_ms: float = 0.0
    encode_ms: float = 0.0
    lookup_ms: float = 0.0
    track_ms: float = 0.0

    @property
    def total_ms(self) -> float:
        """Sum of the stages."""
        return self.window_ms + self.encode_ms + self.lookup_ms + self.track_ms


@dataclass(frozen=True, slots=True)
class Analysis:
    """Hold what the engine says about one window.

    Attributes:
        sequence: Number of the hop, from 0; missed hops leave gaps.
        start_s: Start of the window since the source started.
        end_s: End of the window.
        suggestions: What is heard now, by slot.
        skipped: Why nothing was heard, or None.
        level_db: RMS of the window in dBFS.
        timing: Time spent per stage.
        has_gap: Frames were lost inside the window.
    """

    sequence: int
    start_s: float
    end_s: float
    suggestions: tuple[Suggestion, ...]
    skipped: Skipped | None
    level_db: float
    timing: Timing
    has_gap: bool = False


@dataclass(frozen=True, slots=True)
class SourceStats:
    """Count what an audio source did.

    Attributes:
        state: "starting", "waiting" (ports are not there yet), "running", "lost" or "ended".
        detail: One sentence for the user.
        frames: Frames written to the ring so far.
        lost_frames: Frames that the device reported as lost.
        restarts: How often capture was started again.
    """

    state: Literal["starting", "waiting", "running", "lost", "ended"]
    detail: str
    frames: int
    lost_frames: int
    restarts: int


class AudioSource(Protocol):
    """Fill a ring with the audio of one bus."""

    @property
    def sample_rate(self) -> int:
        """Rate in Hz of what is written to the ring; known after start()."""
        ...

    def start(self, ring: Ring) -> None:
        """Begin to write; returns at once."""
        ...

    def stop(self) -> None:
        """End within a second; may be called twice."""
        ...

    def stats(self) -> SourceStats:
        """Return what happened so far; safe from any thread."""
        ...


@runtime_checkable
class ReplaySource(AudioSource, Protocol):
    """Fill a ring from a recording, which can wait until the engine is ready for it."""

    @property
    def on_demand(self) -> bool:
        """Whether the engine pulls each hop (then nothing is ever missed) instead of a clock pushing it."""
        ...

    def pull(self, until_frame: int) -> bool:
        """Write until the ring has counted that many frames; False when the recording ended before."""
        ...
