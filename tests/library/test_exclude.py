"""Check which folders a pattern leaves out, and that builds and watches follow it."""

from __future__ import annotations

from pathlib import Path

import pytest

import library.watch
from library.build import build_library
from library.errors import InputError
from library.exclude import check_pattern, is_excluded
from library.index import SoundIndex
from tests.fakes import SpectrumEncoder
from tests.library.libraries import CountingEncoder
from tests.library.sound_files import write_tone
from tests.library.test_watch import names, until, watching


@pytest.mark.parametrize(
    ("pattern", "left_out", "kept"),
    [
        ("old", ["old", "Loops/old"], ["", "Old", "older", "old loops"]),
        ("Loops/old", ["Loops/old"], ["old", "Loops", "x/Loops/old"]),
        ("**/Loops/old", ["Loops/old", "x/Loops/old", "x/y/Loops/old"], ["old", "x/Loops"]),
        ("Loops/**/old", ["Loops/old", "Loops/a/b/old"], ["old"]),
        ("Loops/**", ["Loops", "Loops"], ["x/Loops"]),
        ("Loops/", ["Loops", "x/Loops"], ["Loopy"]),
        ("_*", ["_trash", "x/_y"], ["x_"]),
        ("take [12]", ["take 1", "a/take 2"], ["take 3"]),
    ],
)
def test_a_pattern_leaves_out_the_folders_that_it_names(pattern: str, left_out: list[str], kept: list[str]) -> None:
    assert check_pattern(pattern) == pattern
    assert [folder for folder in left_out + kept if is_excluded(folder, [pattern])] == left_out


@pytest.mark.parametrize(
    "pattern", ["", "/", "/home/x", "~/x", "C:/x", "a\\b", "../x", "a/./b", "a//b", "**", "*", "**/*", "a**", "x/**y"]
)
def test_a_pattern_that_means_nothing_or_everything_is_one_line(pattern: str) -> None:
    with pytest.raises(InputError) as error:
        check_pattern(pattern)
    assert "\n" not in str(error.value)


def test_many_stars_against_a_deep_folder_end_soon() -> None:
    assert not is_excluded("/".join("a" * 40), [check_pattern("**/a/" * 6 + "b")])


@pytest.fixture
def src(tmp_path: Path) -> Path:
    for number, name in enumerate(("keep.wav", "Loops/old/a.wav", "Loops/new/b.wav", "deep/Loops/old/c.wav")):
        write_tone(tmp_path / "src" / name, 110.0 * (number + 1), 0.5)
    return tmp_path / "src"


def test_an_excluded_folder_is_never_heard_and_leaves_at_the_next_build(src: Path, tmp_path: Path) -> None:
    encoder = CountingEncoder()
    build_library([src], tmp_path / "lib", encoder, exclude=["**/Loops/old"])
    assert (names(tmp_path / "lib"), encoder.clips) == (["b", "keep"], 2)
    build_library([src], tmp_path / "lib", encoder)
    assert names(tmp_path / "lib") == ["a", "b", "c", "keep"]
    build_library([src], tmp_path / "lib", encoder, exclude=["deep"])
    assert names(tmp_path / "lib") == ["a", "b", "keep"]


def test_a_link_to_a_folder_goes_by_the_name_of_the_link(src: Path, tmp_path: Path) -> None:
    write_tone(tmp_path / "elsewhere" / "d.wav", 990.0, 0.5)
    (src / "old").symlink_to(tmp_path / "elsewhere")
    build_library([src], tmp_path / "lib", SpectrumEncoder(), exclude=["old"])
    assert names(tmp_path / "lib") == ["b", "keep"]


def test_a_source_of_which_nothing_is_left_is_wrong_input(src: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="exclude less than old"):
        build_library([src / "deep"], tmp_path / "lib", SpectrumEncoder(), exclude=["old"])


def test_a_watch_drops_an_excluded_folder_and_hears_nothing_new_in_it(
    src: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library.watch, "LOOK_S", 0.05)
    build_library([src], tmp_path / "lib", SpectrumEncoder())
    with watching(tmp_path / "lib", exclude=["old"]) as said:
        assert names(tmp_path / "lib") == ["b", "keep"]
        write_tone(src / "Loops" / "old" / "x.wav", 700.0, 0.5)
        write_tone(src / "Loops" / "new" / "y.wav", 800.0, 0.5)
        until(lambda: "y" in names(tmp_path / "lib"))
    assert "x" not in [sound.name for sound in SoundIndex.open(tmp_path / "lib", None).sounds]
    assert sum("sounds heard" in line for line in said) == 1
