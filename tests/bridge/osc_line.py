"""Hand datagrams to an OSC server from any address, at any time, and read what it sends."""

from __future__ import annotations

import asyncio

from pythonosc.osc_message import OscMessage

from bridge.commands import HubCommand
from bridge.osc.clients import Endpoint
from bridge.osc.door import Door
from bridge.osc.encode import Message
from bridge.osc.server import Asker, OscServer
from tests.bridge.osc_peer import packet

__all__ = ["HERE", "OTHER", "OWN", "THERE", "Line"]

HERE: Endpoint = ("127.0.0.1", 5000)
OTHER: Endpoint = ("127.0.0.1", 5001)
THERE: Endpoint = ("192.168.1.20", 9000)
OWN: Endpoint = ("127.0.0.1", 17370)


class Line(asyncio.DatagramTransport):
    """Stand for the socket of a server whose clock stands still until it is moved."""

    def __init__(self, door: Door | None = None, permanent: tuple[Endpoint, ...] = ()) -> None:
        super().__init__()
        self.now = 1000.0
        self.commands: list[HubCommand] = []
        self.sent: list[tuple[str, list[object], Endpoint]] = []
        self.server = OscServer(self._on_command, self._snapshot, permanent, door, lambda: self.now)
        self.server.clients.own = frozenset({OWN})
        self.server.connection_made(self)

    def sendto(self, data: object, addr: object = None) -> None:
        assert isinstance(data, bytes)
        assert isinstance(addr, tuple)
        message = OscMessage(data)
        self.sent.append((message.address, list(message.params), addr))

    def raw(self, data: bytes, sender: Endpoint = HERE) -> None:
        self.server.datagram_received(data, sender)

    def say(self, address: str, types: str = "", *args: object, sender: Endpoint = HERE) -> None:
        self.raw(packet(address, types, *args), sender)

    def ping(self, sender: Endpoint = HERE) -> bool:
        """Send a ping; tell whether its pong came."""
        before = self.count("/timbrel/pong", sender)
        self.say("/timbrel/ping", "s", "x", sender=sender)
        return self.count("/timbrel/pong", sender) == before + 1

    def register(self, name: str, sender: Endpoint = HERE, port: int = 0) -> bool:
        """Register; tell whether it was granted."""
        before = self.count("/timbrel/registered", sender)
        self.say("/timbrel/register", "siis", name, 60, port, "", sender=sender)
        return self.count("/timbrel/registered", sender) == before + 1

    def count(self, address: str, to: Endpoint) -> int:
        return sum(1 for sent, _, endpoint in self.sent if (sent, endpoint) == (address, to))

    def errors(self, to: Endpoint) -> list[object]:
        """Return the codes of the errors that were sent there."""
        return [args[1] for address, args, endpoint in self.sent if (address, endpoint) == ("/timbrel/error", to)]

    def _on_command(self, command: HubCommand, asker: Asker) -> None:
        self.commands.append(command)

    @staticmethod
    def _snapshot() -> dict[str, list[Message]]:
        return {}
