"""Write the notes that show what a preset sounds like: single notes and short phrases in its register."""

from __future__ import annotations

from collections.abc import Sequence

from library.synths.notes import Note

__all__ = ["CLIP_S", "NOTE_CLIP_S", "phrases", "preview_notes", "single_notes"]

CLIP_S = 5.0
"""Length of a phrase: the window that the encoders hear."""

NOTE_CLIP_S = 4.0
"""Length of a single note with its release, as in NSynth."""

_NOTE_S = 3.0
_NOTE_OFFSETS = (-9, 0, 9)
_VELOCITY = 96

# Semitones above the middle of the register.
_MELODY = (0, 4, 7, 5, 4, 2, 0, -5, -3, 0)
_ARPEGGIO = (0, 4, 7, 12, 7, 4, -3, 0, 5, 9, 5, 0, -5, -1, 2, 7, 2, -1, 0, 4)
_QUICK = (0, 2, 4, 7, 9, 12, 9, 7, 11, 7, 4, 2, -1, -5, -8, -12, -10, -5, -3, 0, 4, 5, 2, -1)
_BROAD = (5, 9, 12, 7, 3, -2, -7, -10, -5, 0, 4)
"""Walks over two octaves, as parts of songs go: what stands for a preset is not only the middle of its keys."""

_CHORDS = ((0, 4, 7), (-3, 0, 5), (-5, -1, 2))
_LINES = ((0,), (-3,), (-5,))

_ONE_VOICE = frozenset({"bass", "brass", "flute", "reed", "synth_lead"})
"""Families that seldom play chords."""


def single_notes(pitch: int) -> tuple[tuple[Note, ...], ...]:
    """Return clips of one note each, around a pitch, for NOTE_CLIP_S."""
    return tuple((Note(0.0, _NOTE_S, _in_range(pitch + offset), _VELOCITY),) for offset in _NOTE_OFFSETS)


def phrases(pitch: int, family: str) -> tuple[tuple[Note, ...], ...]:
    """Return a melody, a fast broken chord, held notes (chords where the family plays them), two walks, for CLIP_S."""
    held = _LINES if family in _ONE_VOICE else _CHORDS
    return (
        _line(pitch, _MELODY, 0.9),
        _line(pitch, _ARPEGGIO, 0.7),
        _held(pitch, held),
        _line(pitch, _QUICK, 0.6),
        _line(pitch, _BROAD, 0.8),
    )


def preview_notes(pitch: int) -> tuple[Note, ...]:
    """Return three rising notes and a held one, about two seconds, for the ear."""
    starts = ((0.0, 0.3, 0), (0.3, 0.3, 4), (0.6, 0.3, 7), (0.9, 1.0, 12))
    return tuple(Note(start, length, _in_range(pitch + offset), _VELOCITY) for start, length, offset in starts)


def _line(pitch: int, offsets: Sequence[int], legato: float) -> tuple[Note, ...]:
    step_s = CLIP_S / len(offsets)
    return tuple(
        Note(i * step_s, legato * step_s, _in_range(pitch + offset), _VELOCITY - 8 * (i % 2))
        for i, offset in enumerate(offsets)
    )


def _held(pitch: int, groups: Sequence[Sequence[int]]) -> tuple[Note, ...]:
    step_s = CLIP_S / len(groups)
    return tuple(
        Note(i * step_s, 0.95 * step_s, _in_range(pitch + offset), _VELOCITY)
        for i, group in enumerate(groups)
        for offset in group
    )


def _in_range(pitch: int) -> int:
    """Move a pitch by octaves into what most presets have samples for."""
    while pitch < 21:
        pitch += 12
    while pitch > 108:
        pitch -= 12
    return pitch
