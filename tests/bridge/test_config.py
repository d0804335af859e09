from __future__ import annotations

import os
from pathlib import Path

import pytest

from bridge.config import Config, load_config, override
from library.errors import ConfigError


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(text, "utf-8")
    return path


def test_without_a_file_the_defaults_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    config = load_config()
    assert config == Config()
    assert (config.osc.host, config.osc.port, config.library.path, config.midi.port) == (
        "127.0.0.1",
        17370,
        "gm",
        "timbrel",
    )


def test_the_users_own_file_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "timbrel").mkdir()
    write(tmp_path / "timbrel", "[midi]\nchannel = 3\n")
    assert load_config().midi.channel == 3


def test_a_file_changes_what_it_names(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, 'input = "jack:x"\n[osc]\nsend = ["127.0.0.1:9000"]\n'))
    assert (config.input, config.osc.send, config.osc.port) == ("jack:x", ("127.0.0.1:9000",), 17370)


def test_one_input_or_several_can_be_named(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, 'input = ["jack:drums", "file:a.wav,loop"]\n'))
    assert config.input == config.inputs == ("jack:drums", "file:a.wav,loop")
    assert load_config(write(tmp_path, 'input = ["jack:x"]\n')).input == "jack:x"
    assert Config().inputs == ("",)
    assert override(config, {"input": None}).inputs == config.inputs
    assert override(config, {"input": ("pulse",)}).inputs == ("pulse",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "input = []: must name 1 to 16 inputs, it names 0; correct it"),
        ('["a", "b", "a"]', "input = ['a', 'b', 'a']: must name each input once, a is named twice; correct it"),
        ('["", ""]', "must name each input once, the default input is named twice"),
        (str([str(n) for n in range(17)]), "must name 1 to 16 inputs, it names 17"),
        ("3", "input = 3: must be the name of an input, or a list of names"),
        ('["a", 3]', "must be the name of an input, or a list of names"),
    ],
)
def test_what_is_no_input_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        load_config(write(tmp_path, f"input = {text}\n"))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_options_come_before_the_file_and_none_changes_nothing(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, "[osc]\nport = 9000\n[suggest]\nauto = true\n"))
    changed = override(config, {"osc.port": 9001, "suggest.auto": None, "library.path": "mine"})
    assert (changed.osc.port, changed.suggest.auto, changed.library.path) == (9001, True, "mine")


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("libary = 'gm'\n", "library"),
        ("[osc]\nprot = 9000\n", "osc.port"),
        ("[midi]\nchanel = 1\n", "midi.channel"),
        ("[midy]\nport = 'x'\n", "midi"),
        ("port = 9000\n", "port"),
    ],
)
def test_an_unknown_key_names_the_nearest_one(tmp_path: Path, text: str, nearest: str) -> None:
    with pytest.raises(ConfigError) as error:
        load_config(write(tmp_path, text))
    assert "there is no such key" in str(error.value)
    assert nearest in str(error.value).split("did you mean")[-1]
    assert error.value.exit_code == 2


@pytest.mark.parametrize(
    "text", ["[osc]\nport = 'x'\n", "[osc]\nport = 70000\n", "[midi]\nchannel = 0\n", "device = 'tpu'\n", "osc = 1\n"]
)
def test_a_wrong_value_is_one_line_with_key_and_value(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError) as error:
        load_config(write(tmp_path, text))
    assert "\n" not in str(error.value)
    assert str(tmp_path) in str(error.value)


def test_a_missing_or_broken_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="can't be read"):
        load_config(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="is not TOML"):
        load_config(write(tmp_path, "a = = b"))
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="is not TOML"):
        load_config(binary)


def test_settings_can_not_be_changed_in_place() -> None:
    with pytest.raises(ValueError, match="frozen"):
        setattr(Config(), "library", "x")  # noqa: B010  mypy knows that it is frozen


def test_a_library_is_named_by_a_text_or_in_its_section(tmp_path: Path) -> None:
    assert load_config(write(tmp_path, "library = 'mine'\n")).library.path == "mine"
    config = load_config(
        write(tmp_path, "[library]\npath = 'mine'\nexclude = ['old', '**/Loops/new']\n[library.weights]\nDrums = 0\n")
    )
    assert (config.library.path, config.library.taste) == ("mine", True)
    assert (config.library.exclude, config.library.weights) == (("old", "**/Loops/new"), {"Drums": 0.0})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[library]\nexclude = ['../x']\n", "library.exclude.0 = '../x': must be names with one / between them"),
        ("[library]\nexclude = ['*']\n", "library.exclude.0 = '*': would leave out every folder"),
        ("[library]\nexclude = 'old'\n", "library.exclude = 'old': input should be a valid tuple"),
        ("[library.weights]\nLoops = 2.1\n", "library.weights.Loops = 2.1: input should be less than or equal to 2"),
        ("[library.weights]\nLoops = -1\n", "library.weights.Loops = -1: input should be greater than or equal to 0"),
        ("[library.weights]\nLoops = nan\n", "library.weights.Loops = nan: input should be"),
        ("[library.weights]\nLoops = true\n", "library.weights.Loops = True: input should be a valid number"),
        ("[library]\ntast = false\n", "library.tast: there is no such key; did you mean library.taste?"),
    ],
)
def test_what_can_not_be_said_of_a_library_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        load_config(write(tmp_path, text))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = " + "[" * 100_000, "is nested too deep"),
        ("a = " + "{a=" * 20_000, "is nested too deep"),
        ("a." * 30_000 + "a = 1\n", "is nested too deep"),
        ("[" + "a . " * 30_000 + "a]\n", "is nested too deep"),
        ("[[" + "'a'." * 30_000 + "a]]\n", "is nested too deep"),
        ("# " + "x" * (300 << 10), "is longer than 256 KiB"),
        (f"input = {'9' * 10_000}\n", "is not TOML"),
        (f"[osc]\nport = '{'x' * 100_000}'\n", "osc.port = "),
        (f"{'k' * 100_000} = 1\n", "there is no such key"),
        ("[osc]\nport = [[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]\n", "osc.port = "),
        ("input = '\x1b[2J'\n", "is not TOML"),
        ("\ud800", "is not TOML"),
    ],
    ids=lambda text: str(text)[:24].encode("ascii", "replace").decode(),
)
def test_a_config_from_a_stranger_is_one_line_and_soon(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "timbrel.toml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(ConfigError) as error:
        load_config(path)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 1000


def test_a_config_without_an_end_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.toml")
    (tmp_path / "zero.toml").symlink_to("/dev/zero")
    with (tmp_path / "long.toml").open("wb") as file:
        file.truncate(100 << 20)
    for name, message in (("pipe", "is no file"), ("zero", "is no file"), ("long", "is longer than 256 KiB")):
        with pytest.raises(ConfigError, match=message):
            load_config(tmp_path / f"{name}.toml")
