"""Write settings into config files: what is there stays, what can't be written is one line."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from bridge.config import Config, load_config
from bridge.config_file import write_settings
from library.errors import ConfigError

MINE = """\
# my studio
input = "old"  # the desk

[osc]
port = 9000  # OSC stays here
send = [
    "127.0.0.1:9001",  # lights
]

[suggest]
# how many
top = 3
auto = false # for now

[library.weights]
Drums = 0.5
"""
KEPT = {
    "input": "jack:ardour:.*",
    "adapter": ("generic",),
    "midi.channel": 3,
    "suggest.auto": True,
    "suggest.threshold": 0.25,
    "suggest.stability": 0.5,
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def test_only_what_differs_is_written_and_comments_order_and_other_keys_stay(path: Path) -> None:
    path.write_text(MINE)
    assert write_settings(path, KEPT) == ["input", "midi.channel", "suggest.auto", "suggest.threshold"]
    wanted = MINE.replace('"old"', '"jack:ardour:.*"').replace("auto = false # for now", "auto = true # for now")
    lines = path.read_text().splitlines()
    added = ["threshold = 0.25", "[midi]", "channel = 3"]
    assert [line for line in lines if line and line not in added] == [line for line in wanted.splitlines() if line]
    assert [line for line in lines if line in added] == added
    config = load_config(path)
    assert (config.input, config.midi.channel, config.suggest.auto, config.suggest.threshold) == (
        "jack:ardour:.*", 3, True, 0.25,
    )  # fmt: skip
    assert (config.osc.port, config.suggest.top, config.library.weights) == (9000, 3, {"Drums": 0.5})
    assert list(path.parent.iterdir()) == [path]


def test_what_the_file_says_already_is_not_written_again(path: Path) -> None:
    path.write_text(MINE)
    write_settings(path, KEPT)
    before = path.read_bytes(), path.stat().st_ino
    assert write_settings(path, KEPT) == []
    assert (path.read_bytes(), path.stat().st_ino) == before


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("[suggest]\nthreshold = 0.2  # loud room\nstability = 1\n", "[suggest]\nstability = 1\n"),
        ("suggest.threshold = 0.2\nsuggest.stability = 1\n", "suggest.stability = 1\n"),
        ("suggest.threshold = 0.2\n", ""),
        ("suggest = {threshold = 0.2, stability = 1}\n", "suggest = {stability = 1}\n"),
    ],
)
def test_none_takes_a_key_away(path: Path, text: str, left: str) -> None:
    path.write_text(text)
    assert write_settings(path, {"suggest.threshold": None}) == ["suggest.threshold"]
    assert path.read_text().replace(" ", "") == left.replace(" ", "")
    assert load_config(path).suggest.threshold is None


def test_a_file_and_its_folder_are_made_where_there_are_none(tmp_path: Path) -> None:
    path = tmp_path / "timbrel" / "config.toml"
    assert write_settings(path, {"suggest.auto": False}) == []
    assert not path.parent.exists()
    assert write_settings(path, {"suggest.auto": True, "input": 'a "quoted"\tname \\ ü'}) == ["suggest.auto", "input"]
    assert load_config(path).input == 'a "quoted"\tname \\ ü'
    assert load_config(path).suggest.auto


@pytest.mark.parametrize(
    "text",
    [
        "suggest = {auto = false, top = 2}\n",
        "suggest.auto = false\nsuggest.top = 2\n",
        "[suggest]\r\ntop = 2\r\n",
        "library = 'mine'\n[suggest]\ntop = 2",
        "[suggest] # here\ntop = 2\n\n\n[osc]\n",
        "'suggest'.\"top\" = 2\n",
        "[library.weights]\na = 1\n[suggest]\ntop = 2\n[library]\npath = 'x'\n",
    ],
)
def test_every_way_to_write_a_key_is_understood(path: Path, text: str) -> None:
    path.write_bytes(text.encode())
    before = load_config(path)
    write_settings(path, {"input": "x", "suggest.auto": True, "suggest.threshold": 0.5, "midi.channel": 2})
    after = load_config(path)
    assert (after.input, after.suggest.auto, after.suggest.threshold, after.midi.channel) == ("x", True, 0.5, 2)
    assert (after.suggest.top, after.library) == (2, before.library)
    assert path.read_bytes().count(b"\r\n") >= text.count("\r\n")


def test_a_link_stays_a_link_and_the_file_keeps_its_permissions(tmp_path: Path) -> None:
    real = tmp_path / "dotfiles" / "timbrel.toml"
    real.parent.mkdir()
    real.write_text('[osc]\ntoken = "abcd1234"\n')
    real.chmod(0o640)
    link = tmp_path / "config.toml"
    link.symlink_to(real)
    write_settings(link, {"suggest.auto": True})
    assert link.is_symlink()
    assert (load_config(real).suggest.auto, load_config(real).osc.token) == (True, "abcd1234")
    assert real.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"input = ", "is not TOML"),
        (b"[suggest]\nautoo = true\n", "did you mean suggest.auto"),
        (b"[suggest]\nthreshold = 2\n", "suggest.threshold = 2"),
        (b"\xff\xfe", "is not TOML"),
        (b"# " + b"x" * (300 << 10), "is longer than"),
    ],
)
def test_a_file_that_is_wrong_is_left_as_it_is(path: Path, content: bytes, message: str) -> None:
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=message) as error:
        write_settings(path, KEPT)
    assert "\n" not in str(error.value)
    assert path.read_bytes() == content
    assert list(path.parent.iterdir()) == [path]


def test_what_can_not_be_written_is_one_line_and_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for wrong, message in (
        (tmp_path / "file" / "config.toml", "lies in what is no folder"),
        (tmp_path, "is no file"),
    ):
        with pytest.raises(ConfigError, match=message):
            write_settings(wrong, KEPT)
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


# Writes as somebody whom permissions stop, on a full disk for one.
WRITE = """
import os, resource, sys
from pathlib import Path
from bridge.config_file import write_settings
from library.errors import ConfigError

