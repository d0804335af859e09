"""Keep names and packets from steering the terminal: what they hold of control characters is shown as a sign."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from bridge.cli.console import visible

__all__ = ["SafeConsole"]


class SafeConsole(Console):
    """Render as rich does, without the control characters of what is rendered; rich itself lets ESC through."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield segments whose texts are harmless."""
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                yield segment._replace(text=visible(segment.text))
