"""End the daemon when the system or the user asks."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

__all__ = ["watch_signals"]


def watch_signals(stop: Callable[[str], None]) -> None:
    """Call `stop` with the reason on SIGINT, SIGTERM and SIGHUP (the terminal was closed; Windows has none)."""
    loop = asyncio.get_running_loop()
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is None:
            continue
        reason = f"stopped by {name}"
        try:
            loop.add_signal_handler(number, stop, reason)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_, why=reason: loop.call_soon_threadsafe(stop, why))
