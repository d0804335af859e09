"""Serve any host: a MIDI program change where the sound has one, else its name."""

from __future__ import annotations

from bridge.daws.base import (
    Before,
    Capability,
    Delivery,
    HostEvent,
    Reach,
    Track,
    numbered_track,
)
from bridge.daws.wire import program_packets
from bridge.osc import messages
from library.sounds import MidiProgram, Sound

__all__ = ["CHANNELS", "GenericAdapter", "by_program", "by_text"]

CHANNELS = 16


class GenericAdapter:
    """Send program changes over OSC and MIDI; what a host does with them is its own affair."""

    name = "generic"
    doc = "program changes over OSC and the MIDI port; its track is the MIDI channel 1-16"
    can: frozenset[Capability] = frozenset({"program"})
    reach: Reach | None = None
    connect = (
        "connect the MIDI port `timbrel` to the input of the synth whose sound is to change",
        "or let a patch of yours /timbrel/register and follow /timbrel/midi/program",
    )

    def probe(self) -> tuple[bytes, ...]:
        """Return nothing: there is no host to ask."""
        return ()

    def read(self, payload: bytes) -> tuple[HostEvent, ...]:  # noqa: ARG002 - part of the Protocol
        """Understand nothing: nobody answers."""
        return ()

    def track(self, text: str, tracks: tuple[Track, ...]) -> Track | None:  # noqa: ARG002 - part of the Protocol
        """Read a MIDI channel 1-16."""
        return numbered_track(text, CHANNELS, "MIDI channel")

    def load(self, sound: Sound, program: MidiProgram | None, track: Track | None) -> Delivery:  # noqa: ARG002
        """Plan how to load a sound."""
        return by_text(self.name, sound) if program is None else by_program(self.name, sound, program)

    def restore(self, before: Before, track: Track | None) -> Delivery | None:
        """Send the program that was chosen before."""
        if before.sound is None or before.program is None:
            return None
        return self.load(before.sound, before.program, track)


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
