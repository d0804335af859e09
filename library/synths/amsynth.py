"""Render notes with the patches of amsynth, a virtual analogue synthesiser."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from library.audio import SAMPLE_RATE_HZ, resample
from library.errors import InputError
from library.synths.dssi import DssiPlugin
from library.synths.fluid import SYNTH_RATE_HZ
from library.synths.notes import Note

__all__ = ["AmsynthPatch", "AmsynthRenderer", "read_bank"]

PLUGIN = Path("/usr/lib/dssi/amsynth_dssi.so")
"""Where Debian's amsynth package puts its plugin."""

_WET = ("reverb_wet",)


@dataclass(frozen=True, slots=True)
class AmsynthPatch:
    """Hold one patch: its name and the value of each control."""

    name: str
    controls: tuple[tuple[str, float], ...]


def read_bank(path: Path) -> tuple[AmsynthPatch, ...]:
    """Return the patches of a bank file, in its order.

    Raises:
        InputError: The file is no amsynth bank.
    """
    patches: list[AmsynthPatch] = []
    name = ""
    controls: list[tuple[str, float]] = []
    lines = path.read_text("latin-1").splitlines()
    if not lines or lines[0].strip() != "amSynth":
        raise InputError(path, "is not an amsynth bank", "give a .bank file")
    for line in [*lines[1:], "<preset> <name> "]:
        if line.startswith("<preset>"):
            if controls:
                patches.append(AmsynthPatch(name, tuple(controls)))
            name, controls = line.partition("<name>")[2].strip(), []
        elif line.startswith("<parameter>"):
            _, key, value = line.split()[:3]
            controls.append((key, float(value)))
    return tuple(patches)


class AmsynthRenderer:
    """Render patches through the DSSI plugin.

    Program selection does nothing in that plugin, so each render sets its control ports.

    Args:
        reverb: Keep the patch's own reverb.
    """

    def __init__(self, *, reverb: bool = False) -> None:
        self._plugin = DssiPlugin(PLUGIN, SYNTH_RATE_HZ)
        self._reverb = reverb

    def render(self, patch: AmsynthPatch, notes: Sequence[Note], duration_s: float) -> NDArray[np.float32]:
        """Render notes as samples[T] float32 mono at 16 kHz."""
        controls = {key: value for key, value in patch.controls if self._reverb or key not in _WET}
        with self._plugin.open() as instance:
            instance.set_controls(controls)
            mono = instance.render(notes, duration_s)
        return resample(mono, SYNTH_RATE_HZ, SAMPLE_RATE_HZ)[: round(duration_s * SAMPLE_RATE_HZ)]
