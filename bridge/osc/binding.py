"""Bind the UDP port, and know under which addresses it can be reached."""

from __future__ import annotations

import errno
import os
import socket

from bridge.osc.clients import Endpoint
from library.errors import NetworkError

__all__ = ["DEFAULT_PORT", "PORTS_TRIED", "WILDCARD", "bind", "own_endpoints"]

DEFAULT_PORT = 17370
PORTS_TRIED = 10
"""The asked port and the nine above it."""

WILDCARD = "0.0.0.0"  # noqa: S104 - bound with --lan alone
"""Every address of this machine."""


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


def own_endpoints(host: str, port: int) -> frozenset[Endpoint]:
    """Return every address under which a socket that is bound there can be reached."""
    hosts = {host, WILDCARD}  # a datagram to 0.0.0.0 arrives at the loopback
    if host == WILDCARD:
        import psutil

        hosts |= {a.address for card in psutil.net_if_addrs().values() for a in card if a.family == socket.AF_INET}
    return frozenset((one, port) for one in hosts)
