"""List the inputs that a bus can be captured from, while the page goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from bridge.threads import in_thread
from library.errors import TimbrelError

__all__ = ["Inputs"]

Json = dict[str, Any]  # Any: what JSON can hold


class Inputs:
    """Look for inputs when a page asks; on the asyncio thread, the look itself in a process of its own.

    Overload policy: one look at a time; who asks during one gets its result.

    Args:
        show: Takes what was found.
    """

    def __init__(self, show: Callable[[Json], None]) -> None:
        self._show = show
        self._looking: asyncio.Task[None] | None = None
        self._looks = 0

    def look(self) -> None:
        """Begin to look, unless that has begun; returns at once."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.ensure_future(self._look())

    def close(self) -> None:
        """Show nothing more."""
        if self._looking is not None:
            self._looking.cancel()

    async def _look(self) -> None:
        from realtime.devices import list_inputs

        try:
            found, problem = await in_thread("inputs", list_inputs), ""
        except TimbrelError as error:
            found, problem = (), str(error)
        choices = [
            {
                "input": choice.argument,
                "name": choice.name,
                "system": choice.host,
                "channels": choice.channels,
                "rate": choice.sample_rate,
                "default": choice.is_default,
            }
            for choice in found
        ]
        self._looks += 1  # a page that waits sees that a look has ended, though it found the same
        self._show({"choices": choices, "problem": problem, "look": self._looks})
