"""Serve any host: a MIDI program change where the sound has one, else its name."""

from __future__ import annotations

from bridge.daws.base import Delivery, program_packets
from bridge.osc import messages
from library.sounds import MidiProgram, Sound

__all__ = ["GenericAdapter"]


class GenericAdapter:
    """Send program changes over OSC and MIDI; what a host does with them is its own affair."""

    name = "generic"
    doc = "program changes over OSC and the MIDI port; its track is the MIDI channel 1-16"

    def load(self, sound: Sound, program: MidiProgram | None) -> Delivery:
        """Plan how to load a sound."""
        if program is None:
            return Delivery(self.name, "text", (), (), f"text only: {sound.name} has no MIDI program, load it by hand")
        packets = program_packets(program)
        channel = (program.channel or 0) + 1
        return Delivery(
            self.name,
            "program",
            (messages.midi_program(program), *messages.midi_raw(packets)),
            packets,
            f"{sound.name}: program {program.program + 1} on channel {channel}",
        )
