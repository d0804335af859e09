"""Group training instruments by what musicians call them, so that the space has an order that they know."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from library.data.instruments import Instrument
from library.data.known import family_of
from library.gm.names import gm_name

__all__ = ["KINDS", "NO_KIND", "KindLabels", "family_of", "program_of"]

NO_KIND = -100
"""Label of instruments whose kind is not known; losses pass over it."""


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
        has_program: Whether each set is of a General MIDI program [sets], not of patches of a family.
    """

    of: Mapping[str, Tensor]
    known: Mapping[str, tuple[str, ...]]
    alike: tuple[NDArray[np.int64], ...]
    has_program: NDArray[np.bool_]

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
        has_program = [bool(program_of(instruments[rows[0]])) for rows in alike]
        return cls(of, found, tuple(alike), np.array(has_program, np.bool_))

    def draw(self, rng: np.random.Generator, batch: int, patches: float | None = None) -> NDArray[np.int64]:
        """Draw instruments [batch] so that each kind comes as often; patches are that share, if one is given."""
        sets = rng.choice(len(self.alike), batch, p=self._chances(patches))
        return np.array([rng.choice(self.alike[number]) for number in sets])

    def _chances(self, patches: float | None) -> NDArray[np.float64] | None:
        if patches is None or self.has_program.all() or not self.has_program.any():
            return None
        programs = int(self.has_program.sum())
        chances: NDArray[np.float64] = np.where(
            self.has_program, (1 - patches) / programs, patches / (len(self.alike) - programs)
        )
        return chances
