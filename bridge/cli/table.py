"""Show what is heard: a live table in a terminal, plain lines elsewhere."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live
    from rich.table import Table

    from library.sounds import MidiProgram
    from realtime.types import Analysis, Suggestion

__all__ = ["Board", "heard_table", "plain_line", "presence_bar", "program_text"]

BAR_CELLS = 10
FULL, EMPTY = "█", "░"
SKIPPED_TEXT = {
    "silent": "silence",
    "warming": "listening: a first full window is needed",
    "gap": "audio was lost in this window",
    "not-finite": "the audio holds NaN or infinite samples",
    "no-audio": "no audio arrives",
    "error": "this window could not be analysed",
}

_NUMBERS = re.compile(r"[\d.:]+(?= s\b|-|%)")


def presence_bar(presence: float) -> str:
    """Draw a presence of 0..1 as it is: a bar and its per cent."""
    share = min(1.0, max(0.0, presence))
    filled = int(share * BAR_CELLS + 0.5)
    return f"{FULL * filled}{EMPTY * (BAR_CELLS - filled)} {share * 100:3.0f}%"


def program_text(program: MidiProgram | None) -> str:
    """Write a program as hosts show it: from 1, the bank only where it is not the first."""
    if program is None:
        return "-"
    bank = 128 * (program.bank_msb or 0) + (program.bank_lsb or 0)
    return f"{program.program + 1}" if bank == 0 else f"{program.program + 1} (bank {bank + 1})"


def heard_table(
    analysis: Analysis | None, top: int = 3, mark: Callable[[Suggestion], tuple[str, str]] | None = None
) -> Table:
    """Build the table of one Analysis.

    Args:
        analysis: What is heard, None before the first window.
        top: Sounds shown for each slot.
        mark: Gives a sign for a slot with its colour, shown before the instrument.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold", expand=top > 1)
    table.add_column("slot", justify="right", style="dim", no_wrap=True)
    table.add_column("heard", min_width=24, no_wrap=True)
    table.add_column("program", justify="right", no_wrap=True)
    table.add_column("match", justify="right", no_wrap=True)
    table.add_column("presence", no_wrap=True)
    table.add_column("since", justify="right", no_wrap=True)
    if top > 1:
        # What else it could be has what the other columns leave.
        table.add_column("or", style="dim", overflow="ellipsis", no_wrap=True, min_width=16, ratio=1)
    for suggestion in analysis.suggestions if analysis is not None else ():
        best, others = suggestion.matches[:1], suggestion.matches[1:top]
        sign, colour = mark(suggestion) if mark else ("", "cyan")
        name = best[0].sound.name if best else "?"
        row: list[str | Text] = [
            str(suggestion.slot),
            Text(f"{sign} {name}".strip() + (" (locked)" if suggestion.locked else ""), style=f"bold {colour}"),
            program_text(best[0].sound.program if best else None),
            f"{best[0].score:.2f}" if best else "",
            Text(presence_bar(suggestion.presence), style=colour),
            f"{suggestion.since_s:.1f} s",
        ]
        if top > 1:
            row.append(", ".join(f"{m.sound.name} {m.score:.2f} [{program_text(m.sound.program)}]" for m in others))
        table.add_row(*(Text(c) if isinstance(c, str) else c for c in row))
    return table


def plain_line(analysis: Analysis) -> str:
    """Write one Analysis as one line, for logs and pipes."""
    head = f"{analysis.start_s:7.1f}-{analysis.end_s:5.1f} s  "
    if analysis.skipped is not None:
        return head + SKIPPED_TEXT[analysis.skipped]
    if not analysis.suggestions:
        return head + "nothing recognised"
    return head + ", ".join(
        f"{s.matches[0].sound.name if s.matches else '?'} ({s.presence * 100:.0f}%)" for s in analysis.suggestions
    )


class Board:
    """Keep a view up to date: redrawn in place in a terminal, a line for each change elsewhere.

    Args:
        console: Where to draw.
        live: Force or forbid drawing in place; by default the console decides.
    """

    def __init__(self, console: Console, *, live: bool | None = None) -> None:
        self._console = console
        self._is_live = console.is_terminal if live is None else live
        self._live: Live | None = None
        self._last: dict[str, str] = {}  # by what a line is about

    @property
    def is_live(self) -> bool:
        """Whether the view is redrawn in place."""
        return self._is_live

    def __enter__(self) -> Board:
        if self._is_live:
            from rich.live import Live

            self._live = Live(console=self._console, auto_refresh=False, transient=False)
            self._live.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self._live is not None:
            self._live.__exit__(kind, error, tb)
            self._live = None

    def show(self, view: RenderableType, line: str, about: str = "") -> None:
        """Show the view, or the line where nothing can be drawn in place; a line equal to the last is left out.

        Args:
            view: What a terminal shows.
            line: What a file or pipe gets; times and per cents alone are no change.
            about: What the line is about, where several things have lines of their own.
        """
        if self._live is not None:
            self._live.update(view, refresh=True)
            return
        what = _NUMBERS.sub("", line)
        if what != self._last.get(about, ""):
            self._last[about] = what
            self._console.print(line, markup=False, soft_wrap=True)
