"""Speak to Ardour over OSC: its MIDI tracks by name; programs go to the chosen track's own MIDI input.

Ardour loads nothing by OSC. Messages as in libs/surfaces/osc/osc.cc: `/set_surface`, `/strip/list`.
"""

from __future__ import annotations

from dataclasses import replace

from bridge.daws.base import (
    Before,
    Capability,
    Delivery,
    Here,
    HostEvent,
    Reach,
    Track,
    Tracks,
    named_track,
)
from bridge.daws.otherwise import by_program, by_text
from bridge.daws.wire import host_messages, osc
from library.sounds import MidiProgram, Sound

__all__ = ["ArdourAdapter"]

_STRIP_TYPES = 159
_PLAIN_REPLY = 16_384
"""Feedback bit 14: answers come at `/reply`; without it at `#reply`, which is no OSC address."""

_MIDI_TRACK = "MT"
_END = "end_route_list"


class ArdourAdapter:
    """Change the program of a MIDI track.

    Args:
        reach: Where it listens.
    """

    name = "ardour"
    doc = "Ardour changes the program of a MIDI track; its track is the name of one"
    can: frozenset[Capability] = frozenset({"program", "tracks"})
    connect = (
        "Ardour: Edit > Preferences > Control Surfaces > Open Sound Control (OSC): Enable",
        "timbrel run --adapter ardour --input 'jack:ardour:Master/audio_out.*'",
        "/timbrel/target/set ardour NAME-OF-A-MIDI-TRACK: its MIDI input is connected for you (with JACK or PipeWire)",
    )

    def __init__(self, reach: Reach | None = None) -> None:
        self.reach = reach or Reach("osc", 3819)
        self._listed: list[Track] = []

    def probe(self) -> tuple[bytes, ...]:
        """Ask for the list of strips, at an address that can be read."""
        return (osc("/set_surface", "iiiiii", 0, _STRIP_TYPES, _PLAIN_REPLY, 0, 0, 0), osc("/strip/list"))

    def read(self, payload: bytes) -> tuple[HostEvent, ...]:
        """Understand the list of strips: one message for each, then one that ends it."""
        events: list[HostEvent] = []
        for one in host_messages(payload):
            if one.address != "/reply" or not one.args:
                continue
            if one.args[0] == _END:
                listed, self._listed = tuple(self._listed), []
                events += [Here(), Tracks(listed)]
            elif one.args[0] == _MIDI_TRACK and one.types.startswith("ssiiiii"):
                self._listed.append(Track(int(one.args[6]), str(one.args[1])))
        return tuple(events)

    def track(self, text: str, tracks: tuple[Track, ...]) -> Track | None:
        """Find a MIDI track by its name or number."""
        return named_track(text, tracks)

    def load(self, sound: Sound, program: MidiProgram | None, track: Track | None) -> Delivery:
        """Plan a program change, to the MIDI input of a track where one is named."""
        if program is None:
            return by_text(self.name, sound)
        delivery = by_program(self.name, sound, program)
        if track is None:
            return delivery
        detail = f"{sound.name}: program {program.program + 1} on track {track.name}"
        return replace(delivery, detail=detail, target=f"track {track.name}", midi_to=f"{track.name}/midi_in 1")

    def restore(self, before: Before, track: Track | None) -> Delivery | None:
        """Send the program that was chosen before: Ardour does not tell what its plugin has."""
        if before.sound is None or before.program is None:
            return None
        return self.load(before.sound, before.program, track)
