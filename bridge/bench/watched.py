"""Run the daemon in this process, and watch it hear."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from bridge.config import Config
from bridge.daemon import Daemon
from bridge.parts import Parts
from library.errors import TimbrelError

if TYPE_CHECKING:
    from realtime.engine import Engine
    from realtime.types import Analysis

__all__ = ["FIRST_S", "Hearing", "Stretch", "WatchedBus", "run_watched"]

T = TypeVar("T")

FIRST_S = 120.0
"""Longest wait for the first window, for the page, for who reads it: a busy machine imports torch slowly."""

_PLAY = "check that something plays there"


@dataclass(frozen=True, slots=True)
class Hearing:
    """Hold how the engine heard for a while.

    Attributes:
        hops: Hops that came due.
        missed_hops: Those that were passed over, because the engine was late.
        p50_ms: Median from the window to its Analysis.
        p99_ms: 99th percentile.
        cpu_s: CPU seconds of the whole daemon in a second.
    """

    hops: int
    missed_hops: int
    p50_ms: float
    p99_ms: float
    cpu_s: float

    @classmethod
    def over(cls, stretches: Sequence[Stretch]) -> Hearing:
        """Take some stretches together."""
        p50, p99 = (float(value) for value in np.percentile([ms for one in stretches for ms in one.times_ms], [50, 99]))
        missed = sum(one.missed_hops for one in stretches)
        cpu_s = sum(one.cpu_s for one in stretches) / sum(one.seconds for one in stretches)
        return cls(sum(one.windows for one in stretches) + missed, missed, p50, p99, cpu_s)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Hold what was counted in one stretch of time.

    Attributes:
        times_ms: From the window to its Analysis, of each that was heard.
        windows: Windows that were looked at.
        missed_hops: Hops that were passed over.
        cpu_s: CPU seconds of the daemon.
        seconds: How long it was.
    """

    times_ms: tuple[float, ...]
    windows: int
    missed_hops: int
    cpu_s: float
    seconds: float


class WatchedBus:
    """Watch a daemon hear.

    Args:
        parts: How the slow parts are made; the engine is kept in sight.
    """

    def __init__(self, parts: Parts) -> None:
        self.parts = Parts(self._load, parts.open_source)
        self._make = parts.load
        self._engine: Engine | None = None
        self._times: list[float] = []
        self._heard = asyncio.Event()
        self._url: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def say(self, text: str) -> None:
        """Take a line of the daemon."""
        if text.startswith("page at ") and not self._url.done():
            self._url.set_result(text.split()[2])
        elif text.startswith("no page: ") and not self._url.done():
            self._url.set_exception(TimbrelError("page", text.removeprefix("no page: "), "try again"))

    def show(self, analysis: Analysis, bus: int) -> None:  # noqa: ARG002 - the daemon gives it
        """Take a window; a bench has one bus."""
        if analysis.skipped is None:
            self._times.append(analysis.timing.total_ms)
            self._heard.set()

    async def page(self) -> str:
        """Wait for the page; return its address.

        Raises:
            TimbrelError: It can't be served.
        """
        return await _in_time(self._url, "served no page", "look whether `timbrel run` does")

    async def measure(self, seconds: float) -> Stretch:
        """Wait for the first window that is heard, then measure for that long.

        Raises:
            TimbrelError: Nothing is heard.
        """
        await _in_time(self._heard.wait(), "heard nothing", _PLAY)
        before, cpu_s, begun = self._counts(), time.process_time(), time.monotonic()
        self._times.clear()
        await asyncio.sleep(seconds)
        after, took_s = self._counts(), time.monotonic() - begun
        if not self._times:
            raise TimbrelError("bench", f"heard nothing in {seconds:.0f} s", _PLAY)
        windows, missed = after[0] - before[0], after[1] - before[1]
        return Stretch(tuple(self._times), windows, missed, time.process_time() - cpu_s, took_s)

    def _load(self, config: Config) -> Engine:
        self._engine = self._make(config)
        return self._engine

    def _counts(self) -> tuple[int, int]:
        """Return the windows that were looked at, and the hops that were missed, so far."""
        if self._engine is None:
            return 0, 0
        counts = self._engine.telemetry.snapshot()
        return counts.windows, counts.missed_hops


def run_watched(parts: Parts, config: Config, use: Callable[[WatchedBus], Awaitable[T]]) -> T:
    """Run a daemon in this process for as long as it is used.

    Args:
        parts: How its slow parts are made.
        config: Its settings.
        use: Gets it in sight; what it returns is returned.

    Raises:
        TimbrelError: The daemon failed, or was stopped before.
    """

    async def main() -> T:
        bus = WatchedBus(parts)
        daemon = Daemon(config, bus.say, bus.show, bus.parts)
        running, using = asyncio.ensure_future(daemon.run()), asyncio.ensure_future(use(bus))
        try:
            await asyncio.wait({running, using}, return_when=asyncio.FIRST_COMPLETED)
            if using.done():
                return using.result()
        finally:
            using.cancel()
            await asyncio.wait({using})  # what it started ends before the daemon does
            daemon.stop("the bench is over")
            await running
        raise TimbrelError("bench", "was stopped", "let it run to its end, or take fewer --seconds")

    return asyncio.run(main())


async def _in_time(wanted: Awaitable[T], otherwise: str, step: str) -> T:
    try:
        return await asyncio.wait_for(wanted, FIRST_S)
    except TimeoutError:
        raise TimbrelError("bench", f"{otherwise} in {FIRST_S:.0f} s", step) from None
