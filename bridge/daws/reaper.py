"""Speak to REAPER over its OSC control surface: programs by the virtual keyboard, presets of a track's instrument.

Addresses as in csurf_osc.cpp and Default.ReaperOSC. REAPER tells only what has changed since it last told it; a message
without arguments makes it forget what it told at that address, and `/device/track/count` makes it tell anew.
"""

from __future__ import annotations

import re
from dataclasses import replace

from bridge.daws.base import (
    Before,
    Capability,
    Delivery,
    Here,
    HostEvent,
    Reach,
    Step,
    Told,
    Track,
    Tracks,
    named_track,
)
from bridge.daws.otherwise import by_program, by_text
from bridge.daws.reaper_http import ReaperHttpAdapter
from bridge.daws.wire import host_messages, osc
from bridge.osc.guard import Incoming
from library.sounds import MidiProgram, Sound

__all__ = ["BANK", "ReaperHttpAdapter", "ReaperOscAdapter"]

BANK = 8
"""Tracks that the surface shows at a time; numbers in addresses count from the first of them."""

_TELL = osc("/device/track/count", "i", BANK)
_NAME = re.compile(r"/track/(\d{1,2})/name")
_PRESET = re.compile(r"/track/(\d{1,2})/fxinst/preset")
_TRANSPORT = {"/play": "playing", "/stop": "stopped", "/pause": "paused", "/record": "recording"}
_BY_PATH = ".vstpreset"


class ReaperOscAdapter:
    """Change programs of tracks that listen to the virtual keyboard, and presets of instruments.

    Args:
        reach: Where it listens, and where it sends to.
    """

    name = "reaper"
    doc = "REAPER over OSC: programs by its virtual keyboard, presets of a track's instrument; its track is one of 8"
    can: frozenset[Capability] = frozenset({"program", "preset", "transport", "tracks", "events"})
    connect = (
        "REAPER: Options > Preferences > Control/OSC/web > Add; Control surface mode: OSC (Open Sound Control)",
        "Mode: Configure device IP+local port; Device port 9000, Device IP 127.0.0.1, Local listen port 8000; OK",
        "for programs: arm the track, its input: Input: MIDI > Virtual MIDI keyboard > All channels, monitoring on",
        "timbrel run --adapter reaper",
    )

    def __init__(self, reach: Reach | None = None) -> None:
        self.reach = reach or Reach("osc", 8000, reply_port=9000)
        self._names: dict[int, str] = {}

    def probe(self) -> tuple[bytes, ...]:
        """Have the names of the eight tracks told."""
        return (*(osc(f"/track/{number}/name") for number in range(1, BANK + 1)), _TELL)

    def read(self, payload: bytes) -> tuple[HostEvent, ...]:
        """Understand names of tracks, presets and the transport; whatever else it says shows that it is there."""
        events: list[HostEvent] = []
        for one in host_messages(payload):
            events += [Here(), *self._about(one)]
        return tuple(events)

    def _about(self, one: Incoming) -> list[HostEvent]:
        if one.address in _TRANSPORT and one.types == "f":
            return [Told("transport", _TRANSPORT[one.address])] if one.args[0] else []
        if one.types != "s":
            return []
        text = str(one.args[0])
        if found := _PRESET.fullmatch(one.address):
            return [Told(f"preset {int(found[1])}", text)]
        found = _NAME.fullmatch(one.address)
        if not found or not 1 <= int(found[1]) <= BANK:
            return []
        number = int(found[1])
        self._names[number] = text
        told: list[HostEvent] = [Told(f"name {number}", text)]
        # It tells them in their order: with the last of them the list is of one time.
        if number == BANK and len(self._names) == BANK:
            told.append(Tracks(tuple(Track(at, self._names[at]) for at in range(1, BANK + 1))))
        return told

    def track(self, text: str, tracks: tuple[Track, ...]) -> Track | None:
        """Find a track of the bank by its name or number."""
        return named_track(text, tracks)

    def load(self, sound: Sound, program: MidiProgram | None, track: Track | None) -> Delivery:
        """Plan a preset where the sound is one and a track is named, else a program change."""
        if sound.kind != "preset":
            return self._program(sound, program)
        if track is None:
            other = self._program(sound, program)
            return replace(other, detail=f"{other.detail}; a preset needs a track, name one")
        by_path = sound.path.lower().endswith(_BY_PATH)
        try:
            steps = _preset(track, sound.path if by_path else sound.name, None if by_path else sound.name)
        except ValueError as error:
            other = self._program(sound, program)
            return replace(other, detail=f"{other.detail}; its preset can't be sent: {error}")
        detail = f"preset {sound.name} on track {track.name}"
        return Delivery(self.name, "preset", (), (), detail, steps, f"track {track.name}")

    def restore(self, before: Before, track: Track | None) -> Delivery | None:
        """Bring back the preset that the track had, else the program that was chosen before."""
        for key, held in before.kept.items():
            if key.startswith("preset ") and track is not None and held:
                by_path = held.lower().endswith(_BY_PATH)
                try:
                    steps = _preset(track, held, None if by_path else held)
                except ValueError:
                    return None
                detail = f"preset {held} is back on track {track.name}"
                return Delivery(self.name, "preset", (), (), detail, steps, f"track {track.name}")
        if before.sound is None or before.program is None:
            return None
        return self._program(before.sound, before.program)

    def _program(self, sound: Sound, program: MidiProgram | None) -> Delivery:
        if program is None:
            return by_text(self.name, sound)
        channel = program.channel or 0
        values = (("cc/0", program.bank_msb), ("cc/32", program.bank_lsb), ("program", program.program))
        steps = tuple(Step(osc(f"/vkb_midi/{channel}/{what}", "i", v)) for what, v in values if v is not None)
        plan = by_program(self.name, sound, program)
        detail = f"{plan.detail} of the virtual keyboard: armed tracks that listen to it take it"
        return replace(plan, messages=(), packets=(), detail=detail, steps=steps)


def _preset(track: Track, preset: str, read_back: str | None) -> tuple[Step, ...]:
    """Set a preset of a track, if it still has its name; a preset's file is read back under names of the plug-in's own.

    Raises:
        ValueError: It can't be sent.
    """
    name, address = f"name {track.index}", f"/track/{track.index}/fxinst/preset"
    key = f"preset {track.index}"
    preset.encode()  # a file name that is no UTF-8
    steps = (
        Step(osc(f"/track/{track.index}/name")),
        # Kept, so that the name alone does not count as a confirmation.
        Step(_TELL, name, track.name, keep=True),
        Step(osc(address)),
        Step(_TELL, key, keep=True),
        Step(osc(address, "s", preset)),
    )
    return steps if read_back is None else (*steps, Step(_TELL, key, read_back))
