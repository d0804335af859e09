"""Measure what pages cost the engine, what each of them is sent, and how soon Chromium shows an Analysis."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bridge.bench.watched import FIRST_S, Hearing, Stretch, WatchedBus, run_watched
from bridge.config import Config, override
from bridge.parts import Parts
from library.errors import TimbrelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["PageBench", "Pixels", "Traffic", "bench_page"]

OSC_PORT = 17_390
_UPDATE_S = 5.0
"""Longest wait for one update in Chromium."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """Hold what the pages were sent after the first state.

    Attributes:
        pages: How many there were.
        mean_bytes_s: Bytes of JSON a second to one page.
        most_bytes_s: To that which got most.
        messages_s: Messages a second to one page.
        dropped: Frames that pages were too slow for, all together.
    """

    pages: int
    mean_bytes_s: float
    most_bytes_s: float
    messages_s: float
    dropped: int


@dataclass(frozen=True, slots=True)
class Pixels:
    """Hold how long after the daemon took an Analysis in Chromium had drawn it.

    Attributes:
        updates: How many were timed.
        p50_ms: Median.
        p99_ms: 99th percentile.
        step_ms: Smallest step of the browser's clock.
        apart_ms: How far that clock was from the system's, whose own steps are 1 ms here.
        browser: Version of Chromium.
    """

    updates: int
    p50_ms: float
    p99_ms: float
    step_ms: float
    apart_ms: float
    browser: str


@dataclass(frozen=True, slots=True)
class PageBench:
    """Hold a whole run.

    Attributes:
        input: What was listened to.
        seconds: How long each of the two was measured, in two halves.
        without: No page is served.
        with_pages: The pages read all the time.
        p50_ratio: Median from window to Analysis with pages, as a multiple of that without.
        p99_ratio: The same of the 99th percentile.
        page_cpu_s: CPU seconds a second that the daemon takes more with the pages.
        traffic: What the pages got.
        pixels: Times in Chromium; None where it is not there.
        pixels_skipped: Why not, and what to do.
    """

    input: str
    seconds: float
    without: Hearing
    with_pages: Hearing
    p50_ratio: float
    p99_ratio: float
    page_cpu_s: float
    traffic: Traffic
    pixels: Pixels | None
    pixels_skipped: str


def bench_page(
    parts: Parts, config: Config, pages: int, seconds: float, updates: int, progress: Callable[[str], None]
) -> PageBench:
    """Run the daemon without a page, twice with many, once with one in Chromium, and without a page again.

    Args:
        parts: How the slow parts of the daemon are made.
        config: What it listens to.
        pages: Connected at a time.
        seconds: Measured without, and with them, each in two halves.
        updates: To be timed in Chromium; 0 = none.
        progress: Takes what is being done.

    Raises:
        TimbrelError: The daemon ended, heard nothing, or its page could not be opened.
    """
    half_s = seconds / 2

    async def alone(bus: WatchedBus) -> Stretch:
        progress(f"without a page: {half_s:g} s")
        return await bus.measure(half_s)

    async def beside_pages(bus: WatchedBus) -> Stretch:
        url = await bus.page()
        progress(f"{pages} pages: connecting")
        async with _child("page_readers", url, pages, half_s) as readers:
            await _told(readers, FIRST_S)
            progress(f"{pages} pages: {half_s:g} s")
            stretch = await bus.measure(half_s)
            rows.append((await _told(readers, FIRST_S))["rows"])
        return stretch

    async def beside_pages_and_chromium(bus: WatchedBus) -> tuple[Stretch, Pixels | str]:
        stretch = await beside_pages(bus)
        progress(f"Chromium: {updates} updates")
        return stretch, await _pixels(await bus.page(), updates)

    rows: list[list[list[int]]] = []
    settings = {"osc.port": OSC_PORT, "midi.port": ""}
    bare = override(config, {**settings, "page.enabled": False})
    served = override(config, {**settings, "page.enabled": True, "page.port": 0})
    # In this order what else the machine does, where it grows or fades, falls on both alike.
    first = run_watched(parts, bare, alone)
    second = run_watched(parts, served, beside_pages)
    third, pixels = run_watched(parts, served, beside_pages_and_chromium)
    without, hearing = Hearing.over([first, run_watched(parts, bare, alone)]), Hearing.over([second, third])
    return PageBench(
        config.inputs[0],
        seconds,
        without,
        hearing,
        hearing.p50_ms / without.p50_ms,
        hearing.p99_ms / without.p99_ms,
        hearing.cpu_s - without.cpu_s,
        _traffic(np.sum(rows, axis=0), seconds),
        pixels if isinstance(pixels, Pixels) else None,
        "" if isinstance(pixels, Pixels) else pixels,
    )


@asynccontextmanager
async def _child(module: str, *words: object) -> AsyncIterator[Process]:
    """Run a module of this package as a process of its own."""
    command = ("-c", f"from bridge.bench.{module} import main; main()", *map(str, words))
    process = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=PIPE)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _told(process: Process, wait_s: float) -> dict[str, Any]:  # Any: what JSON holds
    """Return the next line of JSON that a child prints.

    Raises:
        TimbrelError: It tells that it failed, ended, or told nothing in time.
    """
    line = b""
    with suppress(TimeoutError):
        if process.stdout is not None:
            line = await asyncio.wait_for(process.stdout.readline(), wait_s)
    found: dict[str, Any] = json.loads(line or b'{"failed": "nothing came"}')
    if "failed" in found:
        raise TimbrelError("pages", f"could not be read ({found['failed']})", "try it when less runs on this machine")
    return found


def _traffic(rows: NDArray[np.int64], seconds: float) -> Traffic:
    """Sum up the bytes, messages and dropped frames of each page: rows[P, 3]."""
    size, messages, dropped = rows.T
    return Traffic(
        len(rows),
        float(size.mean()) / seconds,
        float(size.max()) / seconds,
        float(messages.mean()) / seconds,
        int(dropped.sum()),
    )


async def _pixels(url: str, updates: int) -> Pixels | str:
    """Let Chromium show the page; return why not where it is not there."""
    if updates == 0:
        return "it was not asked for"
    async with _child("page_pixels", url, updates) as chromium:
        found = await _told(chromium, FIRST_S + _UPDATE_S * updates)
    if "skipped" in found:
        return str(found["skipped"])
    late_ms = found["late_ms"]
    p50, p99 = (float(value) for value in np.percentile(late_ms, [50, 99]))
    return Pixels(len(late_ms), p50, p99, found["step_ms"], found["apart_ms"], found["browser"])
