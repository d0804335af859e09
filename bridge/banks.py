"""Write a bank number the way that a synth reads it."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, get_args

from library.sounds import DRUM_CHANNEL, MidiProgram

__all__ = ["BANK_STYLES", "BankStyle", "styled"]

BankStyle = Literal["gs", "gm", "xg", "mma"]
"""Which bytes hold the bank, by the names of FluidSynth's synth.midi-bank-select: gs = CC 0; gm = none, there is one
bank; xg = CC 32, with 127 in CC 0 for drums; mma = both, 128 times CC 0 plus CC 32."""

BANK_STYLES: tuple[BankStyle, ...] = get_args(BankStyle)

_XG_DRUMS = 127


def styled(program: MidiProgram, style: BankStyle) -> MidiProgram:
    """Return a program whose bank is said in a style.

    Libraries keep the bank of a SoundFont in bank_msb, as gs has it. A program that fills both bytes by itself, or
    none, is left as it is, apart from gm.
    """
    if style == "gm":
        return replace(program, bank_msb=None, bank_lsb=None)
    if style == "xg" and program.channel == DRUM_CHANNEL and program.bank_msb is None:
        return replace(program, bank_msb=_XG_DRUMS, bank_lsb=0)
    if style == "gs" or program.bank_msb is None or program.bank_lsb:
        return program
    high, low = divmod(program.bank_msb, 128)
    return replace(program, bank_msb=high, bank_lsb=low)
