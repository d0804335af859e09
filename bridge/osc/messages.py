"""Build each message that Timbrel sends."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.osc.addresses import ADDRESSES, API
from bridge.osc.encode import Message, clean, message, shorten, shorten_id
from library.sounds import MidiProgram

__all__ = [
    "bye",
    "chosen",
    "error",
    "heartbeat",
    "help_rows",
    "list_begin",
    "list_end",
    "list_item",
    "list_program",
    "midi_program",
    "midi_raw",
    "mirror",
    "pong",
    "registered",
    "reply",
    "shown",
    "status",
]

NONE = -1
"""What stands on the wire for a channel or bank that is not given."""


def pong(token: str, version: str, pid: int) -> Message:
    """Answer a ping."""
    return message("/timbrel/pong", token, "timbrel", version, API, pid)


def help_rows() -> list[Message]:
    """List every address, one message each."""
    arrows = {"in": "->", "out": "<-"}
    return [
        message(
            "/timbrel/help",
            n,
            len(ADDRESSES),
            row.path,
            row.types,
            shorten(f"{arrows[row.direction]} {row.args + ': ' if row.args else ''}{row.doc}", 400),
        )
        for n, row in enumerate(ADDRESSES, 1)
    ]


def registered(client_id: str, ttl_s: int, capabilities: str) -> Message:
    """Grant a subscription."""
    return message("/timbrel/registered", client_id, ttl_s, capabilities)


def shown(text: str) -> str:
    """Return a text as clients see it: one line of at most 240 bytes."""
    return shorten(clean(text))


def list_begin(list_id: int, count: int, context: str) -> Message:
    """Announce that `count` items follow."""
    return message("/timbrel/suggest/begin", list_id, count, shown(context))


def list_item(
    list_id: int, index: int, slot: int, rank: int, sound_id: str, name: str, kind: str, score: float, presence: float
) -> Message:
    """Show one sound of a list; index, slot and rank count from 1."""
    return message(
        "/timbrel/suggest/item",
        list_id,
        index,
        slot,
        rank,
        shorten_id(sound_id),
        shown(name),
        shorten(clean(kind), 32),
        score,
        presence,
    )


def list_program(list_id: int, index: int, program: MidiProgram) -> Message:
    """Give the MIDI program of an item, with -1 for what it leaves open."""
    return message("/timbrel/suggest/program", list_id, index, *_numbers(program))


def list_end(list_id: int) -> Message:
    """Close a list."""
    return message("/timbrel/suggest/end", list_id)


def mirror(n: int, name: str, score: float) -> tuple[Message, Message]:
    """Set label n (from 1) of the flat mirror."""
    return (
        message(f"/timbrel/suggest/{n}/name", shown(name)),
        message(f"/timbrel/suggest/{n}/score", score),
    )


def midi_program(program: MidiProgram) -> Message:
    """Ask for a program."""
    return message("/timbrel/midi/program", *_numbers(program))


def midi_raw(packets: Sequence[bytes]) -> list[Message]:
    """Carry MIDI messages of two or three bytes as OSC type m: port 0, status, data 1, data 2."""
    return [message("/timbrel/midi/raw", b"\0" + packet.ljust(3, b"\0")) for packet in packets]


def chosen(list_id: int, index: int, sound_id: str, adapter: str, result: str, detail: str) -> Message:
    """Say what a choice led to."""
    return message("/timbrel/chosen", list_id, index, shorten_id(sound_id), shown(adapter), result, shown(detail))


def previewed(list_id: int, index: int, sound_id: str, state: str, detail: str) -> Message:
    """Say what became of a preview: playing, ended or failed."""
    return message("/timbrel/previewed", list_id, index, shorten_id(sound_id), state, shown(detail))


def status(state: str, text: str) -> Message:
    """Say what Timbrel is doing."""
    return message("/timbrel/status", state, shown(text))


def heartbeat(seq: int, uptime_s: int) -> Message:
    """Say that Timbrel is alive."""
    return message("/timbrel/heartbeat", seq, uptime_s)


def bye(reason: str) -> Message:
    """Say that Timbrel ends."""
    return message("/timbrel/bye", shown(reason))


def reply(path: str, text: str) -> Message:
    """Say that a request was done."""
    return message("/timbrel/reply", path, shown(text))


def error(path: str, code: int, text: str) -> Message:
    """Say that a request was refused."""
    return message("/timbrel/error", path, code, shown(text))


def _numbers(program: MidiProgram) -> tuple[int, int, int, int]:
    channel = NONE if program.channel is None else program.channel + 1
    msb = NONE if program.bank_msb is None else program.bank_msb
    lsb = NONE if program.bank_lsb is None else program.bank_lsb
    return channel, msb, lsb, program.program
