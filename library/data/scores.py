"""Read windows of notes from freely licensed MIDI scores.

| source | Debian package | licence |
|---|---|---|
| simutrans | simutrans-data | Artistic-1.0 |
| freedoom | freedoom (MIDI lumps of its WADs) | BSD-3-Clause |
| planetblupi | planetblupi-music-midi | GPL-3+ |
| openmsx | openttd-openmsx | GPL-2 |
| freedink | freedink-data | zlib-like |

Scores are read where they are installed; nothing of them is shipped. A score goes to a split by the sha1 of its bytes:
remainder 0 of 10 is never read (kept for checks on unseen music), 1 is validation, 2 is test, the rest is training.
"""

from __future__ import annotations

import hashlib
import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import mido
from mido.midifiles.meta import KeySignatureError

from library.demo import DEMO_SCORE_SHA1
from library.errors import InputError
from library.sounds import DRUM_CHANNEL
from library.synths.notes import Note

__all__ = [
    "SCORE_SOURCES",
    "Phrase",
    "Score",
    "Split",
    "Track",
    "iter_scores",
    "phrases",
    "read_score",
    "segments",
    "split_of",
    "wad_midi",
]

Split = Literal["train", "valid", "test"]

SCORE_SOURCES: dict[str, tuple[str, str]] = {
    "simutrans": ("/usr/share/games/simutrans/music", "*.mid"),
    "freedoom": ("/usr/share/games/doom", "freedoom?.wad"),
    "planetblupi": ("/usr/share/planetblupi/music", "*.mid"),
    "openmsx": ("/usr/share/games/openttd/baseset/openmsx", "*.mid"),
    "freedink": ("/usr/share/games/dink/dink/Sound", "*.mid"),
}
"""Name -> folder and pattern, as their Debian packages install them."""

PHRASE_S = 5.0
"""Length of a phrase: one window of the encoders."""

MIN_ONSETS = 10
"""Fewest onsets of a usable phrase (arXiv 2211.07951, section 2)."""

_RESERVED, _VALID, _TEST = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Track:
    """Hold the notes that one channel of one track plays with one program."""

    program: int
    is_drums: bool
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class Score:
    """Hold one MIDI file."""

    source: str
    sha1: str
    tracks: tuple[Track, ...]


@dataclass(frozen=True, slots=True)
class Phrase:
    """Hold PHRASE_S seconds of one track from start_s of its score, times from its own start."""

    sha1: str
    start_s: float
    program: int
    is_drums: bool
    notes: tuple[Note, ...]


def split_of(sha1: str) -> Split | None:
    """Return the split of a score, None for those kept for checks on unseen music and for the demo's own."""
    if sha1 == DEMO_SCORE_SHA1:
        return None
    remainder = int(sha1, 16) % 10
    if remainder == _RESERVED:
        return None
    return "valid" if remainder == _VALID else "test" if remainder == _TEST else "train"


def iter_scores(split: Split, sources: dict[str, tuple[str, str]] | None = None) -> Iterator[Score]:
    """Yield the readable scores of a split, each file once, in the order of source and name.

    Raises:
        InputError: None of the sources is installed.
    """
    seen: set[str] = set()
    for name, (folder, pattern) in (sources or SCORE_SOURCES).items():
        for path in sorted(Path(folder).glob(pattern)):
            for data in wad_midi(path.read_bytes()) if path.suffix == ".wad" else [path.read_bytes()]:
                sha1 = hashlib.sha1(data, usedforsecurity=False).hexdigest()
                if sha1 in seen or split_of(sha1) != split:
                    continue
                seen.add(sha1)
                score = read_score(name, data)
                if score is not None:
                    yield score
    if not seen:
        raise InputError(
            "scores", "none of their packages is installed", "apt-get install simutrans-data freedoom freedink-data"
        )


def read_score(source: str, data: bytes) -> Score | None:
    """Parse a MIDI file; None where its bytes are damaged."""
    try:
        midi = mido.MidiFile(file=io.BytesIO(data), clip=True)
        tracks = tuple(_tracks(midi))
    except (OSError, EOFError, ValueError, KeyError, IndexError, TypeError, KeySignatureError):
        return None
    return Score(source, hashlib.sha1(data, usedforsecurity=False).hexdigest(), tracks)


def phrases(score: Score, min_onsets: int = MIN_ONSETS) -> Iterator[Phrase]:
    """Cut each track into phrases with at least that many onsets."""
    for track in score.tracks:
        buckets: dict[int, list[Note]] = {}
        for note in track.notes:
            start = int(note.start_s // PHRASE_S)
            offset = note.start_s - start * PHRASE_S
            length = min(note.duration_s, PHRASE_S - offset)
            buckets.setdefault(start, []).append(Note(offset, length, note.pitch, note.velocity))
        for start, notes in sorted(buckets.items()):
            if len(notes) >= min_onsets:
                yield Phrase(score.sha1, start * PHRASE_S, track.program, track.is_drums, tuple(notes))


def segments(score: Score, min_tracks: int, min_onsets: int = MIN_ONSETS) -> Iterator[tuple[Phrase, ...]]:
    """Yield the pitched phrases that sound together, where at least that many do."""
    together: dict[float, list[Phrase]] = {}
    for phrase in phrases(score, min_onsets):
        if not phrase.is_drums:
            together.setdefault(phrase.start_s, []).append(phrase)
    for _, found in sorted(together.items()):
        if len(found) >= min_tracks:
            yield tuple(found)


def _tracks(midi: mido.MidiFile) -> Iterator[Track]:
    """Merge all tracks to get the tempo map right, then part them again by channel and program."""
    now, programs = 0.0, [0] * 16
    sounding: dict[tuple[int, int], tuple[float, int, int]] = {}
    notes: dict[tuple[int, int], list[Note]] = {}
    for message in midi:
        now += message.time
        if message.type == "program_change":
            programs[message.channel] = message.program
        if message.type not in ("note_on", "note_off"):
            continue
        key = (message.channel, message.note)
        if key in sounding:
            start, velocity, program = sounding.pop(key)
            if now > start:
                notes.setdefault((message.channel, program), []).append(
                    Note(start, now - start, message.note, velocity)
                )
        if message.type == "note_on" and message.velocity > 0:
            sounding[key] = (now, message.velocity, programs[message.channel])
    for (channel, program), found in sorted(notes.items()):
        ordered = sorted(found, key=lambda note: (note.start_s, note.pitch))
        yield Track(program, channel == DRUM_CHANNEL, tuple(ordered))


def wad_midi(data: bytes) -> Iterator[bytes]:
    """Yield the MIDI lumps of a Doom WAD (directory of offset, size, 8-byte name)."""
    kind, count, directory = struct.unpack_from("<4sII", data)
    if kind not in (b"IWAD", b"PWAD"):
        return
    for i in range(count):
        offset, size = struct.unpack_from("<II", data, directory + 16 * i)
        if data[offset : offset + 4] == b"MThd":
            yield data[offset : offset + size]
