"""Make hostile datagrams from valid ones: what a broken program, a fuzzer or a stranger may send."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from dataclasses import dataclass

from bridge.osc.addresses import IN_PATHS
from bridge.osc.encode import Message, to_datagram

__all__ = ["KINDS", "OWN_ADDRESS", "Hostile", "Mutator", "bundle", "valid_datagrams"]

_EXAMPLES: dict[str, int | float | str] = {"i": 1, "f": 1.0, "s": "text"}
_OTHERWISE = {"/timbrel/register": ("name", 60, 0, "")}
_IMMEDIATE = 1
_SIZES = (-4, -1, -(2**31), 0, 1, 2, 3, 4, 2**31 - 1, 1 << 20)
_TAGS = b"ifsbTFNIhdtcSrm[]\0,\xff"
_LATIN = "Flügelhorn naïve ¡olé!".encode("latin-1")


@dataclass(frozen=True, slots=True)
class Hostile:
    """Hold one datagram.

    Attributes:
        kind: How it was made, one of KINDS.
        data: Its bytes.
    """

    kind: str
    data: bytes


def bundle(*elements: bytes, timetag: int = _IMMEDIATE) -> bytes:
    """Put messages into a bundle."""
    return b"#bundle\0" + struct.pack(">Q", timetag) + b"".join(struct.pack(">i", len(one)) + one for one in elements)


def valid_datagrams() -> tuple[bytes, ...]:
    """Return a message for each address, and a few bundles."""
    rows = [(path, row.types) for path, row in IN_PATHS.items()]
    plain = [
        to_datagram(Message(path, types, _OTHERWISE.get(path) or tuple(_EXAMPLES[tag] for tag in types)))
        for path, types in rows
    ]
    return (*plain, bundle(*plain[:6]), bundle(plain[0], bundle(plain[1], bundle(plain[2]))))


class Mutator:
    """Make one hostile datagram after the other, the same ones for the same seed.

    Args:
        seed: Where to begin.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._valid = valid_datagrams()
        self._ways = tuple(_WAYS.items())

    def __call__(self) -> Hostile:
        """Return the next one."""
        kind, way = self._random.choice(self._ways)
        return Hostile(kind, way(self._random, self._random.choice(self._valid), self._valid))


_Way = Callable[[random.Random, bytes, tuple[bytes, ...]], bytes]


def _as_it_is(rng: random.Random, data: bytes, others: tuple[bytes, ...]) -> bytes:  # noqa: ARG001
    return data


def _bit_flips(rng: random.Random, data: bytes, others: tuple[bytes, ...]) -> bytes:  # noqa: ARG001
    broken = bytearray(data)
    for _ in range(rng.randint(1, 8)):
        broken[rng.randrange(len(broken))] ^= 1 << rng.randrange(8)
    return bytes(broken)


def _truncation(rng: random.Random, data: bytes, others: tuple[bytes, ...]) -> bytes:  # noqa: ARG001
    return data[: rng.randrange(len(data))]


def _splice(rng: random.Random, data: bytes, others: tuple[bytes, ...]) -> bytes:
    other = rng.choice(others)
    return data[: rng.randrange(len(data) + 1)] + other[rng.randrange(len(other)) :]


def _repeated(rng: random.Random, data: bytes, others: tuple[bytes, ...]) -> bytes:  # noqa: ARG001
    return data * rng.choice((2, 3, 50, 400))


def _noise(rng: random.Random, data: bytes, others: tuple[bytes, ...]) -> bytes:  # noqa: ARG001
    return rng.choice((b"", b"/", b"#bundle\0", data[:20])) + rng.randbytes(rng.randrange(200))


def _wrong_types(rng: random.Random, data: bytes, others: tuple[bytes, ...]) -> bytes:  # noqa: ARG001
    address, _, rest = data.partition(b",")
    tags = bytes(rng.choices(_TAGS, k=rng.choice((1, 2, 4, 17, 60))))
    return address + _string(b"," + tags) + rest[rng.randrange(4) * 4 :]


def _sizes(rng: random.Random, data: bytes, others: tuple[bytes, ...]) -> bytes:
    whole = bytearray(bundle(data, *rng.choices(others, k=2)))
    struct.pack_into(">i", whole, 16, rng.choice(_SIZES))
    return bytes(whole)


def _pattern(rng: random.Random, data: bytes, others: tuple[bytes, ...]) -> bytes:  # noqa: ARG001
    part = rng.choice((b"*a", b"?", b"[a-z]", b"[!a]", b"{a,b}", b"//", b"*", b"\x1b[2J"))
    return _string(b"/" + part * rng.randint(1, 14)) + data[data.find(b",") :]


def _future(rng: random.Random, data: bytes, others: tuple[bytes, ...]) -> bytes:  # noqa: ARG001
    return bundle(data, timetag=rng.getrandbits(64) | 1 << 63)


def _nested(rng: random.Random, data: bytes, others: tuple[bytes, ...]) -> bytes:  # noqa: ARG001
    for _ in range(rng.choice((1, 2, 3, 4, 5, 6, 50, 300))):
        data = bundle(data)
    return data


def _latin(rng: random.Random, data: bytes, others: tuple[bytes, ...]) -> bytes:  # noqa: ARG001
    address = data[: data.find(b"\0")] if data.startswith(b"/") else b"/timbrel/ping"
    return _string(address) + _string(b",s") + _string(bytes(rng.sample(_LATIN, len(_LATIN))))


def _many(rng: random.Random, data: bytes, others: tuple[bytes, ...]) -> bytes:  # noqa: ARG001
    return bundle(*[data] * rng.choice((64, 65, 100, 300)))


def _string(raw: bytes) -> bytes:
    return raw + b"\0" * (4 - len(raw) % 4)


_WAYS: dict[str, _Way] = {
    "valid": _as_it_is,
    "from Timbrel's own address": _as_it_is,
    "bit flips": _bit_flips,
    "truncation": _truncation,
    "splice": _splice,
    "repeated": _repeated,
    "noise": _noise,
    "wrong type tags": _wrong_types,
    "wrong bundle sizes": _sizes,
    "address patterns": _pattern,
    "future time tags": _future,
    "nested bundles": _nested,
    "Latin-1": _latin,
    "crowded bundles": _many,
}

OWN_ADDRESS = "from Timbrel's own address"
"""The kind that has to be sent with a false sender."""

KINDS: tuple[str, ...] = tuple(_WAYS)
