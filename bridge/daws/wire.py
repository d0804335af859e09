"""Encode what hosts understand: OSC messages outside our own table, MIDI program changes; and read their OSC."""

from __future__ import annotations

from bridge.osc.encode import MAX_MESSAGE_BYTES
from bridge.osc.guard import FROM_HOSTS, Incoming, read_datagram
from library.sounds import MidiProgram

__all__ = ["host_messages", "osc", "program_packets"]

_BANK_MSB = 0
_BANK_LSB = 32


def osc(address: str, types: str = "", *args: int | float | str) -> bytes:
    """Encode one OSC message for a host.

    Args:
        address: As the host names it.
        types: Type tags without the comma, from `i f s h`.
        args: One value per tag; texts must hold no NUL.

    Raises:
        ValueError: It would be longer than 1024 bytes, or a text can't be sent.
    """
    from pythonosc.osc_message_builder import BuildError, OscMessageBuilder

    builder = OscMessageBuilder(address=address)
    for tag, value in zip(types, args, strict=True):
        if tag == "s" and "\0" in str(value):
            raise ValueError(f"{address}: a text with a NUL can't be sent")
        builder.add_arg(value, tag)
    try:
        data: bytes = builder.build().dgram
    except BuildError as error:  # a file name that is no text
        raise ValueError(f"{address}: {error}") from error
    if len(data) > MAX_MESSAGE_BYTES:
        raise ValueError(f"{address} would be {len(data)} bytes, hosts take {MAX_MESSAGE_BYTES}")
    return data


def host_messages(payload: bytes) -> tuple[Incoming, ...]:
    """Read what a host sent; nothing for what is no OSC. Never raises."""
    return read_datagram(payload, FROM_HOSTS)[0]


def program_packets(program: MidiProgram) -> tuple[bytes, ...]:
    """Encode CC 0, CC 32 and the program change, in this order: a synth applies the bank with the program.

    Args:
        program: Its channel must be given; a bank that is None is left as it is.
    """
    from mido import Message as MidiMessage

    channel = program.channel or 0
    parts = [
        MidiMessage("control_change", channel=channel, control=control, value=value)
        for control, value in ((_BANK_MSB, program.bank_msb), (_BANK_LSB, program.bank_lsb))
        if value is not None
    ]
    parts.append(MidiMessage("program_change", channel=channel, program=program.program))
    return tuple(bytes(part.bytes()) for part in parts)
