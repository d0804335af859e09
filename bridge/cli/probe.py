"""Ask on the OSC ports whether a daemon runs."""

from __future__ import annotations

import secrets
import socket
import time
from typing import Literal

__all__ = ["find_daemon", "probe_osc"]

HOST = "127.0.0.1"
WAIT_S = 1.0
"""A daemon on this machine answers a ping in a few milliseconds; a busy one in some hundred."""

_MAX_DATAGRAM = 65_536


def probe_osc() -> tuple[Literal["ok", "warn"], str, str]:
    """Return the status, the finding and what to do about the OSC port."""
    from bridge.osc.server import DEFAULT_PORT, PORTS_TRIED, bind
    from library.errors import NetworkError

    found = find_daemon(range(DEFAULT_PORT, DEFAULT_PORT + PORTS_TRIED))
    if found is not None:
        port, version, pid = found
        return "ok", f"a daemon (version {version}, process {pid}) listens on {HOST}:{port}", ""
    try:
        bound = bind(HOST, DEFAULT_PORT)
    except NetworkError as error:
        return "warn", f"{error.value}: {error.rule}", error.next_step
    with bound:
        port = bound.getsockname()[1]
    if port != DEFAULT_PORT:
        return "warn", f"{HOST}:{DEFAULT_PORT} is taken by another program", f"`timbrel run` takes {port} instead"
    return "ok", f"{HOST}:{port} is free; no daemon is running", ""


def find_daemon(ports: range) -> tuple[int, str, int] | None:
    """Ping every port and return the first daemon's port, version and process id, None when none answers in time."""
    from bridge.osc.encode import Message, to_datagram
    from bridge.osc.guard import read_datagram

    token = secrets.token_hex(4)
    ping = to_datagram(Message("/timbrel/ping", "s", (token,)))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for port in ports:
            sock.sendto(ping, (HOST, port))
        end = time.monotonic() + WAIT_S
        while (left := end - time.monotonic()) > 0:
            sock.settimeout(left)
            try:
                data, sender = sock.recvfrom(_MAX_DATAGRAM)
            except (TimeoutError, ConnectionError):  # nobody there: the next answer may still be on its way
                continue
            for incoming in read_datagram(data)[0]:
                match incoming.address, list(incoming.args):
                    case "/timbrel/pong", [str(got), "timbrel", str(version), int(), int(pid)] if got == token:
                        return int(sender[1]), version, pid
    return None
