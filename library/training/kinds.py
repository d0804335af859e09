"""Group training instruments by what musicians call them, so that the space has an order that they know."""

from __future__ import annotations

from collections.abc import Callable

from library.data.instruments import Instrument
from library.gm.names import gm_family, gm_name
from library.sources.families import guess

__all__ = ["KINDS", "family_of", "program_of"]


def family_of(instrument: Instrument) -> str:
    """Return the family that a program's number or a patch's name tells, "" for none."""
    return gm_family(instrument.program) if instrument.engine == "soundfont" else guess(instrument.name).family


def program_of(instrument: Instrument) -> str:
    """Return the General MIDI program that a preset plays or varies, "" for a synthesiser's patch."""
    return gm_name(instrument.program) if instrument.engine == "soundfont" else ""


KINDS: dict[str, Callable[[Instrument], str]] = {"families": family_of, "programs": program_of}
"""How training instruments are grouped, so that the space has an order that musicians know."""
