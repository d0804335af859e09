"""Say what a DAW adapter is: pure, values in, messages out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from bridge.osc.encode import Message
from library.sounds import MidiProgram, Sound

__all__ = ["DawAdapter", "Delivery", "Method", "program_packets"]

Method = Literal["file", "preset", "program", "text"]
"""How a sound is loaded, best first: its file, a preset by name, a MIDI program change, or only its name is shown."""

_BANK_MSB = 0
_BANK_LSB = 32


@dataclass(frozen=True, slots=True)
class Delivery:
    """Hold what has to be sent so that a sound is loaded.

    Attributes:
        adapter: Name of the adapter that made it.
        method: The best way that the host and the sound have in common.
        messages: OSC messages for the clients.
        packets: MIDI messages for the virtual port, in the order in which they must arrive.
        detail: What is done, for people.
    """

    adapter: str
    method: Method
    messages: tuple[Message, ...]
    packets: tuple[bytes, ...]
    detail: str


class DawAdapter(Protocol):
    """Turn a sound into what one kind of host understands."""

    @property
    def name(self) -> str:
        """Name as in `--adapter NAME`."""
        ...

    @property
    def doc(self) -> str:
        """One line for `/timbrel/target/list`."""
        ...

    def load(self, sound: Sound, program: MidiProgram | None) -> Delivery:
        """Plan how to load a sound.

        Args:
            sound: What was chosen.
            program: Its MIDI program with the channel filled in, None where it has none.
        """
        ...


def program_packets(program: MidiProgram) -> tuple[bytes, ...]:
    """Encode CC 0, CC 32 and the program change, in this order: a synth applies the bank with the program.

    Args:
        program: Its channel must be given; a bank that is None is left as it is.
    """
    from mido import Message as MidiMessage

    channel = program.channel or 0
    parts = [
        MidiMessage("control_change", channel=channel, control=control, value=value)
        for control, value in ((_BANK_MSB, program.bank_msb), (_BANK_LSB, program.bank_lsb))
        if value is not None
    ]
    parts.append(MidiMessage("program_change", channel=channel, program=program.program))
    return tuple(bytes(part.bytes()) for part in parts)
