"""Define a note and order notes as events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Event", "Note", "to_events"]


@dataclass(frozen=True, slots=True)
class Note:
    """Hold one note.

    Attributes:
        start_s: Onset in seconds.
        duration_s: Time until it is released, in seconds.
        pitch: MIDI note number 0..127.
        velocity: 1..127.
    """

    start_s: float
    duration_s: float
    pitch: int
    velocity: int


@dataclass(frozen=True, slots=True)
class Event:
    """Hold one note-on (velocity > 0) or note-off (velocity 0) at a frame."""

    frame: int
    pitch: int
    velocity: int


def to_events(notes: Sequence[Note], sample_rate: int) -> list[Event]:
    """Turn notes into events in the order of time, note-offs before note-ons at the same frame."""
    events = []
    for note in notes:
        start = round(note.start_s * sample_rate)
        end = max(start + 1, round((note.start_s + note.duration_s) * sample_rate))
        events += [Event(start, note.pitch, note.velocity), Event(end, note.pitch, 0)]
    return sorted(events, key=lambda event: (event.frame, event.velocity > 0, event.pitch))
