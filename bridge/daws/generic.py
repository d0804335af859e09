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
from bridge.daws.otherwise import otherwise
from library.sounds import MidiProgram, Sound

__all__ = ["CHANNELS", "GenericAdapter"]

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
        return otherwise(self.name, sound, program)

    def restore(self, before: Before, track: Track | None) -> Delivery | None:
        """Send the program that was chosen before."""
        if before.sound is None or before.program is None:
            return None
        return self.load(before.sound, before.program, track)
