"""Group training instruments by what musicians call them, so that the space has an order that they know."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from library.data.instruments import Instrument
from library.gm.names import gm_family, gm_name
from library.sources.families import guess

__all__ = ["KINDS", "NO_KIND", "KindLabels", "family_of", "program_of"]

NO_KIND = -100
"""Label of instruments whose kind is not known; losses pass over it."""


def family_of(instrument: Instrument) -> str:
    """Return the family that a program's number or a patch's name tells, "" for none."""
    return gm_family(instrument.program) if instrument.engine == "soundfont" else guess(instrument.name).family


def program_of(instrument: Instrument) -> str:
    """Return the General MIDI program that a preset plays or varies, "" for a synthesiser's patch."""
    return gm_name(instrument.program) if instrument.engine == "soundfont" else ""


KINDS: dict[str, Callable[[Instrument], str]] = {"families": family_of, "programs": program_of}
"""How training instruments are grouped, so that the space has an order that musicians know."""


@dataclass(frozen=True, slots=True)
class KindLabels:
    """Number the kinds of C instruments.

    Attributes:
        of: For each grouping the number of each instrument's kind [C], NO_KIND where none is known.
        known: Names of the kinds of each grouping, by their numbers.
        alike: Sets of the instruments that no grouping tells apart; those of no kind are in none.
    """

    of: Mapping[str, Tensor]
    known: Mapping[str, tuple[str, ...]]
    alike: tuple[NDArray[np.int64], ...]

    @classmethod
    def read(cls, instruments: Sequence[Instrument], device: str | torch.device = "cpu") -> KindLabels:
        """Tell the kinds of instruments from their programs and names."""
        of: dict[str, Tensor] = {}
        found: dict[str, tuple[str, ...]] = {}
        for name, kind_of in KINDS.items():
            kinds = [kind_of(instrument) for instrument in instruments]
            found[name] = known = tuple(sorted({*kinds} - {""}))
            numbers = [known.index(kind) if kind else NO_KIND for kind in kinds]
            of[name] = torch.tensor(numbers, device=device)
        narrowest = ["".join(kind_of(instrument) for kind_of in KINDS.values()) for instrument in instruments]
        alike = [np.flatnonzero([other == kind for other in narrowest]) for kind in sorted({*narrowest} - {""})]
        return cls(of, found, tuple(alike))

    def draw(self, rng: np.random.Generator, batch: int) -> NDArray[np.int64]:
        """Draw instruments [batch] so that each kind comes as often."""
        return np.array([rng.choice(self.alike[int(rng.integers(len(self.alike)))]) for _ in range(batch)])