path, how = Path(sys.argv[1]), sys.argv[2]
if how == "stranger":
    os.setgid(65534)
    os.setuid(65534)
else:
    import signal
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8, 8))
try:
    print(write_settings(path, {"suggest.auto": True}))
except ConfigError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("how", "mode", "message"),
    [
        ("stranger", 0o444, "may not be written to"),
        ("stranger", 0o000, "can't be read"),
        ("stranger", 0o666, "can't be written (Permission denied)"),  # the folder is another's
        ("full", 0o644, "can't be written (File too large)"),
    ],
)
def test_a_file_of_somebody_else_or_a_full_disk_is_one_line(how: str, mode: int, message: str) -> None:
    if how == "stranger" and os.geteuid() != 0:
        pytest.skip("only root can write as somebody else")
    with tempfile.TemporaryDirectory() as folder:  # pytest's own folders are closed to others
        Path(folder).chmod(0o755)
        path = Path(folder) / "config.toml"
        path.write_text("# mine\n")
        path.chmod(mode)
        done = subprocess.run(
            [sys.executable, "-c", WRITE, str(path), how], capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr
        assert message in done.stdout
        assert done.stdout.count("\n") == 1
        assert path.read_text() == "# mine\n"
        assert list(path.parent.iterdir()) == [path]


def test_a_text_that_would_say_something_else_never_takes_the_place_of_the_file(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_text(MINE)
    for wrong in ("", "[suggest]\nauto = true\n", "input = "):
        monkeypatch.setattr("tomlkit.dumps", lambda document, wrong=wrong: wrong)
        with pytest.raises(ConfigError, match="can't be changed without losing something; set it by hand"):
            write_settings(path, KEPT)
        assert path.read_text() == MINE
        assert list(path.parent.iterdir()) == [path]


def test_a_link_in_a_circle_is_one_line(path: Path) -> None:
    path.symlink_to(path)
    with pytest.raises(ConfigError, match="is a link in a circle"):
        write_settings(path, KEPT)


def test_defaults_are_what_a_missing_file_says(path: Path) -> None:
    config = Config()
    assert write_settings(path, {"input": config.input, "adapter": config.adapter, "track": config.track}) == []
    assert not path.exists()
