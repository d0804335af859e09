"""Send each page what is new for it, at the speed at which it takes it."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable

from bridge.page.protocol import FORMAT, Fields
from bridge.page.state import Sections

__all__ = ["MOST_EVENTS", "Client"]

MOST_EVENTS = 64
"""Events that wait for one page; the oldest are dropped."""

Sender = Callable[[str], Awaitable[None]]


class Client:
    """Hold one page: what it has of the state, and which events wait for it.

    Overload policy: of the state the latest wins, nothing of it is queued; of events the oldest are dropped.

    Args:
        number: Its number, from 1.
        sections: The state.
    """

    def __init__(self, number: int, sections: Sections) -> None:
        self.number = number
        self.dropped = 0
        """Frames that were never sent, because newer ones came before the page had taken the last."""
        self._sections = sections
        self._sent = 0
        self.waiting = 0
        """Frames that came since the page took the last; it gets only the newest."""
        self._events: deque[Fields] = deque(maxlen=MOST_EVENTS)
        self._news = asyncio.Event()
        self._news.set()  # the snapshot

    def wake(self, *, is_frame: bool = False) -> None:
        """Say that there may be something new; returns at once."""
        self.waiting += is_frame
        self._news.set()

    def tell(self, event: Fields) -> None:
        """Queue an event; returns at once."""
        self._events.append(event)
        self._news.set()

    async def serve(self, send: Sender) -> None:
        """Send until cancelled; `send` returns when the page's connection has room again."""
        while True:
            await self._news.wait()
            self._news.clear()
            for text in self._take():
                await send(text)

    def _take(self) -> list[str]:
        """Return what is to be sent now: the state first, so that an event is about something that is shown."""
        messages: list[Fields] = []
        self.dropped += max(0, self.waiting - 1)
        self.waiting = 0
        version = self._sections.version
        if version > self._sent or self._sent == 0:
            messages.append(
                {
                    "v": FORMAT,
                    "type": "state",
                    "from": self._sent,
                    "version": version,
                    "changed": self._sections.since(self._sent),
                    "dropped": self.dropped,
                }
            )
            self._sent = version
        messages.extend(self._events)
        self._events.clear()
        return [json.dumps(one, ensure_ascii=False, allow_nan=False, separators=(",", ":")) for one in messages]
