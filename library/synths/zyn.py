"""Render notes with the programs of ZynAddSubFX, an additive, subtractive and wavetable synthesiser."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from library.audio import SAMPLE_RATE_HZ, resample
from library.errors import InputError
from library.synths.dssi import DssiPlugin, DssiProgram
from library.synths.fluid import SYNTH_RATE_HZ
from library.synths.notes import Note

__all__ = ["BANKS", "ZynProgram", "ZynRenderer", "list_zyn_programs"]

PLUGIN = Path("/usr/lib/dssi/libzynaddsubfx_dssi.so")
BANKS = Path("/usr/share/zynaddsubfx/banks")
"""Where Debian's zynaddsubfx-dssi and zynaddsubfx-data put plugin and banks."""

_CONTROLS = {
    "Modwheel": 64.0, "Volume": 96.0, "Panning": 64.0, "Expression": 127.0, "Filter Q": 64.0,
    "Bandwidth": 64.0, "FM amplification": 127.0, "Renonance center": 64.0, "Resonance bandwidth": 64.0,
}  # fmt: skip
"""The plugin's own defaults: every controller neutral. "Filter cutoff" stays at 0, which is its neutral place: at 64 it
moves every filter up by octaves, some become unstable and give no numbers, and formant filters crash."""

LOAD_S = 0.6
"""A program is loaded in another thread, and on a busy machine later than this: so its sound is waited for as well."""

_SETTLE_S, _SETTLE_TRIES = 0.3, 20
_ALIKE_TRIES = 8
_SAME_DB, _FLOOR = 4.0, 1e-4
_TAIL_S, _TAIL_LEVEL, _MOST_TAILS = 0.25, 1e-3, 8


@dataclass(frozen=True, slots=True)
class ZynProgram:
    """Name one program: its bank's folder, its name, and the plugin's numbers for both."""

    bank: str
    name: str
    bank_number: int
    program: int


@lru_cache(maxsize=1)
def list_zyn_programs() -> tuple[ZynProgram, ...]:
    """Return the programs of the installed banks, in the plugin's order.

    Raises:
        MissingDependencyError: The plugin is not installed.
    """
    folders = {folder: {file.name for file in folder.glob("*.xiz")} for folder in BANKS.iterdir() if folder.is_dir()}
    with DssiPlugin(PLUGIN, SYNTH_RATE_HZ).open() as instance:
        rows = instance.programs()
    found = []
    for number in sorted({row.bank for row in rows}):
        inside = [row for row in rows if row.bank == number]
        files = {f"{row.program + 1:04d}-{row.name}.xiz" for row in inside}
        bank = max(folders, key=lambda folder: len(files & folders[folder])).name
        found += [ZynProgram(bank, row.name, row.bank, row.program) for row in inside]
    return tuple(found)


class ZynRenderer:
    """Keep one instance open and render notes with its programs, effects of the program included.

    About one program in a hundred crashes the plugin while it is loaded, and the process with it; another try usually
    goes well. So render in a process of its own (library.data.workers).

    Args:
        load_s: Shortest time that a program gets to load; on a busy machine it crashes less with more.
        is_steady: Refuse a program that never sounds twice the same: what is trained on has to be what was asked for.
    """

    def __init__(self, load_s: float = LOAD_S, *, is_steady: bool = True) -> None:
        self._load_s, self._is_steady = load_s, is_steady
        self._instance = DssiPlugin(PLUGIN, SYNTH_RATE_HZ).open()
        self._instance.set_controls(_CONTROLS)
        self._loaded: tuple[int, int] | None = None

    def render(self, bank: int, program: int, notes: Sequence[Note], duration_s: float) -> NDArray[np.float32]:
        """Render notes as samples[T] float32 mono at 16 kHz; what rang before has died away.

        Raises:
            InputError: The program's sound did not settle after it was asked for.
        """
        mono = self.render_native(bank, program, notes, duration_s)
        return resample(mono, SYNTH_RATE_HZ, SAMPLE_RATE_HZ)[: round(duration_s * SAMPLE_RATE_HZ)]

    def render_native(self, bank: int, program: int, notes: Sequence[Note], duration_s: float) -> NDArray[np.float32]:
        """Render notes as `render` does, as samples[T] at SYNTH_RATE_HZ: needs no torch."""
        if self._loaded != (bank, program):
            self._load(bank, program)
        self._fade()
        return self._instance.render(notes, duration_s)

    def programs(self) -> tuple[DssiProgram, ...]:
        """Return the programs of the banks that the plugin found."""
        return self._instance.programs()

    def _load(self, bank: int, program: int) -> None:
        self._loaded = None
        before = self._spectrum()
        self._instance.select(bank, program)
        time.sleep(self._load_s)
        last = self._spectrum()
        for tries in range(_SETTLE_TRIES):
            now = self._spectrum()
            # Steady, and no more what sounded before, unless the two are alike: then only time can tell.
            is_new = _distance_db(now, before) > _SAME_DB or tries >= _ALIKE_TRIES
            if is_new and _distance_db(now, last) < _SAME_DB:
                self._loaded = (bank, program)
                return
            last = now
            time.sleep(_SETTLE_S)
        if not self._is_steady and is_new:
            self._loaded = (bank, program)
            return
        raise InputError(f"bank {bank} program {program}", "does not sound the same twice", "leave it out")

    def _spectrum(self) -> NDArray[np.float64]:
        """Return the level in dB of a middle note in 24 wide bands."""
        self._fade()
        note = self._instance.render([Note(0.0, 0.4, 60, 100)], 0.5)
        power = np.square(np.abs(np.fft.rfft(note)))
        bands = np.add.reduceat(power, np.unique(np.geomspace(4, len(power) - 1, 24).astype(int)))
        level: NDArray[np.float64] = 10 * np.log10(np.maximum(bands, bands.max() * _FLOOR) + 1e-12)
        return level

    def _fade(self) -> None:
        for _ in range(_MOST_TAILS):
            if np.abs(self._instance.render([], _TAIL_S)).max() < _TAIL_LEVEL:
                return


def _distance_db(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.square(one - other).mean()))
