"""Read the metadata of NKS presets (.nksf): a RIFF file of form NIKS whose chunk NISI holds a msgpack map."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from library.errors import InputError
from library.synths.riff import riff_chunks

__all__ = ["NksInfo", "read_nks", "unpack"]

MOST_BYTES = 1 << 20
_DEEPEST = 16
_VERSION_BYTES = 4

Value = None | bool | int | float | str | bytes | list["Value"] | dict[str, "Value"]


@dataclass(frozen=True, slots=True)
class NksInfo:
    """Hold what a browser shows of a preset."""

    name: str
    author: str
    bank: str
    types: tuple[str, ...]


def read_nks(path: Path) -> NksInfo:
    """Read the metadata of a preset.

    Raises:
        InputError: The file is no NKS preset, or damaged.
    """
    try:
        data = next((data for name, data in riff_chunks(path, b"NIKS", MOST_BYTES) if name == b"NISI"), b"")
        found = unpack(data[_VERSION_BYTES:])
    except OSError as error:
        raise InputError(path, f"can't be read ({error.strerror})", "check its permissions") from error
    except ValueError as error:
        raise InputError(path, f"has damaged NKS metadata ({error})", "save it again") from error
    if not isinstance(found, dict):
        raise InputError(path, "is no NKS preset", "save it again")
    chain = found.get("bankchain")
    bank = " / ".join(part for part in chain if isinstance(part, str) and part) if isinstance(chain, list) else ""
    types: list[str] = []
    for row in found.get("types") or []:  # type: ignore[union-attr]  # a list in the format; anything else is skipped
        types += [part for part in (row if isinstance(row, list) else [row]) if isinstance(part, str)]
    return NksInfo(_text(found.get("name")), _text(found.get("author")), bank, tuple(types))


def unpack(data: bytes) -> Value:
    """Decode one msgpack value; counts that the data can't hold are refused before anything is made.

    Raises:
        ValueError: The data is damaged, nested too deep or of a type that metadata has not.
    """
    return _value(data, 0, 0)[0]


def _value(data: bytes, at: int, depth: int) -> tuple[Value, int]:
    if at >= len(data) or depth > _DEEPEST:
        raise ValueError("it ends too early" if at >= len(data) else "it is nested too deep")
    code = data[at]
    at += 1
    if code <= 0x7F:
        return code, at
    if code >= 0xE0:
        return code - 256, at
    if code <= 0x8F:
        return _map(data, at, code & 15, depth)
    if code <= 0x9F:
        return _list(data, at, code & 15, depth)
    if code <= 0xBF:
        return _bytes(data, at, code & 31, text=True)
    if code in (0xC0, 0xC2, 0xC3):
        return {0xC0: None, 0xC2: False, 0xC3: True}[code], at
    form = {
        0xC4: "B", 0xC5: "H", 0xC6: "I", 0xCA: "f", 0xCB: "d", 0xCC: "B", 0xCD: "H", 0xCE: "I", 0xCF: "Q", 0xD0: "b",
        0xD1: "h", 0xD2: "i", 0xD3: "q", 0xD9: "B", 0xDA: "H", 0xDB: "I", 0xDC: "H", 0xDD: "I", 0xDE: "H", 0xDF: "I",
    }.get(code)  # fmt: skip
    if form is None:
        raise ValueError(f"type {code:#x} is not known")
    size = struct.calcsize(f">{form}")
    if at + size > len(data):
        raise ValueError("it ends too early")
    (number,) = struct.unpack_from(f">{form}", data, at)
    at += size
    if code >= 0xDE:
        return _map(data, at, number, depth)
    if code >= 0xDC:
        return _list(data, at, number, depth)
    if code >= 0xD9 or code <= 0xC6:
        return _bytes(data, at, number, text=code >= 0xD9)
    return number, at


def _list(data: bytes, at: int, count: int, depth: int) -> tuple[Value, int]:
    if count > len(data) - at:
        raise ValueError("a list is longer than the data")
    out: list[Value] = []
    for _ in range(count):
        value, at = _value(data, at, depth + 1)
        out.append(value)
    return out, at


def _map(data: bytes, at: int, count: int, depth: int) -> tuple[Value, int]:
    if count > len(data) - at:
        raise ValueError("a map is longer than the data")
    out: dict[str, Value] = {}
    for _ in range(count):
        key, at = _value(data, at, depth + 1)
        value, at = _value(data, at, depth + 1)
        out[str(key)] = value
    return out, at


def _bytes(data: bytes, at: int, count: int, *, text: bool) -> tuple[Value, int]:
    if count > len(data) - at:
        raise ValueError("a text is longer than the data")
    part = data[at : at + count]
    return part.decode("utf-8", "replace") if text else part, at + count


def _text(value: Value) -> str:
    return " ".join(value.split())[:200] if isinstance(value, str) else ""
