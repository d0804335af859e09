"""Hold the engine thread and the input that it listens to, and change that input while it runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from bridge.commands import Refusal
from bridge.inbox import Inbox
from bridge.threads import in_thread

if TYPE_CHECKING:
    from realtime.engine import Engine, EngineThread
    from realtime.types import Analysis, AudioSource

__all__ = ["Bus"]

ENGINE_STOP_S = 2.0
"""Longest wait for the engine at the end; after it the process leaves without it."""


class Bus:
    """Listen to one input at a time, with one switch at a time; all of it on the asyncio thread of the daemon.

    Args:
        name: The input, as for `--input`.
        open_source: Turns such a name into a source, in a thread.
        on_analysis: Takes what is heard.
        on_state: Takes what the engine says about itself.
    """

    def __init__(
        self,
        name: str,
        open_source: Callable[[str], AudioSource],
        on_analysis: Callable[[Analysis], None],
        on_state: Callable[[str, str], None],
    ) -> None:
        self.name = name
        self._open_source = open_source
        self._on_analysis, self._on_state = on_analysis, on_state
        self._thread: EngineThread | None = None
        self._inbox: Inbox | None = None
        self._is_closed = False

    def open(self) -> asyncio.Future[AudioSource]:
        """Open the input."""
        return in_thread("open", lambda: self._open_source(self.name))

    def listen(self, engine: Engine, source: AudioSource) -> None:
        """Begin."""
        from realtime.engine import EngineThread

        self._inbox = Inbox(asyncio.get_running_loop(), self._on_analysis, self._on_state)
        self._thread = EngineThread(engine, source, self._inbox.on_analysis, self._inbox.on_state)
        self._thread.start()

    async def switch(self, engine: Engine, name: str, on_change: Callable[[], None]) -> None:
        """Open another source; only when that has worked, end the old one and listen to the new one.

        Args:
            engine: Listens.
            name: The input, as for `--input`.
            on_change: Called when the old one has ended, before the new one begins.

        Raises:
            Refusal: 503, it can't be changed now.
            TimbrelError: There is no such input, or it can't be opened.
        """
        source = await in_thread("open", lambda: self._open_source(name))
        if not await self._end():
            raise Refusal(503, "the engine is busy and did not stop; try again")
        if self._is_closed:
            raise Refusal(503, "Timbrel ends")
        self.name = name
        on_change()
        self.listen(engine, source)

    async def close(self) -> bool:
        """End the engine thread and its source; False when it was still busy after two seconds."""
        self._is_closed = True
        return await self._end()

    async def _end(self) -> bool:
        if self._inbox is not None:
            self._inbox.close()
        thread = self._thread
        if thread is None:
            return True
        stopped = await in_thread("stop", lambda: thread.stop(ENGINE_STOP_S))
        if stopped:
            self._thread = None
        return stopped
