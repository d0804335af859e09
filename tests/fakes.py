"""Provide small real implementations of the project's Protocols."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from library.encoders.spec import EncoderSpec, MixtureEmbedding
from library.front_end import TIMBREL_FEATURES
from library.match import Found, Match
from library.naming import SetRule
from library.sounds import MidiProgram, Sound

__all__ = ["SpectrumEncoder", "TableIndex", "found_of"]

_BANDS = 32


def found_of(rows: Sequence[Sequence[Match]]) -> Found:
    """Put the matches of some queries, best first, side by side."""
    width = max(map(len, rows), default=0)
    sounds = tuple(dict.fromkeys(match.sound for row in rows for match in row))
    place = {sound: number for number, sound in enumerate(sounds)}
    found = np.full((3, len(rows), width), 0.0)
    which = np.full((len(rows), width), -1)
    for query, row in enumerate(rows):
        for at, match in enumerate(row):
            which[query, at] = place[match.sound]
            found[:, query, at] = match.score, match.taste, match.off
    return Found(sounds, which, *found)


class SpectrumEncoder:
    """Embed audio as its average spectrum: deterministic, instant, and enough to tell tones apart.

    The first slot is the whole mixture, present when there is energy; the other slots are empty.
    """

    def __init__(self, slots: int = 3, threshold: float = 0.5, fingerprint: str = "f" * 64) -> None:
        self._spec = EncoderSpec(
            "spectrum", _BANDS, slots, TIMBREL_FEATURES, 5.0, threshold, fingerprint, SetRule(60.0, 0.1)
        )

    @property
    def spec(self) -> EncoderSpec:
        return self._spec

    def embed(self, audio: NDArray[np.float32]) -> NDArray[np.float32]:
        power = np.abs(np.fft.rfft(audio, axis=-1)) ** 2
        edges = np.geomspace(1, power.shape[-1] - 1, _BANDS + 1).astype(int)
        bands = np.stack([power[:, a : max(b, a + 1)].mean(axis=-1) for a, b in itertools.pairwise(edges)], -1)
        vectors = np.log1p(bands) + 1e-3
        out: NDArray[np.float32] = (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)
        return out

    def encode(self, audio: NDArray[np.float32]) -> MixtureEmbedding:
        whole = self.embed(audio)
        vectors = np.repeat(whole[:, None, :], self._spec.slots, axis=1)
        presence = np.zeros((len(audio), self._spec.slots), np.float32)
        presence[:, 0] = np.where(np.abs(audio).max(axis=-1) > 1e-3, 0.95, 0.05)
        return MixtureEmbedding(vectors, presence)


class TableIndex:
    """Search a few sounds exactly: the cosine with every row of a table."""

    def __init__(
        self, vectors: NDArray[np.float32], names: Sequence[str], kind: str = "gm", fingerprint: str = "f" * 64
    ) -> None:
        self._vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        self._sounds = [
            Sound(f"table:{name}", name, kind, "", MidiProgram(None, 0, None, number), "", "table", "")
            for number, name in enumerate(names)
        ]
        self._fingerprint = fingerprint

    @property
    def fingerprint(self) -> str:
        return self._fingerprint

    def nearest(self, vectors: NDArray[np.float32], k: int) -> Found:
        scores = vectors @ self._vectors.T
        order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        return found_of(
            [
                [Match(self._sounds[column], float(row[column])) for column in columns]
                for row, columns in zip(scores, order, strict=True)
            ]
        )

    def preview_path(self, sound: Sound) -> Path | None:
        return Path(sound.path) if sound.path else None
