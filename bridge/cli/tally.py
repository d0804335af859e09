"""Count how many of the named instruments really play, and how many of the playing ones were named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from library.demo import DRUMS, Playing

if TYPE_CHECKING:
    from realtime.types import Analysis, Suggestion

__all__ = ["Score", "Tally", "sign_of"]


@dataclass(frozen=True, slots=True)
class Score:
    """Hold three counts over all judged windows.

    Attributes:
        right: Instruments that were named while they played; one that plays once can be right once.
        named: Instruments that were named.
        playing: Instruments that played, drums left out.
    """

    right: int = 0
    named: int = 0
    playing: int = 0

    @property
    def precision(self) -> float | None:
        """Share of the named ones that really played, None when none was named."""
        return self.right / self.named if self.named else None

    @property
    def recall(self) -> float | None:
        """Share of the playing ones that were named, None when none played."""
        return self.right / self.playing if self.playing else None

    def plus(self, named: Iterable[Hashable], playing: Iterable[Hashable]) -> Score:
        """Add one window."""
        heard, real = Counter(named), Counter(playing)
        return Score(self.right + (heard & real).total(), self.named + heard.total(), self.playing + real.total())

    def as_json(self) -> dict[str, Any]:
        """Return what --json shows."""
        return {
            "right": self.right,
            "named": self.named,
            "playing": self.playing,
            "precision": _rounded(self.precision),
            "recall": _rounded(self.recall),
        }


@dataclass(frozen=True, slots=True)
class Tally:
    """Judge windows by exact General MIDI program, and by instrument family.

    Attributes:
        windows: Windows judged; those without a full window of audio, or silent, are not.
        by_program: Named by its exact program.
        by_family: Named by a sound of its family (a viola for a string ensemble).
    """

    windows: int = 0
    by_program: Score = Score()
    by_family: Score = Score()

    def plus(self, analysis: Analysis, playing: Iterable[Playing]) -> Tally:
        """Add one window; returns the tally unchanged for a window that was skipped."""
        if analysis.skipped is not None:
            return self
        best = [s.matches[0].sound for s in analysis.suggestions if s.matches]
        real = [p for p in playing if p.program != DRUMS]
        return Tally(
            self.windows + 1,
            # A sound that no program change loads is right by family at most.
            self.by_program.plus((b.program.program if b.program else None for b in best), (p.program for p in real)),
            self.by_family.plus((b.family for b in best), (p.family for p in real)),
        )

    def as_json(self) -> dict[str, Any]:
        """Return what --json shows at the end."""
        return {"windows": self.windows, "program": self.by_program.as_json(), "family": self.by_family.as_json()}

    def lines(self) -> tuple[str, ...]:
        """Say the result in words."""
        if self.windows == 0:
            return ("No window was judged: the song ended before a first full window was heard.",)
        return (
            f"{self.windows} windows judged; drums are not counted. An instrument plays in a window when its notes "
            "sound there for a second or more.",
            _line("by exact program", self.by_program),
            _line("by family", self.by_family),
        )


def sign_of(suggestion: Suggestion, playing: Iterable[Playing]) -> tuple[str, str]:
    """Return a sign and a colour: its program plays (=), its family plays (~), or neither (x)."""
    real = tuple(playing)
    best = suggestion.matches[0].sound if suggestion.matches else None
    if best is not None and best.program is not None and best.program.program in {p.program for p in real}:
        return "=", "green"
    if best is not None and best.family in {p.family for p in real}:
        return "~", "yellow"
    return "x", "red"


def _line(what: str, score: Score) -> str:
    return (
        f"{what}: {score.right} of {score.named} named really play ({_percent(score.precision)}); "
        f"{score.right} of {score.playing} playing were named ({_percent(score.recall)})"
    )


def _percent(share: float | None) -> str:
    return "nothing to count" if share is None else f"{share * 100:.0f} %"


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)
