"""Check what `timbrel listen` and `timbrel embed` print and how they end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from library.audio import read_audio, write_audio
from tests.bridge.shell import Shell
from tests.library.sound_files import write_tone


@pytest.fixture
def song(shell: Shell) -> Path:
    shell.build()
    return write_tone(shell.folder / "song.wav", 220.0, 7.0, 2)


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_listen_writes_one_line_a_window_as_the_contract_says(shell: Shell, song: Path) -> None:
    ended = shell("listen", song, "--library", shell.library, "--json", "--top", 2)
    assert ended.code == 0
    windows = lines(ended.out)
    assert [(w["start_s"], w["end_s"]) for w in windows] == [(0.5 * n, 5 + 0.5 * n) for n in range(5)]
    for window in windows:
        assert set(window) == {"file", "start_s", "end_s", "slots"}
        assert window["file"] == str(song)
        (slot,) = window["slots"]
        assert set(slot) == {"presence", "matches"}
        assert 0.9 < slot["presence"] <= 1.0
        assert [set(match) for match in slot["matches"]] == [{"name", "score", "sound_id", "program"}] * 2
    best = windows[-1]["slots"][0]["matches"][0]
    assert best["name"] in ("low flute", "bass", "organ")
    assert best["sound_id"].endswith(f"{best['name']}.wav")
    assert best["program"] is None
    assert -1.0 <= best["score"] <= 1.0


def test_hop_sets_the_time_between_windows(shell: Shell, song: Path) -> None:
    ended = shell("listen", song, "-l", shell.library, "--json", "--hop", "1")
    assert [w["start_s"] for w in lines(ended.out)] == [0.0, 1.0, 2.0]


def test_a_file_shorter_than_a_window_gives_one_line(shell: Shell, song: Path) -> None:
    short = write_tone(shell.folder / "short.wav", 220.0, 1.0, 2)
    (window,) = lines(shell("listen", short, "-l", shell.library, "--json").out)
    assert len(window["slots"]) == 1


def test_all_slots_shows_those_below_the_threshold(shell: Shell, song: Path) -> None:
    for options in ([], ["--raw"]):
        ended = shell("listen", song, "-l", shell.library, "--json", "--all-slots", *options)
        assert {len(window["slots"]) for window in lines(ended.out)} == {3}


def test_raw_looks_at_each_window_by_itself(shell: Shell) -> None:
    shell.build()
    path = shell.folder / "half.wav"
    tone = np.resize(read_audio(shell.folder / "src" / "bass.wav"), 6 * 16_000)
    write_audio(path, np.concatenate([tone, np.zeros(6 * 16_000)]).astype(np.float32), 16_000)
    tracked, raw = (
        [len(w["slots"]) for w in lines(shell("listen", path, "-l", shell.library, "--json", *option).out)]
        for option in ([], ["--raw"])
    )
    # What has ended is held for two seconds when tracked; each window by itself hears what of it is left in there.
    assert tracked == [1] * 7 + [0] * 8
    assert raw == [1] * 12 + [0] * 3


def test_without_json_a_table_names_the_sounds(shell: Shell, song: Path) -> None:
    ended = shell("listen", song, "-l", shell.library)
    assert ended.code == 0
    assert "bass" in ended.out
    assert "%" in ended.out


@pytest.mark.parametrize("command", ["listen", "embed"])
def test_one_bad_file_among_many_is_reported_and_the_others_are_done(shell: Shell, song: Path, command: str) -> None:
    bad = shell.folder / "text.wav"
    bad.write_text("this is no audio")
    options = ["-l", shell.library] if command == "listen" else []
    ended = shell(command, song, bad, song, "--json", *options)
    assert ended.code == 1
    assert {line["file"] for line in lines(ended.out)} == {str(song)}
    assert ended.err.count("\n") == 1
    assert str(bad) in ended.err


@pytest.mark.parametrize("command", ["listen", "embed"])
@pytest.mark.parametrize("what", ["missing", "text", "truncated", "nan", "folder"])
def test_a_single_bad_file_is_one_line_and_ends_with_2(shell: Shell, song: Path, command: str, what: str) -> None:
    bad = shell.folder / f"{what}.wav"
    if what == "text":
        bad.write_text("this is no audio")
    elif what == "truncated":
        bad.write_bytes(song.read_bytes()[:-20_000])
    elif what == "nan":
        write_audio(bad, np.full(16_000, np.nan, np.float32), 16_000, "FLOAT")
    elif what == "folder":
        bad.mkdir()
    options = ["-l", shell.library] if command == "listen" else []
    ended = shell(command, bad, "--json", *options)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"timbrel: {bad}: ")
    assert ended.err.count("\n") == 1


def test_a_library_of_other_weights_is_refused_with_the_command_that_rebuilds_it(
    shell: Shell, song: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.fakes import SpectrumEncoder

    monkeypatch.setattr(
        "library.encoders.load_encoder", lambda path=None, device="auto": SpectrumEncoder(fingerprint="e" * 64)
    )
    ended = shell("listen", song, "-l", shell.library)
    assert ended.code == 2
    assert ended.err.count("\n") == 1
    assert "timbrel library" in ended.err


@pytest.mark.parametrize(("option", "value"), [("--hop", "0"), ("--top", "0"), ("--hop", "nan")])
def test_a_number_out_of_its_range_is_refused(shell: Shell, song: Path, option: str, value: str) -> None:
    ended = shell("listen", song, "-l", shell.library, option, value)
    assert ended.code == 2
    assert ended.err.count("\n") == 1


def test_embed_writes_unit_vectors(shell: Shell, song: Path) -> None:
    ended = shell("embed", song, "--json")
    (line,) = lines(ended.out)
    assert set(line) == {"file", "embedding"}
    assert np.linalg.norm(line["embedding"]) == pytest.approx(1.0, abs=1e-4)
    assert "32 numbers" in shell("embed", song).out
