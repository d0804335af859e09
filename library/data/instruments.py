"""List the instruments that may be rendered, and choose distinct ones for each split.

Train instruments come from FluidR3 GM/GS, MuseScore General, ZynAddSubFX and amsynth; unseen ones (validation, test)
from TimGM6mb, A320U, sf_GMbank and banks of the two synthesisers that training never reads. Those two groups of
soundfonts share samples inside and not between, so no sample of an unseen instrument is in training.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from library.data.ranges import is_melodic, nsynth_family, pitch_range
from library.data.scores import Split
from library.synths.amsynth import AmsynthRenderer, read_bank
from library.synths.fluid import FluidRenderer
from library.synths.notes import Note
from library.synths.sf2 import DRUM_BANK, presets
from library.synths.zyn import BANKS, ZynRenderer, list_zyn_programs

__all__ = ["Instrument", "InstrumentRenderer", "drum_kits", "list_candidates"]

FONTS: dict[str, tuple[str, bool]] = {
    "fluidr3": ("/usr/share/sounds/sf2/FluidR3_GM.sf2", True),
    "fluidr3gs": ("/usr/share/sounds/sf2/FluidR3_GS.sf2", True),
    "musescore": ("/usr/share/sounds/sf2/MuseScore_General_Full.sf2", True),
    "timgm": ("/usr/share/sounds/sf2/TimGM6mb.sf2", False),
    "a320u": ("/usr/share/sounds/sf2/A320U.sf2", False),
    "sfgm": ("/usr/share/sounds/sf2/sf_GMbank.sf2", False),
}
"""Name -> file and whether its instruments are for training."""

MT32_BANK = 127
"""Bank of A320U and sf_GMbank whose programs are numbered as the MT-32's; its sounds are in the other banks as well."""

AMSYNTH_BANKS = Path("/usr/share/amsynth/banks")
AMSYNTH_UNSEEN = frozenset({"BriansBank03", "BriansBank08", "BriansBank13", "BriansBank18", "PatriksBank02"})
"""Banks that training never reads."""

AMSYNTH_PER_BANK = 24
"""Cap on the patches looked at per bank, evenly spaced, so that synths don't swamp sampled timbres."""

ZYN_UNSEEN = frozenset({"Companion", "Plucked", "Reed and Wind", "Rhodes", "the_mysterious_bank_2"})
"""Banks that training never reads."""

ZYN_UNPITCHED = frozenset({"Arpeggios", "Cormi_Noise", "Drums", "Noises", "Splitted"})
"""Banks of effects, percussion, and programs that change along the keyboard."""

_SYNTH_RANGE = (40, 84)
_SYNTH_BASS_RANGE = (28, 55)


@dataclass(frozen=True, slots=True)
class Instrument:
    """Describe one instrument that can be rendered.

    Attributes:
        id: Unique text id: "font:bank:program", "amsynth:bank:number" or "zyn:bank:number".
        name: Its name in the source.
        engine: Which renderer plays it.
        file: SoundFont or bank file; empty for ZynAddSubFX, whose plugin finds its banks itself.
        bank: SoundFont bank, number of the bank in ZynAddSubFX; 0 for amsynth.
        program: SoundFont program or number of the patch in the bank.
        family: NSynth family.
        low: Lowest MIDI note it is played at.
        high: Highest MIDI note.
        for_training: Whether its source is a training source.
    """

    id: str
    name: str
    engine: Literal["soundfont", "amsynth", "zyn"]
    file: str
    bank: int
    program: int
    family: str
    low: int
    high: int
    for_training: bool

    def to_json(self) -> dict[str, Any]:
        """Return its fields."""
        return asdict(self)


