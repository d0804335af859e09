"""Be the clients of a running daemon: a control surface over OSC, a browser on its page."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from pythonosc.osc_message import OscMessage

from bridge.osc.clients import Endpoint
from bridge.osc.encode import Message, to_datagram
from bridge.page.security import WS_PROTOCOL
from library.errors import TimbrelError

__all__ = ["Heard", "OscVisitor", "visit_page"]

WAIT_S = 60.0
"""Longest wait for an answer: every core may be busy with other programs."""

TTL_S = 60
_BUFFER_BYTES = 1 << 20
_LONGEST = 65_536


@dataclass(frozen=True, slots=True)
class Heard:
    """Hold one message of the daemon.

    Attributes:
        at_s: time.monotonic() when its datagram was read.
        address: OSC address.
        args: Its arguments.
    """

    at_s: float
    address: str
    args: tuple[Any, ...]  # Any: what OSC holds


class OscVisitor:
    """Hold one socket, and what came to it."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.heard: list[Heard] = []
        self.client_id = ""
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        self._sock.connect(endpoint)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Vanish without a word."""
        self._sock.close()

    def send(self, address: str, *args: str | int | float) -> None:
        """Send one message."""
        types = "".join("s" if isinstance(value, str) else "i" if isinstance(value, int) else "f" for value in args)
        self._sock.send(to_datagram(Message(address, types, args)))

    def register(self, name: str, ttl_s: int = TTL_S) -> None:
        """Subscribe to everything.

        Raises:
            TimbrelError: It was not granted in a minute.
        """
        self.send("/timbrel/register", name, ttl_s, 0, ":suggest:status:")
        self.client_id = str(self.until("/timbrel/registered").args[0])

    def renew(self) -> None:
        """Start the time to live again."""
        self.send("/timbrel/renew", self.client_id)

    def take(self, seconds: float) -> Heard | None:
        """Return the next message, None when none comes in time."""
        self._sock.settimeout(max(seconds, 0.001))
        try:
            data = self._sock.recv(_LONGEST)
        except TimeoutError:
            return None
        found = OscMessage(data)
        heard = Heard(time.monotonic(), found.address, tuple(found.params))
        self.heard.append(heard)
        return heard

    def until(self, address: str | tuple[str, ...], is_right: Callable[[Heard], bool] = lambda _: True) -> Heard:
        """Wait for a message of an address, or of one of several.

        Raises:
            TimbrelError: It did not come in a minute.
        """
        wanted = (address,) if isinstance(address, str) else address
        end = time.monotonic() + WAIT_S
        while (left := end - time.monotonic()) > 0:
            heard = self.take(left)
            if heard is not None and heard.address in wanted and is_right(heard):
                return heard
        raise TimbrelError("timbrel run", f"sent no {' or '.join(wanted)} in {WAIT_S:.0f} s", "look at what it prints")


def visit_page(url: str, *, is_polite: bool = True) -> dict[str, Any]:  # Any: what JSON holds
    """Open the page as a browser does, take the state, and leave.

    Args:
        url: Address of the page.
        is_polite: Say goodbye; otherwise the connection ends without a word.

    Returns:
        The sections of the state.

    Raises:
        TimbrelError: The page does not answer.
    """
    import aiohttp

    try:
        return asyncio.run(_visit(url, is_polite))
    except (aiohttp.ClientError, OSError, TimeoutError, TypeError, ValueError) as error:
        raise TimbrelError(url, f"does not answer as a page ({error})", "look at what the daemon prints") from error


async def _visit(url: str, is_polite: bool) -> dict[str, Any]:
    import aiohttp

    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(WAIT_S)) as http:
        async with http.get(url) as answer:
            found = re.search(r'name="timbrel-token" content="([\w-]+)"', await answer.text())
        if found is None:
            raise ValueError("no token")
        headers = {"Origin": url.rstrip("/")}
        socket_ = await http.ws_connect(f"{url}ws", protocols=(WS_PROTOCOL, found[1]), headers=headers)
        async with asyncio.timeout(WAIT_S):
            sections: dict[str, Any] = (await socket_.receive_json())["changed"]
        if is_polite:
            await socket_.close()
        return sections
