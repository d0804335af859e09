"""Own the UDP socket: datagrams in through the guard, messages out to clients."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import version

from bridge.commands import (
    ClientCommand,
    Command,
    Help,
    HubCommand,
    Ping,
    Refresh,
    Refusal,
    Register,
    Renew,
    Unregister,
)
from bridge.effects import Reply, Send
from bridge.osc import messages
from bridge.osc.clients import Client, Clients, Endpoint
from bridge.osc.dispatch import never_answered, to_command
from bridge.osc.encode import Message, to_datagram
from bridge.osc.guard import Incoming, read_datagram
from bridge.osc.limits import RateLimit
from library.errors import InputError, NetworkError

__all__ = ["DEFAULT_PORT", "PORTS_TRIED", "Asker", "OscServer", "bind"]

DEFAULT_PORT = 17370
PORTS_TRIED = 10
"""The asked port and the nine above it."""

MAX_TOKEN_BYTES = 256
"""Longest ping token: the pong has to stay under 1024 bytes."""

_LOG = logging.getLogger("timbrel.osc")
_LOG_EVERY_S = 10.0
_WILDCARD = "0.0.0.0"  # noqa: S104 - compared with, never bound by default


@dataclass(frozen=True, slots=True)
class Asker:
    """Say who sent a command, and under which address, so that it can be answered."""

    endpoint: Endpoint
    path: str


@dataclass(slots=True)
class Counts:
    """Count what happened on the socket."""

    received: int = 0
    refused: int = 0
    limited: int = 0
    sent: int = 0
    dropped: int = 0


def bind(host: str, port: int) -> socket.socket:
    """Bind a UDP socket to a port or, if it is taken, to the first free one of the next nine.

    No reuse flags: two programs on one port would share its datagrams without either noticing.

    Raises:
        NetworkError: All ten are taken, or the address can't be bound at all.
    """
    last = min(port + PORTS_TRIED, 65536) - 1
    for candidate in range(port, last + 1):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            sock.bind((host, candidate))
        except OSError as error:
            sock.close()
            if error.errno == errno.EADDRINUSE:
                continue
            raise NetworkError(
                f"{host}:{port}", f"can't be bound ({os.strerror(error.errno or 0)})", "give another --osc HOST:PORT"
            ) from error
        sock.setblocking(False)
        return sock
    raise NetworkError(
        f"{host}:{port}", f"every port up to {last} is taken", "end another program or give another --osc"
    )


class OscServer(asyncio.DatagramProtocol):
    """Answer clients and send them news; runs on the asyncio thread, nothing here blocks.

    Args:
        on_command: Carries out what is not about the connection itself; may raise Refusal.
        snapshot: Returns the full state by topic.
        permanent: Endpoints that get everything for ever (`--send`).
    """

    def __init__(
        self,
        on_command: Callable[[HubCommand, Asker], None],
        snapshot: Callable[[], dict[str, list[Message]]],
        permanent: Iterable[Endpoint] = (),
    ) -> None:
        self.clients = Clients(permanent)
        self.counts = Counts()
        self.endpoint: Endpoint = ("", 0)
        self._on_command = on_command
        self._snapshot = snapshot
        self._transport: asyncio.DatagramTransport | None = None
        # A surface with eight faders sends some 500 messages a second at most; floods are a thousand times that.
        self._requests = RateLimit(rate=500, burst=1000)
        self._errors = RateLimit(rate=50, burst=100)
        self._warnings = RateLimit(rate=1, burst=1)
        self._logged_at = float("-inf")
        self._heartbeats = 0
        self._full = False

    async def start(self, sock: socket.socket) -> None:
        """Serve on a bound socket.

        Raises:
            InputError: One of the permanent endpoints is this very socket.
        """
        host, port = sock.getsockname()
        self.clients.own = _own_endpoints(host, port)
        for client in self.clients.wanting("all"):
            if self.clients.is_own(client.endpoint):
                sock.close()
                shown = "{}:{}".format(*client.endpoint)
                raise InputError(shown, "is the address that Timbrel listens on", "give --send another port")
        self.endpoint = (host, port)
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, sock=sock)

    def close(self) -> None:
        """Close the socket after what was sent has left; may be called twice."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def datagram_received(self, data: bytes, addr: Endpoint) -> None:
        """Take one datagram; never raises on any bytes."""
        sender: Endpoint = (addr[0], addr[1])
        if self.clients.is_own(sender):
            return
        self.counts.received += 1
        now = time.monotonic()
        taken, refused = read_datagram(data)
        for one in refused:
            self._log_refused(sender, one.reason, now)
            if one.code is not None and not never_answered(one.path):
                self._send_error(sender, one.path, one.code, one.reason, now)
        for incoming in taken:
            self._take(incoming, sender, now)

    def pause_writing(self) -> None:
        """Drop what is sent from now on: asyncio holds 64 KiB already, and news is soon old."""
        self._full = True

    def resume_writing(self) -> None:
        """Send again."""
        self._full = False

    def error_received(self, exc: Exception) -> None:  # noqa: ARG002 - asyncio gives it
        """Count a destination that is not there; a subscription that nobody listens to expires by itself."""
        self.counts.dropped += 1

    def publish(self, effect: Send | Reply, asker: Asker | None = None) -> None:
        """Send an effect of the hub to everyone that it concerns."""
        if isinstance(effect, Reply):
            if asker is not None:
                self._send(messages.reply(asker.path, effect.text), asker.endpoint)
            return
        wanting = self.clients.wanting(effect.topic) if effect.topic is not None else ()
        endpoints = [client.endpoint for client in wanting]
        if effect.to_asker and asker is not None and asker.endpoint not in endpoints:
            endpoints.append(asker.endpoint)
        if endpoints:
            datagram = to_datagram(effect.message)
            for endpoint in endpoints:
                self._send_datagram(datagram, endpoint)

    def refuse(self, asker: Asker, refusal: Refusal) -> None:
        """Tell the asker why a request that was begun can't be done."""
        self._send_error(asker.endpoint, asker.path, refusal.code, refusal.reason, time.monotonic())

    def expire(self, now: float) -> None:
        """Forget clients that did not renew."""
        for client in self.clients.expire(now):
            _LOG.info("client %s (%s:%d) did not renew and is forgotten", client.name, *client.endpoint)

    def heartbeat(self, uptime_s: float) -> None:
        """Tell subscribers of the status that Timbrel is alive."""
        self.publish(Send(messages.heartbeat(self._heartbeats, int(uptime_s)), "status"))
        self._heartbeats = (self._heartbeats + 1) % 2**31

    def _take(self, incoming: Incoming, sender: Endpoint, now: float) -> None:
        if never_answered(incoming.address):
            return
        if not self._requests.allow(sender, now):
            self.counts.limited += 1
            # One line a second tells the sender; an error for each message would double the flood.
            if self._warnings.allow(sender, now):
                self._send_error(sender, incoming.address, 429, "too many messages, slow down", now)
            return
        try:
            self._carry_out(to_command(incoming), Asker(sender, incoming.address), now)
        except Refusal as refusal:
            self._send_error(sender, incoming.address, refusal.code, refusal.reason, now)

    def _carry_out(self, command: Command, asker: Asker, now: float) -> None:
        if isinstance(command, ClientCommand):
            for answer in self._connection(command, asker, now):
                self._send(answer, asker.endpoint)
        else:
            self._on_command(command, asker)
            return
        if isinstance(command, Register):
            self._send_state(self.clients.of(asker.endpoint), asker.endpoint)

    def _connection(self, command: ClientCommand, asker: Asker, now: float) -> list[Message]:
        """Answer a command about the connection itself."""
        match command:
            case Ping(token):
                if len(token.encode()) > MAX_TOKEN_BYTES:
                    raise Refusal(400, f"the token must be at most {MAX_TOKEN_BYTES} bytes")
                return [messages.pong(token, version("timbrel"), os.getpid())]
            case Help():
                return messages.help_rows()
            case Register():
                client = self.clients.register(command, asker.endpoint, now)
                return [messages.registered(client.id, client.ttl_s, client.capabilities)]
            case Renew(client_id):
                client = self.clients.renew(client_id, now)
                return [messages.reply(asker.path, f"{client.name} is subscribed for {client.ttl_s} s more")]
            case Unregister(client_id):
                client = self.clients.unregister(client_id, now)
                return [messages.reply(asker.path, f"{client.name} is no longer subscribed")]
            case Refresh():
                self._send_state(self.clients.of(asker.endpoint), asker.endpoint)
        return []

    def _send_state(self, client: Client | None, sender: Endpoint) -> None:
        """Send the full state to a client, all of it to someone who is not subscribed."""
        endpoint = client.endpoint if client else sender
        for topic, state in self._snapshot().items():
            if client is None or topic in client.topics:
                for one in state:
                    self._send(one, endpoint)

    def _send_error(self, endpoint: Endpoint, path: str, code: int, reason: str, now: float) -> None:
        if self._errors.allow(endpoint, now):
            self._send(messages.error(path, code, reason), endpoint)

    def _send(self, message: Message, endpoint: Endpoint) -> None:
        self._send_datagram(to_datagram(message), endpoint)

    def _send_datagram(self, datagram: bytes, endpoint: Endpoint) -> None:
        if self._transport is None or self._full:
            self.counts.dropped += 1
            return
        self._transport.sendto(datagram, endpoint)
        self.counts.sent += 1

    def _log_refused(self, sender: Endpoint, reason: str, now: float) -> None:
        self.counts.refused += 1
        if now - self._logged_at >= _LOG_EVERY_S:
            self._logged_at = now
            _LOG.warning("refused from %s:%d: %s (%d refused so far)", *sender, reason, self.counts.refused)


def _own_endpoints(host: str, port: int) -> frozenset[Endpoint]:
    """Return every address under which this socket can be reached."""
    hosts = {host, _WILDCARD}  # a datagram to 0.0.0.0 arrives at the loopback
    if host == _WILDCARD:
        import psutil

        hosts |= {a.address for card in psutil.net_if_addrs().values() for a in card if a.family == socket.AF_INET}
    return frozenset((one, port) for one in hosts)
