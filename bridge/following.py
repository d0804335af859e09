"""Let a library of the user's own follow what a build or a watch writes, in its own thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from library.follow import LiveIndex
    from realtime.engine import Engine

__all__ = ["follow_library"]


def follow_library(engine: Engine, tell: Callable[[str], None]) -> LiveIndex | None:
    """Start to follow; return what has to be closed at the end, None for a library that never changes.

    Args:
        engine: Looks sounds up in it.
        tell: Takes what changed, in words, on the asyncio thread.
    """
    from library.follow import LiveIndex

    index = engine.index
    if not isinstance(index, LiveIndex):
        return None
    loop = asyncio.get_running_loop()

    def say(text: str) -> None:
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(tell, text)

    index.say = say
    index.start()
    return index
