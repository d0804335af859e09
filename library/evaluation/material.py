"""Draw what systems are asked with from the rendered test instruments: clips, notes, mixtures, percussion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from library.audio import SAMPLE_RATE_HZ, read_audio
from library.data.clips import CLIP_SAMPLES, phrase_audio
from library.data.instruments import Instrument
from library.data.notebank import NoteBank
from library.data.render import instrument_str, load_split
from library.data.scores import Split
from library.errors import InputError

__all__ = ["Clips", "Mixes", "draw_families", "draw_mixes", "read_clips", "read_drums", "read_notes"]


@dataclass(frozen=True, slots=True)
class Clips:
    """Hold phrases of each instrument: audio[N, T] at 16 kHz, label[N]."""

    audio: NDArray[np.float32]
    label: NDArray[np.int64]
    instruments: tuple[Instrument, ...]

    @property
    def first(self) -> NDArray[np.int64]:
        """Row of each instrument's library clip, which is never in a mixture."""
        return self.enrolled(1)

    def enrolled(self, count: int) -> NDArray[np.int64]:
        """Rows of the first clips of each instrument, as many of each."""
        return np.concatenate([np.flatnonzero(self.label == c)[:count] for c in range(len(self.instruments))])


@dataclass(frozen=True, slots=True)
class Mixes:
    """Hold mixtures: audio[M, T], peak-normalised, and truth[M, C], which instruments are in them."""

    audio: NDArray[np.float32]
    truth: NDArray[np.bool_]


def read_clips(data: Path, split: Split) -> Clips:
    """Read the phrases of a split.

    Raises:
        InputError: DATA holds no rendered instruments.
    """
    try:
        instruments = load_split(data)[split]
        clips = [phrase_audio(data, split, instrument) for instrument in instruments]
    except OSError as error:
        raise _nothing(data) from error
    label = np.repeat(np.arange(len(clips)), [len(part) for part in clips])
    return Clips(np.concatenate(clips), label, tuple(instruments))


def read_notes(data: Path, split: Split, instruments: Sequence[Instrument]) -> NDArray[np.float32]:
    """Return one note of each instrument's bank as audio[C, T]: its middle pitch, played hard.

    Raises:
        InputError: DATA holds no note bank.
    """
    bank = NoteBank(data / "bank" / split)
    notes = np.zeros((len(instruments), CLIP_SAMPLES), np.float32)
    for number, instrument in enumerate(instruments):
        recorded = bank.instruments[instrument_str(instrument)].notes
        hardest = max(velocity for _, velocity in recorded)
        pitches = sorted(pitch for pitch, velocity in recorded if velocity == hardest)
        note = read_audio(recorded[pitches[len(pitches) // 2], hardest])[:CLIP_SAMPLES]
        notes[number, : len(note)] = note
    return notes


def read_drums(data: Path, split: Split) -> NDArray[np.float32]:
    """Return percussion alone as audio[N, T].

    Raises:
        InputError: DATA holds none.
    """
    try:
        return read_audio(data / "drums" / f"{split}.flac", SAMPLE_RATE_HZ).reshape(-1, CLIP_SAMPLES)
    except InputError as error:
        raise _nothing(data) from error


def draw_mixes(
    clips: Clips, count: int, sources: tuple[int, int], rng: np.random.Generator, enrolled: int = 1
) -> Mixes:
    """Sum clips of so many different instruments, none of them one of the first clips, which the library holds."""
    classes = len(clips.instruments)
    picks = [
        rng.choice(classes, int(rng.integers(sources[0], sources[1] + 1)), replace=False).tolist() for _ in range(count)
    ]
    return _sum(clips, picks, rng, enrolled)


def draw_families(clips: Clips, count: int, families: Sequence[str], rng: np.random.Generator) -> Mixes:
    """Sum one clip of one instrument of each family."""
    pools = [[c for c, row in enumerate(clips.instruments) if row.family == family] for family in families]
    return _sum(clips, [[int(rng.choice(pool)) for pool in pools if pool] for _ in range(count)], rng)


def _sum(clips: Clips, picks: Sequence[Sequence[int]], rng: np.random.Generator, enrolled: int = 1) -> Mixes:
    rows = [np.flatnonzero(clips.label == c) for c in range(len(clips.instruments))]
    mixes = np.zeros((len(picks), clips.audio.shape[1]), np.float32)
    truth = np.zeros((len(picks), len(rows)), bool)
    for m, chosen in enumerate(picks):
        for c in chosen:
            mixes[m] += clips.audio[rng.choice(rows[c][enrolled:])]
            truth[m, c] = True
    mixes /= np.maximum(np.abs(mixes).max(axis=1, keepdims=True), 1e-9)
    return Mixes(mixes, truth)


def _nothing(data: Path) -> InputError:
    return InputError(data, "holds no rendered instruments", f"run `timbrel data render --out {data}`")
