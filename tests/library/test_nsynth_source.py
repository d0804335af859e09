"""Check that folders in NSynth's format become one sound an instrument."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from library.build import build_library
from library.data.notebank import nsynth_metadata
from library.errors import InputError
from library.index import SoundIndex
from library.sources import open_file, scan_source
from library.sources.nsynth import MOST_NOTES
from tests.fakes import SpectrumEncoder
from tests.library.sound_files import write_tone


def write_nsynth(folder: Path) -> Path:
    rows = {}
    for number, (name, family) in enumerate((("bass_synthetic_033", "bass"), ("flute_acoustic_002", "flute"))):
        for pitch in range(40, 64, 2):
            for velocity in (50, 100):
                row = nsynth_metadata(name, family, number, pitch, velocity)
                rows[str(row["note_str"])] = row
                hz = 440 * 2 ** ((pitch - 69) / 12)
                write_tone(folder / "audio" / f"{row['note_str']}.wav", hz, 0.2, 1 + 3 * number)
    (folder / "examples.json").write_text(json.dumps(rows))
    return folder


def test_each_instrument_is_one_sound_with_notes_over_its_range(tmp_path: Path) -> None:
    src = write_nsynth(tmp_path / "src" / "nsynth-test").parent
    write_tone(src / "own.wav", 220.0)
    report = build_library([src], tmp_path / "lib", SpectrumEncoder())
    sounds = SoundIndex.open(tmp_path / "lib", None).sounds
    assert [(s.name, s.kind, s.family) for s in sounds] == [
        ("bass_synthetic_033", "sample", "bass"),
        ("flute_acoustic_002", "sample", "flute"),
        ("own", "sample", ""),
    ]
    assert Path(sounds[0].path).is_file()
    assert (report.errors, report.manifest.vectors) == ((), 2 * MOST_NOTES + 1)


def test_a_missing_note_leaves_the_others(tmp_path: Path) -> None:
    src = write_nsynth(tmp_path / "src")
    with open_file(scan_source(src, "src", set()).files[0]) as reader:
        bass, _ = reader.sounds()
        Path(bass.path).unlink()
        assert len(reader.clips(bass)) == MOST_NOTES - 1


@pytest.mark.parametrize("text", ['{"a": ' * 50_000, '{"a": [1]}', '{"a": {"pitch": 1}}', '{"a": {}', '{"x', "{"])
def test_metadata_of_another_form_is_refused_and_the_files_are_sounds(tmp_path: Path, text: str) -> None:
    write_tone(tmp_path / "audio" / "a.wav", 220.0)
    (tmp_path / "examples.json").write_text(text)
    first, second = scan_source(tmp_path, "src", set()).files
    assert (first.kind, second.kind) == ("audio", "nsynth") or (first.kind, second.kind) == ("nsynth", "audio")
    reader = next(open_file(found) for found in (first, second) if found.kind == "nsynth")
    with pytest.raises(InputError, match=r"examples\.json"):
        reader.sounds()
