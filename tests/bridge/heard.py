"""Make analyses by hand."""

from __future__ import annotations

from library.index import Match
from library.sounds import MidiProgram, Sound
from realtime.types import Analysis, Skipped, Suggestion, Timing

__all__ = ["heard", "preset", "sample", "suggestion"]


def preset(name: str, program: int, channel: int | None = None, bank: int | None = 0) -> Sound:
    return Sound(f"gm:0:{program}", name, "gm", "", MidiProgram(channel, bank, None, program), "", "gm", "")


def sample(name: str) -> Sound:
    return Sound(f"drums/{name}.wav", name, "sample", f"/x/{name}.wav", None, "", "drums", "")


def suggestion(slot: int, *sounds: Sound, presence: float = 0.9) -> Suggestion:
    matches = tuple(Match(sound, 0.9 - 0.1 * rank) for rank, sound in enumerate(sounds))
    return Suggestion(slot, matches, presence, 3.0)


def heard(*suggestions: Suggestion, skipped: Skipped | None = None) -> Analysis:
    return Analysis(0, 0.0, 5.0, suggestions, skipped, -20.0, Timing())
