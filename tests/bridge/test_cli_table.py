"""Check what a musician sees of an Analysis."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from bridge.cli.heard_buses import HeardBuses
from bridge.cli.table import Board, heard_table, plain_line, presence_bar, program_text
from library.index import Match
from library.sounds import MidiProgram, Sound
from realtime.types import Analysis, Suggestion, Timing


def analysis(presence: float = 0.86, *, skipped: bool = False, locked: bool = False) -> Analysis:
    def match(name: str, program: int, score: float) -> Match:
        return Match(Sound(name, name, "gm", "", MidiProgram(None, 0, 0, program), "string", "gm", ""), score)

    matches = (match("Viola", 41, 0.91), match("Cello [dark]", 42, 0.83))
    suggestion = Suggestion(2, matches, presence, 3.5, locked)
    return Analysis(0, 1.0, 6.0, () if skipped else (suggestion,), "silent" if skipped else None, -20.0, Timing())


def drawn(view: object, width: int = 140) -> str:
    console = Console(width=width, file=io.StringIO(), force_terminal=False)
    console.print(view)
    out = console.file
    assert isinstance(out, io.StringIO)
    return out.getvalue()


@pytest.mark.parametrize(
    ("presence", "bar"),
    [(0.0, "░░░░░░░░░░   0%"), (0.86, "█████████░  86%"), (1.0, "██████████ 100%"), (1.7, "██████████ 100%")],
)
def test_the_bar_is_as_long_as_the_presence(presence: float, bar: str) -> None:
    assert presence_bar(presence) == bar


@pytest.mark.parametrize(
    ("program", "text"),
    [
        (None, "-"),
        (MidiProgram(None, None, None, 0), "1"),
        (MidiProgram(0, 0, 0, 127), "128"),
        (MidiProgram(0, 1, 2, 3), "4 (bank 131)"),
    ],
)
def test_programs_are_shown_from_1(program: MidiProgram | None, text: str) -> None:
    assert program_text(program) == text


def test_the_table_shows_slot_sound_program_score_presence_and_time() -> None:
    text = drawn(heard_table(analysis()))
    for word in ("2", "Viola", "42", "0.91", "86%", "3.5 s", "Cello [dark] 0.83 [43]"):
        assert word in text


def test_a_locked_slot_says_so_and_a_mark_stands_before_the_name() -> None:
    text = drawn(heard_table(analysis(locked=True), mark=lambda _: ("=", "green")))
    assert "= Viola (locked)" in text


def test_an_empty_table_is_drawn_before_the_first_window() -> None:
    assert "heard" in drawn(heard_table(None))


def test_a_plain_line_holds_time_and_names() -> None:
    assert plain_line(analysis()) == "    1.0-  6.0 s  Viola (86%)"
    assert plain_line(analysis(skipped=True)).endswith("silence")


def test_without_a_terminal_only_changes_are_written() -> None:
    out = io.StringIO()
    with Board(Console(file=out, width=100)) as board:
        assert not board.is_live
        for heard in (analysis(0.86), analysis(0.87), analysis(skipped=True), analysis(skipped=True)):
            board.show(heard_table(heard), plain_line(heard))
    assert out.getvalue().count("\n") == 2


def test_in_a_terminal_the_table_is_drawn_in_place() -> None:
    out = io.StringIO()
    with Board(Console(file=out, width=100, force_terminal=True)) as board:
        assert board.is_live
        board.show(heard_table(analysis()), "not shown")
    assert "Viola" in out.getvalue()
    assert "not shown" not in out.getvalue()


def test_several_buses_are_shown_under_their_names_and_each_line_says_which() -> None:
    out = io.StringIO()
    names = ["jack:keys", "jack:[strings]"]
    with Board(Console(width=140, file=out, force_terminal=False)) as board:
        view = HeardBuses(board)
        for bus in (0, 1, 0, 1):
            view.show(analysis(), bus, names)
    assert out.getvalue().splitlines() == [f"{name}: {plain_line(analysis())}" for name in names]
    screen = io.StringIO()
    with Board(Console(width=140, height=40, file=screen, force_terminal=True), live=True) as board:
        HeardBuses(board).show(analysis(), 1, names)
        text = screen.getvalue()
    assert text.index("jack:keys") < text.index("jack:[strings]") < text.index("Viola")


def test_a_single_bus_is_shown_without_its_name() -> None:
    out = io.StringIO()
    with Board(Console(width=140, file=out, force_terminal=False)) as board:
        HeardBuses(board).show(analysis(), 0, ["jack:keys"])
    assert out.getvalue() == f"{plain_line(analysis())}\n"
