"""Ask whether "piano" means piano: unseen General MIDI presets looked up in the built-in library."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from library.evaluation.material import Clips
from library.gm.names import gm_family
from library.index import SoundIndex

__all__ = ["general_midi_scores"]

_GM_BANK = 0
_FIRST = 5


def general_midi_scores(vectors: NDArray[np.float32], clips: Clips, index: SoundIndex) -> dict[str, float]:
    """Return how often the right program is among the first five, and the first of the right family.

    Args:
        vectors: [N, D] single embedding of each clip.
        clips: Phrases; those of bank 0 of a SoundFont are asked with, since their program says what they are.
        index: The built-in library.
    """
    program = 0
    family = 0
    asked = 0
    for c, instrument in enumerate(clips.instruments):
        if instrument.engine != "soundfont" or instrument.bank != _GM_BANK:
            continue
        for matches in index.query(vectors[clips.label == c], _FIRST):
            programs = [match.sound.program.program for match in matches if match.sound.program is not None]
            program += instrument.program in programs
            family += gm_family(programs[0]) == gm_family(instrument.program)
            asked += 1
    return {"gm_program_top5": program / asked, "gm_family_top1": family / asked} if asked else {}
