"""Check likes, skips, weights and excluded folders as a user gives them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bridge.config import Config, LibraryConfig
from bridge.parts import Parts
from library.audio import read_audio
from library.build import build_library
from library.follow import LiveIndex
from library.index import SoundIndex
from tests.bridge.shell import Ended, Shell
from tests.fakes import SpectrumEncoder
from tests.library.sound_files import write_tone

SKIP_ALL = "[library.weights]\nsrc = 0\n"


@pytest.fixture
def own(shell: Shell, own_folders: Path) -> Path:
    """Return the folder of the user's own files, beside a library in which two of four sounds lie close together."""
    write_tone(shell.folder / "src" / "bright bass.wav", 220.0, 5.0, 3)
    shell.build()
    write_tone(shell.folder / "src" / "bass.wav", 220.0, 5.0, 2)
    build_library([shell.folder / "src"], shell.library, SpectrumEncoder())
    (own_folders / "timbrel").mkdir()
    return own_folders / "timbrel"


def search(shell: Shell, *words: object) -> Ended:
    return shell("library", "search", shell.folder / "src" / "bass.wav", "-l", shell.library, *words)


def found(shell: Shell, *words: object) -> list[tuple[str, float]]:
    ended = search(shell, "--json", *words)
    assert ended.code == 0, ended.err
    return [(match["name"], match["taste"]) for match in json.loads(ended.out)["matches"]]


def test_a_skipped_sound_goes_down_until_it_is_forgotten(shell: Shell, own: Path) -> None:
    first = found(shell)
    assert first[0] == ("bass", 0.0)
    ended = shell("library", "skip", shell.library, "src/bass.wav")
    assert (ended.code, ended.out) == (0, f"{shell.library}: 1 sound skipped; 0 liked and 1 skipped in all\n")
    assert found(shell)[:2] == [("bright bass", 0.0), ("bass", -0.3)]
    assert "1.000 -0.30" in search(shell).out
    assert found(shell, "--no-taste") == first
    assert shell("library", "forget", shell.library, "src/bass.wav").code == 0
    assert found(shell) == first


def test_info_lists_opinions(shell: Shell, own: Path) -> None:
    shell("library", "like", shell.library, "src/bass.wav", "src/organ.wav")
    info = json.loads(shell("library", "info", shell.library, "--json").out)
    assert (info["liked"], info["skipped"]) == (["src/bass.wav", "src/organ.wav"], [])
    assert "liked" in shell("library", "info", shell.library).out


def test_the_built_in_library_takes_opinions_that_stay_with_the_user(shell: Shell, own: Path) -> None:
    assert shell("library", "skip", "gm", "gm:000", "gm:001").code == 0
    assert json.loads(shell("library", "info", "gm", "--json").out)["skipped"] == ["gm:000", "gm:001"]
    assert (own / "opinions.sqlite").is_file()


@pytest.mark.parametrize("command", ["like", "skip", "forget"])
def test_an_unknown_sound_is_one_line(shell: Shell, own: Path, command: str) -> None:
    ended = shell("library", command, shell.library, "src/none.wav")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.count("\n") == 1
    assert "src/none.wav: is no sound of this library; take a sound id" in ended.err


def test_listen_and_the_daemon_follow_the_taste_unless_it_is_off(shell: Shell, own: Path) -> None:
    song = shell.folder / "song.wav"
    write_tone(song, 220.0, 6.0, 2)

    def names(*words: object) -> list[str]:
        ended = shell("listen", song, "-l", shell.library, "--raw", "--json", *words)
        assert ended.code == 0, ended.err
        return [match["name"] for match in json.loads(ended.out.splitlines()[0])["slots"][0]["matches"]]

    shell("library", "skip", shell.library, "src/bass.wav")
    assert names("--no-taste")[:2] == ["bass", "bright bass"]
    assert names()[:2] == ["bright bass", "bass"]
    for taste in (True, False):
        engine = Parts().load(Config(library=LibraryConfig(path=str(shell.library), taste=taste)))
        query = SpectrumEncoder().embed(read_audio(song)[None, :80000])
        assert engine.index.nearest(query, 1).row(0)[0].sound.name == ("bright bass" if taste else "bass")


def test_a_daemon_on_the_built_in_library_sees_new_opinions(
    shell: Shell, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bridge.taste import taste_of
    from library.index import open_library

    index = open_library("gm", None)
    query = index.generation.vectors_of(0)[:1]
    live = LiveIndex("gm", None, taste=taste_of(LibraryConfig()))
    assert live.nearest(query, 1).rows()[0][0].sound.id == "gm:000"
    shell("library", "skip", "gm", "gm:000")
    live.look()
    assert live.nearest(query, 1).rows()[0][0].sound.id != "gm:000"


def test_weights_come_from_the_config_file_and_unknown_sources_are_told(shell: Shell, own: Path) -> None:
    (own / "config.toml").write_text(SKIP_ALL)
    assert {taste for _, taste in found(shell)} == {-0.2}
    assert {taste for _, taste in found(shell, "--no-taste")} == {0.0}
    (own / "other.toml").write_text("[library.weights]\nscr = 0.5\n")
    ended = search(shell, "--config", own / "other.toml")
    assert ended.code == 0
    assert "[library.weights] scr: no source of" in ended.err
    assert "its sources are src" in ended.err


def test_the_config_file_switches_taste_off_and_an_option_on_again(shell: Shell, own: Path) -> None:
    (own / "config.toml").write_text(f"[library]\ntaste = false\n{SKIP_ALL}")
    assert {taste for _, taste in found(shell)} == {0.0}
    assert {taste for _, taste in found(shell, "--taste")} == {-0.2}


def test_build_and_add_leave_excluded_folders_out(shell: Shell, own: Path) -> None:
    write_tone(shell.folder / "src" / "Loops" / "old" / "x.wav", 700.0, 0.5)
    write_tone(shell.folder / "more" / "old" / "y.wav", 800.0, 0.5)
    write_tone(shell.folder / "more" / "z.wav", 900.0, 0.5)

    def sounds() -> list[str]:
        return sorted(sound.name for sound in SoundIndex.open(shell.library, None).sounds)

    assert shell("library", "build", shell.folder / "src", "--out", shell.library).code == 0
    assert sounds() == ["bass", "bright bass", "low flute", "organ", "x"]
    (own / "config.toml").write_text('[library]\nexclude = ["old"]\n')
    assert shell("library", "add", shell.folder / "more", "-l", shell.library).code == 0
    assert sounds() == ["bass", "bright bass", "low flute", "organ", "z"]


def test_a_bad_pattern_stops_a_build_before_it_begins(shell: Shell, own: Path) -> None:
    (own / "config.toml").write_text('[library]\nexclude = ["/home/me/Loops"]\n')
    ended = shell("library", "build", shell.folder / "src", "--out", shell.folder / "new")
    assert (ended.code, (shell.folder / "new").exists()) == (2, False)
    assert "library.exclude.0 = '/home/me/Loops': must be relative to a source" in ended.err
    assert ended.err.count("\n") == 1
