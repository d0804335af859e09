"""Say where on the keyboard each General MIDI program is played, and which NSynth family it belongs to."""

from __future__ import annotations

__all__ = ["UNPITCHED_PROGRAMS", "is_melodic", "nsynth_family", "pitch_range"]

UNPITCHED_PROGRAMS = frozenset({47, 55, *range(96, 104), *range(112, 128)})
"""Timpani, orchestra hit, synth effects, percussive and sound effects: not instruments to be named by pitch."""

_GROUP_RANGE = (
    (36, 90),  # piano
    (55, 90),  # chromatic percussion
    (40, 84),  # organ
    (42, 80),  # guitar
    (28, 52),  # bass
    (45, 84),  # solo strings
    (45, 84),  # ensemble
    (45, 80),  # brass
    (50, 84),  # reed
    (60, 90),  # pipe
    (48, 88),  # synth lead
    (43, 84),  # synth pad
    (43, 84),  # synth effects
    (45, 84),  # ethnic
    (48, 80),  # percussive
    (48, 80),  # sound effects
)
_PROGRAM_RANGE = {
    40: (58, 90),
    41: (50, 80),
    42: (38, 68),
    43: (30, 55),
    46: (40, 90),
    56: (55, 82),
    57: (40, 70),
    58: (30, 55),
    59: (55, 82),
    60: (42, 75),
    64: (56, 85),
    65: (50, 80),
    66: (45, 75),
    67: (38, 68),
    68: (58, 88),
    69: (52, 80),
    70: (36, 65),
    71: (50, 85),
    72: (74, 100),
    77: (55, 85),
    87: (36, 72),
}
_GROUP_FAMILY = (
    "keyboard", "mallet", "organ", "guitar", "bass", "string", "string", "brass",
    "reed", "flute", "synth_lead", "synth_pad", "synth_pad", "guitar", "mallet", "mallet",
)  # fmt: skip
_PROGRAM_FAMILY = {52: "vocal", 53: "vocal", 54: "vocal", 108: "mallet", 109: "reed", 110: "string", 111: "reed"}


def is_melodic(program: int) -> bool:
    """Return whether a General MIDI program (0..127) plays pitches."""
    return program not in UNPITCHED_PROGRAMS


def pitch_range(program: int) -> tuple[int, int]:
    """Return the lowest and highest MIDI note that a General MIDI program is usually played at."""
    return _PROGRAM_RANGE.get(program, _GROUP_RANGE[program // 8])


def nsynth_family(program: int) -> str:
    """Return the NSynth family (https://magenta.tensorflow.org/datasets/nsynth) nearest to a program."""
    return _PROGRAM_FAMILY.get(program, _GROUP_FAMILY[program // 8])
