"""Say what stands for a General MIDI program: notes and phrases, as several makers' SoundFonts play them.

A program means a kind of instrument, not one recording of it. Phrases of all the fonts are dealt into groups, and each
group's mean is one vector: it lies nearer to other makers' instruments of the kind than any single phrase does.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from library.audio import level_db
from library.data.ranges import UNPITCHED_PROGRAMS, pitch_range
from library.embed import embed_clips
from library.encoders.spec import SingleEncoder
from library.sources.base import SILENCE_DB
from library.sources.phrases import CLIP_S, NOTE_CLIP_S, single_notes, wandering
from library.synths.fluid import FluidRenderer

__all__ = ["UNHEARD", "program_vectors"]

PHRASES = 24
"""Phrases of each font."""

GROUPS = 8

_SYNTH_EFFECTS = range(96, 104)

UNHEARD = UNPITCHED_PROGRAMS - set(_SYNTH_EFFECTS)
"""Programs without vectors: percussion and sound effects, which the encoders pass over. A gunshot is no answer to a
trumpet; it can still be loaded by its name."""


def program_vectors(encoder: SingleEncoder, fonts: Sequence[FluidRenderer], program: int) -> NDArray[np.float16]:
    """Return unit vectors[n, D] of a program of bank 0: of single notes of the first font, then of groups of phrases.

    Args:
        encoder: Embeds them.
        fonts: SoundFonts that all have the program.
        program: 0..127.
    """
    if program in UNHEARD:
        return np.zeros((0, encoder.spec.dim), np.float16)
    low, high = pitch_range(program)
    notes = [fonts[0].render(0, program, played, NOTE_CLIP_S) for played in single_notes((low + high) // 2)]
    vectors = [embed_clips(encoder, _heard(notes))]
    rng = np.random.default_rng(program)
    phrases = [
        font.render(0, program, played, CLIP_S) for font in fonts for played in wandering(low, high, PHRASES, rng)
    ]
    each = embed_clips(encoder, _heard(phrases)).astype(np.float32)
    for group in range(min(GROUPS, len(each))):
        mean = each[group::GROUPS].mean(axis=0, keepdims=True)
        vectors.append((mean / np.linalg.norm(mean)).astype(np.float16))
    return np.concatenate(vectors)


def _heard(clips: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
    return [clip for clip in clips if level_db(clip) > SILENCE_DB]
