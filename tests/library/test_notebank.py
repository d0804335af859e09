from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from library.audio import write_audio
from library.data.notebank import BankPlayer, NoteBank, nsynth_metadata
from library.errors import InputError
from library.synths.notes import Note

RATE = 16_000


def bank(folder: Path) -> Path:
    """Two notes of one instrument, sines at their pitch."""
    (folder / "audio").mkdir(parents=True)
    rows = {}
    for pitch in (57, 69):
        for velocity in (50, 100):
            hz = 440.0 * 2 ** ((pitch - 69) / 12)
            audio = velocity / 200 * np.sin(2 * np.pi * hz * np.arange(4 * RATE) / RATE)
            row = nsynth_metadata("bass_synthetic_007", "bass", 7, pitch, velocity)
            rows[str(row["note_str"])] = row
            write_audio(folder / "audio" / f"{row['note_str']}.wav", audio.astype(np.float32), RATE)
    (folder / "examples.json").write_text(json.dumps(rows))
    return folder


def peak_hz(audio: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> float:
    return float(np.argmax(np.abs(np.fft.rfft(audio * np.hanning(len(audio))))) * RATE / len(audio))


def test_a_bank_in_nsynths_format_is_read(tmp_path: Path) -> None:
    (instrument,) = NoteBank(bank(tmp_path)).instruments.values()
    assert (instrument.name, instrument.family) == ("bass_synthetic_007", "bass")
    assert sorted(instrument.notes) == [(57, 50), (57, 100), (69, 50), (69, 100)]


def test_notes_sound_at_their_time_pitch_and_velocity(tmp_path: Path) -> None:
    player = BankPlayer(NoteBank(bank(tmp_path)).instruments["bass_synthetic_007"])
    audio = player.play([Note(1.0, 1.0, 71, 110)], 3.0)
    assert len(audio) == 3 * RATE
    assert np.abs(audio[: RATE - 10]).max() == 0.0
    assert np.abs(audio[round(2.11 * RATE) :]).max() == 0.0  # released within 100 ms
    assert abs(peak_hz(audio[RATE : 2 * RATE]) - 493.9) < 2.0  # between recorded pitches
    loud, soft = np.abs(audio).max(), np.abs(player.play([Note(0, 1, 69, 40)], 2.0)).max()
    assert loud == pytest.approx(0.5, abs=0.02)
    assert soft == pytest.approx(0.25, abs=0.02)


def test_a_note_that_begins_after_the_end_is_left_out(tmp_path: Path) -> None:
    player = BankPlayer(NoteBank(bank(tmp_path)).instruments["bass_synthetic_007"])
    assert not player.play([Note(5.0, 1.0, 69, 100)], 2.0).any()


@pytest.mark.parametrize("content", [None, "[]", "{", '{"a": {}}'])
def test_a_folder_in_another_format_is_refused(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "examples.json").write_text(content)
    with pytest.raises(InputError, match="NSynth's format"):
        NoteBank(tmp_path)
