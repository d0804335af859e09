"""Check how the bundled song's truth is made from its score."""

from __future__ import annotations

from pathlib import Path

import pytest

from library.data.demo_song import DEMO_FONT, DEMO_WAD, DURATION_S, MIX_DB, demo_score, render_stems, steps_of
from library.data.scores import split_of
from library.demo import DEMO_SCORE_SHA1, DRUMS, load_demo_song
from library.errors import InputError
from library.synths.notes import Note


def needs_score() -> None:
    if not DEMO_WAD.exists():
        pytest.skip(f"{DEMO_WAD} is missing: apt-get install freedoom")


def test_a_program_sounds_in_every_step_that_its_notes_reach() -> None:
    steps = steps_of({41: (Note(0.4, 0.75, 60, 100),), 33: (Note(1.0, 0.25, 30, 100),)}, 2.0)
    # The viola sounds for 0.1 s in the first step, which is not more than the least time.
    assert steps == [[], [41], [33, 41], []]


def test_short_notes_of_one_step_add_up() -> None:
    notes = tuple(Note(0.1 * n, 0.04, 60, 100) for n in range(4))
    assert steps_of({41: notes}, 1.0) == [[41], []]


def test_any_hit_of_the_drums_counts() -> None:
    assert steps_of({DRUMS: (Note(0.6, 0.01, 36, 100),)}, 1.0) == [[], [DRUMS]]


def test_no_split_holds_the_score_of_the_demo() -> None:
    assert split_of(DEMO_SCORE_SHA1) is None
    assert split_of(f"{int(DEMO_SCORE_SHA1, 16) + 10:040x}") == "train"


def test_a_missing_score_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="apt-get install freedoom"):
        demo_score(tmp_path / "none.wad")


def test_a_file_without_the_score_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.wad").write_bytes(b"IWAD" + bytes(8))
    with pytest.raises(InputError, match="holds no score with sha1"):
        demo_score(tmp_path / "empty.wad")


def test_the_bundled_truth_is_what_the_score_says() -> None:
    needs_score()
    notes = {
        DRUMS if track.is_drums else track.program: tuple(n for n in track.notes if n.start_s < DURATION_S)
        for track in demo_score().tracks
    }
    assert tuple(map(frozenset, steps_of(notes, DURATION_S))) == load_demo_song().steps


@pytest.mark.slow
def test_every_instrument_is_mixed_so_that_it_can_be_heard() -> None:
    needs_score()
    if not DEMO_FONT.exists():
        pytest.skip(f"{DEMO_FONT} is missing: apt-get install fluid-soundfont-gm")
    stems = render_stems(demo_score(), duration_s=40.0)
    assert {stem.program for stem in stems} == set(MIX_DB)
    for stem in stems:
        assert stem.frames.shape == (40 * 48_000, 2)
        assert abs(stem.frames).max() > 0.1
    assert max(MIX_DB.values()) - min(MIX_DB.values()) <= 6.0
