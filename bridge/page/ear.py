"""Keep what pages show of how one bus is heard: its newest window, and which instruments were heard when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from bridge.page.history import Heard, History
from bridge.page.picture import Tap
from bridge.page.view import pulse_section
from bridge.suggestions import Item
from realtime.types import Analysis, Timing

if TYPE_CHECKING:
    from realtime.engine import Engine

__all__ = ["Ear"]

Json = dict[str, Any]  # Any: what JSON can hold

_NOTHING_YET = Analysis(0, 0.0, 0.0, (), "warming", float("-inf"), Timing())


class Ear:
    """Follow one bus; on the asyncio thread of the daemon.

    Args:
        ids: Numbers of spans, shared by all buses.
    """

    def __init__(self, ids: Iterator[int]) -> None:
        self.pulse: Json = pulse_section(_NOTHING_YET, float("-inf"), float("-inf"), 0, 0, 0.0)
        """What changes with every window, as pages show it."""
        self.is_hearing = False
        """Whether the newest window went through the encoder: then it can be drawn."""
        self.tap: Tap | None = None
        self._engine: Engine | None = None
        self._history = History(ids)

    def attach(self, engine: Engine) -> None:
        """Take over what an engine is going to hear; call it before the engine runs."""
        self.tap = Tap(engine.encoder)
        self._engine = engine
        engine.use(self.tap)

    def take(self, analysis: Analysis, at_s: float) -> None:
        """Take in one window, `at_s` seconds since the epoch."""
        if self._engine is None or self.tap is None:
            return
        level_db, peak_db = analysis.level_db, analysis.level_db
        if analysis.skipped in (None, "error"):  # a window that could not be analysed sounded all the same
            level_db, peak_db = self.tap.levels(self._engine.config.hop_s)
        counts = self._engine.telemetry.snapshot()
        self.pulse = pulse_section(analysis, level_db, peak_db, counts.missed_hops, counts.windows, at_s)
        self.is_hearing = analysis.skipped is None

    def spans(self, analysis: Analysis, items: Sequence[Item], now_s: float) -> tuple[list[Json], list[int]]:
        """Remember the instruments of one window.

        Args:
            analysis: The window.
            items: The list of the bus.
            now_s: Its time in seconds since the session began.

        Returns:
            The spans that are new or changed, and the numbers of those that were dropped.
        """
        best = {item.slot: item.sound for item in reversed(items)}
        heard = [
            Heard(s.slot, best.get(s.slot, s.matches[0].sound), s.presence) for s in analysis.suggestions if s.matches
        ]
        changed, dropped = self._history.observe(heard, now_s)
        return [span.to_json() for span in changed], dropped
