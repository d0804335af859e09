"""Measure what tracking adds: songs of four unseen instruments, each window by itself and followed for 20 s."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from library.audio import SAMPLE_RATE_HZ
from library.encoders.spec import Encoder, EncoderSpec
from library.evaluation.material import Clips, read_clips
from library.evaluation.metrics import f1_scores
from library.hubs import hubness
from library.match import Found
from library.sounds import Sound
from realtime.engine import Engine, EngineConfig, analyse_file
from realtime.types import Analysis

__all__ = ["SongScores", "bench_song"]

INSTRUMENTS = 4
PHRASES = 4
"""Phrases of 5 s that each instrument plays one after the other: a song of 20 s."""

_SEED = 2024


@dataclass(frozen=True, slots=True)
class SongScores:
    """Hold how songs were heard.

    Attributes:
        window_f1: F1 macro over instruments of each window by itself.
        tracked_f1: The same of what shows at the end of the song.
        steady: Share of hops at which the set that shows stays as it was; all instruments play throughout.
        named: Mean number of names at the end of a song.
    """

    window_f1: float
    tracked_f1: float
    steady: float
    named: float


class _Instruments:
    """Look vectors up among the library clips of the unseen instruments."""

    def __init__(self, spec: EncoderSpec, vectors: NDArray[np.float32]) -> None:
        self.fingerprint = spec.fingerprint
        self._vectors = vectors
        self._hubs = hubness(vectors, spec.cohort)
        self._sounds = tuple(Sound(str(c), str(c), "sample", "", None, "", "", "") for c in range(len(vectors)))

    def nearest(self, vectors: NDArray[np.float32], k: int) -> Found:
        cosine = vectors @ self._vectors.T
        which = np.argsort(self._hubs - cosine, axis=1, kind="stable")[:, :k]
        score = np.take_along_axis(cosine, which, axis=1).astype(np.float64)
        return Found(self._sounds, which, score, np.zeros_like(score), self._hubs[which].astype(np.float64))

    def preview_path(self, sound: Sound) -> None:  # noqa: ARG002 - part of the Protocol
        return None


def bench_song(data: Path, encoder: Encoder, songs: int, progress: Callable[[str], None]) -> SongScores:
    """Play songs of unseen instruments through the engine.

    Raises:
        InputError: DATA holds no rendered instruments.
    """
    clips = read_clips(data, "test")
    library = _Instruments(encoder.spec, encoder.embed(clips.audio[clips.first]))
    alone = Engine(encoder, library, EngineConfig(tracked=False))
    followed = Engine(encoder, library, EngineConfig())
    rng = np.random.default_rng(_SEED)
    classes = len(clips.instruments)
    truth = np.zeros((songs, classes), bool)
    windows: list[tuple[NDArray[np.bool_], NDArray[np.bool_]]] = []
    ends = np.zeros((songs, classes), bool)
    steady: list[bool] = []
    for number in range(songs):
        progress(f"song {number + 1} of {songs}")
        chosen = rng.choice(classes, INSTRUMENTS, replace=False)
        truth[number, chosen] = True
        audio = _song(clips, chosen, rng)
        windows += [(truth[number], _named(found, classes)) for found in analyse_file(alone, (audio, SAMPLE_RATE_HZ))]
        shown = [_named(found, classes) for found in analyse_file(followed, (audio, SAMPLE_RATE_HZ))]
        ends[number] = shown[-1]
        steady += [bool((a == b).all()) for a, b in pairwise(shown)]
    window_f1, _ = f1_scores(np.stack([row for row, _ in windows]), np.stack([row for _, row in windows]))
    tracked_f1, _ = f1_scores(truth, ends)
    return SongScores(window_f1, tracked_f1, float(np.mean(steady)), float(ends.sum(axis=1).mean()))


def _song(clips: Clips, chosen: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.float32]:
    parts = [
        np.concatenate(clips.audio[rng.choice(np.flatnonzero(clips.label == c)[1:], PHRASES, replace=False)])
        for c in chosen
    ]
    mix = np.sum(parts, axis=0)
    frames: NDArray[np.float32] = (mix / np.abs(mix).max())[:, None].astype(np.float32)
    return frames


def _named(analysis: Analysis, classes: int) -> NDArray[np.bool_]:
    named = np.zeros(classes, bool)
    named[[int(suggestion.matches[0].sound.id) for suggestion in analysis.suggestions if suggestion.matches]] = True
    return named
