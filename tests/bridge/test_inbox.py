from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest

from bridge.inbox import Inbox
from bridge.threads import in_thread
from library.errors import CaptureError
from tests.bridge.heard import heard


def deliver(fill: Callable[[Inbox], None]) -> list[object]:
    """Fill an inbox from another thread while asyncio is busy, and return what arrives."""
    got: list[object] = []

    async def main() -> None:
        inbox = Inbox(asyncio.get_running_loop(), got.append, lambda state, text: got.append((state, text)))
        thread = threading.Thread(target=fill, args=(inbox,))
        thread.start()
        thread.join(10)  # the loop is blocked here, like by anything that takes long
        await asyncio.sleep(0.05)

    asyncio.run(main())
    return got


def test_the_newest_analysis_and_state_arrive_state_first() -> None:
    old, new = heard(), heard(skipped="silent")

    def fill(inbox: Inbox) -> None:
        inbox.on_analysis(old)
        inbox.on_state("loading", "")
        inbox.on_analysis(new)
        inbox.on_state("listening", "now")

    assert deliver(fill) == [("listening", "now"), new]


def test_a_closed_inbox_delivers_nothing() -> None:
    def fill(inbox: Inbox) -> None:
        inbox.on_analysis(heard())
        inbox.close()

    assert deliver(fill) == []


def test_an_engine_that_outlives_the_loop_is_harmless() -> None:
    loop = asyncio.new_event_loop()
    inbox = Inbox(loop, lambda _: None, lambda *_: None)
    loop.close()
    inbox.on_analysis(heard())


def test_what_a_thread_returns_or_raises_arrives_where_it_is_awaited() -> None:
    def fail() -> int:
        raise CaptureError("x", "failed", "try again")

    async def main() -> int:
        with pytest.raises(CaptureError):
            await in_thread("fails", fail)
        return await in_thread("works", lambda: 7)

    assert asyncio.run(main()) == 7
