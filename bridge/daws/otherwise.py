"""Plan the next best for a sound that a host can't load by itself."""

from __future__ import annotations

from dataclasses import replace

from bridge.daws.base import Delivery
from bridge.daws.wire import program_packets
from bridge.osc import messages
from library.sounds import MidiProgram, Sound

__all__ = ["by_program", "by_text", "otherwise"]


def otherwise(adapter: str, sound: Sound, program: MidiProgram | None, why: str = "") -> Delivery:
    """Plan a program change where the sound has a program, else its name alone.

    Args:
        adapter: Name of the adapter that can't do better.
        sound: What was chosen.
        program: Its MIDI program with the channel filled in, None where it has none.
        why: Why the host can't load it, for people; empty where it is no such sound.
    """
    delivery = by_text(adapter, sound) if program is None else by_program(adapter, sound, program)
    return replace(delivery, detail=f"{delivery.detail} ({why})") if why else delivery


def by_program(adapter: str, sound: Sound, program: MidiProgram) -> Delivery:
    """Plan a program change over OSC and the MIDI port."""
    packets = program_packets(program)
    channel = (program.channel or 0) + 1
    return Delivery(
        adapter,
        "program",
        (messages.midi_program(program), *messages.midi_raw(packets)),
        packets,
        f"{sound.name}: program {program.program + 1} on channel {channel}",
        target=f"channel {channel}",
    )


def by_text(adapter: str, sound: Sound) -> Delivery:
    """Plan nothing but to name a sound that has no MIDI program."""
    return Delivery(adapter, "text", (), (), f"text only: {sound.name} has no MIDI program, load it by hand")
