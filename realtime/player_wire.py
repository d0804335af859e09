"""Frame what the player and its child process say to each other: a header of 12 bytes, then a body."""

from __future__ import annotations

import enum
import struct
from collections.abc import Callable
from dataclasses import dataclass

from library.errors import CaptureError

__all__ = ["MAX_BODY_BYTES", "Frame", "Kind", "pack", "pack_rate", "read_frame", "unpack_rate"]

MAX_BODY_BYTES = 1 << 26
"""Longest body: six seconds of two channels at 768 kHz are 37 MB."""

_MAGIC = b"Tp"
_HEADER = struct.Struct("<2sBxII")
_RATE = struct.Struct("<I")


class Kind(enum.IntEnum):
    """Say what a frame means; the first three go to the child, the others come from it.

    BUS: body = text of an input that is captured; number 0 = the first, which forgets those before.
    PLAY: body = float32 little-endian, left and right in turn.
    STOP: silence now, and whatever has a lower number. READY: the output is open; body = its rate, then its name.
    PLAYING, ENDED: of the preview with that number. REFUSED: it may not be played; body = why.
    FAILED: the output is gone and the child ends; body = why. IDLE: the child ends because nothing was to be played.
    """

    BUS = 1
    PLAY = 2
    STOP = 3
    READY = 16
    PLAYING = 17
    ENDED = 18
    REFUSED = 19
    FAILED = 20
    IDLE = 21


@dataclass(frozen=True, slots=True)
class Frame:
    """Carry one message.

    Attributes:
        kind: What it means.
        number: Which preview it is about, 0 = none.
        body: See Kind.
    """

    kind: Kind
    number: int = 0
    body: bytes = b""

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")


def pack(frame: Frame) -> bytes:
    """Return the bytes of a frame.

    Raises:
        ValueError: Its body is too long.
    """
    if len(frame.body) > MAX_BODY_BYTES:
        raise ValueError(f"a body of {len(frame.body)} bytes, at most {MAX_BODY_BYTES} are sent")
    return _HEADER.pack(_MAGIC, frame.kind, frame.number, len(frame.body)) + frame.body


def pack_rate(rate: int, name: str) -> bytes:
    """Return the body of READY: a rate in Hz and the name of the output."""
    return _RATE.pack(rate) + name.encode()


def unpack_rate(body: bytes) -> tuple[int, str]:
    """Read the body of READY."""
    return _RATE.unpack_from(body)[0], body[_RATE.size :].decode("utf-8", "replace")


def read_frame(read: Callable[[int], bytes | None]) -> Frame | None:
    """Read one frame; None at the end of the stream, wherever it ends.

    Args:
        read: Returns up to that many bytes, none at the end.

    Raises:
        CaptureError: What came is no frame.
    """
    head = _exactly(read, _HEADER.size)
    if head is None:
        return None
    magic, kind, number, length = _HEADER.unpack(head)
    if magic != _MAGIC or length > MAX_BODY_BYTES or kind not in Kind.__members__.values():
        raise CaptureError(head.hex(), "is no message of a preview", "start the daemon again")
    body = _exactly(read, length)
    return None if body is None else Frame(Kind(kind), number, body)


def _exactly(read: Callable[[int], bytes | None], count: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < count:
        part = read(count - len(parts))
        if not part:
            return None
        parts += part
    return bytes(parts)
