"""Check how the command line ends: exit codes, one line for each error."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bridge.cli import app as cli
from bridge.cli import embed
from library.errors import CaptureError, InputError
from tests.bridge.shell import Shell


def test_help_names_the_first_thing_to_try(shell: Shell) -> None:
    ended = shell("--help")
    assert ended.code == 0
    assert "timbrel demo" in ended.out
    assert shell().out == ended.out


def test_version_is_that_of_the_distribution(shell: Shell) -> None:
    from importlib.metadata import version

    assert shell("--version").out == f"timbrel {version('timbrel')}\n"


def test_help_is_quick_because_nothing_heavy_is_imported() -> None:
    code = (
        "import sys; from bridge.cli.app import run_cli; run_cli(['--help']); "
        "print([m for m in ('torch', 'scipy', 'sounddevice', 'rtmidi', 'jack', 'soundfile') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    "words",
    [["listen"], ["listen", "--hop", "soon", "x.wav"], ["no-such-command"], ["demo", "--no-such-option"]],
    ids=["nothing to hear", "no number", "unknown command", "unknown option"],
)
def test_wrong_usage_is_one_line_with_a_next_step_and_ends_with_2(shell: Shell, words: list[str]) -> None:
    ended = shell(*words)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("timbrel: ")
    assert ended.err.count("\n") == 1
    assert "--help`" in ended.err


def test_a_group_without_a_command_shows_its_help(shell: Shell) -> None:
    ended = shell("library")
    assert ended.code == 2
    assert "build" in ended.out
    assert ended.err == ""


@pytest.mark.parametrize(
    ("error", "code"),
    [(InputError("x", "is wrong", "mend it"), 2), (CaptureError("bus", "has gone", "plug it in"), 1)],
)
def test_an_error_is_one_line_with_the_code_of_its_kind(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, error: Exception, code: int
) -> None:
    def fail(*_: object, **__: object) -> int:
        raise error

    monkeypatch.setattr(embed, "for_each_file", fail)
    ended = shell("embed", "x.wav")
    assert (ended.code, ended.err) == (code, f"timbrel: {error}\n")


def test_debug_shows_the_traceback_wherever_it_stands(shell: Shell, tmp_path: Path) -> None:
    missing = tmp_path / "none.wav"
    assert "Traceback" not in shell("embed", missing).err
    assert "Traceback" in shell("embed", missing, "--debug").err
    assert "Traceback" in shell("--debug", "embed", missing).err
    assert "Traceback" not in shell("embed", "--", "--debug").err


def test_an_unexpected_error_is_one_line_too(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> int:
        raise ZeroDivisionError("division\nby zero")

    monkeypatch.setattr(embed, "for_each_file", fail)
    ended = shell("embed", "x.wav")
    assert ended.code == 1
    assert (
        ended.err == "timbrel: ZeroDivisionError: division by zero: unexpected; run again with --debug and report it\n"
    )


def test_ctrl_c_ends_without_a_traceback(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object, **__: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(embed, "for_each_file", stop)
    ended = shell("embed", "x.wav")
    assert (ended.code, ended.err) == (cli.INTERRUPTED, "timbrel: stopped\n")


def test_a_reader_that_leaves_is_no_error(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from bridge.cli.console import write_json\n"
        "import bridge.cli.embed as embed, library.encoders\n"
        "from tests.fakes import SpectrumEncoder\n"
        "library.encoders.load_encoder = lambda device: SpectrumEncoder()\n"
        "def flood(files, work):\n"
        "    for number in range(200_000): write_json(number)\n"
        "    return 0\n"
        "embed.for_each_file = flood\n"
        "from bridge.cli.app import run_cli\n"
        "sys.exit(run_cli(['embed', 'x']))\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "0\n"
        process.stdout.close()
        assert process.wait(60) == 0
        assert process.stderr.read() == ""
