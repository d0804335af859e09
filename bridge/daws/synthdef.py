"""Write the synth definitions that scsynth plays a sample with, as bytes of its file format, version 2.

Format as in SuperCollider's "Synth Definition File Format": big endian, packed, names after one byte of length.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["player_definitions", "player_name"]

_CHANNELS = (1, 2)
_CONTROL_RATE, _AUDIO_RATE = 1, 2
_ZERO, _ONE, _TWO = (-1, 0), (-1, 1), (-1, 2)
"""Inputs that are constants: -1, then the place in the list of constants."""

_CONSTANTS = (0.0, 1.0, 2.0)
_BUFFER, _RATE, _PLAY = 0, 1, 2
"""Places of the unit generators, in the order in which they stand in a definition."""


@dataclass(frozen=True, slots=True)
class _Unit:
    """Describe a unit generator; an input is (unit, its output), or one of the constants."""

    name: str
    rate: int
    inputs: Sequence[tuple[int, int]]
    outputs: int


def player_name(channels: str) -> str:
    """Return the name of the definition that plays a buffer of so many channels, written with two digits."""
    return f"timbrel-play-{channels}"


def player_definitions() -> bytes:
    """Return the definitions that play a buffer once, mono on both sides, at its own pitch, and then free themselves.

    Their one parameter is the number of the buffer; they play to the first two outputs.
    """
    definitions = b"".join(_definition(player_name(f"{channels:02}"), channels) for channels in _CHANNELS)
    return struct.pack(">4sih", b"SCgf", 2, len(_CHANNELS)) + definitions


def _definition(name: str, channels: int) -> bytes:
    left, right = (_PLAY, 0), (_PLAY, channels - 1)
    units = (
        _Unit("Control", _CONTROL_RATE, (), 1),
        _Unit("BufRateScale", _CONTROL_RATE, ((_BUFFER, 0),), 1),
        # buffer, rate, trigger, start, loop, done action
        _Unit("PlayBuf", _AUDIO_RATE, ((_BUFFER, 0), (_RATE, 0), _ONE, _ZERO, _ZERO, _TWO), channels),
        _Unit("Out", _AUDIO_RATE, (_ZERO, left, right), 0),
    )
    return b"".join(
        (
            _text(name),
            struct.pack(f">i{len(_CONSTANTS)}f", len(_CONSTANTS), *_CONSTANTS),
            struct.pack(">if", 1, 0.0),
            struct.pack(">i", 1) + _text("buf") + struct.pack(">i", 0),
            struct.pack(">i", len(units)),
            *map(_unit, units),
            struct.pack(">h", 0),
        )
    )


def _unit(unit: _Unit) -> bytes:
    head = struct.pack(">biih", unit.rate, len(unit.inputs), unit.outputs, 0)
    inputs = b"".join(struct.pack(">ii", *one) for one in unit.inputs)
    return _text(unit.name) + head + inputs + struct.pack("b", unit.rate) * unit.outputs


def _text(text: str) -> bytes:
    raw = text.encode("ascii")
    return struct.pack("B", len(raw)) + raw
