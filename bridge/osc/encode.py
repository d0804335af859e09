"""Turn messages into datagrams of at most 1024 bytes."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from bridge.osc.addresses import OUT_PATHS

__all__ = ["MAX_MESSAGE_BYTES", "Arg", "Message", "clean", "message", "shorten", "shorten_id", "to_datagram"]

MAX_MESSAGE_BYTES = 1024
"""Longest message in either direction; REAPER drops longer ones and those queued behind them."""

MAX_ID_BYTES = 400
"""Longest sound id on the wire; with a name, a kind and the numbers of an item it stays under 1024 bytes."""

MAX_TEXT_BYTES = 240
"""Longest other text on the wire."""

_INT_MAX = 2**31 - 1

_KEPT = 2048
"""Arguments whose bytes are kept, of each type: those of a long list."""

_kept = lru_cache(maxsize=_KEPT, typed=True)

Arg = int | float | str | bytes
"""OSC i, f, s, and four bytes for m."""


@dataclass(frozen=True, slots=True)
class Message:
    """Hold one OSC message.

    Attributes:
        address: Plain address.
        types: Type tags without the comma, from `i f s m`.
        args: One value per tag; m is four bytes: port, status, data 1, data 2.
    """

    address: str
    types: str
    args: tuple[Arg, ...]


def message(address: str, *args: Arg) -> Message:
    """Make an outgoing message with the types that the table of addresses gives it.

    Raises:
        KeyError: The address is not one that Timbrel sends.
        ValueError: The number of arguments is wrong.
    """
    types = OUT_PATHS[address].types
    if len(args) != len(types):
        raise ValueError(f"{address} takes {len(types)} arguments, got {len(args)}")
    return Message(address, types, args)


def to_datagram(out: Message) -> bytes:
    """Encode a message; texts are made valid and cut to their limit, numbers kept inside their type.

    Raises:
        ValueError: The message would be longer than 1024 bytes.
    """
    write = _writers()
    parts = [_head(out.address, out.types)]
    for tag, value in zip(out.types, out.args, strict=True):
        parts.append(write[tag](value))
    datagram = b"".join(parts)
    if len(datagram) > MAX_MESSAGE_BYTES:
        raise ValueError(f"{out.address} became {len(datagram)} bytes, at most {MAX_MESSAGE_BYTES} are allowed")
    return datagram


@lru_cache(maxsize=256)
def _head(address: str, types: str) -> bytes:
    if not set(types) <= _writers().keys():
        raise ValueError(f"{address} has arguments of types {types!r}, some of which are none of i f s m")
    write = _writers()["s"]
    return write(address) + write(f",{types}")


@lru_cache(maxsize=1)
def _writers() -> dict[str, Callable[[Any], bytes]]:  # Any: what python-osc makes of it
    """Return what writes an argument of each type: what python-osc's builder calls, which would read all again."""
    # Imported here: importing the bridge must stay quick for the command line.
    from pythonosc.parsing.osc_types import write_float, write_int, write_midi, write_string

    def finite(value: float) -> bytes:
        number = float(value)
        return write_float(number if math.isfinite(number) else 0.0)

    # One list has many texts and numbers of the one before it.
    return {
        "s": _kept(lambda value: write_string(shorten(str(value).replace("\0", " "), MAX_ID_BYTES))),
        "i": _kept(lambda value: write_int(max(-_INT_MAX - 1, min(_INT_MAX, int(value))))),
        "f": finite,
        "m": write_midi,
    }


def clean(text: str) -> str:
    """Drop what a label can't show: control characters, NUL (it would end the string early), lone surrogates."""
    if text.isprintable():
        return text
    kept = "".join(char if char.isprintable() else " " for char in text)
    return kept.encode("utf-8", "replace").decode("utf-8")


def shorten(text: str, limit_bytes: int = MAX_TEXT_BYTES) -> str:
    """Cut a text to that many bytes of UTF-8, at a character, with an ellipsis where something is missing."""
    if len(text) <= limit_bytes and text.isascii():
        return text
    raw = text.encode("utf-8", "replace")
    if len(raw) <= limit_bytes:
        return raw.decode("utf-8")
    ellipsis = "…"
    return raw[: limit_bytes - len(ellipsis.encode())].decode("utf-8", "ignore") + ellipsis


@lru_cache(maxsize=_KEPT)
def shorten_id(sound_id: str) -> str:
    """Cut a sound id that is too long, in a way that keeps different ids different."""
    text = clean(sound_id)
    if len(text.encode()) <= MAX_ID_BYTES:
        return text
    digest = hashlib.sha256(sound_id.encode("utf-8", "replace")).hexdigest()[:16]
    return shorten(text, MAX_ID_BYTES - len(digest) - 1) + "#" + digest
