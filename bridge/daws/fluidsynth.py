"""Speak to FluidSynth's shell over TCP (`fluidsynth -s`): SoundFonts are loaded, presets selected and read back.

Commands as in fluid_cmd.c: `load FILE RESET`, `select CHANNEL FONT BANK PROGRAM`, `prog`, `cc`, `fonts`,
`channels -verbose`, `echo`.
"""

from __future__ import annotations

import os
import re
import shlex

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
    numbered_track,
)
from bridge.daws.generic import CHANNELS
from bridge.daws.otherwise import by_text
from library.sounds import DRUM_CHANNEL, MidiProgram, Sound

__all__ = ["FluidSynthAdapter"]

_BANK = 128
_LOAD_S = 60.0
"""A SoundFont of hundreds of megabytes takes that long from a slow drive."""

_FONT = re.compile(r"\s*(\d+)\s+(\S.*)")
_CHANNEL = re.compile(r"chan (\d+), sfont (-?\d+), bank (\d+), preset (\d+), (.*)")
_LOADED = re.compile(r"loaded SoundFont has ID (\d+)")
_PROBE = "timbrel:here"
_LISTED = "timbrel:listed"


class FluidSynthAdapter:
    """Select presets on a MIDI channel, from the SoundFont that a sound lies in; it is loaded where it is not there.

    Args:
        reach: Where its shell listens.
    """

    name = "fluidsynth"
    doc = "FluidSynth's shell loads SoundFonts and selects presets; its track is the MIDI channel 1-16"
    can: frozenset[Capability] = frozenset({"file", "program"})
    connect = (
        "start it with its shell open: fluidsynth -i -s -o shell.port=9800 FONT.sf2",
        "timbrel run --adapter fluidsynth:127.0.0.1:9800",
    )

    def __init__(self, reach: Reach | None = None) -> None:
        self.reach = reach or Reach("lines", 9800)

    def probe(self) -> tuple[bytes, ...]:
        """Ask it to say something."""
        return (f"echo {_PROBE}".encode(),)

    def read(self, payload: bytes) -> tuple[HostEvent, ...]:
        """Understand one line: an echo, a loaded font, the list of fonts, a channel."""
        line = os.fsdecode(payload)
        if line == _PROBE:
            return (Here(),)
        if line == _LISTED:
            return (Told(_LISTED, ""),)
        if found := _LOADED.fullmatch(line):
            return (Told("loaded", found[1]),)
        if line.startswith("failed to load the SoundFont"):
            return (Told("loaded", line, ok=False),)
        if found := _CHANNEL.fullmatch(line):
            number, font, bank, preset, _ = found.groups()
            return (Told(f"preset {number}", f"{font} {bank} {preset}"), Told(f"program {number}", f"{bank} {preset}"))
        if found := _FONT.fullmatch(line):
            return (Told(f"font {found[2]}", found[1]),)
        return ()

    def track(self, text: str, tracks: tuple[Track, ...]) -> Track | None:  # noqa: ARG002 - part of the Protocol
        """Read a MIDI channel 1-16."""
        return numbered_track(text, CHANNELS, "MIDI channel")

    def load(self, sound: Sound, program: MidiProgram | None, track: Track | None) -> Delivery:
        """Plan to select a preset of a SoundFont, else a program of what is loaded."""
        if program is None:
            return by_text(self.name, sound)
        channel = track.index - 1 if track else (program.channel or 0)
        where = f"on channel {channel + 1}"
        before = _ask(f"preset {channel}", keep=True)
        if sound.path.lower().endswith((".sf2", ".sf3")) and sound.path.isprintable():
            steps = (before, *_with_font(sound.path, program, channel))
            return Delivery(self.name, "file", (), (), f"{sound.name} {where}", steps, f"channel {channel + 1}")
        detail = f"{sound.name}: program {program.program + 1} {where}"
        steps = (before, *_program(program, channel))
        return Delivery(self.name, "program", (), (), detail, steps, f"channel {channel + 1}")

    def restore(self, before: Before, track: Track | None) -> Delivery | None:  # noqa: ARG002 - kept says which channel
        """Select what the channel had before."""
        for key, value in before.kept.items():
            number = key.removeprefix("preset ")
            if number.isdigit():
                select = Step(f"select {number} {value}".encode())
                steps = (select, _ask(key, value))
                channel = f"channel {int(number) + 1}"
                return Delivery(self.name, "preset", (), (), f"{channel} as it was before", steps, channel)
        return None


def _with_font(path: str, program: MidiProgram, channel: int) -> tuple[Step, ...]:
    """Load a font where it is not loaded, and select a preset of it; other channels keep theirs (reset 0)."""
    fonts = Step(f"fonts\necho {_LISTED}".encode(), _LISTED)
    font = f"font {path}"
    bank = _bank(program)
    return (
        fonts,
        Step(os.fsencode(f"load {shlex.quote(path)} 0"), "loaded", unless=font, wait_s=_LOAD_S),
        fonts,
        Step(f"select {channel} {{}} {bank} {program.program}".encode(), fill=font),
        _ask(f"preset {channel}", f"{{}} {bank} {program.program}", fill=font),
    )


def _program(program: MidiProgram, channel: int) -> tuple[Step, ...]:
    banks = ((0, program.bank_msb), (32, program.bank_lsb))
    steps = [Step(f"cc {channel} {control} {value}".encode()) for control, value in banks if value is not None]
    steps.append(Step(f"prog {channel} {program.program}".encode()))
    return (*steps, _ask(f"program {channel}", f"{_bank(program)} {program.program}"))


def _bank(program: MidiProgram) -> int:
    """Return the bank that FluidSynth counts: of a drum channel 128, else what CC 0 selects (bank-select gs)."""
    is_drums = program.channel == DRUM_CHANNEL and program.bank_msb is None
    return _BANK if is_drums else program.bank_msb or 0


def _ask(key: str, value: str | None = None, *, keep: bool = False, fill: str = "") -> Step:
    """Have all channels listed; the key says which one is waited for."""
    return Step(b"channels -verbose", key, value, keep=keep, fill=fill)
