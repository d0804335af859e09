"""Send datagrams to where nobody reads them."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

from bridge.osc.clients import Endpoint

__all__ = ["sockets"]


@contextlib.contextmanager
def sockets() -> Iterator[tuple[Endpoint, socket.socket]]:
    """Give where datagrams go that nobody reads, and a socket to send them by."""
    kind = (socket.AF_INET, socket.SOCK_DGRAM)
    with socket.socket(*kind) as to, socket.socket(*kind) as by:
        to.bind(("127.0.0.1", 0))
        yield to.getsockname(), by
