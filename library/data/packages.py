"""Say which Debian packages bring the instruments of a split."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from library.data.instruments import Instrument
from library.errors import InputError
from library.synths import amsynth, zyn

__all__ = ["check_installed"]

_FONT_PACKAGES = {
    "FluidR3_GM.sf2": "fluid-soundfont-gm",
    "FluidR3_GS.sf2": "fluid-soundfont-gs",
    "MuseScore_General_Full.sf2": "musescore-general-soundfont-lossless",
    "TimGM6mb.sf2": "timgm6mb-soundfont",
    "A320U.sf2": "denemo-data",
    "sf_GMbank.sf2": "csound-soundfont",
}


def check_installed(instruments: Iterable[Instrument]) -> None:
    """Check that what plays each of the instruments is there: without a source others would be rendered, not these.

    Raises:
        InputError: Something is missing; the line names all of it, and the packages.
    """
    missing: dict[str, set[str]] = {}
    for instrument in instruments:
        for file, package in _needs(instrument):
            if not file.exists():
                missing.setdefault(package, set()).add(instrument.id)
    if missing:
        count = len(set[str]().union(*missing.values()))
        rule = f"{count} of its instruments are played by what is not installed"
        raise InputError("the split", rule, f"apt-get install --no-install-recommends {' '.join(sorted(missing))}")


def _needs(instrument: Instrument) -> list[tuple[Path, str]]:
    if instrument.engine == "zyn":
        return [(zyn.PLUGIN, "zynaddsubfx-dssi"), (zyn.BANKS, "zynaddsubfx-data")]
    if instrument.engine == "amsynth":
        return [(amsynth.PLUGIN, "amsynth"), (Path(instrument.file), "amsynth")]
    return [(Path(instrument.file), _FONT_PACKAGES.get(Path(instrument.file).name, instrument.file))]
