"""Own the UDP socket: datagrams in through the guard, messages out to clients."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import version
from typing import cast

from bridge.commands import (
    ClientCommand,
    Command,
    Help,
    HubCommand,
    ListItems,
    Ping,
    Refresh,
    Refusal,
    Register,
    Renew,
    Unregister,
)
from bridge.effects import Reply, Send
from bridge.osc import messages
from bridge.osc.binding import DEFAULT_PORT, PORTS_TRIED, bind, own_endpoints
from bridge.osc.clients import Client, Clients, Endpoint
from bridge.osc.dispatch import never_answered, to_command
from bridge.osc.door import REGISTER, Door
from bridge.osc.encode import Message, to_datagram
from bridge.osc.guard import Incoming, peek, read_datagram
from bridge.osc.limits import LONG_ANSWER, RateLimit, Traffic
from library.errors import InputError

__all__ = ["DEFAULT_PORT", "PORTS_TRIED", "Asker", "OscServer", "bind"]

MAX_TOKEN_BYTES = 256
"""Longest ping token: the pong has to stay under 1024 bytes."""

_LOG = logging.getLogger("timbrel.osc")
_LOG_EVERY_S = 10.0


@dataclass(frozen=True, slots=True)
class Asker:
    """Say who sent a command, and under which address, so that it can be answered."""

    endpoint: Endpoint
    path: str


@dataclass(slots=True)
class Counts:
    """Count what happened on the socket.

    Attributes:
        received: Datagrams from other sockets.
        shut: Of them, those from machines that are not let in; never answered.
        limited: Datagrams that were dropped unread, and long answers that were not given, because they came too fast.
        refused: Messages that were no OSC, or not what Timbrel takes.
        sent: Datagrams out.
        dropped: Datagrams that could not go out.
    """

    received: int = 0
    shut: int = 0
    limited: int = 0
    refused: int = 0
    sent: int = 0
    dropped: int = 0


class OscServer(asyncio.DatagramProtocol):
    """Answer clients and send them news; runs on the asyncio thread, nothing here blocks.

    Args:
        on_command: Carries out what is not about the connection itself; may raise Refusal.
        snapshot: Returns the full state by topic.
        permanent: Endpoints that get everything for ever (`--send`).
        door: Which machines are served; this one alone where none is given.
        clock: Tells the monotonic time in seconds.
    """

    def __init__(
        self,
        on_command: Callable[[HubCommand, Asker], None],
        snapshot: Callable[[], dict[str, list[Message]]],
        permanent: Iterable[Endpoint] = (),
        door: Door | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.clients = Clients(permanent)
        self.counts = Counts()
        self.endpoint: Endpoint = ("", 0)
        self._on_command = on_command
        self._snapshot = snapshot
        self._transport: asyncio.DatagramTransport | None = None
        self._door = door or Door()
        self._clock = clock
        self._traffic = Traffic()
        self._errors = RateLimit(rate=50, burst=100)
        # One line a second tells a sender; an error for each message would double a flood.
        self._warnings = RateLimit(rate=1, burst=1)
        self._guesses = RateLimit(rate=1, burst=5)  # of the token, for each machine: a mistyped one is tried again
        self._logged_at = float("-inf")
        self._heartbeats = 0
        self._full = False

    async def start(self, sock: socket.socket) -> None:
        """Serve on a bound socket.

        Raises:
            InputError: One of the permanent endpoints is this very socket.
        """
        host, port = sock.getsockname()
        self.clients.own = own_endpoints(host, port)
        for client in self.clients.wanting("all"):
            if self.clients.is_own(client.endpoint):
                sock.close()
                shown = "{}:{}".format(*client.endpoint)
                raise InputError(shown, "is the address that Timbrel listens on", "give --send another port")
        self.endpoint = (host, port)
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, sock=sock)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send through this transport from now on."""
        self._transport = cast("asyncio.DatagramTransport", transport)

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
        if self._door.is_shut(sender[0]):
            self.counts.shut += 1
            return
        now = self._clock()
        client = self.clients.of(sender)
        # A --send client is one that the user named: it is sent to, and has to register before it may ask.
        is_known = client is not None and (client.expires_at is not None or self._door.is_here(sender[0]))
        verdict = self._traffic.look(sender, is_known, now)
        if verdict != "served":
            self.counts.limited += 1
            if verdict == "too fast" and data.startswith((b"/", b"#")) and not never_answered(peek(data)):
                self._warn(sender, Refusal(429, "too many messages, slow down"), peek(data), now)
            return
        taken, refused = read_datagram(data)
        self._traffic.spend(sender, is_known, now, len(taken) + len(refused))
        for one in refused:
            self._log_refused(sender, one.reason, now)
            if one.code is not None and self._may_ask(sender, is_known) and not never_answered(one.path):
                self._send_error(sender, one.path, one.code, one.reason, now)
        for incoming in taken:
            self._take(incoming, sender, is_known, now)

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
        self._send_error(asker.endpoint, asker.path, refusal.code, refusal.reason, self._clock())

    def expire(self, now: float) -> None:
        """Forget clients that did not renew."""
        for client in self.clients.expire(now):
            _LOG.info("client %s (%s:%d) did not renew and is forgotten", client.name, *client.endpoint)

    def heartbeat(self, uptime_s: float) -> None:
        """Tell subscribers of the status that Timbrel is alive."""
        self.publish(Send(messages.heartbeat(self._heartbeats, int(uptime_s)), "status"))
        self._heartbeats = (self._heartbeats + 1) % 2**31

    def _may_ask(self, sender: Endpoint, is_known: bool) -> bool:
        return is_known or self._door.is_here(sender[0])

    def _take(self, incoming: Incoming, sender: Endpoint, is_known: bool, now: float) -> None:
        if never_answered(incoming.address):
            return
        may_ask = self._may_ask(sender, is_known)
        if incoming.address == REGISTER and (may_ask or self._guesses.allow(sender[0], now)):
            opened = self._door.opened(incoming)
            incoming, may_ask = opened or incoming, may_ask or opened is not None
        if not may_ask:
            self._warn(sender, Refusal(403, "register first, as NAME#TOKEN"), incoming.address, now)
            return
        try:
            command = to_command(incoming)
            if isinstance(command, Help | Refresh | Register | ListItems):
                if self._traffic.look(sender, is_known, now) != "served":  # a bundle full of them
                    self.counts.limited += 1
                    return
                self._traffic.spend(sender, is_known, now, LONG_ANSWER)
            self._carry_out(command, Asker(sender, incoming.address), now)
        except Refusal as refusal:
            self._send_error(sender, incoming.address, refusal.code, refusal.reason, now)

    def _warn(self, sender: Endpoint, refusal: Refusal, path: str, now: float) -> None:
        key = sender if self._door.is_here(sender[0]) else sender[0]
        if self._warnings.allow(key, now):
            self._send_error(sender, path, refusal.code, refusal.reason, now)

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
