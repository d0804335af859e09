"""Make the bundled song: one score of Freedoom, rendered with FluidR3, and the list of what really plays in it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from library.audio import level_db, resample
from library.data.scores import Score, read_score, wad_midi
from library.demo.song import DEMO_SCORE_SHA1, DRUMS, FORMAT
from library.errors import InputError
from library.gm.names import gm_family, gm_name
from library.synths.fluid import SYNTH_RATE_HZ, FluidRenderer
from library.synths.notes import Note
from library.synths.sf2 import DRUM_BANK

__all__ = ["DEMO_FONT", "DEMO_WAD", "Stem", "demo_score", "make_demo_song", "render_stems", "steps_of"]

DEMO_WAD = Path("/usr/share/games/doom/freedoom2.wad")
"""Where Debian's package freedoom puts the file that holds the score."""

DEMO_FONT = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")
"""Where Debian's package fluid-soundfont-gm puts FluidR3."""

OGG_RATE_HZ = 44_100
OGG_COMPRESSION = 0.62
"""libsndfile's scale, 0 best quality to 1 smallest: keeps the song under 1.2 MB."""

DURATION_S = 62.0
"""Where the song ends: after each instrument has entered, and left, at least once."""

FADE_S = 1.5
STEP_S = 0.5
MIN_SOUND_S = 0.1
"""Notes that sound for less than this inside a step don't count there."""

MIX_DB: dict[int, float] = {33: -1.0, 61: -3.0, 48: -2.0, 30: -3.0, 41: 0.0, DRUMS: -3.0}
"""Level of each instrument while it plays, in dB to each other: the score's own velocities bury the viola."""

LEVEL_DB = -18.0
PEAK = 0.89
"""-1 dBFS: what lossy coding may add still fits."""


@dataclass(frozen=True, slots=True)
class Stem:
    """Hold what one instrument plays, by itself.

    Attributes:
        program: General MIDI program, DRUMS for the drum kit.
        notes: Its notes, in seconds from the start of the song.
        frames: [T, 2] float32 at 48 kHz, at its level in the mix.
    """

    program: int
    notes: tuple[Note, ...]
    frames: NDArray[np.float32]


def demo_score(wad: Path = DEMO_WAD) -> Score:
    """Find the demo's score inside Freedoom.

    Raises:
        InputError: The WAD is missing or holds another version of the score.
    """
    if not wad.exists():
        raise InputError(wad, "no such file", "apt-get install freedoom")
    for data in wad_midi(wad.read_bytes()):
        if hashlib.sha1(data, usedforsecurity=False).hexdigest() == DEMO_SCORE_SHA1:
            score = read_score("freedoom", data)
            if score is not None:
                return score
    raise InputError(wad, f"holds no score with sha1 {DEMO_SCORE_SHA1}", "install freedoom 0.12.1")


def render_stems(score: Score, font: Path = DEMO_FONT, duration_s: float = DURATION_S) -> tuple[Stem, ...]:
    """Render each instrument by itself and bring it to its level in the mix."""
    stems = []
    with FluidRenderer(font, reverb=True, gain=0.4) as synth:
        for track in score.tracks:
            program = DRUMS if track.is_drums else track.program
            notes = tuple(note for note in track.notes if note.start_s < duration_s)
            bank, preset = (DRUM_BANK, 0) if track.is_drums else (0, track.program)
            if notes:
                frames = synth.render_stereo(bank, preset, notes, duration_s)
                active = frames[_active(notes, duration_s)]
                gain = 10.0 ** ((MIX_DB[program] - level_db(active)) / 20.0)
                stems.append(Stem(program, notes, (frames * np.float32(gain)).astype(np.float32)))
    return tuple(sorted(stems, key=lambda stem: (stem.program == DRUMS, stem.program)))


