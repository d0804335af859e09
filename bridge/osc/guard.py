"""Check a datagram before python-osc sees it: size, alignment, structure, plain addresses, known types.

python-osc 1.10 loops for ever on a bundle element of negative size, spends 20 s of CPU on an address of `*a*a*a...`,
waits for time tags in the future, and misaligns arguments after unknown types; none of these gets past this module.
"""

from __future__ import annotations

import math
import re
import struct
from dataclasses import dataclass

from bridge.osc.encode import MAX_MESSAGE_BYTES

__all__ = ["FROM_CLIENTS", "FROM_HOSTS", "Incoming", "Limits", "Refused", "peek", "read_datagram"]

MAX_DATAGRAM_BYTES = 8192
"""Longest datagram: a bundle may hold several messages; python-osc's own servers stop here as well."""

MAX_DEPTH = 4
"""Deepest nesting of bundles; real senders nest once."""

MAX_MESSAGES = 64
"""Most messages in one datagram; a surface that sends its whole page at once has fewer."""

MAX_ADDRESS_BYTES = 128

_SIZES = {ord("i"): 4, ord("f"): 4, ord("h"): 8, ord("d"): 8, ord("T"): 0, ord("F"): 0}
_BUNDLE = b"#bundle\0"
_BUNDLE_HEADER = 16  # "#bundle", NUL, and the time tag, which is ignored
_PLAIN = re.compile(rb"(?:/[A-Za-z0-9_.:+~-]+)+")
_SHOWABLE = re.compile(rb"[^!-~]")


@dataclass(frozen=True, slots=True)
class Limits:
    """Bound what one kind of sender may send.

    Attributes:
        message_bytes: Longest message.
        args: Most arguments.
        types: Type tags that are known.
        messages: Most messages in one datagram.
        datagram_bytes: Longest datagram: a bundle may hold several messages.
    """

    message_bytes: int
    args: int
    types: bytes
    messages: int = MAX_MESSAGES
    datagram_bytes: int = MAX_DATAGRAM_BYTES


FROM_CLIENTS = Limits(MAX_MESSAGE_BYTES, 16, b"ifs")
FROM_HOSTS = Limits(MAX_DATAGRAM_BYTES, 1024, b"ifsTFhd", 256, 65_536)
"""A host that was asked for its tracks answers with all their names in one message, and with types of its own.

Bitwig's DrivenByMoss puts 101 messages into a bundle, and may fill a datagram with them.
"""


@dataclass(frozen=True, slots=True)
class Incoming:
    """Hold a message that is safe to act on; arguments are finite numbers and text (from hosts True and False too)."""

    address: str
    types: str
    args: tuple[int | float | str, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """Say why bytes were not taken.

    Attributes:
        path: Address as far as it could be read, else empty.
        code: 400 or 413 for something that was OSC, None for noise that is never answered.
        reason: What was wrong.
    """

    path: str
    code: int | None
    reason: str


def read_datagram(data: bytes, limits: Limits = FROM_CLIENTS) -> tuple[tuple[Incoming, ...], tuple[Refused, ...]]:
    """Split a datagram into messages that are safe and reasons for the rest; never raises.

    Args:
        data: Any bytes.
        limits: What the sender may send.
    """
    if len(data) > limits.datagram_bytes:
        return (), (Refused(peek(data), 413, f"{len(data)} bytes, at most {limits.datagram_bytes} are read"),)
    taken: list[Incoming] = []
    refused: list[Refused] = []
    # An explicit stack: the sender decides about depth, so recursion would be his to exhaust.
    stack = [(data, 0)]
    while stack:
        chunk, depth = stack.pop()
        if len(taken) + len(refused) >= limits.messages:
            refused.append(Refused("", 413, f"more than {limits.messages} messages in one datagram"))
            break
        if chunk.startswith(_BUNDLE):
            elements = _elements(chunk) if depth < MAX_DEPTH else None
            if elements is None:
                refused.append(Refused("", None, "broken bundle"))
                continue
            stack.extend((element, depth + 1) for element in reversed(elements[: limits.messages + 1]))
            continue
        one = _read_message(chunk, limits)
        if isinstance(one, Incoming):
            taken.append(one)
        else:
            refused.append(one)
    return tuple(taken), tuple(refused)


def _elements(bundle: bytes) -> list[bytes] | None:
    """Cut a bundle into its elements, None when its sizes don't add up."""
    if len(bundle) < _BUNDLE_HEADER or len(bundle) % 4:
        return None
    elements: list[bytes] = []
    at = _BUNDLE_HEADER
    while at < len(bundle):
        (size,) = struct.unpack_from(">i", bundle, at)
        at += 4
        if size < 4 or size % 4 or size > len(bundle) - at:
            return None
        elements.append(bundle[at : at + size])
        at += size
    return elements


def _read_message(data: bytes, limits: Limits) -> Incoming | Refused:
    if len(data) > limits.message_bytes:
        return Refused(peek(data), 413, f"{len(data)} bytes, a message holds at most {limits.message_bytes}")
    if not data.startswith(b"/") or len(data) % 4:
        return Refused("", None, "not OSC")
    address, at = _string(data, 0)
    if address is None:
        return Refused("", None, "address without an end")
    path = peek(data)
    if len(address) > MAX_ADDRESS_BYTES or not _PLAIN.fullmatch(address):
        return Refused(path, 400, "only plain addresses are taken, no patterns")
    if at == len(data):
        return Incoming(address.decode("ascii"), "", ())  # old senders leave the type tags out
    tags, at = _string(data, at)
    if tags is None or not tags.startswith(b","):
        return Refused(path, 400, "type tags are missing")
    types = tags[1:]
    if len(types) > limits.args or types.strip(limits.types):
        # OSC 1.0: a message with a type that is not known is discarded; the length of its arguments can't be trusted.
        known = ", ".join(limits.types[:-1].decode()) + f" or {limits.types[-1:].decode()}"
        return Refused(path, 400, f"arguments must be of type {known}, at most {limits.args}")
    if not _fits(data, at, types):
        return Refused(path, 400, "arguments don't fit their type tags")
    return _parse(data, path, types.decode("ascii"))


def _fits(data: bytes, at: int, types: bytes) -> bool:
    for tag in types:
        if tag == ord("s"):
            text, at = _string(data, at)
            if text is None:
                return False
        else:
            at += _SIZES[tag]
    return at == len(data)


def _parse(data: bytes, path: str, types: str) -> Incoming | Refused:
    from pythonosc.osc_message import OscMessage, ParseError

    try:
        parsed = OscMessage(data)
    except (ParseError, UnicodeDecodeError):
        return Refused(path, 400, "text must be UTF-8")
    args = tuple(parsed.params)
    if any(isinstance(value, float) and not math.isfinite(value) for value in args):
        return Refused(path, 400, "numbers must be finite")
    return Incoming(parsed.address, types, args)


def _string(data: bytes, at: int) -> tuple[bytes | None, int]:
    """Return the OSC string at that offset and the offset after its padding; None when it has no end."""
    end = data.find(b"\0", at)
    after = end + 4 - end % 4
    return (data[at:end], after) if end >= 0 and after <= len(data) else (None, at)


def peek(data: bytes) -> str:
    """Return a short, printable form of the address, for answers and logs."""
    if not data.startswith(b"/"):
        return ""
    return _SHOWABLE.sub(b"?", data[:MAX_ADDRESS_BYTES].split(b"\0", 1)[0]).decode("ascii")
