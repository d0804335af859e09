from __future__ import annotations

import hashlib
import io
import struct
from pathlib import Path

import mido
import numpy as np
import pytest

from library.data.render import transpose
from library.data.scores import iter_scores, phrases, read_score, split_of
from library.errors import InputError
from library.synths.notes import Note


def midi(pitches: list[int], program: int = 24, channel: int = 0, marker: int = 0) -> bytes:
    """One note every half second at 120 bpm, each a quarter second long."""
    file = mido.MidiFile(ticks_per_beat=480)
    track = mido.MidiTrack([mido.MetaMessage("text", text=str(marker), time=0)])
    track.append(mido.Message("program_change", program=program, channel=channel, time=0))
    for pitch in pitches:
        track.append(mido.Message("note_on", note=pitch, velocity=90, channel=channel, time=0))
        track.append(mido.Message("note_off", note=pitch, velocity=0, channel=channel, time=240))
        track.append(mido.Message("note_on", note=1, velocity=0, channel=channel, time=240))
    file.tracks.append(track)
    out = io.BytesIO()
    file.save(file=out)
    return out.getvalue()


def midi_of_split(split: str | None) -> bytes:
    """A score whose bytes fall into a split."""
    for marker in range(200):
        data = midi([60, 62, 64] * 8, marker=marker)
        if split_of(hashlib.sha1(data, usedforsecurity=False).hexdigest()) == split:
            return data
    raise AssertionError(split)


def test_notes_have_their_times_and_program() -> None:
    score = read_score("test", midi([60, 62], program=33))
    assert score is not None
    (track,) = score.tracks
    assert (track.program, track.is_drums) == (33, False)
    assert [(round(n.start_s, 3), round(n.duration_s, 3), n.pitch) for n in track.notes] == [
        (0, 0.25, 60),
        (0.5, 0.25, 62),
    ]


def test_channel_ten_is_drums() -> None:
    score = read_score("test", midi([38, 38], channel=9))
    assert score is not None
    assert score.tracks[0].is_drums


def test_damaged_midi_is_passed_over() -> None:
    assert read_score("test", b"MThd and nothing that follows") is None


def test_phrases_start_at_zero_and_hold_enough_onsets() -> None:
    score = read_score("test", midi(list(range(50, 73))))
    assert score is not None
    found = list(phrases(score))
    assert len(found) == 2  # 23 notes: ten a phrase, and three left over
    assert [len(p.notes) for p in found] == [10, 10]
    assert all(n.start_s >= 0 and n.start_s + n.duration_s <= 5.0 for p in found for n in p.notes)


def test_reserved_scores_are_never_read_and_wads_are_opened(tmp_path: Path) -> None:
    reserved, train = midi_of_split(None), midi_of_split("train")
    (tmp_path / "a.mid").write_bytes(reserved)
    lump = struct.pack("<II8s", 12, len(train), b"D_MUSIC")
    (tmp_path / "b.wad").write_bytes(struct.pack("<4sII", b"IWAD", 1, 12 + len(train)) + train + lump)
    sources = {"mid": (str(tmp_path), "*.mid"), "wad": (str(tmp_path), "*.wad")}
    scores = list(iter_scores("train", sources))
    assert [score.source for score in scores] == ["wad"]


def test_no_scores_at_all_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="apt-get install"):
        list(iter_scores("train", {"none": (str(tmp_path), "*.mid")}))


def test_phrases_are_moved_by_octaves_into_the_range() -> None:
    notes = [Note(0, 1, pitch, 90) for pitch in (60, 64, 67, 96)]
    for seed in range(5):
        moved = transpose(notes, 28, 52, np.random.default_rng(seed))
        assert all(25 <= note.pitch <= 55 for note in moved)
        assert all((note.pitch - old.pitch) % 12 == 0 for note, old in zip(moved, notes, strict=True))
