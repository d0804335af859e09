"""Keep who is subscribed to what, and for how long."""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from bridge.commands import Refusal, Register
from bridge.osc.encode import clean, shorten
from library.errors import InputError

__all__ = ["TOPICS", "Client", "Clients", "Endpoint", "Topic", "parse_endpoint"]

Topic = Literal["suggest", "midi", "status", "all"]
"""What a message is about; "all" reaches every client."""

TOPICS: tuple[str, ...] = ("suggest", "status", "midi")
"""Capabilities that a client can ask for. `suggest` brings what is chosen and its program changes along."""

_INCLUDED: dict[str, frozenset[str]] = {
    "suggest": frozenset({"suggest", "midi"}),
    "status": frozenset({"status"}),
    "midi": frozenset({"midi"}),
}

MAX_CLIENTS = 32
"""More subscribers than any studio has surfaces; each costs a hundred datagrams a list."""

MAX_TTL_S = 3600
"""Longest time to live, so that a crashed client is forgotten within the hour."""

Endpoint = tuple[str, int]
"""IPv4 address and UDP port."""


@dataclass(slots=True)
class Client:
    """Hold one subscription.

    Attributes:
        id: What the client renews it with.
        name: What the client calls itself.
        endpoint: Where its messages go.
        source: Where its requests come from.
        ttl_s: How long it lasts without a renewal.
        topics: What it gets.
        capabilities: The same as granted, in the form `:suggest:status:`.
        expires_at: Monotonic time in seconds, None for a permanent one.
    """

    id: str
    name: str
    endpoint: Endpoint
    source: Endpoint
    ttl_s: int
    topics: frozenset[str]
    capabilities: str
    expires_at: float | None

    def wants(self, topic: Topic) -> bool:
        """Say whether messages of a topic go here."""
        return topic == "all" or topic in self.topics


class Clients:
    """Hold at most 32 subscriptions; when full, new ones are refused, old ones stay.

    Args:
        permanent: Endpoints that get everything and never expire.
    """

    def __init__(self, permanent: Iterable[Endpoint] = ()) -> None:
        self._clients: dict[str, Client] = {}
        self.own: frozenset[Endpoint] = frozenset()
        for endpoint in permanent:
            self._keep(
                Client(_new_id(), "send", endpoint, endpoint, 0, frozenset(TOPICS), ":suggest:status:midi:", None)
            )

    def __len__(self) -> int:
        return len(self._clients)

    def register(self, request: Register, sender: Endpoint, now: float) -> Client:
        """Add a subscription, or replace the one with the same destination.

        Args:
            request: What is asked for.
            sender: Where it came from.
            now: Monotonic time in seconds.

        Raises:
            Refusal: 400 for a bad time to live, port or own address as destination, 503 when 32 are subscribed.
        """
        if request.ttl_s < 1:
            raise Refusal(400, f"ttl_s {request.ttl_s} must be at least 1")
        if not 0 <= request.port <= 65535:
            raise Refusal(400, f"port {request.port} must be in 0..65535")
        endpoint = (sender[0], request.port or sender[1])
        if self.is_own(endpoint):
            raise Refusal(400, "that is Timbrel's own address; give the port that you listen on")
        self.expire(now)
        known = next((c for c in self._clients.values() if c.endpoint == endpoint), None)
        if known is not None and known.expires_at is None:
            raise Refusal(409, "this address is a --send client already and gets everything")
        if known is None and len(self._clients) >= MAX_CLIENTS:
            raise Refusal(503, f"{MAX_CLIENTS} clients are subscribed, no more are taken")
        topics, capabilities = _capabilities(request.capabilities)
        ttl_s = min(request.ttl_s, MAX_TTL_S)
        client = Client(
            known.id if known else _new_id(),
            shorten(clean(request.name), 64),
            endpoint,
            sender,
            ttl_s,
            topics,
            capabilities,
            now + ttl_s,
        )
        self._keep(client)
        return client

    def renew(self, client_id: str, now: float) -> Client:
        """Start a time to live again.

        Raises:
            Refusal: 404 when there is no such subscription, or no longer.
        """
        self.expire(now)
        client = self._clients.get(client_id)
        if client is None:
            raise Refusal(404, "no such client, or it has expired; register again")
        if client.expires_at is not None:
            client.expires_at = now + client.ttl_s
        return client

    def unregister(self, client_id: str, now: float) -> Client:
        """End a subscription.

        Raises:
            Refusal: 404 when there is no such subscription, 400 for a permanent one.
        """
        client = self.renew(client_id, now)
        if client.expires_at is None:
            raise Refusal(400, "a --send client stays")
        return self._clients.pop(client_id)

    def expire(self, now: float) -> list[Client]:
        """Forget who did not renew in time; return them."""
        gone = [c for c in self._clients.values() if c.expires_at is not None and c.expires_at <= now]
        for client in gone:
            del self._clients[client.id]
        return gone

    def wanting(self, topic: Topic) -> Iterator[Client]:
        """Yield the subscribers of a topic."""
        return (client for client in self._clients.values() if client.wants(topic))

    def of(self, sender: Endpoint) -> Client | None:
        """Find the subscription of whoever sends from there."""
        return next((c for c in self._clients.values() if sender in (c.source, c.endpoint)), None)

    def is_own(self, endpoint: Endpoint) -> bool:
        """Say whether a destination is Timbrel's own socket: a message to oneself would never end."""
        return endpoint in self.own

    def _keep(self, client: Client) -> None:
        self._clients[client.id] = client


def parse_endpoint(text: str) -> Endpoint:
    """Read HOST:PORT with a literal IPv4 address.

    Raises:
        InputError: It is something else.
    """
    host, _, port = text.rpartition(":")
    try:
        address = str(ipaddress.IPv4Address(host))
        number = int(port)
    except ValueError:
        raise InputError(
            text, "must be an IPv4 address and a port", "write it like 127.0.0.1:9000 (localhost is 127.0.0.1)"
        ) from None
    if not 1 <= number <= 65535:
        raise InputError(text, "the port must be in 1..65535", "write it like 127.0.0.1:9000")
    return address, number


def _capabilities(text: str) -> tuple[frozenset[str], str]:
    """Return the topics of a capability string, and the part of it that is granted; empty asks for all."""
    asked = [word for word in text.split(":") if word]
    granted = [word for word in TOPICS if word in asked] if asked else list(TOPICS)
    topics = frozenset[str]().union(*(_INCLUDED[word] for word in granted))
    return topics, f":{':'.join(granted)}:" if granted else ""


def _new_id() -> str:
    return secrets.token_hex(4)
