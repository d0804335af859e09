"""Show what is heard on one bus, or on several under the name of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bridge.cli.table import Board, heard_table, plain_line

if TYPE_CHECKING:
    from realtime.types import Analysis

__all__ = ["HeardBuses"]


class HeardBuses:
    """Keep the view of `timbrel run` up to date: one bus as a table alone, several as a table each.

    Args:
        board: Where it is shown.
    """

    def __init__(self, board: Board) -> None:
        self._board = board
        self._newest: dict[int, Analysis] = {}

    def show(self, analysis: Analysis, bus: int, names: Sequence[str]) -> None:
        """Show what was heard in one window.

        Args:
            analysis: The window.
            bus: Number of its bus, from 0.
            names: What each bus listens to, in words.
        """
        if len(names) == 1:
            self._board.show(heard_table(analysis), plain_line(analysis))
            return
        from rich.console import Group
        from rich.text import Text

        self._newest[bus] = analysis
        views = [(Text(name, style="bold"), heard_table(self._newest.get(n))) for n, name in enumerate(names)]
        line = f"{names[bus]}: {plain_line(analysis)}"
        self._board.show(Group(*(part for view in views for part in view)), line, about=names[bus])
