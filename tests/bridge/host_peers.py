"""Stand at a host's place: small servers for datagrams, lines and OSC over TCP, and HTTP."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from bridge.daws.base import DawAdapter, HostState, Track
from bridge.hosts import HostSession

__all__ = ["UdpHost", "Watched", "lines_host", "until", "watch"]

Answer = Callable[[bytes], list[bytes]]


class UdpHost(asyncio.DatagramProtocol):
    """Answer datagrams on a port of 127.0.0.1, and keep what came.

    Args:
        answer: Returns what is sent back for a payload.
        reply_port: Port that answers go to; 0 = the one that asked.
    """

    def __init__(self, answer: Answer, reply_port: int = 0) -> None:
        self.got: list[bytes] = []
        self._answer, self._reply_port = answer, reply_port
        self._transport: asyncio.DatagramTransport | None = None
        self.port = 0

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.got.append(data)
        for out in self._answer(data):
            if self._transport is not None:
                self._transport.sendto(out, (addr[0], self._reply_port or addr[1]))

    async def start(self, port: int = 0) -> None:
        """Listen; on a chosen port after a restart."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", port))
        self.port = int(self._transport.get_extra_info("sockname")[1])

    async def stop(self) -> None:
        """Fall silent, as a host that was killed."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None
            await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def lines_host(answer: Answer, port: int = 0) -> AsyncIterator[int]:
    """Answer lines over TCP; gives the port."""
    writers: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.add(writer)
        with contextlib.suppress(OSError):
            while line := await reader.readline():
                for out in answer(line.rstrip(b"\n")):
                    writer.write(out + b"\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
        await asyncio.sleep(0.01)


@dataclass
class Watched:
    """Hold a running session and what it told."""

    session: HostSession
    states: list[HostState] = field(default_factory=list)
    tracks: list[tuple[Track, ...]] = field(default_factory=list)


@contextlib.asynccontextmanager
async def watch(adapter: DawAdapter) -> AsyncIterator[Watched]:
    """Run a session beside the test."""
    states: list[HostState] = []
    tracks: list[tuple[Track, ...]] = []
    session = HostSession(adapter, lambda state, _: states.append(state), lambda found: tracks.append(found.tracks))
    task = asyncio.create_task(session.run())
    try:
        yield Watched(session, states, tracks)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def until(condition: Callable[[], bool], what: str, tries: int = 1000) -> None:
    """Wait on the event loop until a condition holds."""
    for _ in range(tries):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"never: {what}")
