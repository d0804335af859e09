"""Run `timbrel` once more in a process of its own, and take the lines that it prints."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress

from bridge.watching import TIMBREL

__all__ = ["Child"]

LONGEST_LINE = 64 << 20
"""`timbrel library info` of a library in which a hundred thousand files could not be read is a line of 30 MiB."""

STOP_S = 3.0
"""Longest wait for a process to end by itself when it is asked to."""

_MOST_TEXT = 600


class Child:
    """Hold one process, which ends with the task that runs it.

    Args:
        words: What comes after `timbrel`.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self._words = words
        self._process: Process | None = None
        self._is_stopped = False

    async def run(self, take: Callable[[bytes], None]) -> str:
        """Run it to its end; `take` gets each line that it prints.

        Returns:
            The last line of its complaints, "" when it had none.

        Raises:
            OSError: It can't be started.
        """
        if self._is_stopped:
            return ""
        process = await asyncio.create_subprocess_exec(
            *TIMBREL, *self._words, stdin=DEVNULL, stdout=PIPE, stderr=PIPE, limit=LONGEST_LINE
        )
        self._process = process
        complaint = asyncio.ensure_future(_last_line(process.stderr))
        try:
            async for line in _lines(process.stdout):
                take(line)
            return await complaint
        finally:
            complaint.cancel()
            await self.stop()

    async def stop(self) -> None:
        """Ask it to end, and see to it."""
        self._is_stopped = True
        process = self._process
        if process is None or process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_S)
        except TimeoutError:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _lines(stream: asyncio.StreamReader | None) -> AsyncIterator[bytes]:
    while stream is not None and (line := await stream.readline()):
        yield line


async def _last_line(stream: asyncio.StreamReader | None) -> str:
    last = ""
    async for line in _lines(stream):
        last = line.decode("utf-8", "replace").strip() or last
    return last.removeprefix("timbrel: ")[:_MOST_TEXT]