def list_candidates() -> Iterator[Instrument]:
    """Yield every melodic preset of the installed sources."""
    for font, (file, for_training) in FONTS.items():
        if not Path(file).exists():
            continue
        for preset in presets(Path(file)):
            # MuseScore's "Expr." presets are silent without CC 2.
            if preset.bank in (DRUM_BANK, MT32_BANK) or not is_melodic(preset.program) or "Expr" in preset.name:
                continue
            low, high = pitch_range(preset.program)
            yield Instrument(
                f"{font}:{preset.bank:03d}:{preset.program:03d}",
                preset.name,
                "soundfont",
                file,
                preset.bank,
                preset.program,
                nsynth_family(preset.program),
                low,
                high,
                for_training,
            )
    yield from _amsynth_candidates()
    yield from _zyn_candidates()


def _amsynth_candidates() -> Iterator[Instrument]:
    for file in sorted(AMSYNTH_BANKS.glob("*.bank")):
        bank = file.name.split(".")[0]
        patches = read_bank(file)
        step = max(1, len(patches) // AMSYNTH_PER_BANK)
        for number in range(0, len(patches), step):
            id_ = f"amsynth:{bank}:{number:03d}"
            yield _synth(id_, patches[number].name, "amsynth", str(file), 0, number, bank not in AMSYNTH_UNSEEN)


def _zyn_candidates() -> Iterator[Instrument]:
    if not BANKS.exists():
        return
    for row in list_zyn_programs():
        if row.bank not in ZYN_UNPITCHED:
            id_ = f"zyn:{row.bank.replace(' ', '_')}:{row.program:03d}"
            yield _synth(id_, row.name, "zyn", "", row.bank_number, row.program, row.bank not in ZYN_UNSEEN)


def _synth(
    id_: str, name: str, engine: Literal["amsynth", "zyn"], file: str, bank: int, program: int, for_training: bool
) -> Instrument:
    """Describe a patch of a synthesiser; only its name tells where it is played."""
    bass = "bass" in name.lower()
    low, high = _SYNTH_BASS_RANGE if bass else _SYNTH_RANGE
    family = "bass" if bass else "synth_lead"
    return Instrument(id_, name, engine, file, bank, program, family, low, high, for_training)


def drum_kits(split: Split) -> list[Instrument]:
    """Return the percussion kits of the split's soundfonts, as distractors that are never to be named."""
    kits = []
    for font, (file, for_training) in FONTS.items():
        if for_training == (split == "train") and Path(file).exists():
            kits += [
                Instrument(
                    id=f"{font}:drums:{preset.program:03d}",
                    name=preset.name,
                    engine="soundfont",
                    file=file,
                    bank=preset.bank,
                    program=preset.program,
                    family="drums",
                    low=27,
                    high=87,
                    for_training=for_training,
                )
                for preset in presets(Path(file))
                if preset.bank == DRUM_BANK
            ]
    return kits


class InstrumentRenderer:
    """Render any instrument; keeps one synthesiser per file open."""

    def __init__(self) -> None:
        self._fonts: dict[tuple[str, bool], FluidRenderer] = {}
        self._amsynth: dict[bool, AmsynthRenderer] = {}
        self._zyn: ZynRenderer | None = None

    def render(
        self, instrument: Instrument, notes: Sequence[Note], duration_s: float, *, reverb: bool = False
    ) -> NDArray[np.float32]:
        """Render notes as samples[T] float32 mono at 16 kHz; ZynAddSubFX keeps each program's own effects."""
        if instrument.engine == "zyn":
            self._zyn = self._zyn or ZynRenderer()
            return self._zyn.render(instrument.bank, instrument.program, notes, duration_s)
        if instrument.engine == "amsynth":
            synth = self._amsynth.setdefault(reverb, AmsynthRenderer(reverb=reverb))
            return synth.render(read_bank(Path(instrument.file))[instrument.program], notes, duration_s)
        key = (instrument.file, reverb)
        if key not in self._fonts:
            self._fonts[key] = FluidRenderer(Path(instrument.file), reverb=reverb)
        return self._fonts[key].render(instrument.bank, instrument.program, notes, duration_s)
