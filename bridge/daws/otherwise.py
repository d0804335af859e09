"""Plan the next best for a sound that a host can't load by itself."""

from __future__ import annotations

from dataclasses import replace

from bridge.daws.base import Delivery
from bridge.daws.generic import by_program, by_text
from library.sounds import MidiProgram, Sound

__all__ = ["otherwise"]


def otherwise(adapter: str, sound: Sound, program: MidiProgram | None, why: str = "") -> Delivery:
    """Plan a program change where the sound has a program, else its name alone.

    Args:
        adapter: Name of the adapter that can't do better.
        sound: What was chosen.
        program: Its MIDI program with the channel filled in, None where it has none.
        why: Why the host can't load it, for people; empty where it is no such sound.
    """
    delivery = by_text(adapter, sound) if program is None else by_program(adapter, sound, program)
    return replace(delivery, detail=f"{delivery.detail} ({why})") if why else delivery
