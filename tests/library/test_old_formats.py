"""Check that libraries made by older versions stay loadable; each is kept in tests/golden and never written again."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from library.index import SoundIndex
from library.sounds import MidiProgram
from library.verify import verify_library
from tests.fakes import SpectrumEncoder
from tests.library.sound_files import tone

GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.fixture
def format_1(tmp_path: Path) -> Path:
    """Return a copy: opening a catalogue may write its log beside it."""
    return Path(shutil.copytree(GOLDEN / "library-format-1", tmp_path / "lib"))


def test_a_library_of_format_1_is_whole(format_1: Path) -> None:
    assert verify_library(format_1) == ()


def test_a_library_of_format_1_is_searched(format_1: Path) -> None:
    index = SoundIndex.open(format_1, SpectrumEncoder().spec.fingerprint)
    queries = SpectrumEncoder().embed(np.stack([tone(220.0, 1.0, 1), tone(110.0, 1.0, 4)]))
    found = index.query(queries, 1)
    assert [matches[0].sound.name for matches in found] == ["low flute", "bass"]
    assert [matches[0].score for matches in found] == pytest.approx([1.0, 1.0], abs=1e-3)
    assert [matches[0].sound.id for matches in found] == ["golden-source/low flute.wav", "golden-source/bass.wav"]


def test_a_library_of_format_1_keeps_programs_kinds_and_errors(format_1: Path) -> None:
    index = SoundIndex.open(format_1, None)
    sounds = {sound.name: sound for sound in index.sounds}
    assert (sounds["Grand Piano"].kind, sounds["Grand Piano"].program) == ("soundfont", MidiProgram(None, 0, 0, 0))
    assert (sounds["Standard Kit"].kind, sounds["Standard Kit"].program) == ("drumkit", MidiProgram(9, None, None, 0))
    assert sounds["long organ"].family == "organ"
    (error,) = index.info()["errors"]
    assert error["path"] == "/golden-source/broken.wav"


@pytest.fixture
def format_2(tmp_path: Path) -> Path:
    """Return a copy of what a watch left: five sounds, then one that went and one that came."""
    return Path(shutil.copytree(GOLDEN / "library-format-2", tmp_path / "lib"))


def test_a_library_of_format_2_is_whole(format_2: Path) -> None:
    assert verify_library(format_2) == ()


@pytest.mark.parametrize("exact", [True, False])
def test_a_library_of_format_2_is_searched_with_its_delta(format_2: Path, exact: bool) -> None:
    index = SoundIndex.open(format_2, SpectrumEncoder().spec.fingerprint, exact=exact)
    tones = np.stack([tone(220.0, 1.0, 1), tone(3000.0, 1.0, 2), tone(700.0, 1.0, 3)])
    found = index.query(SpectrumEncoder().embed(tones), 5)
    assert [matches[0].sound.name for matches in found[:2]] == ["low flute", "came later"]
    assert [matches[0].score for matches in found[:2]] == pytest.approx([1.0, 1.0], abs=1e-3)
    assert "leaves" not in {match.sound.name for match in found[2]}  # it went after the base was written


def test_a_library_of_format_2_keeps_programs_kinds_and_errors(format_2: Path) -> None:
    index = SoundIndex.open(format_2, None)
    sounds = {sound.name: sound for sound in index.sounds}
    assert set(sounds) == {"low flute", "bass", "came later", "Grand Piano", "Standard Kit"}
    assert (sounds["Grand Piano"].kind, sounds["Grand Piano"].program) == ("soundfont", MidiProgram(None, 0, 0, 0))
    (error,) = index.info()["errors"]
    assert error["path"] == "/golden-source/broken.wav"
