"""Write, read and play note banks in NSynth's format (Engel et al., arXiv 1704.01279).

A bank is a folder with `audio/<note_str>.wav` (4 s, 16 kHz, mono) and `examples.json`, which maps note_str to its
metadata. The real NSynth is read the same way.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample

from library.audio import SAMPLE_RATE_HZ, read_audio
from library.errors import InputError
from library.synths.notes import Note

__all__ = ["NSYNTH_FAMILIES", "BankInstrument", "BankPlayer", "NoteBank", "nsynth_metadata"]

NSYNTH_FAMILIES = (
    "bass", "brass", "flute", "guitar", "keyboard", "mallet", "organ", "reed", "string", "synth_lead", "vocal",
)  # fmt: skip

ATTACK_S = 0.005
RELEASE_S = 0.1
"""Envelope of a played note (arXiv 2211.07951, section 2)."""


@dataclass(frozen=True, slots=True)
class BankInstrument:
    """Hold the notes of one instrument: (pitch, velocity) -> file."""

    name: str
    family: str
    notes: dict[tuple[int, int], Path]


class NoteBank:
    """Read a folder in NSynth's format.

    Raises:
        InputError: examples.json is missing or damaged.
    """

    def __init__(self, folder: Path) -> None:
        try:
            rows = json.loads((folder / "examples.json").read_text())
            found: dict[str, BankInstrument] = {}
            for note, row in sorted(rows.items()):
                entry = found.setdefault(
                    row["instrument_str"], BankInstrument(row["instrument_str"], row["instrument_family_str"], {})
                )
                entry.notes[row["pitch"], row["velocity"]] = folder / "audio" / f"{note}.wav"
        except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
            raise InputError(folder, "is not a folder in NSynth's format (examples.json)", "check the path") from error
        self.instruments = found


class BankPlayer:
    """Play scores with one instrument of a bank, as the paper's renderer does."""

    def __init__(self, instrument: BankInstrument) -> None:
        self._notes = instrument.notes
        self._keys = np.array(sorted(instrument.notes), dtype=np.int64)  # [N, (pitch, velocity)]
        self._shifted: dict[tuple[int, int, int], NDArray[np.float32]] = {}

    def play(self, notes: Sequence[Note], duration_s: float) -> NDArray[np.float32]:
        """Render notes as samples[T]: nearest recorded pitch, velocity quantised to those that exist."""
        total = round(duration_s * SAMPLE_RATE_HZ)
        out = np.zeros(total, np.float32)
        for note in notes:
            start = round(note.start_s * SAMPLE_RATE_HZ)
            length = round((note.duration_s + RELEASE_S) * SAMPLE_RATE_HZ)
            sample = self._sample(note.pitch, note.velocity)[: min(length, max(0, total - start))]
            if len(sample):
                out[start : start + len(sample)] += sample * _envelope(len(sample), note.duration_s)
        return out

    def _sample(self, pitch: int, velocity: int) -> NDArray[np.float32]:
        distance = np.abs(self._keys[:, 0] - pitch) * 1000 + np.abs(self._keys[:, 1] - velocity)
        recorded, layer = (int(value) for value in self._keys[distance.argmin()])
        key = (recorded, layer, pitch)
        if key not in self._shifted:
            audio = read_audio(self._notes[recorded, layer])
            shift = pitch - recorded
            if shift:
                length = round(len(audio) / 2 ** (shift / 12) / 64) * 64
                audio = resample(audio, length).astype(np.float32)
            self._shifted[key] = audio
        return self._shifted[key]


def nsynth_metadata(instrument_str: str, family: str, number: int, pitch: int, velocity: int) -> dict[str, object]:
    """Return one note's entry of examples.json."""
    source = instrument_str.split("_")[-2]
    return {
        "note_str": f"{instrument_str}-{pitch:03d}-{velocity:03d}",
        "instrument": number,
        "instrument_str": instrument_str,
        "pitch": pitch,
        "velocity": velocity,
        "sample_rate": SAMPLE_RATE_HZ,
        "qualities": [0] * 10,
        "qualities_str": [],
        "instrument_family": NSYNTH_FAMILIES.index(family),
        "instrument_family_str": family,
        "instrument_source": ("acoustic", "electronic", "synthetic").index(source),
        "instrument_source_str": source,
    }


def _envelope(length: int, held_s: float) -> NDArray[np.float32]:
    envelope = np.ones(length, np.float32)
    attack = min(length, round(ATTACK_S * SAMPLE_RATE_HZ))
    envelope[:attack] = np.linspace(0, 1, attack, dtype=np.float32)
    release = min(length, round(held_s * SAMPLE_RATE_HZ))
    tail = length - release
    if tail > 0:
        envelope[release:] *= np.linspace(1, 1 - tail / (RELEASE_S * SAMPLE_RATE_HZ), tail, dtype=np.float32)
    return envelope
