"""Speak to Hydrogen 1.2 or later: drum kits are loaded by folder.

Addresses as in its OscServer.cpp. Hydrogen pushes its whole state, the mute button last, to all senders that it knows
when it hears a new one, opens a song or has loaded a kit. Of a kit that it can't load it says nothing, and it can't be
asked.
"""

from __future__ import annotations

from pathlib import PurePath

from bridge.daws.base import (
    Before,
    Capability,
    Delivery,
    Here,
    HostEvent,
    Reach,
    Step,
    TargetError,
    Told,
    Track,
)
from bridge.daws.otherwise import otherwise
from bridge.daws.wire import host_messages, osc
from library.sounds import MidiProgram, Sound

__all__ = ["HydrogenAdapter"]

_KIT_FILE = "drumkit.xml"
_ARCHIVE = ".h2drumkit"
_OTHER_KITS = frozenset((".sf2", ".sf3", ".sfz", _ARCHIVE))
"""Files that hold a drum kit for other programs, or one that Hydrogen has to import first."""

_LOAD_S = 5.0
_PUSHED, _LAST_OF_STATE = "state", "/Hydrogen/MUTE_TOGGLE"
_TARGET = "drumkit"


class HydrogenAdapter:
    """Load Hydrogen's drum kits; instruments that patterns use are kept where the new kit has fewer.

    Args:
        reach: Where it listens.
    """

    name = "hydrogen"
    doc = "Hydrogen loads its drum kits by folder; it has one kit and no tracks"
    can: frozenset[Capability] = frozenset({"file"})
    connect = (
        "in Hydrogen: Options > Preferences > OSC, tick Enable OSC support and Enable OSC feedback, Incoming port 9000",
        "close it and start it again",
        "timbrel run --adapter hydrogen:127.0.0.1:9000",
    )

    def __init__(self, reach: Reach | None = None) -> None:
        self.reach = reach or Reach("osc", 9000)

    def probe(self) -> tuple[bytes, ...]:
        """Return nothing: Hydrogen answers no question."""
        return ()

    def read(self, payload: bytes) -> tuple[HostEvent, ...]:
        """Take whatever it pushes for a sign that it is there, and the end of its state for a kit that was loaded."""
        events: list[HostEvent] = []
        for one in host_messages(payload):
            if one.address.startswith("/Hydrogen/"):
                events.append(Here())
            if one.address == _LAST_OF_STATE:
                events.append(Told(_PUSHED, ""))
        return tuple(events)

    def track(self, text: str, tracks: tuple[Track, ...]) -> Track | None:  # noqa: ARG002 - part of the Protocol
        """Take no track.

        Raises:
            TargetError: One is named.
        """
        if text:
            raise TargetError(f"track {text} must be empty: Hydrogen has one drum kit")
        return None

    def load(self, sound: Sound, program: MidiProgram | None, track: Track | None) -> Delivery:  # noqa: ARG002
        """Plan to load a kit; other sounds by their program, where they have one."""
        if sound.path.lower().endswith(_ARCHIVE):
            return otherwise(self.name, sound, program, f"import {sound.path} with Drumkits > Import")
        folder = _kit_folder(sound)
        if not folder:
            return otherwise(self.name, sound, program)
        try:
            folder.encode()
            payload = osc("/Hydrogen/LOAD_DRUMKIT", "s", folder)
        except UnicodeError:
            return otherwise(self.name, sound, program, "its path is no UTF-8")
        except ValueError as error:
            return otherwise(self.name, sound, program, str(error))
        # What comes after the first may be the welcome of a Hydrogen that does not know us, whatever became of the kit.
        steps = (Step(payload, _PUSHED, wait_s=_LOAD_S),) * 2
        return Delivery(self.name, "file", (), (), f"drum kit {sound.name} loaded", steps, _TARGET)

    def restore(self, before: Before, track: Track | None) -> Delivery | None:
        """Load the kit that was chosen before; which one there was without us, Hydrogen does not tell."""
        if before.sound is None:
            return None
        again = self.load(before.sound, None, track)
        return again if again.method == "file" else None


def _kit_folder(sound: Sound) -> str:
    """Return the folder of a kit of Hydrogen's; empty for any other sound."""
    path = PurePath(sound.path)
    if path.name.lower() == _KIT_FILE:
        return str(path.parent)
    return sound.path if sound.kind == "drumkit" and path.suffix.lower() not in _OTHER_KITS else ""
