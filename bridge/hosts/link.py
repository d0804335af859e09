"""Open what carries bytes to a host; the only module that holds sockets to hosts."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import Protocol

from bridge.daws.base import Reach

__all__ = ["Link", "Receive", "open_link"]

Receive = Callable[[bytes | None], None]
"""Takes one datagram, frame, line or answer; None when the connection has ended."""

MAX_FRAME_BYTES = 65_536
"""Longest frame or line that a host may send over TCP; a longer one ends the connection."""

MAX_ANSWERS = 4
"""Connections that a host may hold open to the reply port; it needs one, and another while that one dies."""

OPEN_S = 2.0
HTTP_S = 2.0


class Link(Protocol):
    """Carry bytes to one host; what comes back goes to the Receive that it was opened with."""

    def send(self, payload: bytes) -> None:
        """Send one payload; what can't be sent is dropped, and shows as an answer that does not come."""
        ...

    def close(self) -> None:
        """Close the socket; may be called twice."""
        ...


async def open_link(reach: Reach, receive: Receive) -> Link:
    """Open the way to a host.

    Raises:
        OSError: It does not listen, or its reply port is taken.
    """
    if reach.wire == "osc":
        return await _open_datagrams(reach, receive)
    if reach.wire == "http":
        return _Http(reach, receive)
    async with asyncio.timeout(OPEN_S):  # TimeoutError is an OSError
        reader, writer = await asyncio.open_connection(reach.host, reach.port, limit=MAX_FRAME_BYTES)
    stream = _Stream(reader, writer, receive, lines=reach.wire == "lines")
    if not reach.reply_port:
        return stream
    try:
        return await _Answered.open(stream, reach, receive)
    except OSError:
        stream.close()
        raise


async def _open_datagrams(reach: Reach, receive: Receive) -> Link:
    loop = asyncio.get_running_loop()
    local = (_local(reach), reach.reply_port)
    transport, _ = await loop.create_datagram_endpoint(lambda: _Answers(reach.host, receive), local_addr=local)
    return _Datagrams(transport, reach)


def _local(reach: Reach) -> str:
    """Return the address that its answers come to."""
    return "127.0.0.1" if reach.host.startswith("127.") else "0.0.0.0"  # noqa: S104 a remote host


class _Answers(asyncio.DatagramProtocol):
    """Take answers: they may come from another port of the host, but from no other host."""

    def __init__(self, host: str, receive: Receive) -> None:
        self._host, self._receive = host, receive

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if addr[0] == self._host:
            self._receive(data)

    def error_received(self, exc: Exception) -> None:
        """Ignore a port that nobody listens on: the missing answer tells the same."""


class _Datagrams:
    """Send OSC datagrams."""

    def __init__(self, transport: asyncio.DatagramTransport, reach: Reach) -> None:
        self._transport, self._to = transport, (reach.host, reach.port)

    def send(self, payload: bytes) -> None:
        self._transport.sendto(payload, self._to)

    def close(self) -> None:
        self._transport.close()


class _Stream:
    """Speak over TCP, in lines or in OSC packets with their length before them (OSC 1.0, stream protocols)."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, receive: Receive, *, lines: bool
    ) -> None:
        self._reader, self._writer, self._receive, self._lines = reader, writer, receive, lines
        # Close by reset: a host that crashed would find its own port in use for a minute (TIME_WAIT) otherwise.
        reset = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
        self._task = asyncio.get_running_loop().create_task(self._read())

    async def _read(self) -> None:
        try:
            while True:
                self._receive(await (self._line() if self._lines else self._frame()))
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError):
            self._receive(None)
        finally:
            self._writer.close()

    async def _line(self) -> bytes:
        line = await self._reader.readuntil(b"\n")
        return line.rstrip(b"\r\n")

    async def _frame(self) -> bytes:
        (size,) = struct.unpack(">i", await self._reader.readexactly(4))
        if not 0 < size <= MAX_FRAME_BYTES:
            raise ValueError(f"a frame of {size} bytes")
        return await self._reader.readexactly(size)

    def send(self, payload: bytes) -> None:
        if not self._writer.is_closing():
            self._writer.write(payload + b"\n" if self._lines else struct.pack(">i", len(payload)) + payload)

    def close(self) -> None:
        self._task.cancel()
        self._writer.close()


class _Answered:
    """Speak over one TCP connection, and be answered over others that the host opens to the reply port."""

    def __init__(self, stream: _Stream, reach: Reach, receive: Receive) -> None:
        self._stream, self._reach, self._receive = stream, reach, receive
        self._answers: set[_Stream] = set()
        self._server: asyncio.Server | None = None

    @classmethod
    async def open(cls, stream: _Stream, reach: Reach, receive: Receive) -> _Answered:
        link = cls(stream, reach, receive)
        local = _local(reach)
        link._server = await asyncio.start_server(link._accept, local, reach.reply_port, limit=MAX_FRAME_BYTES)
        return link

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if writer.get_extra_info("peername")[0] != self._reach.host or len(self._answers) >= MAX_ANSWERS:
            writer.close()
            return

        def receive(payload: bytes | None) -> None:
            # The host may open another one: only the end of the connection to it is its end.
            if payload is None:
                self._answers.discard(answer)
            else:
                self._receive(payload)

        answer = _Stream(reader, writer, receive, lines=self._reach.wire == "lines")
        self._answers.add(answer)

    def send(self, payload: bytes) -> None:
        self._stream.send(payload)

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for answer in (self._stream, *self._answers):
            answer.close()


class _Http:
    """Ask with GET; each payload is a path, each body of an answer comes back."""

    def __init__(self, reach: Reach, receive: Receive) -> None:
        self._base = f"http://{reach.host}:{reach.port}"
        self._receive = receive
        self._tasks: set[asyncio.Task[None]] = set()

    def send(self, payload: bytes) -> None:
        task = asyncio.get_running_loop().create_task(self._get(payload.decode("ascii", "replace")))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _get(self, path: str) -> None:
        import aiohttp
        from yarl import URL

        timeout = aiohttp.ClientTimeout(total=HTTP_S)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.get(URL(self._base + path, encoded=True), allow_redirects=False) as answer,
            ):
                if answer.status == 200:
                    body = bytearray()
                    async for chunk in answer.content.iter_any():
                        body += chunk[: MAX_FRAME_BYTES - len(body)]
                    self._receive(bytes(body))
        except (aiohttp.ClientError, OSError):
            return  # the missing answer tells the same

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()
