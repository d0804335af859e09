"""Bring what the engine thread says to the asyncio thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress

from realtime.types import Analysis

__all__ = ["Inbox"]


class Inbox:
    """Hold the newest Analysis and the newest state until the asyncio thread takes them.

    Overload policy: latest wins; one place for each, so a busy asyncio thread never sees what is out of date.

    Args:
        loop: Where the callbacks run.
        on_analysis: Called on the asyncio thread.
        on_state: Called on the asyncio thread, before an Analysis that came with it.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        on_analysis: Callable[[Analysis], None],
        on_state: Callable[[str, str], None],
    ) -> None:
        self._loop = loop
        self._deliver_analysis = on_analysis
        self._deliver_state = on_state
        self._lock = threading.Lock()
        self._analysis: Analysis | None = None
        self._state: tuple[str, str] | None = None
        self._is_waiting = False
        self._is_open = True

    def on_analysis(self, analysis: Analysis) -> None:
        """Take an Analysis; any thread, returns at once."""
        with self._lock:
            self._analysis = analysis
        self._wake()

    def on_state(self, state: str, text: str) -> None:
        """Take a state; any thread, returns at once."""
        with self._lock:
            self._state = (state, text)
        self._wake()

    def close(self) -> None:
        """Deliver nothing more; called on the asyncio thread."""
        self._is_open = False

    def _wake(self) -> None:
        with self._lock:
            if self._is_waiting:
                return
            self._is_waiting = True
        with suppress(RuntimeError):  # the loop is closed: the daemon has ended, nobody waits for this
            self._loop.call_soon_threadsafe(self._drain)

    def _drain(self) -> None:
        with self._lock:
            analysis, self._analysis = self._analysis, None
            state, self._state = self._state, None
            self._is_waiting = False
        if not self._is_open:
            return
        if state is not None:
            self._deliver_state(*state)
        if analysis is not None:
            self._deliver_analysis(analysis)
