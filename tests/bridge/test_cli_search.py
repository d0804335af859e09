"""Check the ways in which `timbrel library search` looks for sounds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.bridge.shell import Ended, Shell
from tests.fakes import SpectrumEncoder


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    monkeypatch.setattr("library.encoders.load_encoder", lambda path=None, device="auto": SpectrumEncoder())
    monkeypatch.setenv("COLUMNS", "200")
    found = Shell(capsys, tmp_path)
    found.build()
    return found


def search(shell: Shell, *words: object) -> Ended:
    return shell("library", "search", *words, "--library", shell.library)


def names(shell: Shell, *words: object) -> list[str]:
    ended = search(shell, *words, "--json")
    assert ended.code == 0, ended.err
    found: dict[str, Any] = json.loads(ended.out)
    return [match["name"] for match in found["matches"]]


def test_a_sound_finds_others_like_it_and_not_itself(shell: Shell) -> None:
    assert sorted(names(shell, "--like", "src/bass.wav")) == ["low flute", "organ"]


def test_a_sound_to_avoid_is_never_listed_and_the_score_stays_a_cosine(shell: Shell) -> None:
    assert names(shell, shell.folder / "src" / "bass.wav")[0] == "bass"
    assert "bass" not in names(shell, shell.folder / "src" / "bass.wav", "--not", "src/bass.wav")


def test_names_families_and_kinds_narrow_the_choice(shell: Shell) -> None:
    assert names(shell, "--name", "FLUTE") == ["low flute"]
    assert names(shell, shell.folder / "src" / "bass.wav", "--family", "organ") == ["organ"]
    assert names(shell, shell.folder / "src" / "bass.wav", "--kind", "sample", "--top", 1) == ["bass"]


def test_a_choice_that_leaves_nothing_says_what_there_is(shell: Shell) -> None:
    ended = search(shell, "--family", "kazoo")
    assert ended.code == 2
    assert "families are bass, flute, organ; kinds sample" in ended.err


def test_a_mixture_gives_a_list_for_each_instrument(shell: Shell) -> None:
    ended = search(shell, shell.folder / "src" / "organ.wav", "--mix", "--json")
    (slot,) = json.loads(ended.out)["slots"]
    assert slot["presence"] == pytest.approx(0.95)
    assert slot["matches"][0]["name"] == "organ"
    assert "instrument 1" in search(shell, shell.folder / "src" / "organ.wav", "--mix").out


@pytest.mark.parametrize("words", [(), ("--mix",), ("--like", "src/none.wav"), ("src/x.wav", "--like", "src/bass.wav")])
def test_a_search_for_nothing_is_wrong_usage(shell: Shell, words: tuple[str, ...]) -> None:
    assert search(shell, *words).code == 2


def test_where_nothing_can_be_heard_play_says_so_in_one_line(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_output(*_: object, **__: object) -> None:
        raise OSError("no PortAudio")

    monkeypatch.setattr("sounddevice.play", no_output)
    ended = search(shell, "--name", "bass", "--play")
    assert (ended.code, "can't be used (no PortAudio)" in ended.err) == (0, True)
