"""Speak to Ardour over OSC: its tracks by name; programs go to the chosen track's own MIDI input.

Ardour loads nothing by OSC, but its action script `examples/ardour/timbrel.lua` can: it is left a request in a file
and called over OSC. Messages as in libs/surfaces/osc/osc.cc: `/set_surface`, `/strip/list`, `/access_action`.
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
    Step,
    Track,
    Tracks,
    named_track,
)
from bridge.daws.otherwise import by_program, otherwise
from bridge.daws.wire import host_messages, osc
from library.sounds import MidiProgram, Sound

__all__ = ["ArdourAdapter"]

_STRIP_TYPES = 159
_PLAIN_REPLY = 16_384
"""Feedback bit 14: answers come at `/reply`; without it at `#reply`, which is no OSC address."""

_TRACKS = ("AT", "MT")
_END = "end_route_list"

_CALL = osc("/access_action", "s", "LuaAction/script-9")
"""Runs what the user has set as Action 9 of the script manager; Ardour fills the first two by itself."""

_SILENCE = "Ardour's script did not answer; see examples/daws/ardour.md"
_TAKEN_S = 3.0
"""Longest time until the script runs; Ardour's window may be busy."""

_SAMPLES = (".wav", ".aif", ".aiff", ".flac", ".ogg")
_REGIONS = "regions"
"""What undo takes off the track again."""


class ArdourAdapter:
    """Change the program of a MIDI track, or put a sample on an audio track at the playhead.

    Args:
        reach: Where it listens.
    """

    name = "ardour"
    doc = "Ardour changes the program of a MIDI track, its script imports samples; its track is the name of one"
    can: frozenset[Capability] = frozenset({"program", "file", "tracks"})
    connect = (
        "Ardour: Edit > Preferences > Control Surfaces > Open Sound Control (OSC): Enable",
        "timbrel run --adapter ardour --input 'jack:ardour:Master/audio_out.*'",
        "/timbrel/target/set ardour NAME-OF-A-MIDI-TRACK: its MIDI input is connected for you (with JACK or PipeWire)",
        "For samples, and without JACK: timbrel scripts --out DIR; copy DIR/ardour/timbrel.lua into the folder scripts "
        "of Ardour's settings; "
        "Edit > Lua Scripts > Script Manager > Action Scripts > Action 9 > Add/Set: Timbrel",
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
            elif one.args[0] in _TRACKS and one.types.startswith("ssiiiii"):
                self._listed.append(Track(int(one.args[6]), str(one.args[1])))
        return tuple(events)

    def track(self, text: str, tracks: tuple[Track, ...]) -> Track | None:
        """Find an audio or MIDI track by its name or number."""
        return named_track(text, tracks)

    def load(self, sound: Sound, program: MidiProgram | None, track: Track | None) -> Delivery:
        """Plan to import a sample, or a program change to the MIDI input of a track where one is named."""
        if sound.path.lower().endswith(_SAMPLES) and sound.kind != "preset":
            return self._sample(sound, program, track)
        if program is None:
            return otherwise(self.name, sound, None)
        delivery = by_program(self.name, sound, program)
        if track is None:
            return delivery
        numbers = (program.channel or 0, program.bank_msb, program.bank_lsb, program.program)
        letter = " ".join("-1" if number is None else str(number) for number in numbers)
        return replace(
            delivery,
            detail=f"{sound.name}: program {program.program + 1} on track {track.name}",
            target=f"track {track.name}",
            midi_to=f"{track.name}/midi_in 1",
            instead=self._call("program", track.name, letter) or (),
        )

    def restore(self, before: Before, track: Track | None) -> Delivery | None:
        """Take an imported sample off its track, else send the program that was chosen before."""
        if regions := before.kept.get(_REGIONS):
            steps = self._call("remove", "", regions)
            where = f"track {track.name}" if track else "a new track"
            return Delivery(self.name, "file", (), (), f"sample off {where}", steps or (), where) if steps else None
        if before.sound is None or before.program is None:
            return None  # Ardour does not tell what its plugin has
        return self.load(before.sound, before.program, track)

    def _sample(self, sound: Sound, program: MidiProgram | None, track: Track | None) -> Delivery:
        steps = self._call("file", track.name if track else "", sound.path)
        if steps is None:
            return otherwise(self.name, sound, program, "Ardour's script can't be told its path")
        where = f"track {track.name}" if track else "a new track"
        detail = f"{sound.name} at the playhead on {where}"
        return Delivery(self.name, "file", (), (), detail, (replace(steps[0], keep=True),), where)

    def _call(self, kind: str, track: str, value: str) -> tuple[Step, ...] | None:
        """Ask the script for something; None where that can't be: files reach an Ardour on this machine alone."""
        if not self.reach.host.startswith("127.") or any(bad in track + value for bad in "\n\r\0"):
            return None
        return (Step(_CALL, _REGIONS, wait_s=_TAKEN_S, letter=(kind, track, value), silence=_SILENCE),)
