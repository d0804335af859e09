"""Check the demo: its truth, its count, how it ends."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from bridge.cli.tally import Score, Tally, sign_of
from library.audio import audio_info
from library.demo import DEMO_SCORE_SHA1, DRUMS, Playing, load_demo_song
from library.errors import InputError
from library.index import Match
from library.sounds import MidiProgram, Sound
from realtime.types import Analysis, Suggestion, Timing
from tests.bridge.shell import Shell

VIOLA = Playing(41, "Viola", "string")
BASS = Playing(33, "Electric Bass (finger)", "bass")
KIT = Playing(DRUMS, "Drums", "drums")


def heard(*sounds: tuple[int | None, str], skipped: Any = None) -> Analysis:
    """Return an Analysis that names sounds by program and family."""
    suggestions = []
    for slot, (program, family) in enumerate(sounds, 1):
        load = None if program is None else MidiProgram(None, 0, 0, program)
        sound = Sound(f"s{slot}", f"s{slot}", "gm", "", load, family, "made", "")
        suggestions.append(Suggestion(slot, (Match(sound, 0.9),), 0.8, 1.0))
    return Analysis(0, 0.0, 5.0, tuple(suggestions), skipped, -20.0, Timing())


def test_the_exact_program_counts_for_program_and_family() -> None:
    tally = Tally().plus(heard((41, "string")), [VIOLA, BASS])
    assert tally.by_program == Score(right=1, named=1, playing=2)
    assert tally.by_family == Score(right=1, named=1, playing=2)
    assert (tally.by_program.precision, tally.by_program.recall) == (1.0, 0.5)


def test_a_neighbour_counts_for_its_family_alone() -> None:
    tally = Tally().plus(heard((40, "string")), [VIOLA])
    assert (tally.by_program.right, tally.by_family.right) == (0, 1)


def test_what_plays_once_can_be_right_once() -> None:
    tally = Tally().plus(heard((41, "string"), (41, "string")), [VIOLA])
    assert tally.by_program == Score(right=1, named=2, playing=1)


def test_drums_are_not_counted_and_a_sound_without_program_only_by_family() -> None:
    tally = Tally().plus(heard((None, "bass")), [BASS, KIT])
    assert tally.by_program == Score(right=0, named=1, playing=1)
    assert tally.by_family == Score(right=1, named=1, playing=1)


def test_windows_that_were_skipped_are_not_judged() -> None:
    assert Tally().plus(heard(skipped="silent"), [VIOLA]) == Tally()
    assert "No window" in Tally().lines()[0]


def test_nothing_named_has_no_precision() -> None:
    score = Tally().plus(heard(), [VIOLA]).by_program
    assert (score.precision, score.recall) == (None, 0.0)


@pytest.mark.parametrize(("sound", "sign"), [((41, "string"), "="), ((40, "string"), "~"), ((0, "keyboard"), "x")])
def test_the_sign_tells_program_family_or_neither(sound: tuple[int, str], sign: str) -> None:
    assert sign_of(heard(sound).suggestions[0], [VIOLA, BASS])[0] == sign


def test_the_bundled_song_is_about_a_minute_small_and_as_long_as_its_truth() -> None:
    song = load_demo_song()
    info = audio_info(song.audio)
    assert (info.sample_rate, info.channels) == (44_100, 2)
    assert info.duration_s == pytest.approx(song.duration_s, abs=0.05)
    assert 55 <= song.duration_s <= 70
    assert len(song.steps) == round(song.duration_s / song.step_s)
    assert song.audio.stat().st_size < 1_200_000
    assert int(DEMO_SCORE_SHA1, 16) % 10 != 0  # those are kept for checks on unseen music


def test_instruments_enter_and_leave_the_song() -> None:
    song = load_demo_song()
    counts = [len(song.playing(start, start + 5.0)) for start in range(0, 55, 5)]
    assert min(counts) >= 2
    assert max(counts) >= 4
    melodic = [i for i in song.instruments if i.program != DRUMS]
    assert len({i.family for i in melodic}) >= 4
    for instrument in melodic:
        assert sum(instrument.program in step for step in song.steps) * song.step_s >= 10.0


def test_an_instrument_plays_in_a_window_from_one_second_on() -> None:
    song = load_demo_song()
    first = next(n for n, step in enumerate(song.steps) if 41 in step) * song.step_s
    viola = next(i for i in song.instruments if i.program == 41)
    assert viola not in song.playing(first - 4.5, first + 0.5)
    assert viola in song.playing(first - 4.0, first + 1.0)


def test_a_song_of_another_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "song.json").write_text('{"format": 99}')
    with pytest.raises(InputError, match="format 99"):
        load_demo_song(tmp_path)


def test_json_ends_with_the_count(shell: Shell) -> None:
    shell.build()
    ended = shell("demo", "--speed", "0", "--json", "--no-page", "--library", shell.library)
    assert ended.code == 0
    *windows, last = [json.loads(line) for line in ended.out.splitlines()]
    assert len(windows) == last["summary"]["windows"] == 115
    assert {"file", "start_s", "end_s", "slots", "playing", "skipped"} == set(windows[0])
    assert {p["name"] for p in windows[20]["playing"]} >= {"Viola", "Brass Section"}
    score = last["summary"]["program"]
    assert set(score) == {"right", "named", "playing", "precision", "recall"}


def test_the_song_goes_through_the_daemon_and_ends_by_itself(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    shell.build()
    picture = tmp_path / "demo.svg"
    ended = shell("demo", "--speed", "20", "--no-page", "-l", shell.library, "--screenshot", picture)
    assert ended.code == 0
    assert "OSC at 127.0.0.1:" in ended.out
    assert re.search(r"plays: .*Viola", ended.out)
    assert re.search(r"by exact program: 0 of \d+ named really play", ended.out)
    assert "really plays" in picture.read_text().replace("&#160;", " ")
    assert "http" not in picture.read_text().replace("http://www.w3.org/", "")


def test_an_unknown_device_is_refused(shell: Shell) -> None:
    ended = shell("demo", "--device", "abacus")
    assert (ended.code, ended.err.count("\n")) == (2, 1)
