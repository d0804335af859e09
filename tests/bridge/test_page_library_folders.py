"""Check which folders the page may add to a library."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.commands import Refusal
from bridge.config import Config, load_config
from bridge.page.library_folders import FOLDERS_KEY, allowed_folder
from library.errors import ConfigError


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with folders inside and outside of what is allowed, and links between them."""
    home = tmp_path / "home"
    for name in ("Samples/Bass", "Samples-private", "music"):
        (home / name).mkdir(parents=True)
    (home / "Samples" / "out").symlink_to(home / "music")
    (home / "in").symlink_to(home / "Samples" / "Bass")
    monkeypatch.setenv("HOME", str(home))
    return home


@pytest.mark.parametrize(
    "asked", ["~/Samples", "~/Samples/Bass", " ~/Samples/Bass/ ", "~/music/../Samples/Bass", "~/in"]
)
def test_what_lies_in_an_allowed_folder_may_be_added_without_links(home: Path, asked: str) -> None:
    found = allowed_folder(asked, ["~/Samples"])
    assert found in (home / "Samples", home / "Samples" / "Bass")
    assert allowed_folder(str(found), [str(home / "Samples")]) == found


@pytest.mark.parametrize(
    "asked",
    [
        "~",
        "~/music",
        "~/Samples-private",
        "~/Samples/../music",
        "~/Samples/out",
        "~/nothing",
        "/etc",
        "/",
        "//etc/passwd",
    ],
)
def test_what_lies_outside_is_refused_in_one_line_that_names_the_key(home: Path, asked: str) -> None:
    with pytest.raises(Refusal) as refused:
        allowed_folder(asked, ["~/Samples"])
    assert refused.value.code == 403
    assert refused.value.reason == f"{asked!r} is outside of ~/Samples: see {FOLDERS_KEY} in the config file"


@pytest.mark.parametrize(
    "asked", ["Samples", "./Samples", "~nobody-of-this-name/x", "/tmp/a\0b", "/tmp/\ud800", "--out=/x"]
)
def test_what_is_no_whole_path_is_refused(home: Path, asked: str) -> None:
    with pytest.raises(Refusal, match=r"400 .* is no whole path"):
        allowed_folder(asked, ["~/Samples"])


def test_without_a_folder_in_the_config_nothing_may_be_added(home: Path) -> None:
    with pytest.raises(Refusal) as refused:
        allowed_folder("~/Samples", [])
    assert (refused.value.code, FOLDERS_KEY in refused.value.reason) == (403, True)


def test_the_config_names_them_and_takes_only_whole_paths(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[library]\npage_folders = ["~/Samples", "/srv/sounds"]\n')
    assert load_config(file).library.page_folders == ("~/Samples", "/srv/sounds")
    file.write_text('[library]\npage_folders = ["Samples"]\n')
    with pytest.raises(ConfigError, match=r"page_folders\.0 = 'Samples': must be a whole path"):
        load_config(file)
    assert Config().library.page_folders == ()


def test_what_is_allowed_and_not_there_is_told(home: Path) -> None:
    with pytest.raises(Refusal, match="404 '~/Samples/Brass': no such file or folder"):
        allowed_folder("~/Samples/Brass", ["~/Samples"])
