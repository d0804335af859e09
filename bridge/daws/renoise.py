"""Speak to Renoise's OSC server: samples by a line of Lua, programs as packed MIDI.

Addresses as in its default message set: `/renoise/evaluate s`, `/renoise/trigger/midi i` (status, data 1, data 2, from
the low byte up). Renoise answers nothing: it is never seen online, and what is sent to it stays unconfirmed.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePath

from bridge.daws.base import (
    Before,
    Capability,
    Delivery,
    HostEvent,
    Reach,
    Step,
    Track,
    numbered_track,
)
from bridge.daws.otherwise import otherwise
from bridge.daws.wire import osc, program_packets
from library.sounds import MidiProgram, Sound

__all__ = ["RenoiseAdapter", "lua_string"]

INSTRUMENTS = 255
_NAME_CHARS = 32
"""Longest name that is set or shown: each byte can become four, and the line has 1024."""

_AUDIO = frozenset((".wav", ".aif", ".aiff", ".flac", ".mp3", ".ogg"))
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 _-./:")


class RenoiseAdapter:
    """Load samples into an instrument; its first sample is replaced.

    Renoise tells nothing, so that a choice can be taken back only to what was chosen before it; Renoise's own undo
    brings back whatever else was there.

    Args:
        reach: Where it listens.
    """

    name = "renoise"
    doc = "Renoise loads samples, confirms nothing; its track is the instrument 1-255, else the selected one"
    can: frozenset[Capability] = frozenset({"text", "program", "file"})
    connect = (
        "Renoise: Edit > Preferences > OSC: Enable Server; Protocol: Udp; Port: 8000",
        "for programs: the instrument's MIDI input: Device: Renoise OSC Device",
        "timbrel run --adapter renoise --library a library that was built from samples",
        "it never shows as online: Renoise answers nothing",
    )

    def __init__(self, reach: Reach | None = None) -> None:
        self.reach = reach or Reach("osc", 8000)

    def probe(self) -> tuple[bytes, ...]:
        """Return nothing: there is no question that Renoise answers."""
        return ()

    def read(self, payload: bytes) -> tuple[HostEvent, ...]:  # noqa: ARG002 - part of the Protocol
        """Understand nothing: Renoise does not speak."""
        return ()

    def track(self, text: str, tracks: tuple[Track, ...]) -> Track | None:  # noqa: ARG002 - part of the Protocol
        """Read the number of an instrument, as counted from 1."""
        return numbered_track(text, INSTRUMENTS, "Renoise instrument")

    def load(self, sound: Sound, program: MidiProgram | None, track: Track | None) -> Delivery:
        """Plan to load a sample, else to send the program; the name is shown in Renoise's status bar."""
        if PurePath(sound.path).suffix.lower() in _AUDIO:
            try:
                steps = (_evaluate(_load_sample(sound, track)), *_status(sound.name))
            except ValueError as error:
                why = f"its path can't be sent: {error}"
                return self._program(sound, program, why) if program else self._text(sound, why)
            where = f"instrument {track.index}" if track else "the selected instrument"
            detail = f"{sound.name} as sample 1 of {where}"
            return Delivery(self.name, "file", (), (), detail, steps, where)
        return self._program(sound, program) if program else self._text(sound)

    def restore(self, before: Before, track: Track | None) -> Delivery | None:
        """Load what was chosen before: Renoise does not tell what else was there."""
        if before.sound is None:
            return None
        again = self.load(before.sound, before.program, track)
        return None if again.method == "text" else again

    def _program(self, sound: Sound, program: MidiProgram, why: str = "") -> Delivery:
        steps = tuple(Step(osc("/renoise/trigger/midi", "i", _packed(one))) for one in program_packets(program))
        channel = f"channel {(program.channel or 0) + 1}"
        detail = f"{sound.name}: program {program.program + 1} on {channel}{f' ({why})' if why else ''}"
        return Delivery(self.name, "program", (), (), detail, (*steps, *_status(sound.name)), channel)

    def _text(self, sound: Sound, why: str = "") -> Delivery:
        return replace(otherwise(self.name, sound, None, why), steps=_status(sound.name))


def lua_string(text: str) -> str:
    """Quote a text for Lua; all but a few plain characters become decimal escapes, so that no text can end it.

    Args:
        text: Any text; what is no UTF-8 in a file name is kept as the bytes that it is.

    Raises:
        ValueError: It is neither.
    """
    raw = text.encode("utf-8", "surrogateescape")
    return '"' + "".join(chr(byte) if byte in _PLAIN else f"\\{byte:03d}" for byte in raw) + '"'


def _load_sample(sound: Sound, track: Track | None) -> str:
    """Write the Lua that loads a file into the first sample of an instrument, and names the instrument after it."""
    instrument = f"instruments[{track.index}]" if track else "selected_instrument"
    return (
        f"local i=renoise.song().{instrument} if i then if #i.samples==0 then i:insert_sample_at(1) end "
        f"if i.samples[1].sample_buffer:load_from({lua_string(sound.path)}) then "
        f"i.samples[1].name={lua_string(_short(sound.name))} i.name=i.samples[1].name end end"
    )


def _status(name: str) -> tuple[Step, ...]:
    """Show a name in the status bar; nothing for one that can't be sent."""
    try:
        return (_evaluate(f"renoise.app():show_status({lua_string(f'Timbrel: {_short(name)}')})"),)
    except ValueError:
        return ()


def _short(name: str) -> str:
    return name[:_NAME_CHARS]


def _evaluate(lua: str) -> Step:
    return Step(osc("/renoise/evaluate", "s", lua))


def _packed(message: bytes) -> int:
    """Pack a MIDI message: the status in the low byte, then data 1, then data 2."""
    return int.from_bytes(message, "little")
