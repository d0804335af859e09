"""Name the 128 General MIDI programs (General MIDI System Level 1, 1991), their families and the drum kits."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from library.errors import InputError

__all__ = ["DRUM_KITS", "GM_NAMES", "gm_family", "gm_name"]

# Groups of eight programs. Families are NSynth's where it has one (arXiv 1704.01279), and plain words elsewhere.
_GROUPS: tuple[tuple[str, str], ...] = (
    (
        "keyboard",
        "Acoustic Grand Piano|Bright Acoustic Piano|Electric Grand Piano|Honky-tonk Piano"
        "|Electric Piano 1|Electric Piano 2|Harpsichord|Clavinet",
    ),
    ("mallet", "Celesta|Glockenspiel|Music Box|Vibraphone|Marimba|Xylophone|Tubular Bells|Dulcimer"),
    (
        "organ",
        "Drawbar Organ|Percussive Organ|Rock Organ|Church Organ|Reed Organ|Accordion|Harmonica|Tango Accordion",
    ),
    (
        "guitar",
        "Acoustic Guitar (nylon)|Acoustic Guitar (steel)|Electric Guitar (jazz)|Electric Guitar (clean)"
        "|Electric Guitar (muted)|Overdriven Guitar|Distortion Guitar|Guitar Harmonics",
    ),
    (
        "bass",
        "Acoustic Bass|Electric Bass (finger)|Electric Bass (pick)|Fretless Bass"
        "|Slap Bass 1|Slap Bass 2|Synth Bass 1|Synth Bass 2",
    ),
    ("string", "Violin|Viola|Cello|Contrabass|Tremolo Strings|Pizzicato Strings|Orchestral Harp|Timpani"),
    (
        "string",
        "String Ensemble 1|String Ensemble 2|Synth Strings 1|Synth Strings 2"
        "|Choir Aahs|Voice Oohs|Synth Voice|Orchestra Hit",
    ),
    ("brass", "Trumpet|Trombone|Tuba|Muted Trumpet|French Horn|Brass Section|Synth Brass 1|Synth Brass 2"),
    ("reed", "Soprano Sax|Alto Sax|Tenor Sax|Baritone Sax|Oboe|English Horn|Bassoon|Clarinet"),
    ("flute", "Piccolo|Flute|Recorder|Pan Flute|Blown Bottle|Shakuhachi|Whistle|Ocarina"),
    (
        "synth_lead",
        "Lead 1 (square)|Lead 2 (sawtooth)|Lead 3 (calliope)|Lead 4 (chiff)"
        "|Lead 5 (charang)|Lead 6 (voice)|Lead 7 (fifths)|Lead 8 (bass + lead)",
    ),
    (
        "synth_pad",
        "Pad 1 (new age)|Pad 2 (warm)|Pad 3 (polysynth)|Pad 4 (choir)"
        "|Pad 5 (bowed)|Pad 6 (metallic)|Pad 7 (halo)|Pad 8 (sweep)",
    ),
    (
        "effects",
        "FX 1 (rain)|FX 2 (soundtrack)|FX 3 (crystal)|FX 4 (atmosphere)"
        "|FX 5 (brightness)|FX 6 (goblins)|FX 7 (echoes)|FX 8 (sci-fi)",
    ),
    ("ethnic", "Sitar|Banjo|Shamisen|Koto|Kalimba|Bagpipe|Fiddle|Shanai"),
    ("percussive", "Tinkle Bell|Agogo|Steel Drums|Woodblock|Taiko Drum|Melodic Tom|Synth Drum|Reverse Cymbal"),
    (
        "effects",
        "Guitar Fret Noise|Breath Noise|Seashore|Bird Tweet|Telephone Ring|Helicopter|Applause|Gunshot",
    ),
)

GM_NAMES: tuple[str, ...] = tuple(name for _, names in _GROUPS for name in names.split("|"))
"""Names of the programs 0..127."""

# Programs that a musician would not look for in the family of their group.
_OTHER_FAMILY: Mapping[int, str] = MappingProxyType(
    {47: "percussive", 52: "vocal", 53: "vocal", 54: "vocal", 55: "effects"}
)

DRUM_KITS: Mapping[int, str] = MappingProxyType(
    {
        0: "Standard Drum Kit",
        8: "Room Drum Kit",
        16: "Power Drum Kit",
        24: "Electronic Drum Kit",
        25: "TR-808 Drum Kit",
        32: "Jazz Drum Kit",
        40: "Brush Drum Kit",
        48: "Orchestra Drum Kit",
    }
)
"""Drum kits by their program on channel 10 (General MIDI Level 2, Roland GS)."""


def gm_name(program: int) -> str:
    """Return the General MIDI name of a program 0..127.

    Raises:
        InputError: The program is out of range.
    """
    _require_program(program)
    return GM_NAMES[program]


def gm_family(program: int) -> str:
    """Return the family of a program 0..127, in lower case.

    Raises:
        InputError: The program is out of range.
    """
    _require_program(program)
    return _OTHER_FAMILY.get(program, _GROUPS[program // 8][0])


def _require_program(program: int) -> None:
    if not 0 <= program < len(GM_NAMES):
        raise InputError(f"program {program}", "must be in 0..127", "count programs from 0")
