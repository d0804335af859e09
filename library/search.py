"""Search a library with audio of one instrument."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from library.build import embed_clips
from library.encoders.spec import SingleEncoder
from library.errors import AudioFileError
from library.index import Match, SoundIndex
from library.sources import clips_of

__all__ = ["search_samples"]


def search_samples(
    index: SoundIndex, encoder: SingleEncoder, samples: NDArray[np.float32], k: int, name: str
) -> tuple[Match, ...]:
    """Find the k sounds closest to samples[T] (16 kHz mono); each counts by the window that fits it best.

    Raises:
        AudioFileError: The samples are silent; `name` is what the message calls them.
    """
    clips = clips_of(samples)
    vectors = embed_clips(encoder, clips).astype(np.float32)
    if not len(vectors):
        raise AudioFileError(name, "is silent", "give a recording of an instrument")
    best: dict[str, Match] = {}
    for matches in index.query(vectors, k):
        for match in matches:
            known = best.get(match.sound.id)
            if known is None or match.score > known.score:
                best[match.sound.id] = match
    return tuple(sorted(best.values(), key=lambda match: -match.score)[:k])
