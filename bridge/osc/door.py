"""Decide which machines are served: this one always, others only when they are allowed and know the token."""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from collections.abc import Iterable
from dataclasses import replace

from bridge.osc.guard import Incoming
from library.errors import InputError

__all__ = ["REGISTER", "TOKEN_MARK", "Door", "check_allowed", "check_token", "new_token"]

REGISTER = "/timbrel/register"

TOKEN_MARK = "#"  # noqa: S105 - what stands before the token, not one
"""Parts the name of a client from the token in `/timbrel/register`."""

SHORTEST_TOKEN = 8
LONGEST_TOKEN = 64

WIDEST_PREFIX = 16
"""Networks with more machines than 192.168.0.0/16 are no studio's."""

_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""What a token is made of: nothing that looks like something else when it is typed on a tablet."""

_MADE_LENGTH = 12


class Door:
    """Let in this machine, and those that are allowed once they registered with the token; without either, no other.

    Args:
        token: What the name in `/timbrel/register` has to end with, after a "#"; empty = no other machine is let in.
        allow: IPv4 addresses and networks of other machines.
    """

    def __init__(self, token: str = "", allow: Iterable[str] = ()) -> None:
        self._token = token.encode()
        self._allowed = tuple(ipaddress.IPv4Network(text, strict=False) for text in allow) if token else ()

    @staticmethod
    def is_here(host: str) -> bool:
        """Say whether a sender is on this machine; systems drop packets from outside that claim to be."""
        return host.startswith("127.")

    def is_shut(self, host: str) -> bool:
        """Say whether a machine gets no answer at all."""
        if self.is_here(host):
            return False
        if not self._allowed:
            return True
        address = ipaddress.IPv4Address(host)
        return not any(address in network for network in self._allowed)

    def opened(self, incoming: Incoming) -> Incoming | None:
        """Return a registration without the token that its name ends with; None for all that does not hold it."""
        if incoming.address != REGISTER or not incoming.args or not self._token:
            return None
        name, mark, token = str(incoming.args[0]).rpartition(TOKEN_MARK)
        if not hmac.compare_digest(token.encode(), self._token) or not mark:
            return None
        return replace(incoming, args=(name, *incoming.args[1:]))


def new_token() -> str:
    """Make a token of some 59 bits, easy to type."""
    return "".join(secrets.choice(_LETTERS) for _ in range(_MADE_LENGTH))


def check_token(token: str) -> str:
    """Return a token that can be asked for; empty = one is made for each run.

    Raises:
        InputError: It is too short or too long, or can't be a part of a name.
    """
    plain = token.isascii() and token.isprintable() and not set(token) & {" ", TOKEN_MARK}
    if token and not (plain and SHORTEST_TOKEN <= len(token) <= LONGEST_TOKEN):
        raise InputError(
            "token", f"must be {SHORTEST_TOKEN} to {LONGEST_TOKEN} letters and digits", "leave it out to get one made"
        )
    return token


def check_allowed(text: str) -> str:
    """Return the address or network of machines that may register.

    Raises:
        InputError: It is neither, or a network that is wider than a studio's.
    """
    try:
        network = ipaddress.IPv4Network(text, strict=False)
    except ValueError:
        network = None
    if network is None or network.prefixlen < WIDEST_PREFIX:
        rule = f"must be an IPv4 address, or a network of at most {2 ** (32 - WIDEST_PREFIX)} of them"
        raise InputError(text, rule, "write it like 192.168.1.20 or 192.168.1.0/24")
    return text
