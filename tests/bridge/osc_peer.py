"""Speak OSC to a running server over a real socket, with a timeout on every wait."""

from __future__ import annotations

import socket
import struct
import time
from types import TracebackType

from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

__all__ = ["Got", "OscPeer", "free_port", "packet", "text"]

Got = tuple[str, list[object]]


def text(value: str) -> bytes:
    """Encode an OSC string by hand."""
    raw = value.encode() + b"\0"
    return raw + b"\0" * (-len(raw) % 4)


def packet(address: str, types: str, *args: object) -> bytes:
    """Encode a message with python-osc."""
    builder = OscMessageBuilder(address=address)
    for tag, value in zip(types, args, strict=True):
        builder.add_arg(value, tag)  # type: ignore[arg-type]  # the tag says what it is
    return bytes(builder.build().dgram)


def free_port() -> int:
    """Return a UDP port with nine free ones above it, as far as one can know."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
            if port < 65500:
                return port


class OscPeer:
    """Send messages and wait for answers."""

    def __init__(self, target: tuple[str, int], timeout_s: float = 10.0) -> None:
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self._sock.bind(("127.0.0.1", 0))
        self._target = target
        self._timeout_s = timeout_s
        self.port = int(self._sock.getsockname()[1])
        self.raw: list[bytes] = []
        self.sources: list[tuple[str, int]] = []

    def __enter__(self) -> OscPeer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._sock.close()

    def send(self, address: str, types: str = "", *args: object) -> None:
        self.send_raw(packet(address, types, *args))

    def send_raw(self, data: bytes) -> None:
        self._sock.sendto(data, self._target)

    def receive(self, timeout_s: float) -> Got | None:
        """Return the next message, None when nothing comes."""
        self._sock.settimeout(max(0.001, timeout_s))
        try:
            data, source = self._sock.recvfrom(65536)
        except TimeoutError:
            return None
        self.raw.append(data)
        self.sources.append(source)
        message = OscMessage(data)
        return message.address, list(message.params)

    def expect(self, address: str, timeout_s: float | None = None) -> list[object]:
        """Wait for a message with that address; others on the way are dropped."""
        return self.until(address, timeout_s)[-1][1]

    def until(self, address: str, timeout_s: float | None = None) -> list[Got]:
        """Return all messages up to the first with that address."""
        end = time.monotonic() + (timeout_s or self._timeout_s)
        seen: list[Got] = []
        while (left := end - time.monotonic()) > 0:
            got = self.receive(left)
            if got is not None:
                seen.append(got)
                if got[0] == address:
                    return seen
        raise AssertionError(f"no {address} came; got {seen}")

    def settle(self) -> list[Got]:
        """Ping, and return what came before the pong: everything that was caused by earlier messages."""
        token = struct.pack(">d", time.monotonic()).hex()
        self.send("/timbrel/ping", "s", token)
        seen = self.until("/timbrel/pong")
        assert seen[-1][1][0] == token
        return seen[:-1]
