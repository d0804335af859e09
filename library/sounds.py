"""Define a sound of a library: what can be suggested."""

from __future__ import annotations

from dataclasses import dataclass

from library.errors import InputError

__all__ = ["DRUM_CHANNEL", "UNPITCHED_FAMILIES", "MidiProgram", "Sound"]

UNPITCHED_FAMILIES = frozenset({"drums", "effects", "percussive"})
"""What a slot never is: the encoders were trained to find pitched instruments and to pass over percussion."""

DRUM_CHANNEL = 9
"""MIDI channel 10, on which General MIDI plays drum kits."""


@dataclass(frozen=True, slots=True)
class MidiProgram:
    """Name the MIDI messages that load a patch; all numbers 0-based, None = leave as it is.

    Attributes:
        channel: 0..15, None for the user's channel.
        bank_msb: 0..127 for CC 0.
        bank_lsb: 0..127 for CC 32.
        program: 0..127.

    Raises:
        InputError: A number is out of its range.
    """

    channel: int | None
    bank_msb: int | None
    bank_lsb: int | None
    program: int

    def __post_init__(self) -> None:
        for name, value, top in (
            ("channel", self.channel, 15),
            ("bank_msb", self.bank_msb, 127),
            ("bank_lsb", self.bank_lsb, 127),
            ("program", self.program, 127),
        ):
            if value is not None and not 0 <= value <= top:
                raise InputError(f"{name} {value}", f"must be in 0..{top}", "correct the catalogue entry")


@dataclass(frozen=True, slots=True)
class Sound:
    """Describe one library entry that can be suggested.

    Attributes:
        id: Stable text id, unique in its library: a file's path inside its source, a preset's source:bank:program.
        name: What a musician reads: a file's stem, a preset's name, a General MIDI name.
        kind: "sample", "soundfont", "gm", "drumkit", "sfz", "patch", "preset".
        path: File on disk, empty where there is none.
        program: What loads it over MIDI, None where nothing does.
        family: Instrument family in lower case ("bass", "brass", "keyboard" ...), empty when unknown.
        source: Which source of the library it came from.
        licence: Licence of the audio where known, else empty.
    """

    id: str
    name: str
    kind: str
    path: str
    program: MidiProgram | None
    family: str
    source: str
    licence: str
