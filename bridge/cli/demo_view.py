"""Show what Timbrel hears in the bundled song beside what really plays."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bridge.cli.console import write_json
from bridge.cli.heard import analysis_json
from bridge.cli.table import SKIPPED_TEXT, Board, heard_table
from bridge.cli.tally import Tally, sign_of
from library.demo import DRUMS, DemoSong, Playing

if TYPE_CHECKING:
    from rich.console import RenderableType

    from realtime.types import Analysis

__all__ = ["DemoView", "save_picture"]

PROGRESS_CELLS = 40
PICTURE_WIDTH = 118
LEGEND = "= its program plays   ~ its family plays   x neither plays"


class DemoView:
    """Take each Analysis of the song: show it, judge it, write it as JSON.

    Args:
        song: What is played.
        board: Where to show it, None with --json.
    """

    def __init__(self, song: DemoSong, board: Board | None) -> None:
        self.song = song
        self.tally = Tally()
        self.middle: Analysis | None = None  # the window that ends at half time: what the picture shows
        self._board = board

    def take(self, analysis: Analysis) -> None:
        """Judge and show one window."""
        playing = self.song.playing(analysis.start_s, analysis.end_s)
        self.tally = self.tally.plus(analysis, playing)
        if analysis.end_s <= self.song.duration_s / 2:
            self.middle = analysis
        if self._board is not None:
            self._board.show(self.render(analysis), self._line(analysis, playing))
            return
        line = analysis_json(self.song.audio.name, analysis)
        truth = [{"program": None if p.program == DRUMS else p.program, "name": p.name} for p in playing]
        write_json(line | {"skipped": analysis.skipped, "playing": truth})

    def render(self, analysis: Analysis) -> RenderableType:
        """Build the view of one window."""
        from rich.console import Group
        from rich.text import Text

        playing = self.song.playing(analysis.start_s, analysis.end_s)
        best = [s.matches[0].sound for s in analysis.suggestions if s.matches]
        programs = {sound.program.program for sound in best if sound.program}
        families = {sound.family for sound in best}
        truth = Text("really plays  ", style="bold")
        for number, instrument in enumerate(playing):
            truth.append("  " if number else "")
            truth.append(*_judged(instrument, programs, families))
        if analysis.skipped:
            truth.append(f"   ({SKIPPED_TEXT[analysis.skipped]})", style="dim")
        return Group(
            self._progress(analysis.end_s),
            heard_table(analysis, mark=lambda s: sign_of(s, playing)),
            truth,
            Text(LEGEND, style="dim"),
        )

    def _progress(self, now_s: float) -> RenderableType:
        from rich.text import Text

        done = round(PROGRESS_CELLS * min(1.0, now_s / self.song.duration_s))
        clock = f"{_clock(now_s)} / {_clock(self.song.duration_s)}  "
        return Text.assemble(
            ("Timbrel ", "bold cyan"), clock, ("━" * done, "cyan"), ("━" * (PROGRESS_CELLS - done), "dim")
        )

    def _line(self, analysis: Analysis, playing: tuple[Playing, ...]) -> str:
        head = f"{_clock(analysis.start_s)}-{_clock(analysis.end_s)} s  "
        if analysis.skipped is not None:
            heard = SKIPPED_TEXT[analysis.skipped]
        else:
            heard = ", ".join(
                f"{sign_of(s, playing)[0]} {s.matches[0].sound.name} {s.presence * 100:.0f}%"
                for s in analysis.suggestions
                if s.matches
            )
        return f"{head}hears: {heard or 'nothing yet'} | plays: {', '.join(p.name for p in playing)}"


def save_picture(view: DemoView, path: Path) -> None:
    """Write the view at half time and the final count as an SVG picture."""
    import io
    import re

    from rich.console import Console

    console = Console(record=True, width=PICTURE_WIDTH, file=io.StringIO(), force_terminal=True, highlight=False)
    if view.middle is not None:
        console.print(view.render(view.middle))
    console.print()
    for line in view.tally.lines():
        console.print(line)
    picture = console.export_svg(title="timbrel demo")
    # Rich asks a font server for its typeface; the picture has to do without any server.
    picture = re.sub(r"@font-face\s*\{[^}]*\}|<!--.*?-->", "", picture).replace("Fira Code,", "")
    path.write_text(picture, "utf-8")


def _judged(instrument: Playing, programs: set[int], families: set[str]) -> tuple[str, str]:
    """Return the instrument with its sign, and a style."""
    if instrument.program == DRUMS:
        return f"  {instrument.name}", "dim"
    if instrument.program in programs:
        return f"= {instrument.name}", "green"
    if instrument.family in families:
        return f"~ {instrument.name}", "yellow"
    return f"- {instrument.name}", "dim"


def _clock(seconds: float) -> str:
    return f"{int(seconds // 60)}:{seconds % 60:04.1f}"
