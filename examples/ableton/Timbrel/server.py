"""Receive and send OSC over UDP on the loopback address; answers go to whoever asked. Python 3.7 and later."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

PORT = 11002
MOST_BYTES = 1024
MOST_A_TICK = 64
"""Datagrams that are read before Live goes on; the others wait for the next tick."""

if TYPE_CHECKING:  # Python 3.7 can't make these
    Arg = int | float | str
    Message = tuple[str, tuple[Arg, ...]]
    Handle = Callable[[str, tuple[Arg, ...], Any], list[Message]]


class Server:
    """Hold the socket.

    Args:
        handle: Takes an address, its arguments and the sender; returns what is answered at once.
        port: 0 = any free one.

    Raises:
        OSError: The port is taken.
    """

    def __init__(self, handle: Handle, port: int = PORT) -> None:
        self._handle = handle
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        try:
            self._socket.bind(("127.0.0.1", port))
        except OSError:
            self._socket.close()
            raise
        self.port = self._socket.getsockname()[1]

    def process(self) -> None:
        """Read what has come, and answer."""
        for _ in range(MOST_A_TICK):
            try:
                data, sender = self._socket.recvfrom(65536)
            except BlockingIOError:
                return
            except OSError:
                continue  # Windows tells here that an earlier answer reached nobody
            message = decode(data)
            if message is not None:
                for out in self._handle(message[0], message[1], sender):
                    self.send(sender, out)

    def send(self, to: Any, message: Message) -> None:
        """Send a message; an answer that can't be sent is missed by the one who asked."""
        try:
            self._socket.sendto(encode(message), to)
        except OSError:
            return

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


def encode(message: Message) -> bytes:
    """Encode a message of integers, floats and texts."""
    address, args = message
    tags, data = ",", b""
    for arg in args:
        if isinstance(arg, str):
            tags += "s"
            data += _padded(arg.replace("\0", " "))
        elif isinstance(arg, float):
            tags += "f"
            data += struct.pack(">f", arg)
        else:
            tags += "i"
            data += struct.pack(">i", arg)
    return _padded(address) + _padded(tags) + data


def decode(data: bytes) -> Message | None:
    """Decode a message; None for bundles, unknown types, and what is no OSC."""
    if len(data) > MOST_BYTES or len(data) % 4 or not data.startswith(b"/"):
        return None
    try:
        address, at = _text(data, 0)
        tags, at = _text(data, at)
        args: list[Arg] = []
        for tag in tags[1:]:
            if tag == "s":
                text, at = _text(data, at)
                args.append(text)
            elif tag in "if":
                args.append(struct.unpack_from(">" + tag, data, at)[0])
                at += 4
            else:
                return None
    except (ValueError, struct.error):
        return None
    return (address, tuple(args)) if tags.startswith(",") and at == len(data) else None


def _padded(text: str) -> bytes:
    data = text.encode("utf-8", "replace") + b"\0"
    return data + bytes(-len(data) % 4)


def _text(data: bytes, at: int) -> tuple[str, int]:
    end = data.index(b"\0", at)
    return data[at:end].decode("utf-8"), end + 4 - end % 4
