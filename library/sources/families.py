"""Guess an instrument's family and register from a name, where nothing better says it."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Guess", "guess"]

MIDDLE_C = 60


@dataclass(frozen=True, slots=True)
class Guess:
    """Say what a name suggests: a family ("" = nothing) and the MIDI pitch in the middle of a sensible register."""

    family: str
    pitch: int


# The first rule that fits wins: what narrows a word ("bass clarinet", "steel drums") stands before the word.
_RULES: tuple[tuple[re.Pattern[str], Guess], ...] = tuple(
    (re.compile(rf"\b(?:{words})", re.IGNORECASE), Guess(family, pitch))
    for words, family, pitch in (
        (r"bass ?clarinet|contra ?bassoon|bari(?:tone)?[ _-]?sax", "reed", 45),
        (r"bass ?trombone|tuba|sousaphone", "brass", 40),
        (r"bass ?flute", "flute", 58),
        (r"bass ?(?:drum|kick)|kick|snare|hi-?hat|cymbal|tom\b|clap|perc|shaker|tamb", "percussive", 55),
        (r"steel drum|woodblock|agogo|taiko|melodic tom|synth drum|tinkle", "percussive", 64),
        (r"timpani", "percussive", 45),
        (r"drum|kit\b", "drums", 55),
        (r"bassoon", "reed", 48),
        (r"contra ?bass|double ?bass", "string", 38),
        (r"lead|calliope|charang", "synth_lead", 67),
        (r"pad\b|polysynth|halo", "synth_pad", 60),
        (r"fx\b|effect|noise|sea ?shore|bird|telephone|helicopter|applause|gun|reverse", "effects", 60),
        (r"orchestra(?:l)? hit", "effects", 60),
        (r"basso?\b|bass", "bass", 40),
        (r"piccolo", "flute", 84),
        (r"flute|recorder|pan ?pipe|ocarina|whistle|shakuhachi|blown|bottle", "flute", 74),
        (r"tenor ?sax", "reed", 55),
        (r"soprano ?sax|oboe", "reed", 69),
        (r"sax|clarinet|english ?horn|reed\b", "reed", 62),
        (r"trombone|french ?horn|horn", "brass", 53),
        (r"trumpet|cornet|brass|flugel", "brass", 64),
        (r"cello", "string", 48),
        (r"viola", "string", 58),
        (r"violin", "string", 71),
        (r"string|ensemble|orchestra|harp\b|pizz|trem", "string", 60),
        (r"sitar|banjo|shamisen|koto|kalimba|bagpipe|fiddle|shan?nai|oud|erhu", "ethnic", 62),
        (r"harmonica|accordion|organ|bandoneon|harmonium|hammond", "organ", 62),
        (r"glocken|music ?box|celest", "mallet", 82),
        (r"vibra|vibes|marimba|xylo|mallet|bell|dulcimer|chime", "mallet", 67),
        (r"guitar|gtr|ukulele|mandolin", "guitar", 55),
        (r"choir|voice|vocal|vox|aahs?|oohs?|singer|singing", "vocal", 62),
        (r"piano|keys?\b|keyboard|rhodes|wurli|clav|harpsi|ep\b", "keyboard", 60),
        (r"synth", "synth_lead", 62),
    )
)
_SEPARATORS = re.compile(r"[_\-.]+|(?<=[a-z])(?=[A-Z])")
_NOTHING = Guess("", MIDDLE_C)


def guess(name: str) -> Guess:
    """Guess from a preset's or a file's name."""
    words = _SEPARATORS.sub(" ", name)
    return next((found for pattern, found in _RULES if pattern.search(words)), _NOTHING)
