"""Check that names, tracks and packets reach the terminal without what would steer it."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest
from pythonosc.osc_message import OscMessage
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from bridge.cli.app import run_cli
from bridge.cli.checks import Check
from bridge.cli.console import complain, out_console, safe_console, say, visible, write_json
from bridge.cli.table import Board, heard_table, plain_line
from bridge.osc import messages
from bridge.osc.encode import to_datagram
from library.index import Match
from library.sounds import Sound
from realtime.types import Analysis, Suggestion, Timing
from tests.bridge.osc_line import HERE, Line
from tests.bridge.osc_peer import packet
from tests.bridge.shell import Shell
from tests.library.strangers import spoil_sound

EVIL = "evil \x1b]0;title\x07\x1b[2J\x9b31m\r\x08\x7f\u202egnp.wav\ud83c"
STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def harmless(text: str) -> bool:
    """Say whether a text without rich's own colours steers nothing."""
    return not STEERING.search(re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", text) if "\x1b[" in text else text)


def test_what_steers_is_shown_as_a_sign_and_names_stay_readable() -> None:
    assert harmless(visible(EVIL))
    assert visible("Flügel — 尺八 \U0001f3b9\tA\nB") == "Flügel — 尺八 \U0001f3b9\tA\nB"


def test_every_way_to_the_terminal_is_safe(capsys: pytest.CaptureFixture[str]) -> None:
    say(EVIL)
    complain(EVIL)
    console = out_console()
    console.print(EVIL, markup=False)
    console.print(escape(EVIL))
    console.print(Text(EVIL, style="bold"))
    table = Table("name", title=EVIL)
    table.add_row(EVIL)
    console.print(table)
    write_json({EVIL: EVIL})
    out, err = capsys.readouterr()
    assert harmless(out)
    assert harmless(err)
    assert json.loads(out.splitlines()[-1]) == {EVIL: EVIL}
    assert out.count("evil") == 8


def test_on_a_terminal_only_rich_s_own_colours_are_written() -> None:
    screen = io.StringIO()
    console = safe_console(file=screen, force_terminal=True, width=200)
    console.print(EVIL, style="bold red", markup=False)
    with Progress(console=console) as bar:
        bar.update(bar.add_task(escape(EVIL), total=2), completed=1)
    sound = Sound("id", EVIL, "sample", "", None, "", "", "")
    analysis = Analysis(0, 0.0, 5.0, (Suggestion(1, (Match(sound, 0.9),) * 3, 0.9, 1.0),), None, -20.0, Timing())
    with Board(console) as board:
        board.show(heard_table(analysis), plain_line(analysis))
    shown = screen.getvalue()
    assert "]0;title" in shown  # its letters, without the ESC before them
    assert "\x1b]" not in shown
    assert "\x1b[31" not in shown.replace("\x1b[1;31m", "")
    assert harmless(shown.replace("\r", ""))


def test_a_sound_of_a_strange_library_is_listed_safely(shell: Shell) -> None:
    shell.build()
    spoil_sound(shell.library, 1, EVIL[:-1])
    spoil_sound(shell.library, 8, EVIL[:-1])
    file = next((shell.folder / "src").glob("*.wav"))
    for words in (["library", "info"], ["library", "search", file, "--library"], ["library", "verify"]):
        for extra in ([], ["--json"]) if words[1] != "verify" else ([],):
            ended = shell(*words, shell.library, *extra)
            assert harmless(ended.out), words
            assert harmless(ended.err), words
    assert "evil" in shell("library", "search", file, "--library", shell.library).out


def test_a_name_with_control_characters_is_refused_in_a_safe_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["library", "info", f"/no{EVIL[:-1]}"]) == 2
    assert run_cli(["--debug", "library", "info", f"/no{EVIL[:-1]}"]) == 2
    assert run_cli(["run", "--adapter", EVIL[:-1], "--midi", ""]) == 2
    assert harmless(capsys.readouterr().err)


def test_doctor_shows_what_a_host_says_of_itself_safely(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.cli.doctor.all_checks", tuple)
    found = [Check("ardour", "ok", f"answers, version {EVIL}", EVIL)]
    monkeypatch.setattr("bridge.cli.doctor.check_hosts", lambda: found)
    for extra in ([], ["--json"]):
        ended = shell("doctor", *extra)
        assert "evil" in ended.out
        assert harmless(ended.out)


def test_the_name_of_a_client_comes_back_and_into_the_log_without_control_characters(
    caplog: pytest.LogCaptureFixture,
) -> None:
    line = Line()
    line.register(EVIL[:-1])
    (client,) = line.server.clients.wanting("suggest")
    assert client.name.isprintable()
    line.raw(packet("/timbrel/\x1b[2J", "s", EVIL[:-1]))
    line.now += 61.0
    with caplog.at_level("INFO", logger="timbrel.osc"):
        line.server.expire(line.now)
    assert all(record.getMessage().isprintable() for record in caplog.records)
    assert all(str(arg).isprintable() for _, args, _ in line.sent for arg in args if isinstance(arg, str))
    assert line.errors(HERE) == [400]


def test_the_name_of_a_sound_or_a_track_goes_out_without_control_characters() -> None:
    for out in (messages.mirror(1, EVIL, 0.5)[0], messages.chosen(1, 1, EVIL, "ardour", "ok", EVIL)):
        assert all(str(arg).isprintable() for arg in OscMessage(to_datagram(out)).params)


def test_nothing_of_the_command_line_writes_past_the_console() -> None:
    root = Path(__file__).parents[2] / "bridge" / "cli"
    own = {"console.py", "_visible.py", "demo_view.py"}  # the picture of the demo is no terminal
    past = re.compile(r"typer\.echo|sys\.std(out|err)\.write|(?<![\w.])print\(|(?<!\w)Console\(")
    found = [path.name for path in root.glob("*.py") if path.name not in own and past.search(path.read_text("utf-8"))]
    assert found == ["app.py"]  # the traceback of --debug, made visible there
