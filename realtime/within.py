"""Wait for a native library no longer than for a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

__all__ = ["within"]

LOOK_S = 0.2
"""Time between two calls of what is done meanwhile."""

T = TypeVar("T")


def within(
    seconds: float, work: Callable[[], T], undo: Callable[[T], object], meanwhile: Callable[[], None] = lambda: None
) -> T:
    """Do work in a daemon thread and return its result; raise what it raises.

    Args:
        seconds: Longest wait; the thread goes on, nobody waits for it at the end of the program.
        work: What may never return.
        undo: Takes a result that comes too late.
        meanwhile: Called every LOOK_S while the work is waited for.

    Raises:
        TimeoutError: It took longer.
    """
    done: Future[T] = Future()
    settled = threading.Lock()
    given_up = False

    def run() -> None:
        try:
            result = work()
        except Exception as error:  # noqa: BLE001  not handled here: raised again where it is waited for
            done.set_exception(error)
            return
        with settled:
            if not given_up:
                done.set_result(result)
                return
        undo(result)

    threading.Thread(target=run, name="within", daemon=True).start()
    end = time.monotonic() + seconds
    while True:
        try:
            return done.result(max(0.0, min(LOOK_S, end - time.monotonic())))
        except TimeoutError:
            if done.done():  # it was the work that raised it, or it ended this moment
                return done.result()
        if time.monotonic() >= end:
            with settled:
                if not done.done():
                    given_up = True
                    raise TimeoutError
        meanwhile()
