"""Sort mixtures into the cases of the paper's page: all found, part found, others that sound alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["Case", "Kind", "find_cases"]

Kind = Literal["all found", "part found", "others that sound alike"]


@dataclass(frozen=True, slots=True)
class Case:
    """Hold one mixture and what was named in it.

    Attributes:
        kind: Which case it is.
        mixture: Its number.
        true: Numbers of the instruments in it.
        named: Numbers of those that were named, each once.
        scores: Largest cosine of each that was named.
    """

    kind: Kind
    mixture: int
    true: tuple[int, ...]
    named: tuple[int, ...]
    scores: tuple[float, ...]


def find_cases(
    vectors: NDArray[np.float32],
    presence: NDArray[np.float32],
    threshold: float,
    library: NDArray[np.float32],
    truth: NDArray[np.bool_],
    most: int,
) -> list[Case]:
    """Return up to `most` mixtures of each kind, in their order: chosen by nothing else.

    Args:
        vectors: [M, K, D] unit norm.
        presence: [M, K].
        threshold: Slots below it name nothing.
        library: [C, D] unit norm.
        truth: [M, C].
        most: How many of a kind.
    """
    cosine = vectors @ library.T
    found: dict[Kind, list[Case]] = {"all found": [], "part found": [], "others that sound alike": []}
    for m in range(len(truth)):
        scores: dict[int, float] = {}
        for k in np.flatnonzero(presence[m] >= threshold):
            c = int(cosine[m, k].argmax())
            scores[c] = max(scores.get(c, -1.0), float(cosine[m, k, c]))
        true = tuple(int(c) for c in np.flatnonzero(truth[m]))
        if not scores:
            continue
        hits = len(set(true) & set(scores))
        kind: Kind = "all found" if hits == len(true) else "part found" if hits else "others that sound alike"
        named = tuple(sorted(scores, key=lambda c: -scores[c]))
        if len(found[kind]) < most:
            found[kind].append(Case(kind, m, true, named, tuple(scores[c] for c in named)))
    return [case for cases in found.values() for case in cases]