def steps_of(notes: Mapping[int, tuple[Note, ...]], duration_s: float) -> list[list[int]]:
    """Say for each half second which programs sound in it, from their notes."""
    count = round(duration_s / STEP_S)
    sounding = {program: np.zeros(count) for program in notes}
    for program, played in notes.items():
        for note in played:
            end_s = note.start_s + note.duration_s
            for step in range(int(note.start_s / STEP_S), min(count, int(end_s / STEP_S) + 1)):
                overlap_s = min(end_s, (step + 1) * STEP_S) - max(note.start_s, step * STEP_S)
                sounding[program][step] += max(0.0, overlap_s)
    # A drum hit has no length of its own: any onset counts.
    need = {program: 0.0 if program == DRUMS else MIN_SOUND_S for program in notes}
    return [sorted(p for p in notes if sounding[p][step] > need[p]) for step in range(count)]


def make_demo_song(out: Path, wad: Path = DEMO_WAD, font: Path = DEMO_FONT) -> tuple[Path, Path]:
    """Render the song and write song.ogg and song.json into a folder.

    Returns:
        The paths of the two files.

    Raises:
        InputError: The score or the SoundFont is not installed.
    """
    score = demo_score(wad)
    stems = render_stems(score, font)
    mix = _master(np.sum([stem.frames for stem in stems], axis=0))
    notes: dict[int, tuple[Note, ...]] = {}
    for stem in stems:
        notes[stem.program] = notes.get(stem.program, ()) + stem.notes
    truth = {
        "format": FORMAT,
        "duration_s": DURATION_S,
        "step_s": STEP_S,
        "score": {
            "sha1": score.sha1,
            "credit": "D_THE_DA of Freedoom 0.12.1 (BSD-3-Clause), its first minute",
        },
        "sound": "Fluid (R3) General MIDI SoundFont (MIT), rendered by FluidSynth",
        "instruments": [_instrument(program) for program in notes],
        "steps": steps_of(notes, DURATION_S),
    }
    out.mkdir(parents=True, exist_ok=True)
    audio, description = out / "song.ogg", out / "song.json"
    _write_ogg(audio, mix)
    partial = description.with_suffix(".part")
    partial.write_text(json.dumps(truth, indent=None, separators=(",", ":")) + "\n", "utf-8")
    partial.replace(description)
    return audio, description


def _instrument(program: int) -> dict[str, int | str]:
    if program == DRUMS:
        return {"program": DRUMS, "name": "Drums", "family": "drums"}
    return {"program": program, "name": gm_name(program), "family": gm_family(program)}


def _active(notes: tuple[Note, ...], duration_s: float) -> NDArray[np.bool_]:
    mask = np.zeros(round(duration_s * SYNTH_RATE_HZ), np.bool_)
    for note in notes:
        mask[int(note.start_s * SYNTH_RATE_HZ) : int((note.start_s + note.duration_s) * SYNTH_RATE_HZ) + 1] = True
    return mask


def _master(mix: NDArray[np.float32]) -> NDArray[np.float32]:
    """Resample, level, tame the peaks and fade the end of frames[T, 2]."""
    channels = [resample(np.ascontiguousarray(mix[:, c]), SYNTH_RATE_HZ, OGG_RATE_HZ) for c in range(2)]
    frames: NDArray[np.float32] = np.stack(channels, axis=1)
    frames *= np.float32(10.0 ** ((LEVEL_DB - level_db(frames)) / 20.0))
    frames = (PEAK * np.tanh(frames / PEAK)).astype(np.float32)
    fade = round(FADE_S * OGG_RATE_HZ)
    frames[-fade:] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)[:, None] ** 2
    return frames


def _write_ogg(path: Path, frames: NDArray[np.float32]) -> None:
    import soundfile

    partial = path.with_name(path.name + ".part")
    with soundfile.SoundFile(
        str(partial), "w", OGG_RATE_HZ, 2, "VORBIS", format="OGG", compression_level=OGG_COMPRESSION
    ) as file:
        for start in range(0, len(frames), OGG_RATE_HZ):  # libsndfile overflows its stack on one long write
            file.write(frames[start : start + OGG_RATE_HZ])
    partial.replace(path)
